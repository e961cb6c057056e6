-- SPDX-License-Identifier: GPL-3.0-or-later
-- Tables show geometric means, whose quotient is the overhead beside them:
-- logarithms are all that sums are made of. A point says how many values were
-- left out, so that a history reads no samples. All rows are made again from
-- those.

DROP TABLE point;
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
	left_out INTEGER CHECK (left_out > 0),  -- values that are not; NULL: 0
	n INTEGER NOT NULL CHECK (n >= 0),  -- valid values above 0, up to here
	ln_mean REAL NOT NULL,              -- of their logarithms, up to here
	ln_m2 REAL NOT NULL CHECK (ln_m2 >= 0),   -- squared deviations of them
	PRIMARY KEY (series_id, attempt_id)
) STRICT, WITHOUT ROWID;

DELETE FROM cell;
DROP TABLE cell_sum;
CREATE TABLE cell_sum (
	-- The pairs of a cell up to and with an attempt, as in point. By time
	-- and not by cell: a table wants a row of each cell, of about one time.
	machine_id INTEGER NOT NULL REFERENCES machine (id),    -- of the cell
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),    -- when
	cell_id INTEGER NOT NULL REFERENCES cell (id),          -- of what
	n INTEGER NOT NULL CHECK (n >= 0),      -- pairs that were kept
	ln_mean REAL NOT NULL,    -- of ln (baseline / candidate)
	ln_m2 REAL NOT NULL CHECK (ln_m2 >= 0), -- squared deviations of it
	ln_baseline REAL NOT NULL,              -- sum of ln baseline
	PRIMARY KEY (machine_id, attempt_id, cell_id)
) STRICT, WITHOUT ROWID;
