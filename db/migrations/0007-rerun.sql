-- SPDX-License-Identifier: GPL-3.0-or-later
-- Runs that repeat what failed in another one.

ALTER TABLE run ADD COLUMN
	rerun_of INTEGER -- the run whose failed jobs are repeated, and no
		-- others; NULL: a run of its own
	REFERENCES run (id);

-- What an import was read from may be asked for by its hash.
CREATE INDEX import_sha256 ON import (sha256);
