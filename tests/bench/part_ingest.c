/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Results written durably by db/: cases and samples of attempts, as the daemon
 * posts them. Beside them the same numbers as lines of text in one file that
 * is written from end to end and synced once.
 */
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "db/db.h"
#include "tests/bench/bench.h"

enum {
	CASES = 1000, /* of a job */
	SERIES = 20,  /* of a job */
	AHEAD = 256,  /* transactions: one of each of so many machines */
	AHEAD_FEW = 8,
	CASE_LINE_BYTES = 40, /* "job 123456 case_017_of_the_list pass\n" */
	SAMPLE_LINE_BYTES = 20
};

struct ingest {
	struct db *db;
	int wake_fd;
	int64_t machine;
	int64_t clock_ms;
	size_t values; /* of a series */
	size_t ahead;  /* transactions that may be under way */
	bool marked;
	char names[CASES][32];
	struct db_case cases[CASES];
	char metrics[SERIES][32];
	double numbers[1000];
	struct db_sample_mark marks[1000];
};

static void wake(void *arg)
{
	const struct ingest *in = arg;

	(void)eventfd_write(in->wake_fd, 1); /* full: it is awake */
}

static void wait_until_below(struct ingest *in, size_t n)
{
	struct pollfd p = {.fd = in->wake_fd, .events = POLLIN};
	eventfd_t value;

	while (db_pending(in->db) >= n) {
		(void)poll(&p, 1, 1000);
		(void)eventfd_read(in->wake_fd, &value); /* may be 0 already */
		db_dispatch(in->db);
	}
	db_dispatch(in->db);
}

static void fill(struct ingest *in)
{
	for (int i = 0; i < CASES; i++) {
		(void)snprintf(in->names[i], sizeof(in->names[i]),
		    "case_%03d_of_the_list", i);
		in->cases[i] = (struct db_case){.name = in->names[i],
		    .result = i % 100 == 99,
		    .text =
		        i % 100 == 99 ? "Assertion failed @ main.cpp:31" : "",
		    .offset = i * 80};
		in->numbers[i] = 1000 + sin(i) * 10;
		in->marks[i] = (struct db_sample_mark){
		    .pair = i / 2, .position = i % 2, .valid = true};
	}
	for (int i = 0; i < SERIES; i++)
		(void)snprintf(in->metrics[i], sizeof(in->metrics[i]),
		    "fio.profile_%02d", i);
}

/* ---- one job ------------------------------------------------------------- */

static void add_event(struct ingest *in, struct db_tx *tx, int64_t run_id,
    struct job *job, struct job_event ev)
{
	struct job before = *job;
	struct db_job_change change = {run_id, &before, job, &ev,
	    ev.type == JOB_EV_LEASE ? db_next_fence(in->db) : 0};

	ev.seq = job->seq + 1;
	ev.at_ms = in->clock_ms += 10;
	if (job_apply(job, &ev, NULL) < 0)
		abort();
	db_tx_job_event(tx, &change);
}

static void add_samples(struct ingest *in, struct db_tx *tx, int64_t attempt_id)
{
	for (int i = 0; in->values && i < SERIES; i++)
		db_tx_sample(tx,
		    &(struct db_sample){.attempt_id = attempt_id,
		        .machine_id = in->machine,
		        .metric = in->metrics[i],
		        .unit = "MB/s",
		        .variant = "virtualbox/kvm",
		        .guest = "linux",
		        .controller = "nvme",
		        .values = in->numbers,
		        .n_values = in->values,
		        .marks = in->marked ? in->marks : NULL});
	db_tx_points(tx, attempt_id, NULL);
}

/* Everything that the daemon posts for an attempt, in three transactions. */
static void play(
    struct ingest *in, int64_t run_id, int64_t job_id, bool samples)
{
	struct job job = {.id = job_id};
	struct db_tx *tx = db_tx_new(in->db);

