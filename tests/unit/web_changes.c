/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is new, what was before, and when the console spoke, as JSON. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "bench/bench.h"
#include "db/db.h"
#include "tests/unit/web_harness.h"

struct ctx {
	struct harness *h;
	int64_t machine;
	int64_t first_run; /* pass, pass, timeout */
	int64_t first_job;
	int64_t run; /* fail, power error, pass */
	int64_t job;
	int64_t attempt; /* of job */
};

/* ---- two runs of one name ----------------------------------------------- */

static int64_t live(struct ctx *c, struct db_tx *tx, int64_t run,
    int64_t job_id, struct verdict v, const char *evidence)
{
	static const enum job_event_type life[] = {JOB_EV_LEASE, JOB_EV_PREPARE,
	    JOB_EV_RUN, JOB_EV_EXIT, JOB_EV_COLLECTED, JOB_EV_DONE};
	struct db *db = harness_db(c->h);
	int64_t attempt = db_next_attempt_id(db);
	struct job job = {.id = job_id};

	for (size_t i = 0; i < ARRAY_LEN(life); i++) {
		struct job before = job;
		struct job_event ev = {.seq = job.seq + 1,
		    .at_ms = 5000 + 10 * (int64_t)i,
		    .type = life[i]};
		struct db_job_change change = {.run_id = run,
		    .before = &before,
		    .after = &job,
		    .event = &ev};

		if (ev.type == JOB_EV_LEASE) {
			ev.attempt_id = attempt;
			ev.machine_id = c->machine;
			change.fence = db_next_fence(db);
		}
		if (ev.type == JOB_EV_COLLECTED) {
			ev.verdict = v;
			ev.text = evidence;
		}
		assert_int_equal(job_apply(&job, &ev, NULL), 0);
		db_tx_job_event(tx, &change);
	}
	return attempt;
}

static int64_t make_run(struct ctx *c, struct db_tx *tx, int64_t *ret_job)
{
	static const char *const items[] = {"cpuid", "fpu", "pit"};
	static const char *const platforms[] = {"alder_lake"};
	static const struct db_plan plan = {items, 3, platforms, 1, "jjj"};
	struct db *db = harness_db(c->h);
	struct db_new_run run = {.id = db_next_run_id(db),
	    .project = "hv",
	    .user = "tester",
	    .name = "master",
	    .suite_text = "boot_items: []\n",
	    .suite_len = 15,
	    .suite_name = "project_config.yaml",
	    .plan = &plan,
	    .commit = "0123456789abcdef0123456789abcdef01234567",
	    .created_at_ms = 4000,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(db, 3),
	    .n_jobs = 3,
	    .kind = "test"};

	db_tx_run_new(tx, &run);
	*ret_job = run.first_job;
	return run.id;
}

static int setup(void **state)
{
	static const struct db_case cases[] = {
	    {"boots", CASE_PASS, "", 1},
	    {"cpuid_string", CASE_FAIL, "expected #GP", 17},
	};
	struct ctx *c = xcalloc(1, sizeof(*c));
	struct verdict v = {.outcome = OUTCOME_PASS};
	struct db_tx *tx;

	c->h = harness_new(READS_OPEN);
	assert_int_equal(db_machine_id(harness_db(c->h), "t16-2", "alder_lake",
	                     &c->machine, NULL),
	    0);
	tx = db_tx_new(harness_db(c->h));
	c->first_run = make_run(c, tx, &c->first_job);
	(void)live(c, tx, c->first_run, c->first_job, v, NULL);
	(void)live(c, tx, c->first_run, c->first_job + 1, v, NULL);
	v.outcome = OUTCOME_TIMEOUT;
	(void)live(c, tx, c->first_run, c->first_job + 2, v, "60 s of silence");
	c->run = make_run(c, tx, &c->job);
	v.outcome = OUTCOME_FAIL;
	c->attempt = live(c, tx, c->run, c->job, v, "1 case failed");
	db_tx_cases(tx, c->job, c->attempt, cases, 2);
	v = (struct verdict){.outcome = OUTCOME_ERROR, .layer = LAYER_POWER};
	(void)live(c, tx, c->run, c->job + 1, v, "off ignored twice");
	v = (struct verdict){.outcome = OUTCOME_PASS};
	(void)live(c, tx, c->run, c->job + 2, v, "SOTEST END");
	db_tx_machine_health(
	    tx, c->machine, HEALTH_SUSPECT, "off ignored twice", 6000);
	harness_commit(c->h, tx);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	harness_free(c->h);
	free(c);
	return 0;
}

