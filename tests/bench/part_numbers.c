/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tables over many runs: how long one takes to be made, from all runs and from
 * the runs of a window. Asked of the database in this process, and of the web
 * process as the document.
 */
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/fs.h"
#include "db/db.h"
#include "tests/bench/lab.h"
#include "tests/bench/numbers.h"

enum {
	MACHINES = 65,
	RUNS = 275,
	TIMES = 100,
	WARM = 5 /* that are not counted */
};

#define TABLE_MAX_MS 10 /* the budget of a table */

struct tables {
	struct bench *b;
	struct numbers n;
	struct db_reader *reader;
	struct lab lab;
	char label[64];
	double nothing_ms; /* the smallest answer over HTTP */
	double one_ms;     /* one run by its id */
};

/* ---- of the database ----------------------------------------------------- */

struct seen {
	int64_t cells;
	double sum; /* of the intervals: all is computed */
};

static bool see(void *arg, const struct db_cell_sums *cell)
{
	struct seen *s = arg;
	struct bench_cell_result r;

	if (bench_cell_estimate(&cell->sums, BENCH_HIGHER, &r)) {
		s->cells++;
		s->sum += r.estimate.hi - r.estimate.lo;
	}
	return true;
}

static int ask_db(struct tables *t, const struct db_window *w,
    struct samples *to, struct err *err)
{
	int r = 0;

	for (int i = t->b->small ? 0 : -WARM; r == 0 && i < TIMES; i++) {
		struct seen seen = {0, 0};
		int64_t began_ns = clock_mono_ns();

		r = db_cells(t->reader, w, see, &seen, err);
		if (i >= 0)
			samples_add(to, clock_mono_ns() - began_ns);
		if (r == 0 && seen.cells != numbers_cells(&t->n))
			r = err_set(err, ERR_PROTO,
			    "overhead: %" PRId64 " cells, not %" PRId64,
			    seen.cells, numbers_cells(&t->n));
		if (t->b->small && i == 2)
			break;
	}
	return r;
}

static bool see_run(void *arg, const struct db_run *run)
{
	int64_t *n = arg;

	*n += run->id > 0;
	return true;
}

/* ---- over HTTP ----------------------------------------------------------- */

static int ask_http(struct tables *t, const char *path, long status,
    struct samples *to, struct err *err)
{
	scoped_val(answer_done) struct answer a = {0};
	int r = 0;

	for (int i = t->b->small ? 0 : -WARM; r == 0 && i < TIMES; i++) {
		r = lab_http(&t->lab, path, NULL, &a, err);
		if (r == 0 && a.status != status)
			r = err_set(err, ERR_PROTO, "%s: status %ld: %.100s",
			    path, a.status, buf_str(&a.body));
		if (i >= 0)
			samples_add(to, a.ended_ns - a.began_ns);
		if (t->b->small && i == 2)
			break;
	}
	return r;
}

static int peers(struct tables *t, struct err *err)
{
	struct samples http = {0};
	struct samples db = {0};
	int r = ask_http(t, "/api/v1/nothing", 404, &http, err);

	for (int i = 0; r == 0 && i < TIMES; i++) {
		int64_t began_ns = clock_mono_ns();
		int64_t n = 0;

		r = db_run_get(t->reader, 1, see_run, &n, err);
		samples_add(&db, clock_mono_ns() - began_ns);
	}
	t->nothing_ms = (double)samples_at(&http, 0.5) / NS_PER_MS;
	t->one_ms = (double)samples_at(&db, 0.5) / NS_PER_MS;
	samples_done(&http);
	samples_done(&db);
	return r;
}

/* ---- rows ---------------------------------------------------------------- */

static void report(struct tables *t, struct samples *s, const char *where,
    const char *what, const char *peer, double peer_ms)
{
	char name[160];

	(void)snprintf(name, sizeof(name), "%s, %s: %s", t->label, where, what);
	bench_times(t->b, s, NS_PER_MS,
	    &(struct row){.part = "numbers",
	        .name = name,
	        .unit = "ms",
	        .max_p50 = TABLE_MAX_MS,
	        .peer = peer,
	        .peer_value = peer_ms});
}

static int one_window(struct tables *t, const char *what,
    const struct db_window *w, struct err *err)
{
	scoped(free) char *path =
	    xasprintf("/api/v1/overhead?since=%" PRId64 "&until=%" PRId64,
	        w->since_ms, w->until_ms ? w->until_ms : INT64_MAX);
	struct samples db = {0};
	struct samples http = {0};
	int r = ask_db(t, w, &db, err);

	if (r == 0)
		r = ask_http(t, w->since_ms ? path : "/api/v1/overhead", 200,
		    &http, err);
	if (r == 0) {
		report(t, &db, "reader", what, "one run by id", t->one_ms);
		report(
		    t, &http, "HTTP", what, "smallest answer", t->nothing_ms);
	}
	samples_done(&db);
	samples_done(&http);
	return r;
}

static int ask_tables(struct tables *t, struct err *err)
{
	struct db_window all = {0, 0, NULL};
	struct db_window middle = {
	    NUMBERS_SINCE_MS + t->n.runs / 3 * NUMBERS_STEP_MS,
	    NUMBERS_SINCE_MS + t->n.runs * 2 / 3 * NUMBERS_STEP_MS, NULL};
	int r;

	(void)snprintf(t->label, sizeof(t->label),
	    "%" PRId64 " cells, %.2g summaries", numbers_cells(&t->n),
	    (double)numbers_points(&t->n));
	r = peers(t, err);
	if (r == 0)
		r = one_window(t, "overhead of all runs", &all, err);
	if (r == 0)
		r = one_window(t, "overhead of a third of them", &middle, err);
	return r;
}

static void report_made(const struct tables *t)
{
	double values = (double)numbers_points(&t->n) * NUMBERS_PAIRS;

	if (t->n.made_s > 0)
		bench_row(t->b,
		    &(struct row){.part = "numbers",
		        .name =
		            "samples in pairs, with points and cells, written",
		        .unit = "/s",
		        .p50 = values / t->n.made_s,
		        .p99 = NAN,
		        .n = (size_t)values});
	bench_row(t->b,
	    &(struct row){.part = "numbers",
	        .name = "bytes of the whole database for each sample",
	        .unit = "bytes",
	        .p50 = (double)numbers_bytes(&t->n) / values,
	        .p99 = NAN,
	        .n = (size_t)values});
}

static int read_tables(struct tables *t, struct err *err)
{
	int r = lab_start(&t->lab, t->b, t->n.dir, 0, 0, err);

	if (r < 0)
		return r;
	r = db_reader_open(t->n.dir, &t->reader, err);
	if (r == 0)
		r = ask_tables(t, err);
	db_reader_close(t->reader);
	lab_end(&t->lab);
	return r;
}

int part_numbers(struct bench *b, struct err *err)
{
	scoped(free) char *dir =
	    xasprintf("%s/numbers", b->keep ? b->keep : b->dir);
	struct tables t = {.b = b};
	int r;

	bench_say("numbers: writing them");
	r = numbers_make(
	    dir, b->small ? 2 : MACHINES, b->small ? 6 : RUNS, &t.n, err);
	if (r < 0)
		return r;
	report_made(&t);
	bench_say("numbers: tables");
	r = read_tables(&t, err);
	numbers_done(&t.n);
	return r < 0 || b->keep ? r : fs_remove_tree(dir, err);
}
