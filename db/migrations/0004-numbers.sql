-- SPDX-License-Identifier: GPL-3.0-or-later
-- Numbers that others measured: files that were imported, what they say, and
-- the names by which they call the machines.

CREATE TABLE machine_alias (
	-- Other names of a machine. Those of a machine that left the lab file
	-- stay; so a name may be that of two, and is refused then.
	name TEXT NOT NULL CHECK (name <> ''),                 -- as it is used
	machine_id INTEGER NOT NULL REFERENCES machine (id),   -- whose
	PRIMARY KEY (name, machine_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX machine_alias_machine ON machine_alias (machine_id);

ALTER TABLE machine ADD COLUMN
	same_as INTEGER -- of a machine without hardware that the lab file has
		-- by another name: that one; what is read of it counts there
	REFERENCES machine (id);

CREATE TABLE import (
	-- A file that was imported; its bytes are in DIR/files.
	id INTEGER PRIMARY KEY,                                 -- counts up
	key BLOB NOT NULL UNIQUE CHECK (length(key) = 32),
		-- SHA-256 of the bytes' and of all names that were given with
		-- them: the same file by the same names is the same import
	at_ms INTEGER NOT NULL,                                 -- when
	who TEXT NOT NULL,                     -- name of the token
	name TEXT NOT NULL,                    -- of the file, for messages
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),       -- of the bytes
	size INTEGER NOT NULL CHECK (size >= 0),                -- bytes
	format TEXT NOT NULL CHECK (format <> ''),              -- "fio"
	facts TEXT NOT NULL    -- JSON object: tool, version, date, ...
) STRICT;

CREATE TABLE import_sample (
	-- Values of one series in one import, or what the file says of them.
	import_id INTEGER NOT NULL REFERENCES import (id),      -- which
	no INTEGER NOT NULL CHECK (no >= 0),                    -- its order
	series_id INTEGER NOT NULL REFERENCES series (id),      -- of what
	label_id INTEGER NOT NULL REFERENCES word (id),
		-- what was measured, where the metric does not say it; or ''
	direction INTEGER NOT NULL CHECK (direction IN (1, 2)),
		-- enum bench_direction
	kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),
		-- enum import_of: values, a mean of some, the best of some
	n INTEGER NOT NULL CHECK (n >= 0),      -- values; 0: not said
	mean REAL NOT NULL,                     -- of the values; or the best
	m2 REAL CHECK (m2 >= 0),    -- sum of squared deviations, if known
	low REAL,                               -- smallest, if known
	high REAL,                              -- largest, if known
	data BLOB CHECK (length(data) = 8 * n), -- n float64, little-endian;
		-- NULL: the file does not show them
	why TEXT,                   -- why they are not valid; NULL: they are
	PRIMARY KEY (import_id, no)
) STRICT, WITHOUT ROWID;
CREATE INDEX import_sample_series ON import_sample (series_id, import_id);

CREATE TABLE import_ratio (
	-- A cell of a published table: there are no values behind it.
	import_id INTEGER NOT NULL REFERENCES import (id),      -- which
	no INTEGER NOT NULL CHECK (no >= 0),                    -- its order
	metric_id INTEGER NOT NULL REFERENCES word (id),        -- dotted name
	direction INTEGER NOT NULL CHECK (direction IN (1, 2)),
		-- enum bench_direction
	machine_id INTEGER NOT NULL REFERENCES machine (id),    -- where
	named_id INTEGER NOT NULL REFERENCES word (id),
		-- how the file spells the machine
	guest_id INTEGER NOT NULL REFERENCES word (id),         -- '' if none
	controller_id INTEGER NOT NULL REFERENCES word (id),    -- '' if none
	baseline_id INTEGER NOT NULL REFERENCES word (id),      -- a variant
	candidate_id INTEGER NOT NULL REFERENCES word (id),     -- a variant
	overhead REAL NOT NULL CHECK (overhead > 0),            -- the ratio
	printed TEXT NOT NULL,                                  -- its digits
	PRIMARY KEY (import_id, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE import_case (
	-- A case of an imported test stream.
	import_id INTEGER NOT NULL REFERENCES import (id),      -- which
	no INTEGER NOT NULL CHECK (no >= 0),                    -- its order
	name TEXT NOT NULL,                                     -- '' if none
	result INTEGER NOT NULL CHECK (result >= 0), -- enum case_result
	text TEXT NOT NULL,                          -- why; '' if not said
	PRIMARY KEY (import_id, no)
) STRICT, WITHOUT ROWID;