static json_t *get_json(struct ctx *c, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static json_t *get_json(struct ctx *c, int status, const char *fmt, ...)
{
	scoped_val(reply_done) struct reply r = {0};
	char path[160];
	json_t *doc;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	r = http_get(harness_port(c->h), path, "");
	if (r.status != status)
		fail_msg("%s: %d %s", path, r.status, r.body);
	doc = json_loadb(r.body, r.body_len, 0, NULL);
	if (!doc)
		fail_msg("%s: no JSON: %s", path, r.body);
	return doc;
}

/* Compares with JSON text; takes the document. */
static void expect_json(json_t *doc, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void expect_json(json_t *doc, const char *fmt, ...)
{
	char text[4096];
	json_t *want;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	want = json_loads(text, 0, NULL);
	assert_non_null(want);
	if (!json_equal(doc, want)) {
		char *got = json_dumps(doc, JSON_COMPACT);

		fail_msg("got  %s\nwant %s", got, text);
	}
	json_decref(want);
	json_decref(doc);
}

/* ---- runs and jobs ------------------------------------------------------ */

static void changes_are_told_with_what_failed(void **state)
{
	struct ctx *c = *state;

	expect_json(
	    get_json(c, 200, "/api/v1/runs/%" PRId64 "/changes", c->run),
	    "{\"run\":%" PRId64 ",\"against\":%" PRId64
	    ",\"left_ms\":null,\"left_out\":0,"
	    "\"broken\":[{\"item\":\"cpuid\",\"platform\":\"alder_lake\","
	    "\"job\":%" PRId64 ",\"sign\":\"✗\","
	    "\"text\":\"cpuid_string: expected #GP\",\"offset\":17,"
	    "\"before\":{\"job\":%" PRId64 ",\"sign\":\"✓\"}}],"
	    "\"fixed\":[{\"item\":\"pit\",\"platform\":\"alder_lake\","
	    "\"job\":%" PRId64 ",\"sign\":\"✓\",\"text\":null,"
	    "\"offset\":null,\"before\":{\"job\":%" PRId64 ",\"sign\":\"T\"}}],"
	    "\"lab\":[{\"item\":\"fpu\",\"platform\":\"alder_lake\","
	    "\"job\":%" PRId64 ",\"sign\":\"!power\","
	    "\"text\":\"off ignored twice\",\"offset\":null,"
	    "\"before\":{\"job\":%" PRId64 ",\"sign\":\"✓\"}}]}",
	    c->run, c->first_run, c->job, c->first_job, c->job + 2,
	    c->first_job + 2, c->job + 1, c->first_job + 1);
	json_decref(get_json(c, 404, "/api/v1/runs/999999/changes"));
}

static void a_first_run_is_against_nothing(void **state)
{
	struct ctx *c = *state;

	expect_json(
	    get_json(c, 200, "/api/v1/runs/%" PRId64 "/changes", c->first_run),
	    "{\"run\":%" PRId64
	    ",\"against\":null,\"left_ms\":null,\"left_out\":0,"
	    "\"broken\":[],\"fixed\":[],\"lab\":[]}",
	    c->first_run);
}

static void a_job_has_a_history(void **state)
{
	struct ctx *c = *state;

	expect_json(
	    get_json(c, 200, "/api/v1/jobs/%" PRId64 "/history", c->job),
	    "{\"history\":[{\"run\":%" PRId64 ",\"job\":%" PRId64
	    ",\"sign\":\"✗\",\"outcome\":\"fail\",\"created_at_ms\":4000,"
	    "\"commit\":\"0123456789abcdef0123456789abcdef01234567\"},"
	    "{\"run\":%" PRId64 ",\"job\":%" PRId64
	    ",\"sign\":\"✓\",\"outcome\":\"pass\",\"created_at_ms\":4000,"
	    "\"commit\":\"0123456789abcdef0123456789abcdef01234567\"}]}",
	    c->run, c->job, c->first_run, c->first_job);
	json_decref(get_json(c, 404, "/api/v1/jobs/999999/history"));
}

static json_t *cell(json_t *doc, size_t row)
{
	return json_array_get(
	    json_array_get(json_object_get(doc, "rows"), row), 0);
}

static void a_cell_says_why_it_did_not_pass(void **state)
{
	struct ctx *c = *state;
	json_t *doc =
	    get_json(c, 200, "/api/v1/runs/%" PRId64 "/matrix", c->run);

	assert_string_equal(
	    json_string_value(json_object_get(cell(doc, 0), "why")),
	    "1 case failed");
	assert_string_equal(
	    json_string_value(json_object_get(cell(doc, 1), "why")),
	    "off ignored twice");
	assert_true(json_is_null(json_object_get(cell(doc, 2), "why")));
	json_decref(doc);
}

/* ---- why a job ended as it did ------------------------------------------ */

static void expect_why(struct ctx *c, int64_t job, const char *why)
{
	json_t *doc = get_json(c, 200, "/api/v1/jobs/%" PRId64 "/why", job);

	assert_string_equal(
	    json_string_value(json_object_get(doc, "why")), why);
	json_decref(doc);
}

static void a_job_that_is_done_says_how_it_ended(void **state)
{
	struct ctx *c = *state;

	expect_why(c, c->job, "fail: 1 case failed");
	expect_why(c, c->job + 1, "error of the lab, power: off ignored twice");
	expect_why(c, c->first_job, "pass");
}

static void end_early(
    struct db_tx *tx, int64_t run, int64_t id, enum job_event_type type)
{
	struct job before = {.id = id};
	struct job after = before;
	struct job_event ev = {.seq = 1, .at_ms = 5000, .type = type};
	struct db_job_change change = {
	    .run_id = run, .before = &before, .after = &after, .event = &ev};

	if (type == JOB_EV_CANCEL)
		ev.text = "cancelled by ann";
	assert_int_equal(job_apply(&after, &ev, NULL), 0);
	db_tx_job_event(tx, &change);
}

/* Of an open run the events are rows, of one that is done they are packed. */
static void a_job_without_a_machine_says_who_cancelled_it(void **state)
{
	static const char by_ann[] = "cancelled by ann before it had a machine";
	struct ctx *c = *state;
	struct db_tx *tx = db_tx_new(harness_db(c->h));
	int64_t job = 0;
	int64_t run = make_run(c, tx, &job);
	json_t *doc;

	end_early(tx, run, job, JOB_EV_CANCEL);
	end_early(tx, run, job + 1, JOB_EV_DISABLE);
	harness_commit(c->h, tx);
	expect_why(c, job, by_ann);
	/* What waits, the daemon knows. */
	expect_why(c, job + 2, "t16-1 is busy");
	doc = harness_op(c->h, "why");
	assert_int_equal(
	    json_integer_value(json_object_get(doc, "job")), job + 2);
	json_decref(doc);
	tx = db_tx_new(harness_db(c->h));
	end_early(tx, run, job + 2, JOB_EV_CANCEL);
	harness_commit(c->h, tx);
	expect_why(c, job, by_ann);
	expect_why(c, job + 1, "disabled before it had a machine");
	doc = get_json(c, 200, "/api/v1/jobs/%" PRId64, job);
	assert_string_equal(
	    json_string_value(json_object_get(doc, "why")), by_ann);
	json_decref(doc);
	doc = get_json(c, 200, "/api/v1/runs/%" PRId64 "/matrix", run);
	assert_string_equal(
	    json_string_value(json_object_get(cell(doc, 0), "why")),
	    "cancelled before it had a machine");
	json_decref(doc);
}

static void only_failed_cases_know_their_place(void **state)
{
	struct ctx *c = *state;
	json_t *doc = get_json(c, 200, "/api/v1/jobs/%" PRId64, c->job);
	json_t *cases = json_object_get(doc, "cases");

	assert_true(
	    json_is_null(json_object_get(json_array_get(cases, 0), "offset")));
	assert_int_equal(json_integer_value(json_object_get(
	                     json_array_get(cases, 1), "offset")),
	    17);
	json_decref(doc);
}

/* ---- the console -------------------------------------------------------- */

static void times_say_when_bytes_arrived(void **state)
{
	struct ctx *c = *state;
	json_t *doc;

	/* 16 bytes in one go; the second number is the harness's. */
	expect_json(get_json(c, 200, "/api/v1/jobs/%" PRId64 "/log/times",
	                harness_job(c->h)),
	    "{\"from\":0,\"to\":16,\"open\":false,\"times\":[[0,0]]}");
	expect_json(get_json(c, 200,
	                "/api/v1/jobs/%" PRId64 "/log/times?attempt=1&from=5",
	                harness_job(c->h)),
	    "{\"from\":5,\"to\":16,\"open\":false,\"times\":[[5,0]]}");
	expect_json(
	    get_json(c, 200, "/api/v1/jobs/%" PRId64 "/log/times?from=99",
	        harness_job(c->h)),
	    "{\"from\":99,\"to\":99,\"open\":false,\"times\":[]}");
	json_decref(get_json(c, 404,
	    "/api/v1/jobs/%" PRId64 "/log/times?attempt=2", harness_job(c->h)));
	doc = get_json(c, 400, "/api/v1/jobs/%" PRId64 "/log/times?from=-1",
	    harness_job(c->h));
	json_decref(doc);
}

static int64_t number(json_t *doc, const char *key)
{
	return json_integer_value(json_object_get(doc, key));
}

/* One MiB came at a time, and the time is its offset. */
static int64_t check_times(json_t *times, int64_t last)
{
	for (size_t i = 0; i < json_array_size(times); i++) {
		json_t *pair = json_array_get(times, i);
		int64_t at = json_integer_value(json_array_get(pair, 0));
		int64_t at_ms = json_integer_value(json_array_get(pair, 1));

		assert_true(at > last || (i == 0 && at >= last));
		assert_int_equal(at_ms, at >> 20 << 20);
		last = at;
	}
	return last;
}

static void a_long_log_is_told_in_stretches_that_jump_the_gap(void **state)
{
	struct ctx *c = *state;
	int64_t from = 0;
	int64_t kept = 0;
	int n = 0;

	while (from < GAP_LOG_BYTES) {
		json_t *doc = get_json(c, 200,
		    "/api/v1/jobs/%" PRId64 "/log/times?from=%" PRId64,
		    harness_gap_job(c->h), from);
		json_t *times = json_object_get(doc, "times");

		assert_true(json_array_size(times) > 0);
		assert_true(number(doc, "to") > from);
		(void)check_times(times, number(doc, "from"));
		kept += number(doc, "to") - number(doc, "from");
		from = number(doc, "to");
		json_decref(doc);
		assert_true(++n < 40);
	}
	assert_int_equal(from, GAP_LOG_BYTES);
	assert_true(kept < GAP_LOG_BYTES);
	assert_true(kept >= DB_LOG_HEAD_MAX);
}

/* ---- machines and the queue --------------------------------------------- */

static void a_machine_is_told_with_its_past(void **state)
{
	struct ctx *c = *state;
	json_t *doc = get_json(c, 200, "/api/v1/machines/t16-2");
	json_t *past = json_object_get(doc, "history");
	json_t *attempts = json_object_get(doc, "attempts");
	json_t *op = harness_op(c->h, "machines");

	assert_string_equal(
	    json_string_value(json_object_get(op, "machine")), "t16-2");
	json_decref(op);
	assert_string_equal(
	    json_string_value(json_object_get(doc, "health")), "suspect");
	assert_int_equal(json_array_size(past), 1);
	assert_int_equal(number(json_array_get(past, 0), "at_ms"), 6000);
	assert_int_equal(json_array_size(attempts), 6);
	expect_json(json_incref(json_array_get(attempts, 2)),
	    "{\"id\":%" PRId64 ",\"job\":%" PRId64 ",\"run\":%" PRId64
	    ",\"item\":\"cpuid\",\"started_at_ms\":5000,\"took_ms\":50,"
	    "\"outcome\":\"fail\",\"layer\":\"none\","
	    "\"evidence\":\"1 case failed\"}",
	    c->attempt, c->job, c->run);
	json_decref(doc);
}

static void a_machine_that_is_not_in_the_lab_is_told_from_none(void **state)
{
	struct ctx *c = *state;
	int64_t id;

	expect_json(get_json(c, 404, "/api/v1/machines/nobody"),
	    "{\"error\":\"machine nobody: no such machine\"}");
	assert_int_equal(
	    db_machine_id(harness_db(c->h), "nobody", "", &id, NULL), 0);
	expect_json(get_json(c, 404, "/api/v1/machines/nobody"),
	    "{\"error\":\"machine nobody: not in the lab file; only numbers of "
	    "it are known (see its series)\"}");
}

static void the_queue_is_what_the_daemon_says(void **state)
{
	struct ctx *c = *state;

	expect_json(get_json(c, 200, "/api/v1/queue"),
	    "{\"waiting\":0,\"classes\":[]}");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(changes_are_told_with_what_failed),
	    cmocka_unit_test(a_first_run_is_against_nothing),
	    cmocka_unit_test(a_job_has_a_history),
	    cmocka_unit_test(a_cell_says_why_it_did_not_pass),
	    cmocka_unit_test(only_failed_cases_know_their_place),
	    cmocka_unit_test(times_say_when_bytes_arrived),
	    cmocka_unit_test(a_long_log_is_told_in_stretches_that_jump_the_gap),
	    cmocka_unit_test(a_machine_is_told_with_its_past),
	    cmocka_unit_test(
	        a_machine_that_is_not_in_the_lab_is_told_from_none),
	    cmocka_unit_test(the_queue_is_what_the_daemon_says),
	    cmocka_unit_test(a_job_that_is_done_says_how_it_ended),
	    cmocka_unit_test(a_job_without_a_machine_says_who_cancelled_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
