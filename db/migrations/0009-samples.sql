-- SPDX-License-Identifier: GPL-3.0-or-later
-- Samples by attempt: they are written and read so, and what comes in the
-- order of its key fills pages to the brim and needs no second index. Tables
-- over many runs read points and cells, so nothing reads moments here.

CREATE TABLE sample_new (
	-- The values of one series in one attempt.
	attempt_id INTEGER NOT NULL REFERENCES attempt (id),   -- when, by whom
	series_id INTEGER NOT NULL REFERENCES series (id),     -- of what
	data BLOB NOT NULL,     -- float64, little-endian; at least one
	marks BLOB -- place of each value in the design; NULL: no design.
		-- db/mark.c: format 1, then a mark for each
	CHECK (length(marks) > 1),
	PRIMARY KEY (attempt_id, series_id),
	CHECK (length(data) > 0 AND length(data) % 8 = 0)
) STRICT, WITHOUT ROWID;

INSERT INTO sample_new (attempt_id, series_id, data, marks)
	SELECT attempt_id, series_id, data, marks FROM sample
	ORDER BY attempt_id, series_id;
DROP TABLE sample;
ALTER TABLE sample_new RENAME TO sample;
