/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The life of a job, its events as text, and its signs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scheduler/scheduler.h"

#define N_STATES (JOB_DONE + 1)
#define N_EVENTS (JOB_EV_DISABLE + 1)

/*
 * design.md section 6, written down again: a row per state, a column per
 * event; the letter is the state it leads to, '.' is refused.
 *
 *   l lease  p prepare  s step  r run  x exit  c collected  a abort
 *   b reboot  d done  q requeue  h hold  u release  C cancel  D disable
 */
static const char letters[] = "QLPRCKD"; /* K: CLEANUP */
static const char expected[N_STATES][N_EVENTS] = {
    /*                 lpsrxcabdqhuCD */
    [JOB_QUEUED] = ".L.........QQDD",
    [JOB_LEASED] = "..PL...K.......",
    [JOB_PREPARE] = "...PR..K.......",
    [JOB_RUN] = "...R.C.KP......",
    [JOB_COLLECT] = "...C..KK.......",
    [JOB_CLEANUP] = "...K.....DQ....",
    [JOB_DONE] = "...............",
};

static struct job_event event_of(enum job_event_type type, int64_t seq)
{
	struct job_event ev = {.seq = seq, .at_ms = 1000 + seq, .type = type};

	if (type == JOB_EV_LEASE) {
		ev.attempt_id = 100 + seq;
		ev.machine_id = 7;
	}
	if (type == JOB_EV_COLLECTED || type == JOB_EV_ABORT) {
		ev.verdict.outcome = OUTCOME_ERROR;
		ev.verdict.layer = LAYER_POWER;
	}
	return ev;
}

static void apply(struct job *job, enum job_event_type type)
{
	struct job_event ev = event_of(type, job->seq + 1);
	struct err err = ERR_INIT;

	if (job_apply(job, &ev, &err) != 0)
		fail_msg("%s", err.msg);
}

static struct job job_in(enum job_state state)
{
	static const enum job_event_type path[] = {JOB_EV_LEASE, JOB_EV_PREPARE,
	    JOB_EV_RUN, JOB_EV_EXIT, JOB_EV_COLLECTED, JOB_EV_DONE};
	struct job job = {.id = 4};

	for (int i = 0; job.state != state; i++)
		apply(&job, path[i]);
	return job;
}

/* HOLD needs a job that is not held, RELEASE one that is. */
static struct job job_for(enum job_state state, enum job_event_type type)
{
	struct job job = job_in(state);

	if (state == JOB_QUEUED && type == JOB_EV_RELEASE)
		apply(&job, JOB_EV_HOLD);
	return job;
}

static void assert_same(const struct job *a, const struct job *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->state, b->state);
	assert_int_equal(a->held, b->held);
	assert_int_equal(a->attempts, b->attempts);
	assert_int_equal(a->errors, b->errors);
	assert_int_equal(a->boot, b->boot);
	assert_int_equal(a->attempt_id, b->attempt_id);
	assert_int_equal(a->machine_id, b->machine_id);
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->verdict.outcome, b->verdict.outcome);
	assert_int_equal(a->verdict.layer, b->verdict.layer);
	assert_int_equal(a->verdict.expected, b->verdict.expected);
	assert_int_equal(a->verdict.skips, b->verdict.skips);
	assert_int_equal(a->verdict.blameless, b->verdict.blameless);
	assert_int_equal(a->n_excluded, b->n_excluded);
	for (int i = 0; i < a->n_excluded; i++)
		assert_int_equal(a->excluded[i], b->excluded[i]);
}

static void every_arrow_leads_where_the_design_says(void **unused)
{
	(void)unused;
	for (int s = 0; s < N_STATES; s++) {
		for (int t = 0; t < N_EVENTS; t++) {
			enum job_event_type type = (enum job_event_type)t;
			struct job job = job_for((enum job_state)s, type);
			struct job_event ev = event_of(type, job.seq + 1);
			int r = job_apply(&job, &ev, NULL);
			char want = expected[s][t];

			if (want == '.') {
				assert_int_equal(r, -ERR_CONFLICT);
				continue;
			}
			assert_int_equal(r, 0);
			assert_int_equal(letters[job.state], want);
			assert_int_equal(job.seq, ev.seq);
		}
	}
}

