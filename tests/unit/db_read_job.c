/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading jobs: events, attempts, cases, samples; and loading them again. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "bench/bench.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

/* ---- events ------------------------------------------------------------- */

struct story {
	struct buf text;
	struct job job; /* the events applied */
};

static bool tell(void *arg, const struct job_event *ev)
{
	struct story *s = arg;
	struct err err = ERR_INIT;

	buf_printf(&s->text, "%" PRId64 " %" PRId64 " %s %s\n", ev->seq,
	    ev->at_ms, job_event_name(ev->type), ev->text ? ev->text : "-");
	if (job_apply(&s->job, ev, &err) < 0)
		fail_msg("%s", err.msg);
	return true;
}

static void read_story(struct kit_reader *c, int64_t job_id, struct story *s)
{
	struct err err = ERR_INIT;

	memset(s, 0, sizeof(*s));
	s->text.max = 1 << 20;
	s->job.id = job_id;
	if (db_events(c->r, job_id, tell, s, &err) < 0)
		fail_msg("%s", err.msg);
}

static void events_read_the_same_after_packing(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct story before[3];
	struct story after;
	struct kit_run run;

	kit_run_new(k, tx, NULL, 4, 1, &run);
	kit_play(k, tx, &run, 0, kit_machine(k, 1));
	kit_play(k, tx, &run, 2, kit_machine(k, 2));
	kit_event(k, tx, &run, 1, JOB_EV_DISABLE, "not on \"this\" lab: \\ é");
	kit_commit(k, tx);
	for (int i = 0; i < 3; i++)
		read_story(c, run.first_job + i, &before[i]);
	tx = db_tx_new(k->db);
	kit_event(k, tx, &run, 3, JOB_EV_CANCEL, NULL);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM job_event"), 0);
	for (int i = 0; i < 3; i++) {
		read_story(c, run.first_job + i, &after);
		assert_true(after.text.len > 0);
		assert_string_equal(
		    buf_str(&after.text), buf_str(&before[i].text));
		assert_memory_equal(
		    &after.job, &run.jobs[i], sizeof(after.job));
		buf_done(&after.text);
		buf_done(&before[i].text);
	}
	kit_run_done(&run);
}

/* ---- attempts, cases, samples ------------------------------------------- */

struct seen_attempts {
	int n;
	int64_t machines[10];
	enum outcome outcomes[10];
	char evidence[10][40];
};

static bool see_attempt(void *arg, const struct db_attempt *a)
{
	struct seen_attempts *s = arg;

	assert_int_equal(a->no, s->n + 1);
	s->machines[s->n] = a->machine_id;
	s->outcomes[s->n] = a->verdict.outcome;
	(void)snprintf(s->evidence[s->n], sizeof(s->evidence[0]), "%s",
	    a->evidence ? a->evidence : "none");
	s->n++;
	return true;
}

static void attempts_are_told_in_order(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct verdict bad = {.outcome = OUTCOME_ERROR, .layer = LAYER_SSH};
	struct seen_attempts seen = {0};
	struct kit_run run;

	kit_run_new(k, tx, NULL, 2, 1, &run);
	for (int i = 0; i < 3; i++) {
		kit_lease(k, tx, &run, 0, kit_machine(k, 1 + i));
		kit_verdict(k, tx, &run, 0, JOB_EV_ABORT, bad, "no banner");
		kit_event(k, tx, &run, 0, JOB_EV_REQUEUE, NULL);
	}
	kit_play(k, tx, &run, 0, kit_machine(k, 1));
	kit_commit(k, tx);
	kit_check(k);
	assert_int_equal(
	    db_attempts(c->r, run.first_job, see_attempt, &seen, NULL), 0);
	assert_int_equal(seen.n, 4);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(seen.machines[i], kit_machine(k, 1 + i));
		assert_int_equal(seen.outcomes[i], OUTCOME_ERROR);
		assert_string_equal(seen.evidence[i], "no banner");
	}
	assert_int_equal(seen.outcomes[3], OUTCOME_PASS);
	seen.n = 0;
	assert_int_equal(
	    db_attempts(c->r, run.first_job + 1, see_attempt, &seen, NULL), 0);
	assert_int_equal(seen.n, 0);
	kit_run_done(&run);
}

static bool see_case(void *arg, const struct db_case *got)
{
	struct buf *b = arg;

	buf_printf(b, "%s %d '%s' %" PRId64 "\n", got->name, got->result,
	    got->text, got->offset);
	return true;
}

static void check_cases(struct kit_reader *c, int64_t job_id, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(db_cases(c->r, job_id, see_case, &b, NULL), 0);
	assert_string_equal(buf_str(&b), want);
}

