-- SPDX-License-Identifier: GPL-3.0-or-later
-- The first schema. Comments inside a statement stay in the database
-- (sqlite3 ironbench.db .schema prints them): they are the reference.
--
-- Times named *_at_ms are wall-clock milliseconds since 1970 UTC. Numbers of
-- states, outcomes, layers, buckets and event types are those of
-- scheduler/scheduler.h; numbers of case results those of bench/bench.h.

CREATE TABLE meta (
	-- What there is once per database.
	one INTEGER PRIMARY KEY CHECK (one = 1),  -- the only row
	epoch INTEGER NOT NULL CHECK (epoch > 0)  -- raised at every opening:
		-- upper half of the fences given since then
) STRICT;

CREATE TABLE word (
	-- Every short text that repeats: project, user, item, platform,
	-- metric, unit, variant, guest, controller.
	id INTEGER PRIMARY KEY,     -- given in order of appearance
	text TEXT NOT NULL UNIQUE   -- exactly as it was given
) STRICT;

CREATE TABLE name (
	-- Names of runs, counted: a filter knows its number of hits without
	-- looking at the runs.
	id INTEGER PRIMARY KEY,           -- given in order of appearance
	name TEXT NOT NULL UNIQUE,        -- exactly as it was given
	runs INTEGER NOT NULL DEFAULT 0   -- how many runs have this name
		CHECK (runs >= 0)
) STRICT;
-- LIKE 'x%' can use this one; a NOCASE unique index would merge names.
CREATE INDEX name_prefix ON name (name COLLATE NOCASE);

CREATE TABLE suite (
	-- Project configurations as submitted, each text stored once.
	id INTEGER PRIMARY KEY,                                -- a number
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),      -- of the text
	name TEXT NOT NULL,   -- of its file, for messages
	body BLOB NOT NULL,   -- format 1, then the text by zstd
	UNIQUE (sha256, name)
) STRICT;

CREATE TABLE plan (
	-- What the jobs of a run are: items x platforms, shared by the runs
	-- that have the same.
	id INTEGER PRIMARY KEY,                                -- a number
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), -- of the body
	jobs INTEGER NOT NULL CHECK (jobs >= 0),  -- cells that are jobs
	body BLOB NOT NULL    -- db/plan.c: format, counts, names, cells
) STRICT;

CREATE TABLE run (
	-- One execution of a suite for one commit. Its jobs are those with id
	-- in [first_job, first_job + n_total).
	id INTEGER PRIMARY KEY,                             -- counts up
	project_id INTEGER NOT NULL REFERENCES word (id),   -- '' if none
	user_id INTEGER NOT NULL REFERENCES word (id),      -- who asked for it
	name_id INTEGER NOT NULL REFERENCES name (id),      -- for people
	suite_id INTEGER NOT NULL REFERENCES suite (id),    -- what was asked
	plan_id INTEGER NOT NULL REFERENCES plan (id),      -- what that means
	kind TEXT NOT NULL CHECK (kind <> ''),   -- 'test', 'canary'
	pin_machine INTEGER NOT NULL,            -- of a canary; 0: none
	commit_sha BLOB CHECK (length(commit_sha) = 20),    -- or NULL
	link TEXT,                               -- to the change; or NULL
	priority INTEGER NOT NULL,               -- higher first
	created_at_ms INTEGER NOT NULL,          -- when it was accepted
	ended_at_ms INTEGER,                     -- when its last job was DONE
	state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 2),
		-- resolving, open, done
	first_job INTEGER NOT NULL,              -- id of its first job
	n_total INTEGER NOT NULL CHECK (n_total >= 0),      -- jobs
	n_waiting INTEGER NOT NULL CHECK (n_waiting >= 0),  -- queued
	n_running INTEGER NOT NULL CHECK (n_running >= 0),  -- on a machine
	n_passed INTEGER NOT NULL CHECK (n_passed >= 0),    -- as expected
	n_failed INTEGER NOT NULL CHECK (n_failed >= 0),    -- fail, timeout
	n_error INTEGER NOT NULL CHECK (n_error >= 0),      -- of the lab
	n_disabled INTEGER NOT NULL CHECK (n_disabled >= 0),
		-- cancelled or disabled
	n_skips INTEGER NOT NULL CHECK (n_skips BETWEEN 0 AND n_passed),
		-- passed with skipped cases: part of n_passed
	CHECK (n_waiting + n_running + n_passed + n_failed + n_error
		+ n_disabled = n_total),
	CHECK ((state = 2) = (ended_at_ms IS NOT NULL)),
	CHECK (state < 2 OR n_waiting + n_running = 0)
) STRICT;
CREATE INDEX run_name ON run (name_id, id);
CREATE INDEX run_open ON run (id) WHERE state < 2;
-- From a job to its run.
CREATE UNIQUE INDEX run_first_job ON run (first_job) WHERE n_total > 0;

