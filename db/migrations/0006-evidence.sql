-- SPDX-License-Identifier: GPL-3.0-or-later
-- What decided an attempt, as a number: nearly all attempts pass with the
-- same few texts, which took a third of the table's bytes. The table is
-- written anew, because rows that shrink where they are free no page.

CREATE TABLE evidence (
	-- What decided attempts, one line each. A table of its own: texts of
	-- errors with times in them come once, and word stays small.
	id INTEGER PRIMARY KEY,     -- given in order of appearance
	text TEXT NOT NULL UNIQUE   -- exactly as it was given
) STRICT;

INSERT INTO evidence (text)
	SELECT evidence FROM attempt WHERE evidence IS NOT NULL ORDER BY id
	ON CONFLICT DO NOTHING;

CREATE TABLE attempt_new (
	-- One try of a job on one machine. It has its verdict when the job
	-- enters CLEANUP and ends when CLEANUP has ended.
	id INTEGER PRIMARY KEY,                            -- counts up
	job_id INTEGER NOT NULL REFERENCES job (id),       -- whose
	no INTEGER NOT NULL CHECK (no > 0),                -- 1, 2, ... per job
	previous INTEGER,                                  -- attempt no - 1
	machine_id INTEGER NOT NULL REFERENCES machine (id),   -- where
	fence INTEGER NOT NULL,       -- proof of ownership, see the wire
	started_at_ms INTEGER NOT NULL,                    -- the LEASE
	took_ms INTEGER CHECK (took_ms > 0),   -- to DONE or REQUEUE; NULL
		-- while it has the machine
	outcome INTEGER NOT NULL DEFAULT 0 CHECK (outcome BETWEEN 0 AND 6),
		-- 0: not decided
	layer INTEGER NOT NULL DEFAULT 0 CHECK (layer BETWEEN 0 AND 9),
		-- whose fault an error is
	flags INTEGER NOT NULL DEFAULT 0 CHECK (flags BETWEEN 0 AND 7),
		-- as in job
	evidence_id INTEGER REFERENCES evidence (id),
		-- what decided it; or NULL
	CHECK ((outcome = 3) = (layer <> 0)),
	CHECK ((no = 1) = (previous IS NULL)),
	CHECK (took_ms IS NULL OR outcome <> 0)
) STRICT;
-- One unfinished attempt per machine.
DROP INDEX attempt_lease;
CREATE UNIQUE INDEX attempt_lease ON attempt_new (machine_id)
	WHERE took_ms IS NULL;

INSERT INTO attempt_new (id, job_id, no, previous, machine_id, fence,
		started_at_ms, took_ms, outcome, layer, flags, evidence_id)
	SELECT a.id, a.job_id, a.no, a.previous, a.machine_id, a.fence,
		a.started_at_ms, a.took_ms, a.outcome, a.layer, a.flags, e.id
	FROM attempt a LEFT JOIN evidence e ON e.text = a.evidence
	ORDER BY a.id;
DROP TABLE attempt;
ALTER TABLE attempt_new RENAME TO attempt;