static void refused_event_changes_nothing(void **unused)
{
	(void)unused;
	for (int s = 0; s < N_STATES; s++) {
		for (int t = -1; t < N_EVENTS + 2; t++) {
			struct job job = job_in((enum job_state)s);
			struct job before = job;
			struct job_event ev =
			    event_of((enum job_event_type)t, job.seq + 1);
			struct err err = ERR_INIT;

			if (job_apply(&job, &ev, &err) == 0)
				continue;
			assert_same(&job, &before);
			assert_true(err.msg[0]);
		}
	}
}

static void event_out_of_sequence_changes_nothing(void **unused)
{
	(void)unused;
	for (int64_t off = -2; off <= 2; off++) {
		struct job job = job_in(JOB_RUN);
		struct job before = job;
		struct job_event ev = event_of(JOB_EV_EXIT, job.seq + 1 + off);

		if (!off)
			continue;
		assert_int_equal(job_apply(&job, &ev, NULL), -ERR_CONFLICT);
		assert_same(&job, &before);
	}
}

static void held_job_is_not_leased(void **unused)
{
	struct job job = job_in(JOB_QUEUED);
	struct job_event ev;

	(void)unused;
	apply(&job, JOB_EV_HOLD);
	assert_true(job.held);
	ev = event_of(JOB_EV_LEASE, job.seq + 1);
	assert_int_equal(job_apply(&job, &ev, NULL), -ERR_CONFLICT);
	ev = event_of(JOB_EV_HOLD, job.seq + 1);
	assert_int_equal(job_apply(&job, &ev, NULL), -ERR_CONFLICT);
	apply(&job, JOB_EV_RELEASE);
	apply(&job, JOB_EV_LEASE);
	assert_int_equal(job.state, JOB_LEASED);
}

static void lease_counts_and_names_the_attempt(void **unused)
{
	struct job job = job_in(JOB_QUEUED);
	struct job_event ev = event_of(JOB_EV_LEASE, 1);

	(void)unused;
	ev.machine_id = 0;
	assert_int_equal(job_apply(&job, &ev, NULL), -ERR_INVAL);
	apply(&job, JOB_EV_LEASE);
	assert_int_equal(job.attempts, 1);
	assert_int_equal(job.attempt_id, 101);
	assert_int_equal(job.machine_id, 7);
	assert_int_equal(job.boot, 0);
}

static void reboot_counts_boots_of_the_same_attempt(void **unused)
{
	struct job job = job_in(JOB_RUN);

	(void)unused;
	assert_int_equal(job.boot, 1);
	apply(&job, JOB_EV_REBOOT);
	assert_int_equal(job.state, JOB_PREPARE);
	assert_int_equal(job.boot, 2);
	assert_int_equal(job.attempts, 1);
	apply(&job, JOB_EV_RUN);
	assert_int_equal(job.boot, 2);
}

static void requeue_clears_the_attempt_and_excludes_its_machine(void **unused)
{
	struct job job = job_in(JOB_CLEANUP);

	(void)unused;
	apply(&job, JOB_EV_REQUEUE);
	assert_int_equal(job.state, JOB_QUEUED);
	assert_int_equal(job.errors, 1);
	assert_int_equal(job.attempts, 1);
	assert_int_equal(job.machine_id, 0);
	assert_int_equal(job.boot, 0);
	assert_int_equal(job.verdict.outcome, OUTCOME_NONE);
	assert_int_equal(job.verdict.layer, LAYER_NONE);
	assert_int_equal(job.n_excluded, 1);
	assert_int_equal(job.excluded[0], 7);
}

/* One attempt on the machine that ends in error and is queued again. */
static void fail_on(struct job *job, int64_t machine_id, bool blameless)
{
	struct job_event ev = event_of(JOB_EV_LEASE, job->seq + 1);

	ev.machine_id = machine_id;
	assert_int_equal(job_apply(job, &ev, NULL), 0);
	ev = event_of(JOB_EV_ABORT, job->seq + 1);
	ev.verdict.blameless = blameless;
	assert_int_equal(job_apply(job, &ev, NULL), 0);
	apply(job, JOB_EV_REQUEUE);
}

static void blameless_error_is_not_counted(void **unused)
{
	struct job job = job_in(JOB_QUEUED);

	(void)unused;
	fail_on(&job, 3, true);
	assert_int_equal(job.errors, 0);
	assert_int_equal(job.n_excluded, 1);
	fail_on(&job, 4, false);
	assert_int_equal(job.errors, 1);
}