CREATE TABLE run_block (
	-- How many runs there are in each block of 1,024 ids: page 500 is
	-- found without counting the runs before it.
	block INTEGER PRIMARY KEY,                -- id / 1024
	runs INTEGER NOT NULL CHECK (runs > 0)    -- runs with such an id
) STRICT;

CREATE TABLE run_file (
	-- The files of a run's bundle; their bytes are in DIR/files.
	run_id INTEGER NOT NULL REFERENCES run (id),   -- whose
	path TEXT NOT NULL,                            -- in the bundle
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),   -- of the bytes
	size INTEGER NOT NULL CHECK (size >= 0),            -- bytes
	PRIMARY KEY (run_id, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE run_history (
	-- The events of a finished run, packed. Beside run, not in it: the
	-- pages of run stay dense, which is what the index page reads.
	run_id INTEGER PRIMARY KEY REFERENCES run (id),  -- whose
	body BLOB NOT NULL    -- db/history.c: format 1, then zstd
) STRICT;

CREATE TABLE caselist (
	-- Names of the cases of a job in order, shared by all jobs that
	-- reported the same names.
	id INTEGER PRIMARY KEY,                                -- a number
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), -- of the names
	cases INTEGER NOT NULL CHECK (cases > 0),              -- how many
	body BLOB NOT NULL    -- format 1, then the names, each with a zero
		-- byte, by zstd
) STRICT;

CREATE TABLE job (
	-- One item on one platform: a cell of the matrix. Everything but took_ms
	-- and the cases follows from its events by job_apply().
	id INTEGER PRIMARY KEY,        -- its run is the one whose range has it
	item_id INTEGER NOT NULL REFERENCES word (id),      -- what
	platform_id INTEGER NOT NULL REFERENCES word (id),  -- where; 'any'
	state INTEGER NOT NULL DEFAULT 0 CHECK (state BETWEEN 0 AND 6),
		-- 6: DONE
	seq INTEGER NOT NULL DEFAULT 0 CHECK (seq >= 0),    -- last event's
	held INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)),
		-- 1: a person holds it back
	attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0), -- begun
	last_attempt INTEGER,          -- id of the newest, or NULL
	outcome INTEGER NOT NULL DEFAULT 0 CHECK (outcome BETWEEN 0 AND 6),
		-- 0: not decided
	layer INTEGER NOT NULL DEFAULT 0 CHECK (layer BETWEEN 0 AND 9),
		-- whose fault an error is
	flags INTEGER NOT NULL DEFAULT 0 CHECK (flags BETWEEN 0 AND 7),
		-- 1 bad as expected, 2 passed with skips, 4 blameless
	took_ms INTEGER CHECK (took_ms > 0),   -- of its last attempt, when DONE
	caselist_id INTEGER REFERENCES caselist (id),  -- names of its cases
	cases BLOB,                    -- 2 bits a case, lowest first
	CHECK ((state >= 5) = (outcome <> 0)),
	CHECK ((outcome = 3) = (layer <> 0)),
	CHECK ((attempts > 0) = (last_attempt IS NOT NULL)),
	CHECK (held = 0 OR state = 0),
	CHECK ((caselist_id IS NULL) = (cases IS NULL))
) STRICT;

