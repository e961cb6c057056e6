-- SPDX-License-Identifier: GPL-3.0-or-later
-- What histories and tables over many runs read: a narrow row for each series
-- and attempt that counts, in place of values, attempts, jobs and facts.

CREATE TABLE environment (
	-- What was measured in; nearly always that of the attempt before.
	id INTEGER PRIMARY KEY,                                 -- a number
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32),   -- of text
	text TEXT NOT NULL     -- lines "key=value", sorted by key, of the facts
		-- that begin a new segment of a history
) STRICT;

CREATE TABLE branch (
	-- Where a history belongs: a project, and the name of its runs.
	id INTEGER PRIMARY KEY,                                 -- a number
	project_id INTEGER NOT NULL REFERENCES word (id),       -- '' if none
	name_id INTEGER NOT NULL REFERENCES name (id),          -- of the runs
	UNIQUE (project_id, name_id)
) STRICT;

CREATE TABLE point (
	-- Values of one series in an attempt that passed and ended its job. The
	-- attempts of a series end in the order of their ids, as they had one
	-- machine: a row's sums are those of all rows up to it, and the sums of
	-- any stretch of time are a difference of two rows.
	series_id INTEGER NOT NULL REFERENCES series (id),      -- of what
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),    -- when
	run_id INTEGER NOT NULL REFERENCES run (id),            -- for whom
	branch_id INTEGER NOT NULL REFERENCES branch (id),      -- where
	environment_id INTEGER REFERENCES environment (id),     -- NULL: no
		-- fact of it was recorded
	value REAL,             -- mean of the valid values; NULL: none is valid
	n INTEGER NOT NULL CHECK (n >= 0),  -- valid values above 0, up to here
	ln_mean REAL NOT NULL,              -- of their logarithms, up to here
	ln_m2 REAL NOT NULL CHECK (ln_m2 >= 0),   -- squared deviations of them
	sum REAL NOT NULL,          -- of those values themselves, up to here
	PRIMARY KEY (series_id, attempt_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE cell (
	-- Two series of a machine that an attempt measured against each other.
	id INTEGER PRIMARY KEY,                                 -- a number
	baseline_id INTEGER NOT NULL REFERENCES series (id),    -- B
	candidate_id INTEGER NOT NULL REFERENCES series (id),   -- C
	machine_id INTEGER NOT NULL REFERENCES machine (id),    -- of both
	first_attempt INTEGER REFERENCES attempt (id),
		-- that has a row in cell_sum; NULL: there was no pair yet
	last_attempt INTEGER REFERENCES attempt (id),           -- likewise
	UNIQUE (baseline_id, candidate_id),
	CHECK ((first_attempt IS NULL) = (last_attempt IS NULL))
) STRICT;

CREATE TABLE cell_sum (
	-- The pairs of a cell up to and with an attempt, as in point. By time
	-- and not by cell: a table wants a row of each cell, of about one time.
	machine_id INTEGER NOT NULL REFERENCES machine (id),    -- of the cell
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),    -- when
	cell_id INTEGER NOT NULL REFERENCES cell (id),          -- of what
	n INTEGER NOT NULL CHECK (n >= 0),      -- pairs that were kept
	ln_mean REAL NOT NULL,    -- of ln (baseline / candidate)
	ln_m2 REAL NOT NULL CHECK (ln_m2 >= 0), -- squared deviations of it
	baseline_sum REAL NOT NULL,             -- of the values in the pairs
	candidate_sum REAL NOT NULL,            -- likewise
	PRIMARY KEY (machine_id, attempt_id, cell_id)
) STRICT, WITHOUT ROWID;
