-- SPDX-License-Identifier: GPL-3.0-or-later
-- Attempts that an agent carries out: what it was told, what it reported,
-- the files and facts that came with it, and where a value stands in the
-- design of its attempt.

CREATE TABLE attempt_agent (
	-- The agent's side of an attempt. Beside attempt, not in it: the
	-- pages of attempt stay dense.
	attempt_id INTEGER PRIMARY KEY REFERENCES attempt (id),  -- whose
	spec TEXT,         -- JSON that the agent is given; NULL: not made yet
	boot_id TEXT,      -- of the machine; NULL: no link was up yet
	resume TEXT,       -- state of the link after the last event; NULL: none
		-- came yet (agent/wire.h, wire_resume_format())
	history BLOB CHECK (length(history) > 1)   -- db/agent.c: format 1, then
		-- its events by zstd; NULL: it has not ended, or had none
) STRICT;

CREATE TABLE agent_event (
	-- What the agents of unfinished attempts reported. Moves to
	-- attempt_agent.history when the attempt ends.
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),  -- whose
	s INTEGER NOT NULL CHECK (s > 0),   -- index in the agent's journal
	line BLOB NOT NULL,                 -- as it came, without its newline
	PRIMARY KEY (attempt_id, s)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempt_file (
	-- Raw outputs of an attempt; their bytes are in DIR/files.
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),  -- whose
	name TEXT NOT NULL,                                   -- on the machine
	sha256 BLOB NOT NULL CHECK (length(sha256) = 32),     -- of the bytes
	size INTEGER NOT NULL CHECK (size >= 0),              -- bytes
	PRIMARY KEY (attempt_id, name, sha256)
) STRICT, WITHOUT ROWID;
-- Is this hash an output that may be shown?
CREATE INDEX attempt_file_sha256 ON attempt_file (sha256);

CREATE TABLE attempt_env (
	-- Facts of the environment of an attempt. Nearly all repeat from
	-- attempt to attempt: both halves are words.
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),  -- whose
	key_id INTEGER NOT NULL REFERENCES word (id),         -- what
	value_id INTEGER NOT NULL REFERENCES word (id),       -- is what
	PRIMARY KEY (attempt_id, key_id)
) STRICT, WITHOUT ROWID;

ALTER TABLE sample ADD COLUMN
	marks BLOB -- place of each value in the design; NULL: no design.
		-- db/mark.c: format 1, then n marks
	CHECK (length(marks) > 1);
