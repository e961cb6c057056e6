/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs of one name against each other, jobs and machines over time. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "bench/bench.h"
#include "db/changes.h"
#include "tests/unit/db_kit.h"

/* Plays a job to the verdict that a letter stands for. */
static void play(struct kit_reader *c, struct db_tx *tx, struct kit_run *run,
    int job, char how, int64_t machine)
{
	static const struct verdict verdicts[] = {
	    ['f'] = {.outcome = OUTCOME_FAIL},
	    ['x'] = {.outcome = OUTCOME_FAIL, .expected = true},
	    ['t'] = {.outcome = OUTCOME_TIMEOUT},
	    ['e'] = {.outcome = OUTCOME_ERROR, .layer = LAYER_POWER},
	    ['p'] = {.outcome = OUTCOME_PASS},
	};
	struct kit *k = &c->kit;

	if (how == 'c') {
		kit_event(k, tx, run, job, JOB_EV_CANCEL, NULL);
		return;
	}
	if (how == '.')
		return;
	kit_play_begin(k, tx, run, job, machine);
	if (how == 'r')
		return;
	kit_event(k, tx, run, job, JOB_EV_EXIT, NULL);
	kit_verdict(k, tx, run, job, JOB_EV_COLLECTED, verdicts[(int)how],
	    how == 'e' ? "off ignored twice" : "what decided it");
	kit_event(k, tx, run, job, JOB_EV_DONE, NULL);
}

/* A run of that name whose jobs end as the letters say: items, no others. */
static void make(struct kit_reader *c, const char *name, const char *how,
    struct kit_run *ret)
{
	struct db_tx *tx = db_tx_new(c->kit.db);
	int n = (int)strlen(how);

	kit_run_new(&c->kit, tx, name, n, 1, ret);
	for (int i = 0; i < n; i++)
		play(c, tx, ret, i, how[i], kit_machine(&c->kit, 1 + i % 2));
	kit_commit(&c->kit, tx);
}

/* ---- changes ------------------------------------------------------------ */

static bool tell(void *arg, const struct db_change *ch)
{
	static const char *const kinds[] = {"broken", "fixed", "lab"};

	buf_printf(arg, "%s %s %s %s<%s %s %" PRId64 "\n", kinds[ch->kind],
	    ch->item, ch->platform,
	    ch->before.id ? outcome_name(ch->before.verdict.outcome) : "none",
	    outcome_name(ch->job.verdict.outcome), ch->text ? ch->text : "-",
	    ch->offset);
	return true;
}

