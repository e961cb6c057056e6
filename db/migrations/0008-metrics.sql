-- SPDX-License-Identifier: GPL-3.0-or-later
-- Metrics that suites declare: what their numbers mean.

CREATE TABLE metric (
	-- A metric that is not built in. The first suite that declares it
	-- decides what its values mean; a margin may be said anew.
	name TEXT PRIMARY KEY,                       -- dotted
	unit TEXT NOT NULL,                          -- of its values
	direction INTEGER NOT NULL CHECK (direction IN (1, 2)),
		-- enum bench_direction: 1 higher is better, 2 lower is
	margin REAL NOT NULL CHECK (margin > 0)      -- the same inside 1 +- it
) STRICT, WITHOUT ROWID;