	add_event(in, tx, run_id, &job,
	    (struct job_event){.type = JOB_EV_LEASE,
	        .attempt_id = db_next_attempt_id(in->db),
	        .machine_id = in->machine});
	add_event(
	    in, tx, run_id, &job, (struct job_event){.type = JOB_EV_PREPARE});
	add_event(in, tx, run_id, &job, (struct job_event){.type = JOB_EV_RUN});
	db_tx_post(tx, NULL, NULL);
	tx = db_tx_new(in->db);
	add_event(
	    in, tx, run_id, &job, (struct job_event){.type = JOB_EV_EXIT});
	add_event(in, tx, run_id, &job,
	    (struct job_event){.type = JOB_EV_COLLECTED,
	        .verdict = {.outcome = OUTCOME_PASS},
	        .text = "SOTEST END"});
	if (samples)
		add_samples(in, tx, job.attempt_id);
	else
		db_tx_cases(tx, job_id, job.attempt_id, in->cases, CASES);
	db_tx_post(tx, NULL, NULL);
	tx = db_tx_new(in->db);
	add_event(
	    in, tx, run_id, &job, (struct job_event){.type = JOB_EV_DONE});
	db_tx_post(tx, NULL, NULL);
}

/* ---- one run ------------------------------------------------------------- */

static double write_run(struct ingest *in, int64_t n_jobs, bool samples)
{
	const char *item = "item";
	const char *platform = "farm";
	scoped(free) const char **items =
	    xcalloc((size_t)n_jobs, sizeof(*items));
	scoped(free) char **names = xcalloc((size_t)n_jobs, sizeof(*names));
	scoped(free) char *cells = xcalloc((size_t)n_jobs + 1, 1);
	struct db_plan plan = {items, (size_t)n_jobs, &platform, 1,
	    memset(cells, 'j', (size_t)n_jobs)};
	struct db_new_run run = {.id = db_next_run_id(in->db),
	    .project = "farm",
	    .user = "somebody",
	    .name = "ingest",
	    .suite_text = "",
	    .suite_name = "suite.yaml",
	    .plan = &plan,
	    .created_at_ms = in->clock_ms,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(in->db, n_jobs),
	    .n_jobs = n_jobs,
	    .kind = "test"};
	struct db_tx *tx = db_tx_new(in->db);
	int64_t began_ns;

	for (int64_t i = 0; i < n_jobs; i++)
		items[i] = names[i] = xasprintf("%s-%" PRId64, item, i);
	db_tx_run_new(tx, &run);
	db_tx_post(tx, NULL, NULL);
	wait_until_below(in, 1);
	began_ns = clock_mono_ns();
	for (int64_t i = 0; i < n_jobs; i++) {
		play(in, run.id, run.first_job + i, samples);
		wait_until_below(in, in->ahead);
	}
	wait_until_below(in, 1);
	for (int64_t i = 0; i < n_jobs; i++)
		free(names[i]);
	return (double)(clock_mono_ns() - began_ns) / 1e9;
}

static int report(struct bench *b, const char *name, int64_t n, double s,
    int line_bytes, double min, struct err *err)
{
	double file_s = 0;
	int r = peer_write(b->dir, n * line_bytes, &file_s, err);

	if (r == 0)
		bench_row(b,
		    &(struct row){.part = "ingest",
		        .name = name,
		        .unit = "/s",
		        .p50 = (double)n / s,
		        .p99 = NAN,
		        .n = (size_t)n,
		        .min = min,
		        .peer = "synced file of lines",
		        .peer_value = (double)n / file_s});
	return r;
}