static struct db_changes changes(
    struct kit_reader *c, int64_t run, int64_t now_ms, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct db_changes ret = {0};
	struct err err = ERR_INIT;

	if (db_changes(c->r, run, now_ms, tell, &b, &ret, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(buf_str(&b), want);
	return ret;
}

static void a_run_is_compared_with_the_one_of_its_name_before_it(void **state)
{
	struct kit_reader *c = *state;
	struct db_changes ch;
	struct kit_run first;
	struct kit_run other;
	struct kit_run second;

	/*                  0123456789 */
	make(c, "master", "pppffeecxp", &first);
	make(c, "branch", "ffffffffff", &other);
	make(c, "master", "pftpfpeffe", &second);
	ch = changes(c, second.id, 0,
	    "broken item1 platform0 pass<fail what decided it -1\n"
	    "broken item2 platform0 pass<timeout what decided it -1\n"
	    "broken item8 platform0 fail<fail what decided it -1\n"
	    "fixed item3 platform0 fail<pass - -1\n"
	    "lab item6 platform0 error<error off ignored twice -1\n"
	    "lab item9 platform0 pass<error off ignored twice -1\n");
	assert_int_equal(ch.against, first.id);
	assert_int_equal(ch.left_ms, -1);
	assert_int_equal(ch.left_out, 0);
	ch = changes(c, first.id, 0,
	    "lab item5 platform0 none<error off ignored twice -1\n"
	    "lab item6 platform0 none<error off ignored twice -1\n");
	assert_int_equal(ch.against, 0);
	assert_int_equal(
	    db_changes(c->r, 999, 0, tell, NULL, &ch, NULL), -ERR_NOTFOUND);
	kit_run_done(&first);
	kit_run_done(&other);
	kit_run_done(&second);
}

static bool take_rerun_of(void *arg, const struct db_run *run)
{
	*(int64_t *)arg = run->rerun_of;
	return true;
}

static void what_repeats_failures_only_is_no_measure(void **state)
{
	static const struct db_run_want want = {.name = "master"};
	struct kit_reader *c = *state;
	struct kit_run first;
	struct kit_run again;
	struct kit_run last;
	struct db_changes ch;
	int64_t of = -1;
	int64_t newest = 0;

	make(c, "master", "pf", &first);
	assert_int_equal(
	    db_run_get(c->r, first.id, take_rerun_of, &of, NULL), 0);
	assert_int_equal(of, 0);
	c->kit.rerun_of = first.id;
	make(c, "master", "p", &again);
	c->kit.rerun_of = 0;
	assert_int_equal(
	    db_run_get(c->r, again.id, take_rerun_of, &of, NULL), 0);
	assert_int_equal(of, first.id);
	assert_int_equal(db_run_find(c->r, &want, &newest, NULL), 0);
	assert_int_equal(newest, first.id);
	make(c, "master", "pp", &last);
	ch = changes(c, last.id, 0, "fixed item1 platform0 fail<pass - -1\n");
	assert_int_equal(ch.against, first.id);
	ch = changes(c, again.id, 0, "");
	assert_int_equal(ch.against, first.id);
	kit_run_done(&first);
	kit_run_done(&again);
	kit_run_done(&last);
}

static void an_unfinished_run_is_no_measure(void **state)
{
	struct kit_reader *c = *state;
	struct kit_run first;
	struct kit_run open;
	struct kit_run last;

	make(c, "master", "pp", &first);
	make(c, "master", "f.", &open);
	make(c, "master", "fp", &last);
	assert_int_equal(
	    changes(c, last.id, 0,
	        "broken item0 platform0 pass<fail what decided it -1\n")
	        .against,
	    first.id);
	kit_run_done(&first);
	kit_run_done(&open);
	kit_run_done(&last);
}

static void a_failed_case_says_what_failed_and_where(void **state)
{
	static const struct db_case cases[] = {
	    {"boots", CASE_PASS, "", 1},
	    {"cpuid", CASE_FAIL, "expected #GP", 4711},
	    {"fpu", CASE_FAIL, "later", 5000},
	};
	struct kit_reader *c = *state;
	struct db_tx *tx;
	struct kit_run first;
	struct kit_run second;

	make(c, "master", "pp", &first);
	make(c, "master", "ff", &second);
	tx = db_tx_new(c->kit.db);
	db_tx_cases(tx, second.first_job, second.jobs[0].attempt_id, cases, 3);
	kit_commit(&c->kit, tx);
	(void)changes(c, second.id, 0,
	    "broken item0 platform0 pass<fail cpuid: expected #GP 4711\n"
	    "broken item1 platform0 pass<fail what decided it -1\n");
	kit_run_done(&first);
	kit_run_done(&second);
}

static void jobs_are_found_in_another_plan(void **state)
{
	struct kit_reader *c = *state;
	struct kit_run first;
	struct kit_run second;

	make(c, "master", "ppp", &first);
	make(c, "master", "pfpff", &second);
	(void)changes(c, second.id, 0,
	    "broken item1 platform0 pass<fail what decided it -1\n");
	kit_run_done(&first);
	kit_run_done(&second);
}

/* ---- what is left ------------------------------------------------------- */

static void what_is_left_is_what_the_same_jobs_took(void **state)
{
	static struct change_job was[] = {
	    {.id = 1,
	        .item_id = 1,
	        .platform_id = 7,
	        .state = JOB_DONE,
	        .took_ms = 1000,
	        .machine_id = 1},
	    {.id = 2,
	        .item_id = 2,
	        .platform_id = 7,
	        .state = JOB_DONE,
	        .took_ms = 3000,
	        .machine_id = 2},
	    {.id = 3,
	        .item_id = 1,
	        .platform_id = 8,
	        .state = JOB_DONE,
	        .took_ms = 500,
	        .machine_id = 3},
	};
	static struct change_job is[] = {
	    {.id = 11, .item_id = 1, .platform_id = 7, .state = JOB_QUEUED},
	    {.id = 12,
	        .item_id = 2,
	        .platform_id = 7,
	        .state = JOB_RUN,
	        .started_at_ms = 9000},
	    {.id = 13, .item_id = 1, .platform_id = 8, .state = JOB_DONE},
	};
	struct change_jobs before = {was, 3};
	struct change_jobs now = {is, 3};
	struct change_jobs none = {NULL, 0};

	(void)state;
	change_jobs_sort(&before);
	/* (1000 + 3000 - 1000) over two machines. */
	assert_int_equal(change_left_ms(&now, &before, 10000), 1500);
	/* One that takes longer than before is about to end. */
	assert_int_equal(change_left_ms(&now, &before, 99000), 500);
	is[2].state = JOB_QUEUED;
	is[2].item_id = 5; /* a new one: as the mean, 1500 ms, on one */
	assert_int_equal(change_left_ms(&now, &before, 99000), 1500);
	assert_int_equal(change_left_ms(&now, &none, 10000), -1);
	assert_int_equal(change_left_ms(&none, &before, 10000), 0);
}

static void an_open_run_says_how_long_it_will_take(void **state)
{
	struct kit_reader *c = *state;
	struct kit_run first;
	struct kit_run open;
	int64_t took = 0;

	make(c, "master", "pp", &first);
	took = kit_sql(&c->kit, "SELECT max(took_ms) FROM job");
	assert_true(took > 0);
	make(c, "master", "p.", &open);
	assert_int_equal(changes(c, open.id, c->kit.clock_ms, "").left_ms,
	    took / 2); /* the platform had two machines */
	kit_run_done(&first);
	kit_run_done(&open);
}

/* ---- a job over time ---------------------------------------------------- */

static bool tell_past(void *arg, const struct db_past_job *job)
{
	buf_printf(arg, "%" PRId64 "/%" PRId64 " %s %.4s\n", job->run_id,
	    job->job_id, outcome_name(job->verdict.outcome),
	    job->commit ? job->commit : "-");
	return true;
}

static void past(struct kit_reader *c, int64_t job, struct buf *to)
{
	struct err err = ERR_INIT;

	to->len = 0;
	if (db_job_past(c->r, job, tell_past, to, &err) < 0)
		fail_msg("%s", err.msg);
}

static void a_job_is_followed_through_the_runs_of_its_name(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct kit_reader *c = *state;
	struct kit_run runs[4];
	char want[200];

	make(c, "master", "pp", &runs[0]);
	make(c, "branch", "pp", &runs[1]);
	make(c, "master", "pfp", &runs[2]); /* another plan */
	make(c, "master", "p.", &runs[3]);
	(void)snprintf(want, sizeof(want),
	    "%" PRId64 "/%" PRId64 " none 0123\n%" PRId64 "/%" PRId64
	    " fail 0123\n%" PRId64 "/%" PRId64 " pass 0123\n",
	    runs[3].id, runs[3].first_job + 1, runs[2].id,
	    runs[2].first_job + 1, runs[0].id, runs[0].first_job + 1);
	for (int i = 0; i < 4; i++) {
		if (i == 1)
			continue;
		past(c, runs[i].first_job + 1, &b);
		assert_string_equal(buf_str(&b), want);
	}
	/* Only one run ever had a third item. */
	(void)snprintf(want, sizeof(want),
	    "%" PRId64 "/%" PRId64 " pass 0123\n", runs[2].id,
	    runs[2].first_job + 2);
	past(c, runs[2].first_job + 2, &b);
	assert_string_equal(buf_str(&b), want);
	assert_int_equal(
	    db_job_past(c->r, 999, tell_past, &b, NULL), -ERR_NOTFOUND);
	for (int i = 0; i < 4; i++)
		kit_run_done(&runs[i]);
}

static void an_old_job_comes_after_the_newest_fifty(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct kit_reader *c = *state;
	struct kit_run first;
	struct kit_run run;
	char *last;
	int n = 0;

	make(c, "master", "f", &first);
	for (int i = 0; i < 60; i++) {
		make(c, "master", "p", &run);
		kit_run_done(&run);
	}
	past(c, first.first_job, &b);
	for (const char *p = buf_str(&b); (p = strchr(p, '\n')); p++)
		n++;
	assert_int_equal(n, 51);
	last = strstr(buf_str(&b), " fail ");
	assert_non_null(last);
	assert_string_equal(strchr(last, '\n'), "\n");
	kit_run_done(&first);
}

/* ---- a machine over time ------------------------------------------------ */

static bool tell_attempt(void *arg, const struct db_machine_attempt *a)
{
	buf_printf(arg, "%" PRId64 " %s %s\n", a->run_id, a->item,
	    outcome_name(a->verdict.outcome));
	return true;
}

static bool tell_health(void *arg, const struct db_health *h)
{
	buf_printf(arg, "%" PRId64 " %s %s\n", h->at_ms, health_name(h->health),
	    h->why);
	return true;
}

static void a_machine_knows_what_it_did_and_how_it_was(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct kit_reader *c = *state;
	struct kit_run run;
	struct db_tx *tx;
	char want[200];
	int64_t id = 0;

	make(c, "master", "pft.", &run); /* item1 is on m2 */
	tx = db_tx_new(c->kit.db);
	db_tx_machine_health(
	    tx, kit_machine(&c->kit, 1), HEALTH_SUSPECT, "two errors", 11);
	db_tx_machine_health(
	    tx, kit_machine(&c->kit, 1), HEALTH_GOOD, "canary passed", 12);
	kit_commit(&c->kit, tx);
	assert_int_equal(db_machine_get(c->r, "m1", &id, NULL), 0);
	assert_int_equal(id, kit_machine(&c->kit, 1));
	assert_int_equal(db_machine_get(c->r, "m9", &id, NULL), -ERR_NOTFOUND);
	(void)snprintf(want, sizeof(want),
	    "%" PRId64 " item2 timeout\n%" PRId64 " item0 pass\n", run.id,
	    run.id);
	assert_int_equal(
	    db_machine_attempts(c->r, id, tell_attempt, &b, NULL), 0);
	assert_string_equal(buf_str(&b), want);
	b.len = 0;
	assert_int_equal(db_machine_past(c->r, id, tell_health, &b, NULL), 0);
	assert_string_equal(
	    buf_str(&b), "12 good canary passed\n11 suspect two errors\n");
	kit_run_done(&run);
}

#define TEST(name)                       \
	cmocka_unit_test_setup_teardown( \
	    name, kit_reader_setup, kit_reader_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    TEST(a_run_is_compared_with_the_one_of_its_name_before_it),
	    TEST(what_repeats_failures_only_is_no_measure),
	    TEST(an_unfinished_run_is_no_measure),
	    TEST(a_failed_case_says_what_failed_and_where),
	    TEST(jobs_are_found_in_another_plan),
	    cmocka_unit_test(what_is_left_is_what_the_same_jobs_took),
	    TEST(an_open_run_says_how_long_it_will_take),
	    TEST(a_job_is_followed_through_the_runs_of_its_name),
	    TEST(an_old_job_comes_after_the_newest_fifty),
	    TEST(a_machine_knows_what_it_did_and_how_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
