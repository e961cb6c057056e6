/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions of placebos: pairs whose two arms were the same. Rows hold sums up
 * to their attempt, so a session is what a row has more than the one before.
 */
#include "bench/bench.h"
#include "db/read_noise.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"

static const char sql_noise[] =
    "SELECT c.id, m.text, u.text, g.text, t.text, v.text, y.n, y.ln_mean, "
    "y.ln_m2 FROM cell c JOIN series b ON b.id = c.baseline_id "
    "JOIN series k ON k.id = c.candidate_id "
    "JOIN word v ON v.id = b.variant_id JOIN word x ON x.id = k.variant_id "
    "JOIN word m ON m.id = b.metric_id JOIN word u ON u.id = b.unit_id "
    "JOIN word g ON g.id = b.guest_id JOIN word t ON t.id = b.controller_id "
    "JOIN cell_sum y ON y.machine_id = c.machine_id AND y.cell_id = c.id "
    "WHERE c.machine_id = ?1 AND x.text = v.text || '" BENCH_PLACEBO "' "
    "ORDER BY m.text, g.text, t.text, v.text, c.id, y.attempt_id";

static int pass_sessions(struct stmt *st,
    bool (*row)(void *arg, const struct db_noise *n), void *arg,
    struct err *err)
{
	struct bench_moments before = {0, 0, 0};
	int64_t cell = 0;
	int e;

	while ((e = stmt_step(st, err)) == 1) {
		struct bench_moments all = {(size_t)stmt_int(st, 6),
		    stmt_real(st, 7), stmt_real(st, 8)};
		struct db_noise n = {
		    .metric = stmt_text(st, 1),
		    .unit = stmt_text(st, 2),
		    .guest = stmt_text(st, 3),
		    .controller = stmt_text(st, 4),
		    .variant = stmt_text(st, 5),
		    .session = all,
		};

		if (stmt_int(st, 0) == cell)
			bench_moments_remove(&n.session, &before);
		cell = stmt_int(st, 0);
		before = all;
		if (n.session.n && !row(arg, &n))
			return 0;
	}
	return e;
}

int db_noise(struct db_reader *r, int64_t machine_id,
    bool (*row)(void *arg, const struct db_noise *n), void *arg,
    struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(r), sql_noise);

	stmt_bind_int(st, 1, machine_id);
	return pass_sessions(st, row, arg, err);
}

const char *const sql_reader_noise[] = {sql_noise, NULL};
