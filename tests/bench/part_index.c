/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading a laboratory's past: pages of the index, filters, matrices, a job.
 * Each is asked twice over: of the database in this process, and of the web
 * process over loopback HTTP, where the smallest answer there is stands beside
 * it.
 */
#include <inttypes.h>
#include <math.h>

#include "base/clock.h"
#include "base/fs.h"
#include "db/db.h"
#include "tests/bench/lab.h"

enum {
	LIMIT = 25,
	TIMES = 300,
	SURE = 5000,      /* runs: among so many every filter finds some */
	WIDE_FACTOR = 10, /* more runs, of one job each */
	WARM = 20         /* requests that are not counted */
};

struct past {
	struct bench *b;
	struct archive a;
	const char *label; /* "60616 runs" */
	struct db_reader *reader;
	struct db_filter *filter; /* of all readers, as in the web process */
	struct lab lab;
	double one_ms;     /* a run by its id: the peer of the database */
	double nothing_ms; /* "no such path": the peer of HTTP */
	uint64_t random;
	int n_refused; /* answers to the question that is asked */
};

static int64_t draw(struct past *p, int64_t n)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return (int64_t)(p->random % (uint64_t)n);
}

/* ---- what is asked ------------------------------------------------------- */

struct question {
	const char *what;
	/* Of the database; 1 in *ret_rows at least is a good answer. */
	int (*ask)(struct past *p, int64_t *ret_rows, struct err *err);
	/* Of the web process. */
	char *(*path)(struct past *p);
	double max_p50;
	double max_p99;
	bool wide;   /* of the archive with more runs as well */
	long status; /* of the web's answer; 0: 200 */
};

static bool count_run(void *arg, const struct db_run *run)
{
	int64_t *n = arg;

	*n += run->id > 0;
	return true;
}

static bool count_cell(void *arg, const struct db_cell *cell)
{
	int64_t *n = arg;

	*n += cell->job_id > 0;
	return true;
}

static bool count_job(void *arg, const struct db_job *job)
{
	int64_t *n = arg;

	*n += job->id > 0;
	return true;
}

/* As the index page does: the rows, and how many there are. */
static int ask_page(struct past *p, int64_t page, const char *like,
    int64_t *ret_rows, struct err *err)
{
	struct db_run_query q = {
	    .page = page, .limit = LIMIT, .name_like = like};
	int64_t total;
	int r;

	*ret_rows = 0;
	r = db_runs(p->reader, &q, count_run, ret_rows, err);
	return r == 0 ? db_run_count(p->reader, &q, &total, err) : r;
}

static int64_t last_page(const struct past *p)
{
	return (p->a.runs + 1 + LIMIT - 1) / LIMIT;
}

static int first(struct past *p, int64_t *ret_rows, struct err *err)
{
	return ask_page(p, 1, NULL, ret_rows, err);
}

static int last(struct past *p, int64_t *ret_rows, struct err *err)
{
	return ask_page(p, last_page(p), NULL, ret_rows, err);
}

static int any(struct past *p, int64_t *ret_rows, struct err *err)
{
	return ask_page(p, 1 + draw(p, last_page(p)), NULL, ret_rows, err);
}

static int filtered(struct past *p, int64_t *ret_rows, struct err *err)
{
	return ask_page(p, 1 + draw(p, 10), "%topic-0%", ret_rows, err);
}

/* Another pattern each time: nothing is left of the filter before. */
static int filtered_anew(struct past *p, int64_t *ret_rows, struct err *err)
{
	char like[32];

	(void)snprintf(like, sizeof(like), "%%topic-%03d%%", (int)draw(p, 200));
	*ret_rows = 0;
	return ask_page(p, 1, like, ret_rows, err);
}

static int matrix(struct past *p, int64_t *ret_rows, struct err *err)
{
	*ret_rows = 0;
	return db_matrix(
	    p->reader, 1 + draw(p, p->a.runs), NULL, count_cell, ret_rows, err);
}

static int big_matrix(struct past *p, int64_t *ret_rows, struct err *err)
{
	*ret_rows = 0;
	return db_matrix(
	    p->reader, p->a.runs + 1, NULL, count_cell, ret_rows, err);
}

static int job(struct past *p, int64_t *ret_rows, struct err *err)
{
	*ret_rows = 0;
	return db_job_get(
	    p->reader, 1 + draw(p, p->a.jobs), count_job, ret_rows, err);
}

static int one_run(struct past *p, int64_t *ret_rows, struct err *err)
{
	*ret_rows = 0;
	return db_run_get(
	    p->reader, 1 + draw(p, p->a.runs), count_run, ret_rows, err);
}

static char *path_first(struct past *p)
{
	(void)p;
	return xasprintf("/api/v1/runs?limit=%d&page=1", LIMIT);
}

static char *path_last(struct past *p)
{
	return xasprintf(
	    "/api/v1/runs?limit=%d&page=%" PRId64, LIMIT, last_page(p));
}

