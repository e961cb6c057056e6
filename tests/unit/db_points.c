/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sums over all attempts that count, held against the values themselves. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "db/point.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

enum {
	ATTEMPTS = 8,
	FAILED = 3, /* does not count, whatever it measured */
	PAIRS = 6,
	DUMP_BYTES = 1 << 16
};

/* On NVMe the baseline is measured against itself. */
static const char spec[] =
    "{\"variants\":[{\"name\":\"vboxdrv\",\"role\":\"baseline\"},"
    "{\"name\":\"kvm\",\"role\":\"candidate\"},"
    "{\"name\":\"vboxdrv#placebo\",\"role\":\"candidate\"}]}";

/* What an attempt measured on SATA, as bench/ sees it. */
struct told {
	struct bench_value values[2 * PAIRS];
	int64_t began_ms;
};

struct world {
	struct kit k;
	struct kit_run run;
	struct db_reader *r;
	struct told told[ATTEMPTS];
	uint64_t random;
};

static double uniform(struct world *w)
{
	return (double)(kit_random(&w->random) >> 11) / 9007199254740992.;
}

/* ---- writing ------------------------------------------------------------- */

static struct db_sample sample_of(
    const struct world *w, int job, const char *variant, const char *disk)
{
	return (struct db_sample){.attempt_id = w->run.jobs[job].attempt_id,
	    .machine_id = w->run.jobs[job].machine_id,
	    .metric = "disk.seq128k_q32t1.rd",
	    .unit = "MB/s",
	    .variant = variant,
	    .guest = "linux",
	    .controller = disk,
	    .n_values = PAIRS};
}

/* One series of random values; a few are not valid, or nothing. */
static void series_put(struct world *w, struct db_tx *tx, int job,
    const char *variant, const char *disk, struct bench_value *ret)
{
	struct db_sample s = sample_of(w, job, variant, disk);
	bool candidate = str_eq(variant, "kvm");
	struct db_sample_mark marks[PAIRS] = {0};
	double values[PAIRS];

	for (int i = 0; i < PAIRS; i++) {
		values[i] = uniform(w) < .05 ? 0 : 1000 + 50 * uniform(w);
		marks[i].pair = i;
		marks[i].position = (i % 2 == 1) != candidate;
		marks[i].valid = uniform(w) > .05;
		if (ret)
			ret[i] = (struct bench_value){
			    .arm = candidate ? BENCH_CANDIDATE : BENCH_BASELINE,
			    .pair = i,
			    .position = marks[i].position,
			    .valid = marks[i].valid && values[i] > 0,
			    .value = values[i]};
	}
	s.values = values;
	s.marks = marks;
	db_tx_sample(tx, &s);
}

static void count(struct db_tx *tx, int64_t attempt)
{
	scoped_val(bench_versus_done) struct bench_versus versus = {NULL, 0};

	bench_spec_versus(spec, &versus);
	assert_int_equal(versus.n, 2);
	db_tx_points(tx, attempt, &versus);
}