static int measure(struct bench *b, struct ingest *in, struct err *err)
{
	int64_t jobs = b->small ? 5 : 1000;
	double s = write_run(in, jobs, false);
	int r = report(b, "cases, 1000 a job, 1 % fail", jobs * CASES, s,
	    CASE_LINE_BYTES, 300000, err);

	in->values = 1000;
	s = write_run(in, jobs, true);
	if (r == 0)
		r = report(b, "samples, 20 series of 1000 a job",
		    jobs * SERIES * 1000, s, SAMPLE_LINE_BYTES, 1e6, err);
	in->values = 12;
	in->marked = true;
	s = write_run(in, jobs, true);
	if (r == 0)
		r = report(b, "samples, 20 series of 12 in pairs a job",
		    jobs * SERIES * 12, s, SAMPLE_LINE_BYTES, 0, err);
	in->values = 10;
	in->marked = false;
	in->ahead = AHEAD_FEW;
	s = write_run(in, jobs, true);
	in->ahead = AHEAD;
	if (r == 0)
		r = report(b, "samples, 20 series of 10 a job, 8 at once",
		    jobs * SERIES * 10, s, SAMPLE_LINE_BYTES, 0, err);
	return r;
}

/* ---- bytes --------------------------------------------------------------- */

static int open_db(struct ingest *in, const char *dir, struct err *err)
{
	struct db_ops ops = {.wake = wake, .arg = in};
	int r = db_open(dir, &ops, &in->db, err);

	return r < 0 ? r
	             : db_machine_id(in->db, "m", "farm", &in->machine, err);
}

/* Closing it has taken the log in. */
static int64_t close_db(struct ingest *in, const char *dir)
{
	const struct archive a = {.dir = (char *)dir};

	if (in->db)
		db_close(take(in->db));
	return archive_bytes(&a);
}

/* Bytes of a database with so many jobs of SERIES times values. */
static int fill_new(struct ingest *in, const char *dir, int64_t jobs,
    size_t values, double *ret_s, int64_t *ret_bytes, struct err *err)
{
	int r = open_db(in, dir, err);

	in->values = values;
	in->marked = false;
	if (r == 0)
		*ret_s = write_run(in, jobs, true);
	*ret_bytes = close_db(in, dir);
	return r;
}

/* What samples take on the disk: the same jobs without any are subtracted. */
static int measure_bytes(
    struct bench *b, struct ingest *in, const char *dir, struct err *err)
{
	scoped(free) char *without = xasprintf("%s/without", dir);
	scoped(free) char *with = xasprintf("%s/with", dir);
	int64_t jobs = b->small ? 5 : 5000;
	int64_t n = jobs * SERIES * 10;
	int64_t bytes[2] = {0};
	double s = 0;
	int r = fill_new(in, without, jobs, 0, &s, &bytes[0], err);

	if (r == 0)
		r = fill_new(in, with, jobs, 10, &s, &bytes[1], err);
	if (r == 0)
		r = report(b, "samples, 20 series of 10 a job", n, s,
		    SAMPLE_LINE_BYTES, 1e6, err);
	if (r < 0)
		return r;
	bench_row(b,
	    &(struct row){.part = "ingest",
	        .name = "bytes a sample, 20 series of 10 a job",
	        .unit = "B",
	        .p50 = (double)(bytes[1] - bytes[0]) / (double)n,
	        .p99 = NAN,
	        .n = (size_t)n,
	        .max_p50 = 16,
	        .peer = "float64",
	        .peer_value = sizeof(double)});
	return 0;
}

/* ---- the part ------------------------------------------------------------ */

static int measure_all(
    struct bench *b, struct ingest *in, const char *dir, struct err *err)
{
	scoped(free) char *rates = xasprintf("%s/rates", dir);
	int r = open_db(in, rates, err);

	if (r == 0)
		r = measure(b, in, err);
	(void)close_db(in, rates);
	if (r == 0)
		r = measure_bytes(b, in, dir, err);
	return r;
}

int part_ingest(struct bench *b, struct err *err)
{
	scoped(free) char *dir = xasprintf("%s/ingest", b->dir);
	scoped(free) struct ingest *in = xcalloc(1, sizeof(*in));
	int r;

	bench_say("ingest");
	in->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	in->clock_ms = 1700000000000;
	in->ahead = AHEAD;
	fill(in);
	r = in->wake_fd < 0 ? err_set(err, ERR_IO, "no eventfd")
	                    : measure_all(b, in, dir, err);
	fd_done(&in->wake_fd);
	return r < 0 ? r : fs_remove_tree(dir, err);
}