static char *path_any(struct past *p)
{
	return xasprintf("/api/v1/runs?limit=%d&page=%" PRId64, LIMIT,
	    1 + draw(p, last_page(p)));
}

static char *path_filtered(struct past *p)
{
	return xasprintf("/api/v1/runs?limit=%d&page=%" PRId64
	                 "&name=%%25topic-0%%25",
	    LIMIT, 1 + draw(p, 10));
}

static char *path_filtered_anew(struct past *p)
{
	return xasprintf("/api/v1/runs?limit=%d&page=1&name=%%25topic-"
	                 "%03d%%25",
	    LIMIT, (int)draw(p, 200));
}

static char *path_matrix(struct past *p)
{
	return xasprintf(
	    "/api/v1/runs/%" PRId64 "/matrix", 1 + draw(p, p->a.runs));
}

static char *path_big_matrix(struct past *p)
{
	return xasprintf("/api/v1/runs/%" PRId64 "/matrix", p->a.runs + 1);
}

static char *path_job(struct past *p)
{
	return xasprintf("/api/v1/jobs/%" PRId64, 1 + draw(p, p->a.jobs));
}

static char *path_nothing(struct past *p)
{
	(void)p;
	return xstrdup("/api/v1/nothing");
}

#define ASK(text, fn) .what = text, .ask = fn, .path = path_##fn

static const struct question questions[] = {
    {ASK("first page", first), .max_p50 = 1, .max_p99 = 5, .wide = true},
    {ASK("last page", last), .max_p99 = 5, .wide = true},
    {ASK("any page", any), .max_p99 = 5, .wide = true},
    {ASK("any page of a filter", filtered), .max_p99 = 5, .wide = true},
    {ASK("first page of a new filter", filtered_anew), .max_p99 = 5,
        .wide = true},
    {ASK("matrix, 379 jobs", matrix), .max_p99 = 10},
    {ASK("matrix, 4927 jobs", big_matrix), .max_p99 = 10},
    {ASK("a job's page", job)},
};

/* ---- asking -------------------------------------------------------------- */

/* Given up by the database: as bad a time as any, and it is told. */
static int refused(struct past *p, const char *why)
{
	if (p->n_refused++ == 0)
		bench_say("  given up: %.100s", why);
	return 0;
}

static int ask_db(struct past *p, const struct question *q, struct samples *to,
    struct err *err)
{
	int n = p->b->small ? 20 : TIMES;
	int64_t rows;
	int r = 0;

	for (int i = 0; r == 0 && i < n; i++) {
		int64_t began_ns = clock_mono_ns();

		r = q->ask(p, &rows, err);
		samples_add(to, clock_mono_ns() - began_ns);
		if (r == -ERR_TIMEOUT) {
			r = refused(p, err->msg);
			continue;
		}
		/* A filter may find nothing in a small archive. */
		if (r == 0 && rows == 0 && p->a.runs >= SURE)
			r = err_set(err, ERR_PROTO, "%s: no rows", q->what);
	}
	return r;
}

static int ask_http(struct past *p, const struct question *q,
    struct samples *to, struct err *err)
{
	int n = p->b->small ? 20 : TIMES;
	scoped_val(answer_done) struct answer a = {0};
	int r = 0;

	for (int i = -WARM; r == 0 && i < n; i++) {
		scoped(free) char *path = q->path(p);

		r = lab_http(&p->lab, path, NULL, &a, err);
		if (r == 0 && a.status >= 500)
			r = refused(p, buf_str(&a.body));
		else if (r == 0 && a.status != (q->status ? q->status : 200))
			r = err_set(err, ERR_PROTO, "%s: status %ld: %.100s",
			    path, a.status, buf_str(&a.body));
		if (i >= 0)
			samples_add(to, a.ended_ns - a.began_ns);
	}
	return r;
}

static void report(const struct past *p, const struct question *q,
    const char *where, struct samples *s, bool judged)
{
	char name[96];
	bool is_http = *where == 'H';

	(void)snprintf(name, sizeof(name), "%s, %s: %s%s", p->label, where,
	    q->what, p->n_refused ? " (some given up)" : "");
	bench_times(p->b, s, NS_PER_MS,
	    &(struct row){.part = "index",
	        .name = name,
	        .unit = "ms",
	        .max_p50 = judged ? q->max_p50 : 0,
	        .max_p99 = judged ? q->max_p99 : 0,
	        .peer = is_http ? "smallest answer" : "one run by id",
	        .peer_value = is_http ? p->nothing_ms : p->one_ms});
}

static int one_question(
    struct past *p, const struct question *q, struct err *err)
{
	struct samples db = {0};
	struct samples http = {0};
	int r;

	p->n_refused = 0;
	r = ask_db(p, q, &db, err);
	if (r == 0)
		r = ask_http(p, q, &http, err);
	if (r == 0) {
		report(p, q, "reader", &db, true);
		report(p, q, "HTTP", &http, false);
	}
	samples_done(&db);
	samples_done(&http);
	return r;
}