static void excluded_machines_are_bounded_and_distinct(void **unused)
{
	struct job job = job_in(JOB_QUEUED);

	(void)unused;
	fail_on(&job, 1, false);
	fail_on(&job, 1, false);
	assert_int_equal(job.n_excluded, 1);
	for (int64_t m = 2; m <= 6; m++)
		fail_on(&job, m, false);
	assert_int_equal(job.n_excluded, JOB_EXCLUDED_MAX);
	for (int i = 0; i < JOB_EXCLUDED_MAX; i++)
		assert_int_equal(job.excluded[i], 3 + i);
}

static void verdict_of_the_test_is_never_thrown_away(void **unused)
{
	struct job job = job_in(JOB_COLLECT);
	struct job_event ev = event_of(JOB_EV_COLLECTED, job.seq + 1);

	(void)unused;
	ev.verdict = (struct verdict){.outcome = OUTCOME_FAIL};
	assert_int_equal(job_apply(&job, &ev, NULL), 0);
	ev = event_of(JOB_EV_REQUEUE, job.seq + 1);
	assert_int_equal(job_apply(&job, &ev, NULL), -ERR_CONFLICT);
	ev = event_of(JOB_EV_ABORT, job.seq + 1);
	assert_int_equal(job_apply(&job, &ev, NULL), -ERR_CONFLICT);
	apply(&job, JOB_EV_STEP);
	apply(&job, JOB_EV_DONE);
	assert_int_equal(job.verdict.outcome, OUTCOME_FAIL);
	assert_int_equal(job.machine_id, 7);
}

static void insane_verdict_is_refused(void **unused)
{
	static const struct verdict bad[] = {
	    {.outcome = OUTCOME_NONE},
	    {.outcome = OUTCOME_ERROR},
	    {.outcome = OUTCOME_ERROR, .layer = LAYER_SSH, .expected = true},
	    {.outcome = OUTCOME_PASS, .layer = LAYER_SSH},
	    {.outcome = OUTCOME_TIMEOUT, .layer = LAYER_GUEST},
	    {.outcome = OUTCOME_ERROR, .layer = LAYER_HARNESS + 1},
	    {.outcome = OUTCOME_DISABLED + 1},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct job job = job_in(JOB_COLLECT);
		struct job before = job;
		struct job_event ev = event_of(JOB_EV_COLLECTED, job.seq + 1);

		ev.verdict = bad[i];
		assert_int_equal(job_apply(&job, &ev, NULL), -ERR_INVAL);
		assert_same(&job, &before);
	}
}

static void cancelled_and_disabled_jobs_have_a_verdict(void **unused)
{
	struct job job = job_in(JOB_QUEUED);

	(void)unused;
	apply(&job, JOB_EV_HOLD);
	apply(&job, JOB_EV_CANCEL);
	assert_int_equal(job.state, JOB_DONE);
	assert_int_equal(job.verdict.outcome, OUTCOME_CANCELLED);
	assert_false(job.held);
	job = job_in(JOB_QUEUED);
	apply(&job, JOB_EV_DISABLE);
	assert_int_equal(job.verdict.outcome, OUTCOME_DISABLED);
	assert_int_equal(job_bucket(&job), BUCKET_DISABLED);
}

/* ---- events as text -------------------------------------------------- */

static void round_trip(const struct job_event *ev, const char *want)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	struct job_event got = {
	    .seq = ev->seq, .at_ms = ev->at_ms, .type = ev->type};
	scoped(free) char *text = NULL;
	struct err err = ERR_INIT;

	job_event_encode(ev, &b);
	assert_string_equal(buf_str(&b), want);
	if (job_event_decode(buf_str(&b), &got, &text, &err) != 0)
		fail_msg("%s", err.msg);
	assert_int_equal(got.attempt_id, ev->attempt_id);
	assert_int_equal(got.machine_id, ev->machine_id);
	assert_int_equal(got.verdict.outcome, ev->verdict.outcome);
	assert_int_equal(got.verdict.layer, ev->verdict.layer);
	assert_int_equal(got.verdict.expected, ev->verdict.expected);
	assert_int_equal(got.verdict.skips, ev->verdict.skips);
	assert_int_equal(got.verdict.blameless, ev->verdict.blameless);
	assert_ptr_equal(got.text, text);
	if (ev->text)
		assert_string_equal(text, ev->text);
	else
		assert_null(text);
}