static void cases_come_back_and_go_with_the_next_attempt(void **state)
{
	static const struct db_case cases[] = {
	    {"one", CASE_PASS, "", 10},
	    {"two", CASE_FAIL, "x == 3", 20},
	    {"", CASE_SKIP, "", 30},
	    {"four", CASE_PASS, "", 40},
	    {"five", CASE_FAIL, "", 50},
	};
	static const char want[] = "one 1 '' 0\ntwo 2 'x == 3' 20\n 3 '' 0\n"
	                           "four 1 '' 0\nfive 2 '' 50\n";
	struct verdict bad = {.outcome = OUTCOME_ERROR, .layer = LAYER_SSH};
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	int64_t m = kit_machine(k, 1);
	struct kit_run run;

	kit_run_new(k, tx, NULL, 2, 1, &run);
	kit_lease(k, tx, &run, 0, m);
	db_tx_cases(tx, run.first_job, run.jobs[0].attempt_id, cases, 5);
	kit_commit(k, tx);
	check_cases(c, run.first_job, want);
	check_cases(c, run.first_job + 1, "");
	tx = db_tx_new(k->db);
	db_tx_cases(tx, run.first_job, run.jobs[0].attempt_id, cases, 1);
	kit_commit(k, tx);
	check_cases(c, run.first_job, "one 1 '' 0\n");
	tx = db_tx_new(k->db);
	db_tx_cases(tx, run.first_job, run.jobs[0].attempt_id, cases, 5);
	kit_verdict(k, tx, &run, 0, JOB_EV_ABORT, bad, NULL);
	kit_event(k, tx, &run, 0, JOB_EV_REQUEUE, NULL);
	kit_lease(k, tx, &run, 0, m);
	kit_commit(k, tx);
	check_cases(c, run.first_job, "");
	kit_check(k);
	kit_run_done(&run);
}

static bool see_sample(void *arg, const struct db_sample_row *s)
{
	struct buf *b = arg;

	buf_printf(b, "%s [%s] %s/%s/%s:", s->metric, s->unit, s->variant,
	    s->guest, s->controller);
	for (size_t i = 0; i < s->n_values; i++)
		buf_printf(b, " %g", s->values[i]);
	if (s->n_left_out)
		buf_printf(b, ", %zu left out", s->n_left_out);
	buf_putc(b, '\n');
	return true;
}

static void samples_come_back_once_without_those_that_are_not_valid(
    void **state)
{
	static const double values[] = {3, 1, 2.5};
	static const struct db_sample_mark marks[] = {
	    {.valid = true}, {.why = "the boot failed"}, {.valid = true}};
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	int64_t m = kit_machine(k, 1);
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct kit_run run;
	struct db_sample s = {.machine_id = m,
	    .metric = "boot.time",
	    .unit = "ms",
	    .variant = "kvm",
	    .guest = "",
	    .controller = "nvme",
	    .values = values,
	    .n_values = 2};

	kit_run_new(k, tx, NULL, 1, 1, &run);
	kit_lease(k, tx, &run, 0, m);
	s.attempt_id = run.jobs[0].attempt_id;
	db_tx_sample(tx, &s);
	kit_commit(k, tx);
	tx = db_tx_new(k->db);
	s.n_values = 3;
	db_tx_sample(tx, &s); /* the same again, and more */
	s.metric = "disk.read";
	s.marks = marks;
	db_tx_sample(tx, &s);
	kit_commit(k, tx);
	assert_int_equal(
	    db_samples(c->r, run.first_job, see_sample, &b, NULL), 0);
	assert_string_equal(buf_str(&b),
	    "boot.time [ms] kvm//nvme: 3 1 2.5\n"
	    "disk.read [ms] kvm//nvme: 3 2.5, 1 left out\n");
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM sample"), 2);
	kit_run_done(&run);
}

static bool see_machine(void *arg, const struct db_machine *m)
{
	struct buf *b = arg;

	buf_printf(b, "%s %s %s '%s'\n", m->name, m->platform,
	    health_name(m->health), m->why);
	return true;
}

static void machines_are_listed_with_their_health(void **state)
{
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	(void)kit_machine(k, 1);
	db_tx_machine_health(
	    tx, kit_machine(k, 2), HEALTH_SUSPECT, "two errors", 5);
	kit_commit(k, tx);
	assert_int_equal(db_machines(c->r, see_machine, &b, NULL), 0);
	assert_string_equal(
	    buf_str(&b), "m1 p good ''\nm2 p suspect 'two errors'\n");
}

/* ---- after a restart ---------------------------------------------------- */

struct loaded {
	int runs;
	int jobs;
	struct kit_run *run;
};

static void on_run(void *arg, const struct db_open_run *run)
{
	struct loaded *l = arg;

	l->runs++;
	assert_int_equal(run->id, l->run->id);
	assert_string_equal(run->name, "open");
	assert_string_equal(run->suite_text, "boot_items: []\n");
	assert_int_equal(run->suite_len, 15);
	assert_int_equal(run->n_files, 1);
	assert_string_equal(run->files[0].path, "kernel");
	assert_int_equal(run->files[0].size, 77);
	assert_int_equal(run->files[0].sha256[2], 3);
	assert_string_equal(
	    run->commit, "0123456789abcdef0123456789abcdef01234567");
}