/* ---- a filter that nobody used before ------------------------------------ */

/* What the first filter of a process costs: it learns every run's name. */
static int first_filter(struct past *p, struct err *err)
{
	struct samples s = {0};
	int64_t rows;
	int r = 0;

	for (int i = 0; r == 0 && i < 5; i++) {
		scoped(db_reader_close) struct db_reader *own = NULL;
		struct db_reader *kept = p->reader;
		int64_t began_ns;

		r = db_reader_open(p->a.dir, &own, err);
		if (r < 0)
			break;
		p->reader = own;
		began_ns = clock_mono_ns();
		r = filtered(p, &rows, err);
		samples_add(&s, clock_mono_ns() - began_ns);
		if (r == -ERR_TIMEOUT)
			r = refused(p, err->msg);
		p->reader = kept;
	}
	if (r == 0)
		report(p,
		    &(struct question){.what = "first filter of a process"},
		    "reader", &s, false);
	samples_done(&s);
	return r;
}

/* ---- one archive --------------------------------------------------------- */

static int peers(struct past *p, struct err *err)
{
	static const struct question one = {.what = "one run", .ask = one_run};
	static const struct question nothing = {
	    .what = "no such path", .path = path_nothing, .status = 404};
	struct samples db = {0};
	struct samples http = {0};
	int r = ask_db(p, &one, &db, err);

	if (r == 0)
		r = ask_http(p, &nothing, &http, err);
	p->one_ms = (double)samples_at(&db, 0.5) / NS_PER_MS;
	p->nothing_ms = (double)samples_at(&http, 0.5) / NS_PER_MS;
	samples_done(&db);
	samples_done(&http);
	return r;
}

static int ask_all(struct past *p, bool wide, struct err *err)
{
	int r = peers(p, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(questions); i++)
		if (!wide || questions[i].wide)
			r = one_question(p, &questions[i], err);
	return r == 0 ? first_filter(p, err) : r;
}

static int read_past(struct past *p, bool wide, struct err *err)
{
	int r = lab_start(&p->lab, p->b, p->a.dir, 0, 0, err);

	if (r < 0)
		return r;
	r = db_reader_open(p->a.dir, &p->reader, err);
	p->filter = db_filter_new();
	if (r == 0) {
		db_reader_share(p->reader, p->filter);
		r = ask_all(p, wide, err);
	}
	db_reader_close(p->reader);
	db_filter_free(p->filter);
	lab_end(&p->lab);
	return r;
}

static void report_size(const struct past *p)
{
	double jobs = (double)p->a.jobs;
	double full = (double)ARCHIVE_FULL_RUNS * ARCHIVE_JOBS;
	double bytes = (double)archive_bytes(&p->a);
	char name[96];

	(void)snprintf(name, sizeof(name),
	    "%s: database, scaled to 60616 runs x 379 jobs", p->label);
	bench_row(p->b,
	    &(struct row){.part = "index",
	        .name = name,
	        .unit = "GB",
	        .p50 = bytes / jobs * full / 1e9,
	        .p99 = NAN,
	        .n = 1,
	        .max_p50 = 2.5,
	        .peer = "in fact, GB:",
	        .peer_value = bytes / 1e9});
	if (p->a.made_s <= 0)
		return;
	(void)snprintf(
	    name, sizeof(name), "%s: jobs written, 9 events each", p->label);
	bench_row(p->b,
	    &(struct row){.part = "index",
	        .name = name,
	        .unit = "/s",
	        .p50 = jobs / p->a.made_s,
	        .p99 = NAN,
	        .n = (size_t)p->a.jobs});
}

static int one_archive(
    struct bench *b, int64_t runs, int64_t jobs_per_run, struct err *err)
{
	const char *base = b->keep ? b->keep : b->dir;
	scoped(free) char *dir = xasprintf(
	    "%s/archive-%" PRId64 "x%" PRId64, base, runs, jobs_per_run);
	char label[32];
	struct past p = {.b = b, .label = label, .random = 88172645463325252};
	bool wide = jobs_per_run == 1;
	int r;

	(void)snprintf(label, sizeof(label), "%" PRId64 " runs", runs);
	bench_say("index: %s of %" PRId64 " jobs", label, jobs_per_run);
	r = archive_make(dir, runs, jobs_per_run, &p.a, err);
	if (r < 0)
		return r;
	r = read_past(&p, wide, err);
	if (r == 0 && !wide)
		report_size(&p);
	archive_done(&p.a);
	if (!b->keep && r == 0)
		r = fs_remove_tree(dir, err);
	return r;
}

int part_index(struct bench *b, struct err *err)
{
	int64_t wide = b->small ? b->runs * WIDE_FACTOR
	                        : (int64_t)ARCHIVE_FULL_RUNS * WIDE_FACTOR;
	int r = one_archive(b, b->runs, ARCHIVE_JOBS, err);

	return r == 0 ? one_archive(b, wide, 1, err) : r;
}