static void attempt_put(struct world *w, int job)
{
	const struct verdict fail = {.outcome = OUTCOME_FAIL};
	struct kit *k = &w->k;
	struct told *told = &w->told[job];
	struct db_tx *tx = db_tx_new(k->db);
	int64_t attempt;

	told->began_ms = k->clock_ms + 7; /* of the lease */
	kit_play_begin(k, tx, &w->run, job, kit_machine(k, 1));
	attempt = w->run.jobs[job].attempt_id;
	db_tx_agent_spec(tx, attempt, spec);
	db_tx_env(tx, attempt, "kernel", job < 4 ? "6.1" : "6.6");
	series_put(w, tx, job, "vboxdrv", "sata", told->values);
	series_put(w, tx, job, "kvm", "sata", told->values + PAIRS);
	series_put(w, tx, job, "vboxdrv", "nvme", NULL);
	series_put(w, tx, job, "vboxdrv#placebo", "nvme", NULL);
	if (job == FAILED) {
		kit_verdict(k, tx, &w->run, job, JOB_EV_ABORT, fail, NULL);
		kit_event(k, tx, &w->run, job, JOB_EV_DONE, NULL);
	} else {
		count(tx, attempt);
		kit_play_end(k, tx, &w->run, job);
	}
	kit_commit(k, tx);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct db_tx *tx;

	w->random = kit_seed();
	kit_init(&w->k);
	kit_open(&w->k);
	tx = db_tx_new(w->k.db);
	kit_run_new(&w->k, tx, "numbers", ATTEMPTS, 1, &w->run);
	kit_commit(&w->k, tx);
	for (int i = 0; i < ATTEMPTS; i++)
		attempt_put(w, i);
	assert_int_equal(db_reader_open(w->k.dir, &w->r, NULL), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	db_reader_close(w->r);
	kit_run_done(&w->run);
	kit_done(&w->k);
	free(w);
	return 0;
}

/* ---- reading ------------------------------------------------------------- */

struct seen {
	int n;
	struct db_cell_sums sata;
};

static bool see(void *arg, const struct db_cell_sums *cell)
{
	struct seen *s = arg;

	s->n++;
	assert_string_equal(cell->machine, "m1");
	assert_string_equal(cell->guest, "linux");
	assert_string_equal(cell->unit, "MB/s");
	assert_string_equal(cell->baseline, "vboxdrv");
	if (str_eq(cell->controller, "sata")) {
		assert_string_equal(cell->candidate, "kvm");
		s->sata = *cell;
	} else {
		assert_true(bench_is_placebo("vboxdrv", cell->candidate));
	}
	return true;
}

static void near(double have, double want)
{
	if (!(fabs(have - want) <= 1e-9 * fabs(want)))
		fail_msg("%.17g is not %.17g", have, want);
}

static void near_moments(
    const struct bench_moments *have, const struct bench_moments *want)
{
	assert_int_equal(have->n, want->n);
	near(have->mean, want->mean);
	near(have->m2, want->m2);
}

/* Attempts [from, to), and what a window from the first to the last has. */
static void check(struct world *w, int from, int to)
{
	struct db_window window = {from ? w->told[from].began_ms : 0,
	    to < ATTEMPTS ? w->told[to].began_ms : 0, NULL};
	struct bench_cell want = {0};
	struct seen seen = {0};
	struct bench_cell *have = &seen.sata.sums;

	for (int i = from; i < to; i++)
		if (i != FAILED)
			bench_cell_add(&want, w->told[i].values, 2 * PAIRS);
	assert_int_equal(db_cells(w->r, &window, see, &seen, NULL), 0);
	if (from == FAILED && to == FAILED + 1) {
		assert_int_equal(seen.n, 0);
		return;
	}
	assert_int_equal(seen.n, 2);
	assert_false(have->unpaired);
	assert_int_equal(db_cell_values(w->r, &window, seen.sata.baseline_id,
	                     seen.sata.candidate_id, have, NULL),
	    0);
	near_moments(&have->pairs, &want.pairs);
	near(have->ln_baseline, want.ln_baseline);
	for (int arm = 0; arm < 2; arm++)
		near_moments(&have->ln[arm], &want.ln[arm]);
}

/* ---- tests --------------------------------------------------------------- */

static void the_sums_of_every_window_are_those_of_its_values(void **state)
{
	for (int from = 0; from < ATTEMPTS; from++)
		for (int to = from + 1; to <= ATTEMPTS; to++)
			check(*state, from, to);
}

static void a_window_before_all_or_after_all_is_empty(void **state)
{
	struct world *w = *state;
	struct db_window before = {0, w->told[0].began_ms, NULL};
	struct db_window after = {w->k.clock_ms + 1, 0, NULL};
	struct db_window other = {0, 0, "sysbench.cpu_1"};
	struct seen seen = {0};

	assert_int_equal(db_cells(w->r, &after, see, &seen, NULL), 0);
	assert_int_equal(db_cells(w->r, &before, see, &seen, NULL), 0);
	assert_int_equal(db_cells(w->r, &other, see, &seen, NULL), 0);
	assert_int_equal(seen.n, 0);
}

static const char sql_dump[] =
    "SELECT printf('%d %d %d %d %d %s %d %.17g %.17g', series_id, "
    "attempt_id, run_id, branch_id, environment_id, quote(value), n, ln_mean, "
    "ln_m2) FROM point "
    "UNION ALL SELECT printf('cell %d %d %d', id, baseline_id, candidate_id) "
    "FROM cell UNION ALL SELECT printf('%d %d %d %.17g %.17g %.17g', "
    "cell_id, attempt_id, n, ln_mean, ln_m2, ln_baseline) FROM cell_sum ORDER "
    "BY 1";

static void rows(struct conn *c, struct buf *to)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_dump);

	while (stmt_step(st, NULL) == 1)
		buf_printf(to, "%s\n", stmt_text(st, 0));
}