static void encoded_events_are_read_back_alike(void **unused)
{
	struct job_event ev = event_of(JOB_EV_LEASE, 9);

	(void)unused;
	ev.attempt_id = INT64_MAX;
	round_trip(&ev, "{\"attempt\":9223372036854775807,\"machine\":7}");
	ev = event_of(JOB_EV_DONE, 3);
	round_trip(&ev, "{}");
	ev = event_of(JOB_EV_STEP, 3);
	ev.text = "\"quoted\" \t\\ ✓";
	round_trip(&ev, "{\"text\":\"\\\"quoted\\\" \\t\\\\ ✓\"}");
	ev = event_of(JOB_EV_ABORT, 3);
	ev.verdict.blameless = true;
	round_trip(&ev,
	    "{\"outcome\":\"error\",\"layer\":\"power\","
	    "\"blameless\":true}");
	ev = event_of(JOB_EV_COLLECTED, 3);
	ev.verdict = (struct verdict){
	    .outcome = OUTCOME_FAIL, .expected = true, .skips = true};
	round_trip(
	    &ev, "{\"outcome\":\"fail\",\"expected\":true,\"skips\":true}");
}

static void text_that_is_not_utf8_is_still_stored(void **unused)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	struct job_event ev = event_of(JOB_EV_STEP, 3);

	(void)unused;
	ev.text = "a\xff\xc3(b";
	job_event_encode(&ev, &b);
	assert_string_equal(buf_str(&b), "{\"text\":\"a?\?(b\"}");
}

static void anything_else_is_not_an_event(void **unused)
{
	static const struct {
		enum job_event_type type;
		const char *data;
	} bad[] = {
	    {JOB_EV_DONE, ""},
	    {JOB_EV_DONE, "[]"},
	    {JOB_EV_DONE, "{} {}"},
	    {JOB_EV_DONE, "{\"x\":1}"},
	    {JOB_EV_DONE, "{\"attempt\":1}"},
	    {JOB_EV_STEP, "{\"text\":1}"},
	    {JOB_EV_STEP, "{\"text\":\"a\",\"text\":\"b\"}"},
	    {JOB_EV_LEASE, "{}"},
	    {JOB_EV_LEASE, NULL},
	    {JOB_EV_LEASE, "{\"attempt\":1}"},
	    {JOB_EV_LEASE, "{\"attempt\":1,\"machine\":2.0}"},
	    {JOB_EV_LEASE, "{\"attempt\":1,\"machine\":2,\"x\":null}"},
	    {JOB_EV_ABORT, "{}"},
	    {JOB_EV_ABORT, "{\"outcome\":\"good\"}"},
	    {JOB_EV_ABORT, "{\"outcome\":\"error\",\"layer\":5}"},
	    {JOB_EV_ABORT, "{\"outcome\":\"error\",\"layer\":\"moon\"}"},
	    {JOB_EV_ABORT, "{\"outcome\":\"fail\",\"expected\":false}"},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct job_event ev = event_of(bad[i].type, 1);
		char *text = NULL;

		assert_int_equal(
		    job_event_decode(bad[i].data, &ev, &text, NULL),
		    -ERR_PROTO);
		assert_null(text);
	}
}

/* ---- names, signs, counts -------------------------------------------- */

static void names_are_read_back(void **unused)
{
	enum outcome o = OUTCOME_NONE;
	enum layer l = LAYER_NONE;

	(void)unused;
	for (int i = 0; i <= OUTCOME_DISABLED; i++) {
		assert_true(
		    outcome_from_name(outcome_name((enum outcome)i), &o));
		assert_int_equal(o, i);
	}
	for (int i = 0; i <= LAYER_HARNESS; i++) {
		assert_true(layer_from_name(layer_name((enum layer)i), &l));
		assert_int_equal(l, i);
	}
	assert_false(outcome_from_name("unknown", &o));
	assert_false(layer_from_name("", &l));
	assert_string_equal(job_state_name((enum job_state)99), "unknown");
	assert_string_equal(job_event_name((enum job_event_type)0), "unknown");
	assert_string_equal(job_event_name(JOB_EV_DISABLE), "disable");
	assert_string_equal(health_name(HEALTH_RETIRED), "retired");
}

