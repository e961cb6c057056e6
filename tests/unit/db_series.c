/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What tables and bisections read of a run: its series and its source. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

struct ctx {
	struct kit kit;
	struct db_reader *r;
	struct kit_run run; /* four jobs; the first one runs on "m1" */
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));
	struct kit *k = &c->kit;
	struct db_tx *tx;

	kit_init(k);
	kit_open(k);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, "the run", 4, 1, &c->run);
	kit_play_begin(k, tx, &c->run, 0, kit_machine(k, 1));
	kit_commit(k, tx);
	assert_int_equal(db_reader_open(k->dir, &c->r, NULL), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	db_reader_close(c->r);
	kit_run_done(&c->run);
	kit_done(&c->kit);
	free(c);
	return 0;
}

/* ---- samples of a run --------------------------------------------------- */

static void put_mark(struct buf *b, const struct db_sample_mark *m)
{
	buf_printf(b, " (%d.%d", m->pair, m->position);
	if (m->has_raw)
		buf_printf(b, " raw %d", m->raw[31]);
	buf_printf(
	    b, "%s%s)", m->valid ? "" : " invalid ", m->why ? m->why : "");
}

static bool see_run_sample(void *arg, const struct db_run_sample *s)
{
	struct buf *b = arg;

	buf_printf(b,
	    "%" PRId64 "/%" PRId64 " %s on %s: %s [%s] %s/%s/%s:", s->job_id,
	    s->attempt_id, s->item, s->machine, s->metric, s->unit, s->variant,
	    s->guest, s->controller);
	for (size_t i = 0; i < s->n_values; i++) {
		buf_printf(b, " %g", s->values[i]);
		if (s->marks)
			put_mark(b, &s->marks[i]);
	}
	buf_putc(b, '\n');
	return true;
}