static void dump(struct world *w, enum conn_mode mode, const char *first,
    bool fill, struct buf *to)
{
	scoped(free) char *path = xasprintf("%s/%s", w->k.dir, DB_FILE);
	scoped(conn_close) struct conn *c = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(conn_open(path, mode, &c, NULL), 0);
	if (first)
		assert_int_equal(conn_exec(c, first, NULL), 0);
	if (fill && points_fill(c, &err) < 0)
		fail_msg("%s", err.msg);
	rows(c, to);
}

static void the_same_attempt_again_gives_the_same_rows(void **state)
{
	struct world *w = *state;
	scoped_val(buf_done) struct buf before = BUF_INIT(DUMP_BYTES);
	scoped_val(buf_done) struct buf after = BUF_INIT(DUMP_BYTES);
	struct db_tx *tx = db_tx_new(w->k.db);

	dump(w, CONN_READ, NULL, false, &before);
	count(tx, w->run.jobs[ATTEMPTS - 1].attempt_id);
	kit_commit(&w->k, tx);
	dump(w, CONN_READ, NULL, false, &after);
	assert_true(before.len > 1000);
	assert_string_equal(buf_str(&before), buf_str(&after));
}

static void all_rows_follow_from_the_samples(void **state)
{
	struct world *w = *state;
	scoped_val(buf_done) struct buf before = BUF_INIT(DUMP_BYTES);
	scoped_val(buf_done) struct buf after = BUF_INIT(DUMP_BYTES);

	kit_close(&w->k);
	dump(w, CONN_WRITE, NULL, false, &before);
	dump(w, CONN_WRITE,
	    "DELETE FROM point; DELETE FROM cell_sum; DELETE FROM cell; "
	    "DELETE FROM environment; DELETE FROM branch",
	    true, &after);
	assert_true(before.len > 1000);
	assert_string_equal(buf_str(&before), buf_str(&after));
	kit_open(&w->k);
}

/* A number without a pair: its arms are there, pairs are not. */
static void what_was_never_paired_has_values_only(void **state)
{
	static const double value[] = {7, 8};
	struct world *w = *state;
	struct db_window all = {0, 0, "disk.rnd4k_q1t1.rd"};
	struct seen seen = {0};
	struct db_tx *tx = db_tx_new(w->k.db);

	for (int arm = 0; arm < 2; arm++) {
		struct db_sample s =
		    sample_of(w, ATTEMPTS - 1, arm ? "kvm" : "vboxdrv", "sata");

		s.metric = "disk.rnd4k_q1t1.rd";
		s.values = value + arm;
		s.n_values = 1;
		db_tx_sample(tx, &s);
	}
	count(tx, w->run.jobs[ATTEMPTS - 1].attempt_id);
	kit_commit(&w->k, tx);
	assert_int_equal(db_cells(w->r, &all, see, &seen, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_true(seen.sata.sums.unpaired);
	near(seen.sata.sums.ln[0].mean, log(7));
	near(seen.sata.sums.ln[1].mean, log(8));
}

static bool see_apart(void *arg, const struct db_cell_sums *cell)
{
	int *n = arg;

	assert_string_equal(cell->controller, "nvme");
	assert_string_equal(cell->baseline, "kvm");
	assert_string_equal(cell->candidate, "vboxdrv");
	assert_true(cell->sums.unpaired);
	++*n;
	return true;
}

static void variants_of_two_attempts_are_apart(void **state)
{
	struct world *w = *state;
	struct db_window all = {0, 0, NULL};
	struct db_window other = {0, 0, "sysbench.cpu_1"};
	struct db_tx *tx = db_tx_new(w->k.db);
	int n = 0;

	series_put(w, tx, ATTEMPTS - 1, "kvm", "nvme", NULL);
	db_tx_points(tx, w->run.jobs[ATTEMPTS - 1].attempt_id, NULL);
	kit_commit(&w->k, tx);
	assert_int_equal(
	    db_cells_apart(w->r, &all, "kvm", "vboxdrv", see_apart, &n, NULL),
	    0);
	assert_int_equal(n, 1);
	assert_int_equal(
	    db_cells_apart(w->r, &other, "kvm", "vboxdrv", see_apart, &n, NULL),
	    0);
	assert_int_equal(n, 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_sums_of_every_window_are_those_of_its_values),
	    TEST(a_window_before_all_or_after_all_is_empty),
	    TEST(the_same_attempt_again_gives_the_same_rows),
	    TEST(all_rows_follow_from_the_samples),
	    TEST(what_was_never_paired_has_values_only),
	    TEST(variants_of_two_attempts_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