CREATE TABLE job_event (
	-- What happened to the jobs of open runs. Moves to run_history when
	-- the run is done.
	job_id INTEGER NOT NULL REFERENCES job (id),   -- whose
	seq INTEGER NOT NULL CHECK (seq > 0),          -- 1, 2, ... per job
	at_ms INTEGER NOT NULL,                        -- wall clock
	type INTEGER NOT NULL CHECK (type BETWEEN 1 AND 14),
		-- enum job_event_type
	data TEXT,                                     -- JSON; NULL for {}
	PRIMARY KEY (job_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE machine (
	-- A physical machine. Never deleted: attempts point to it.
	id INTEGER PRIMARY KEY,                            -- stable
	name TEXT NOT NULL UNIQUE,                         -- in lab.yaml
	platform_id INTEGER NOT NULL REFERENCES word (id), -- what it is now
	health INTEGER NOT NULL CHECK (health BETWEEN 0 AND 4),  -- now
	why TEXT NOT NULL,                                 -- of the health
	since_ms INTEGER NOT NULL                          -- of the health
) STRICT;

CREATE TABLE machine_health (
	-- Every change of a machine's health.
	machine_id INTEGER NOT NULL REFERENCES machine (id),   -- whose
	no INTEGER NOT NULL CHECK (no > 0),                    -- 1, 2, ...
	at_ms INTEGER NOT NULL,                                -- when
	health INTEGER NOT NULL CHECK (health BETWEEN 0 AND 4),  -- from then on
	why TEXT NOT NULL,                                     -- for a person
	PRIMARY KEY (machine_id, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt (
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
	evidence TEXT,                -- what decided it, one line; or NULL
	CHECK ((outcome = 3) = (layer <> 0)),
	CHECK ((no = 1) = (previous IS NULL)),
	CHECK (took_ms IS NULL OR outcome <> 0)
) STRICT;
-- One unfinished attempt per machine.
CREATE UNIQUE INDEX attempt_lease ON attempt (machine_id)
	WHERE took_ms IS NULL;

CREATE TABLE case_fail (
	-- The failing cases of a job; the others are two bits in job.cases.
	job_id INTEGER NOT NULL REFERENCES job (id),   -- whose
	no INTEGER NOT NULL CHECK (no >= 0),   -- index in the caselist
	text TEXT NOT NULL,                    -- what the test said
	log_offset INTEGER NOT NULL,           -- of it in the attempt's log
	PRIMARY KEY (job_id, no)
) STRICT, WITHOUT ROWID;

CREATE TABLE series (
	-- What is measured: samples of one series may be compared in time.
	id INTEGER PRIMARY KEY,                                -- a number
	metric_id INTEGER NOT NULL REFERENCES word (id),       -- dotted name
	unit_id INTEGER NOT NULL REFERENCES word (id),         -- of the values
	variant_id INTEGER NOT NULL REFERENCES word (id),      -- '' if none
	guest_id INTEGER NOT NULL REFERENCES word (id),        -- '': bare metal
	controller_id INTEGER NOT NULL REFERENCES word (id),   -- of disks
	machine_id INTEGER NOT NULL REFERENCES machine (id),   -- where
	UNIQUE (metric_id, machine_id, variant_id, guest_id, controller_id,
		unit_id)
) STRICT;

CREATE TABLE sample (
	-- The values of one series in one attempt, with their moments: tables
	-- over many runs read the moments and not the values.
	series_id INTEGER NOT NULL REFERENCES series (id),     -- of what
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),   -- when, by whom
	n INTEGER NOT NULL CHECK (n > 0),                      -- values
	mean REAL NOT NULL,                                    -- of the values
	m2 REAL NOT NULL CHECK (m2 >= 0),   -- sum of squared deviations
	low REAL NOT NULL,                                     -- smallest
	high REAL NOT NULL,                                    -- largest
	data BLOB NOT NULL,                 -- n float64, little-endian
	PRIMARY KEY (series_id, attempt_id),
	CHECK (length(data) = 8 * n)
) STRICT, WITHOUT ROWID;
CREATE INDEX sample_attempt ON sample (attempt_id);

CREATE TABLE token (
	-- Who may use the interface. The token itself is not stored.
	id INTEGER PRIMARY KEY,                                -- a number
	name TEXT NOT NULL UNIQUE CHECK (name <> ''),   -- never used again
	sha256 BLOB NOT NULL UNIQUE CHECK (length(sha256) = 32), -- of the token
	scopes INTEGER NOT NULL CHECK (scopes BETWEEN 1 AND 15),
		-- bits: 1 read, 2 submit, 4 operate, 8 admin
	created_at_ms INTEGER NOT NULL,                        -- when
	revoked_at_ms INTEGER                                  -- NULL: valid
) STRICT;

CREATE TABLE audit (
	-- Who did what: one row per act of a person.
	id INTEGER PRIMARY KEY,       -- in order of time
	at_ms INTEGER NOT NULL,       -- when
	who TEXT NOT NULL,            -- name of the token, or of the program
	what TEXT NOT NULL            -- one line
) STRICT;