static void check_run_samples(struct ctx *c, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct err err = ERR_INIT;

	if (db_run_samples(c->r, c->run.id, see_run_sample, &b, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(buf_str(&b), want);
}

static const double values[] = {5, 4, 3.5, 6, 7};

static struct db_sample sample_of(const struct ctx *c, int job)
{
	struct db_sample s = {.attempt_id = c->run.jobs[job].attempt_id,
	    .machine_id = c->run.jobs[job].machine_id,
	    .metric = "disk.read",
	    .unit = "MB/s",
	    .variant = "",
	    .guest = "",
	    .controller = "",
	    .values = values,
	    .n_values = 2};

	return s;
}

static void marks_come_back_as_they_were(void **state)
{
	static const struct db_sample_mark marks[] = {
	    {0, 0, true, NULL, true, {[31] = 1}},
	    {0, 1, true, NULL, true, {[31] = 1}},
	    {1, 1, false, "governor changed", false, {0}},
	    {1, 0, true, NULL, true, {[31] = 2}},
	    {70000, 0, false, NULL, true, {[31] = 1}},
	};
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_sample s = sample_of(c, 0);
	struct db_tx *tx = db_tx_new(k->db);

	s.n_values = ARRAY_LEN(marks);
	s.marks = marks;
	db_tx_sample(tx, &s);
	kit_play_end(k, tx, &c->run, 0);
	kit_commit(k, tx);
	check_run_samples(c,
	    "1/1 item0 on m1: disk.read [MB/s] //: 5 (0.0 raw 1) "
	    "4 (0.1 raw 1) 3.5 (1.1 invalid governor changed) "
	    "6 (1.0 raw 2) 7 (70000.0 raw 1 invalid )\n");
	tx = db_tx_new(k->db);
	s.n_values = 1;
	s.marks = NULL;
	db_tx_sample(tx, &s); /* without a design now */
	kit_commit(k, tx);
	check_run_samples(c, "1/1 item0 on m1: disk.read [MB/s] //: 5\n");
}

/* Pairs 0 and 1, the second one began with the other arm. */
static void marks_of_a_design_are_a_byte_each(void **state)
{
	static const struct db_sample_mark marks[] = {
	    {.valid = true}, {.pair = 1, .position = 1, .valid = true}};
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_sample s = sample_of(c, 0);
	struct db_tx *tx = db_tx_new(k->db);

	s.n_values = 2;
	s.marks = marks;
	db_tx_sample(tx, &s);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT marks = x'020111' FROM sample"), 1);
}

/* As programs before this one wrote them: places first. */
static void marks_of_the_first_format_are_read(void **state)
{
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	scoped(conn_close) struct conn *conn = NULL;
	struct db_sample s = sample_of(c, 0);
	struct db_tx *tx = db_tx_new(k->db);

	s.n_values = 2;
	db_tx_sample(tx, &s);
	kit_play_end(k, tx, &c->run, 0);
	kit_commit(k, tx);
	assert_int_equal(conn_open(path, CONN_WRITE, &conn, NULL), 0);
	assert_int_equal(
	    conn_exec(conn, "UPDATE sample SET marks = x'010200010002086e6f00'",
	        NULL),
	    0);
	check_run_samples(c,
	    "1/1 item0 on m1: disk.read [MB/s] //: 5 (1.0) "
	    "4 (0.1 invalid no)\n");
}

static void damaged_marks_are_an_error(void **state)
{
	static const char *const damages[] = {
	    "UPDATE sample SET marks = x'0300000102'",
	    "UPDATE sample SET marks = x'01000001'",
	    "UPDATE sample SET marks = x'0100000100000100'",
	    "UPDATE sample SET marks = x'01000003000001'",
	    "UPDATE sample SET marks = x'01000005000001'",
	    "UPDATE sample SET marks = x'01000008000001'",
	    "UPDATE sample SET marks = x'0201'",
	    "UPDATE sample SET marks = x'02010101'",
	    "UPDATE sample SET marks = x'02032121'",
	    "UPDATE sample SET marks = x'020501'",
	    "UPDATE sample SET marks = x'0221feffffff0f0001'",
	};
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	scoped(conn_close) struct conn *conn = NULL;
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct db_sample s = sample_of(c, 0);
	struct db_tx *tx = db_tx_new(k->db);

	db_tx_sample(tx, &s);
	kit_play_end(k, tx, &c->run, 0);
	kit_commit(k, tx);
	assert_int_equal(conn_open(path, CONN_WRITE, &conn, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		assert_int_equal(conn_exec(conn, damages[i], NULL), 0);
		assert_int_equal(
		    db_run_samples(c->r, c->run.id, see_run_sample, &b, NULL),
		    -ERR_PROTO);
	}
	assert_int_equal(b.len, 0);
}

static void put_one(struct db_tx *tx, struct db_sample s)
{
	db_tx_sample(tx, &s);
}

/* Four series, not in the order in which they have to come. */
static void put_series(struct db_tx *tx, struct db_sample s)
{
	s.controller = "nvme";
	db_tx_sample(tx, &s);
	s.controller = "ahci";
	s.variant = "kvm";
	db_tx_sample(tx, &s);
	s.variant = "hedron";
	db_tx_sample(tx, &s);
	s.metric = "boot.time";
	s.guest = "debian";
	db_tx_sample(tx, &s);
}

static void samples_are_those_of_the_last_attempts_that_passed(void **state)
{
	struct verdict bad = {.outcome = OUTCOME_ERROR, .layer = LAYER_SSH};
	struct verdict fail = {.outcome = OUTCOME_FAIL, .expected = true};
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);

	/* Job 1 by its second attempt, 2 fails, 3 has not ended, 4 passes. */
	put_one(tx, sample_of(c, 0));
	kit_verdict(k, tx, &c->run, 0, JOB_EV_ABORT, bad, NULL);
	kit_event(k, tx, &c->run, 0, JOB_EV_REQUEUE, NULL);
	kit_play_begin(k, tx, &c->run, 0, kit_machine(k, 2));
	put_series(tx, sample_of(c, 0));
	kit_play_end(k, tx, &c->run, 0);
	kit_play_begin(k, tx, &c->run, 1, kit_machine(k, 2));
	put_series(tx, sample_of(c, 1));
	kit_event(k, tx, &c->run, 1, JOB_EV_EXIT, NULL);
	kit_verdict(k, tx, &c->run, 1, JOB_EV_COLLECTED, fail, NULL);
	kit_event(k, tx, &c->run, 1, JOB_EV_DONE, NULL);
	kit_play_begin(k, tx, &c->run, 2, kit_machine(k, 2));
	put_series(tx, sample_of(c, 2));
	kit_play_begin(k, tx, &c->run, 3, kit_machine(k, 1));
	put_one(tx, sample_of(c, 3));
	kit_play_end(k, tx, &c->run, 3);
	kit_commit(k, tx);
	check_run_samples(c,
	    "1/2 item0 on m2: boot.time [MB/s] hedron/debian/ahci: 5 4\n"
	    "1/2 item0 on m2: disk.read [MB/s] hedron//ahci: 5 4\n"
	    "1/2 item0 on m2: disk.read [MB/s] kvm//ahci: 5 4\n"
	    "1/2 item0 on m2: disk.read [MB/s] //nvme: 5 4\n"
	    "4/5 item3 on m1: disk.read [MB/s] //: 5 4\n");
	kit_check(k);
}

/* ---- the source of a run ------------------------------------------------ */

static bool see_source(void *arg, const struct db_source *s)
{
	int *calls = arg;

	++*calls;
	assert_string_equal(s->project, "hypervisor");
	assert_string_equal(s->user, "somebody");
	assert_string_equal(s->name, "the run");
	assert_null(s->link);
	assert_string_equal(
	    s->commit, "0123456789abcdef0123456789abcdef01234567");
	assert_int_equal(s->priority, 0);
	assert_string_equal(s->kind, "test");
	assert_string_equal(s->suite_name, "project_config.yaml");
	assert_int_equal(s->suite_len, 15);
	assert_string_equal(s->suite_text, "boot_items: []\n");
	assert_int_equal(s->n_files, 1);
	assert_string_equal(s->files[0].path, "kernel");
	assert_int_equal(s->files[0].sha256[2], 3);
	assert_int_equal(s->files[0].size, 77);
	return true;
}

static void source_is_the_same_while_open_and_when_done(void **state)
{
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct err err = ERR_INIT;
	int calls = 0;

	assert_int_equal(
	    db_run_source(c->r, c->run.id, see_source, &calls, NULL), 0);
	kit_play_end(k, tx, &c->run, 0);
	for (int i = 1; i < 4; i++)
		kit_event(k, tx, &c->run, i, JOB_EV_CANCEL, NULL);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT state FROM run"), RUN_DONE);
	assert_int_equal(
	    db_run_source(c->r, c->run.id, see_source, &calls, NULL), 0);
	assert_int_equal(calls, 2);
	assert_int_equal(
	    db_run_source(c->r, c->run.id + 1, see_source, &calls, &err),
	    -ERR_NOTFOUND);
	assert_int_equal(calls, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(marks_come_back_as_they_were),
	    TEST(marks_of_a_design_are_a_byte_each),
	    TEST(marks_of_the_first_format_are_read),
	    TEST(damaged_marks_are_an_error),
	    TEST(samples_are_those_of_the_last_attempts_that_passed),
	    TEST(source_is_the_same_while_open_and_when_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