static void on_job(void *arg, const struct db_open_job *job)
{
	struct loaded *l = arg;
	int i = (int)(job->job.id - l->run->first_job);
	char name[20];

	assert_int_not_equal(i, 0); /* that one is done */
	assert_int_equal(job->run_id, l->run->id);
	assert_memory_equal(&job->job, &l->run->jobs[i], sizeof(job->job));
	assert_int_equal(job->item, i / 2);
	(void)snprintf(name, sizeof(name), "item%d", i / 2);
	assert_string_equal(job->item_name, name);
	(void)snprintf(name, sizeof(name), "platform%d", i % 2);
	assert_string_equal(job->platform, name);
	assert_int_equal(job->fence != 0, i == 2);
	assert_int_equal(job->log_bytes, i == 2 ? 5 : 0);
	l->jobs++;
}

static void open_jobs_are_loaded_as_they_were(void **state)
{
	struct verdict bad = {.outcome = OUTCOME_ERROR, .layer = LAYER_SSH};
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	struct db_log *log = NULL;
	struct loaded l = {0};
	struct err err = ERR_INIT;
	struct kit_run done;
	struct kit_run run;

	kit_run_new(k, tx, "done", 1, 1, &done);
	kit_event(k, tx, &done, 0, JOB_EV_CANCEL, NULL);
	kit_run_new(k, tx, "open", 3, 2, &run);
	kit_play(k, tx, &run, 0, kit_machine(k, 1));
	kit_event(k, tx, &run, 1, JOB_EV_HOLD, "by me");
	kit_lease(k, tx, &run, 2, kit_machine(k, 2));
	kit_event(k, tx, &run, 2, JOB_EV_PREPARE, NULL);
	kit_lease(k, tx, &run, 3, kit_machine(k, 1));
	kit_verdict(k, tx, &run, 3, JOB_EV_ABORT, bad, NULL);
	kit_event(k, tx, &run, 3, JOB_EV_REQUEUE, NULL);
	kit_commit(k, tx);
	assert_int_equal(
	    db_log_open(k->dir, run.jobs[2].attempt_id, &log, NULL), 0);
	assert_int_equal(db_log_append(log, "hello", 5, 1, NULL), 0);
	kit_close(k);
	kit_open(k);
	l.run = &run;
	if (db_load_open(k->db, on_run, on_job, &l, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(l.runs, 1);
	assert_int_equal(l.jobs, 5);
	assert_int_equal(db_log_close(log, NULL), 0);
	kit_run_done(&done);
	kit_run_done(&run);
}

static void no_run(void *arg, const struct db_open_run *run)
{
	(void)arg;
	(void)run;
}

static void no_job(void *arg, const struct db_open_job *job)
{
	(void)arg;
	(void)job;
}

static void tamper(struct kit *k, const char *sql)
{
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	scoped(conn_close) struct conn *c = NULL;

	assert_int_equal(conn_open(path, CONN_WRITE, &c, NULL), 0);
	assert_int_equal(conn_exec(c, sql, NULL), 0);
}

static void row_that_its_events_do_not_reproduce_is_refused(void **state)
{
	static const char *const damages[] = {
	    "UPDATE job SET state = 2",
	    "DELETE FROM job_event WHERE seq = 2",
	    "DELETE FROM job_event WHERE seq = 1",
	    "UPDATE job_event SET data = '{}' WHERE seq = 1",
	    "UPDATE attempt SET machine_id = 3 - machine_id",
	};
	struct kit_reader *c = *state;
	struct kit *k = &c->kit;

	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct db_tx *tx = db_tx_new(k->db);
		struct err err = ERR_INIT;
		struct kit_run run;

		kit_run_new(k, tx, NULL, 1, 1, &run);
		(void)kit_machine(k, 2);
		kit_lease(k, tx, &run, 0, kit_machine(k, 1));
		kit_event(k, tx, &run, 0, JOB_EV_STEP, "off");
		kit_commit(k, tx);
		kit_check(k);
		tamper(k, damages[i]);
		assert_int_equal(
		    db_load_open(k->db, no_run, no_job, NULL, &err),
		    -ERR_PROTO);
		assert_non_null(strstr(err.msg, "job 1"));
		kit_run_done(&run);
		db_reader_close(c->r);
		kit_done(k);
		kit_init(k);
		kit_open(k);
		assert_int_equal(db_reader_open(k->dir, &c->r, NULL), 0);
	}
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, kit_reader_setup, kit_reader_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(events_read_the_same_after_packing),
	    TEST(attempts_are_told_in_order),
	    TEST(cases_come_back_and_go_with_the_next_attempt),
	    TEST(samples_come_back_once_without_those_that_are_not_valid),
	    TEST(machines_are_listed_with_their_health),
	    TEST(open_jobs_are_loaded_as_they_were),
	    TEST(row_that_its_events_do_not_reproduce_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
