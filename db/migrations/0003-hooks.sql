-- SPDX-License-Identifier: GPL-3.0-or-later
-- Pushes that started a run, as their webhooks delivered them.

CREATE TABLE delivery (
	-- What a run was started by; written before the webhook is answered.
	run_id INTEGER PRIMARY KEY REFERENCES run (id),        -- its run
	project_id INTEGER NOT NULL REFERENCES word (id),      -- of the lab file
	guid TEXT CHECK (guid <> ''),   -- of the delivery; NULL: it had none
	ref TEXT NOT NULL CHECK (ref <> ''),                   -- refs/heads/...
	commit_sha BLOB NOT NULL CHECK (length(commit_sha) = 20), -- after it
	received_at_ms INTEGER NOT NULL,                       -- wall clock
	body_sha256 BLOB NOT NULL CHECK (length(body_sha256) = 32)
		-- of the raw request body
) STRICT;
-- A delivery that comes again is a replay.
CREATE UNIQUE INDEX delivery_guid ON delivery (project_id, guid)
	WHERE guid IS NOT NULL;
-- So is the same push by another delivery.
CREATE UNIQUE INDEX delivery_push ON delivery (project_id, commit_sha, ref);