static void signs_are_those_of_the_design(void **unused)
{
	static const struct {
		struct verdict v;
		const char *sign;
		enum job_bucket bucket;
	} rows[] = {
	    {{.outcome = OUTCOME_PASS}, "✓", BUCKET_PASSED},
	    {{.outcome = OUTCOME_PASS, .skips = true}, "✓(s)", BUCKET_PASSED},
	    {{.outcome = OUTCOME_FAIL}, "✗", BUCKET_FAILED},
	    {{.outcome = OUTCOME_FAIL, .expected = true}, "✗(e)",
	        BUCKET_PASSED},
	    {{.outcome = OUTCOME_TIMEOUT}, "T", BUCKET_FAILED},
	    {{.outcome = OUTCOME_TIMEOUT, .expected = true}, "✗(e)",
	        BUCKET_PASSED},
	    {{.outcome = OUTCOME_ERROR, .layer = LAYER_POWER}, "!power",
	        BUCKET_ERROR},
	    {{.outcome = OUTCOME_ERROR, .layer = LAYER_HARNESS}, "!harness",
	        BUCKET_ERROR},
	    {{.outcome = OUTCOME_CANCELLED}, "-", BUCKET_DISABLED},
	    {{.outcome = OUTCOME_DISABLED}, "-", BUCKET_DISABLED},
	};

	(void)unused;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct job job = {.state = JOB_DONE, .verdict = rows[i].v};

		assert_string_equal(
		    job_sign(JOB_DONE, &rows[i].v), rows[i].sign);
		assert_string_equal(job_sign(JOB_CLEANUP, &rows[i].v), "…");
		assert_int_equal(job_bucket(&job), rows[i].bucket);
		job.state = JOB_CLEANUP;
		assert_int_equal(job_bucket(&job), BUCKET_RUNNING);
		job.state = JOB_QUEUED;
		assert_int_equal(job_bucket(&job), BUCKET_WAITING);
	}
}

static void sotest_status_is_the_worst_of_the_run(void **unused)
{
	int64_t counts[BUCKET_COUNT] = {0};

	(void)unused;
	assert_string_equal(run_sotest_status(counts), "disabled");
	counts[BUCKET_DISABLED] = 3;
	assert_string_equal(run_sotest_status(counts), "disabled");
	counts[BUCKET_PASSED] = 1;
	assert_string_equal(run_sotest_status(counts), "success");
	counts[BUCKET_ERROR] = 1;
	assert_string_equal(run_sotest_status(counts), "fail");
	counts[BUCKET_ERROR] = 0;
	counts[BUCKET_FAILED] = 1;
	assert_string_equal(run_sotest_status(counts), "fail");
	counts[BUCKET_RUNNING] = 1;
	assert_string_equal(run_sotest_status(counts), "unfinished");
	counts[BUCKET_RUNNING] = 0;
	counts[BUCKET_WAITING] = 1;
	assert_string_equal(run_sotest_status(counts), "unfinished");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_arrow_leads_where_the_design_says),
	    cmocka_unit_test(refused_event_changes_nothing),
	    cmocka_unit_test(event_out_of_sequence_changes_nothing),
	    cmocka_unit_test(held_job_is_not_leased),
	    cmocka_unit_test(lease_counts_and_names_the_attempt),
	    cmocka_unit_test(reboot_counts_boots_of_the_same_attempt),
	    cmocka_unit_test(
	        requeue_clears_the_attempt_and_excludes_its_machine),
	    cmocka_unit_test(blameless_error_is_not_counted),
	    cmocka_unit_test(excluded_machines_are_bounded_and_distinct),
	    cmocka_unit_test(verdict_of_the_test_is_never_thrown_away),
	    cmocka_unit_test(insane_verdict_is_refused),
	    cmocka_unit_test(cancelled_and_disabled_jobs_have_a_verdict),
	    cmocka_unit_test(encoded_events_are_read_back_alike),
	    cmocka_unit_test(text_that_is_not_utf8_is_still_stored),
	    cmocka_unit_test(anything_else_is_not_an_event),
	    cmocka_unit_test(names_are_read_back),
	    cmocka_unit_test(signs_are_those_of_the_design),
	    cmocka_unit_test(sotest_status_is_the_worst_of_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
