/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The console of an attempt, the guest test that reads it, and the verdict.
 *
 * Whose fault an end is, is decided here and nowhere else: what the test says
 * about itself is the test's; a machine found off, a console that broke or a
 * boot that never asked for its script is the lab's.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/attempt.h"

static void on_case(void *arg, const struct sotest_case *c)
{
	struct attempt *a = arg;

	a->cases = xrealloc(a->cases, a->n_cases + 1, sizeof(*a->cases));
	a->cases[a->n_cases++] = (struct db_case){
	    .name = xstrdup(c->name),
	    .result = (int)c->result,
	    .text = xstrdup(c->text ? c->text : ""),
	    .offset = a->log_base + c->offset,
	};
}

static void on_number(void *arg, const struct sotest_number *n)
{
	struct attempt *a = arg;

	a->numbers =
	    xrealloc(a->numbers, a->n_numbers + 1, sizeof(*a->numbers));
	a->numbers[a->n_numbers++] = (struct attempt_number){
	    .name = xasprintf("guest_test.%s", n->name),
	    .unit = xstrdup(n->unit),
	    .value = n->value,
	};
}

static void put_number(
    struct attempt *a, struct db_tx *tx, const struct attempt_number *n)
{
	db_tx_sample(tx,
	    &(struct db_sample){
	        .attempt_id = a->lj->job.attempt_id,
	        .machine_id = a->m ? a->m->id : 0,
	        .metric = n->name,
	        .unit = n->unit,
	        .variant = "",
	        .guest = "",
	        .controller = "",
	        .values = &n->value,
	        .n_values = 1,
	    });
}

void attempt_put_results(struct attempt *a, struct db_tx *tx)
{
	if (a->n_cases)
		db_tx_cases(tx, a->lj->job.id, a->lj->job.attempt_id, a->cases,
		    a->n_cases);
	for (size_t i = 0; i < a->n_numbers; i++)
		put_number(a, tx, &a->numbers[i]);
	if (a->n_numbers && a->lj->job.verdict.outcome == OUTCOME_PASS)
		db_tx_points(tx, a->lj->job.attempt_id, NULL);
}

/* ---- verdict --------------------------------------------------------- */

/* What the test says about itself, held against what the suite expects. */
static struct verdict of_test(
    const struct guest_test_result *res, enum test_end expect)
{
	struct verdict v = {.outcome = OUTCOME_FAIL};

	if (res->end == TEST_TIMEOUT)
		v.outcome = OUTCOME_TIMEOUT;
	if (res->end == TEST_PASS && expect == TEST_PASS) {
		v.outcome = OUTCOME_PASS;
		v.skips = res->skips > 0;
	} else if (res->end == expect) {
		v.expected = true;
	}
	return v;
}

static void conclude(struct attempt *a, const char *power)
{
	const struct guest_test_result *res = guest_test_result(a->test);
	enum test_end expect = job_item(a->lj)->expect;
	struct verdict v = of_test(res, expect);
	char text[400];

	if (res->end != expect && expect != TEST_PASS)
		(void)snprintf(text, sizeof(text), "%s; expected: %s%s",
		    res->text, test_end_name(expect), power);
	else
		(void)snprintf(text, sizeof(text), "%s%s", res->text, power);
	attempt_end(a, v, text);
}

static void on_power_read(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err)
{
	struct attempt *a = arg;
	char power[200] = "";

	a->power_busy = false;
	if (a->over)
		return;
	if (r == 0 && seen == POWER_OFF) {
		attempt_error(a, LAYER_POWER,
		    "the machine went off before the test ended (%s)",
		    evidence);
		return;
	}
	if (!a->judging) {
		attempt_arm(a);
		return;
	}
	if (!a->asked) {
		attempt_error(a, LAYER_BOOT,
		    "boot: the machine is %s but did not ask for its script",
		    power_state_name(seen));
		return;
	}
	if (r < 0)
		(void)snprintf(
		    power, sizeof(power), "; power unknown: %.120s", err->msg);
	conclude(a, power);
}

static void read_power(struct attempt *a)
{
	a->power_busy = true;
	power_read(a->m->power, loop_now_ms(a->d->loop) + ATTEMPT_CONSOLE_MS,
	    on_power_read, a);
}

/* The test is over: silence and time may be the lab's fault, so look first. */
static void judge(struct attempt *a)
{
	const struct guest_test_result *res = guest_test_result(a->test);

	if (a->judging || a->power_busy)
		return;
	if (a->script_done) {
		attempt_gap(a,
		    "the machine waited for its script, which could not be "
		    "given: nothing could be stored");
		return;
	}
	if (res->end != TEST_TIMEOUT && res->reason != REASON_EOF) {
		conclude(a, "");
		return;
	}
	a->judging = true;
	read_power(a);
}

static void on_test_timer(struct attempt *a)
{
	int64_t now = loop_now_ms(a->d->loop);

	guest_test_tick(a->test, now);
	if (guest_test_result(a->test)->end == TEST_RUNNING && !a->power_busy &&
	    now >= a->last_byte_ms + ATTEMPT_SILENCE_MS) {
		a->last_byte_ms = now;
		read_power(a);
		return;
	}
	attempt_arm(a);
}

void attempt_arm(struct attempt *a)
{
	int64_t at;

	if (a->over || !a->test || !a->on_sent)
		return;
	if (guest_test_result(a->test)->end != TEST_RUNNING) {
		judge(a);
		return;
	}
	at = guest_test_deadline(a->test);
	if (!a->power_busy && a->last_byte_ms + ATTEMPT_SILENCE_MS < at)
		at = a->last_byte_ms + ATTEMPT_SILENCE_MS;
	a->on_timer = on_test_timer;
	loop_timer_at(a->timer, at);
}

void attempt_test_start(struct attempt *a)
{
	int64_t now = loop_now_ms(a->d->loop);

	if (a->over)
		return;
	a->last_byte_ms = now;
	a->log_base = a->log ? db_log_size(a->log) : 0;
	guest_test_start(a->test, now);
	attempt_arm(a);
}

/* ---- console --------------------------------------------------------- */

/* The boot script's own word for its failure, before the test has begun. */
static bool says_boot_failed(struct attempt *a, const char *data, size_t len)
{
	static const char word[] = BOOT_FAILED;

	for (size_t i = 0; i < len && word[a->failed_at]; i++) {
		if (data[i] == word[a->failed_at])
			a->failed_at++;
		else
			a->failed_at = data[i] == word[0];
	}
	return !word[a->failed_at] && !guest_test_result(a->test)->begun;
}

/* Of a long log: what is durable need not be kept twice. */
static void sync_log(struct attempt *a)
{
	struct db_tx *tx = db_tx_new(a->d->db);
	struct err err = ERR_INIT;

	if (db_tx_log_sync(tx, a->log, &err) < 0)
		log_warn("job=%lld log: %s", (long long)a->lj->job.id, err.msg);
	db_tx_post(tx, NULL, NULL);
}

static void on_data(void *arg, const char *data, size_t len, int64_t at_ms)
{
	struct attempt *a = arg;
	struct err err = ERR_INIT;

	/* Where the log has a hole it ends: nothing stands behind it. */
	if (a->log_broken)
		return;
	if (db_log_append(a->log, data, len, at_ms, &err) < 0) {
		a->log_broken = true;
		attempt_unwritten(a, &err);
		return;
	}
	if (db_log_wants_sync(a->log))
		sync_log(a);
	if (a->over || !a->on_sent)
		return;
	a->last_byte_ms = loop_now_ms(a->d->loop);
	guest_test_feed(a->test, data, len, a->last_byte_ms);
	if (says_boot_failed(a, data, len))
		attempt_error(a, LAYER_BOOT,
		    "boot: the machine could not load or start its files");
	else
		attempt_arm(a);
}

/*
 * A broken line between power-on and verdict makes the test unjudgeable,
 * unless the machine is found off: then the power is what failed.
 */
static void on_gap_power(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err)
{
	struct attempt *a = arg;

	(void)err;
	a->power_busy = false;
	if (a->over)
		return;
	if (r == 0 && seen == POWER_OFF)
		attempt_error(a, LAYER_POWER,
		    "the console ended and the machine is off (%s)", evidence);
	else
		attempt_gap(a, "console gap: the line broke");
}

static void on_state(void *arg, bool up, const struct err *err)
{
	struct attempt *a = arg;

	if (up) {
		attempt_look(a);
		return;
	}
	if (a->over || !a->on_sent || a->lj->run->canary)
		return;
	log_warn("job=%lld machine=%s console: %s", (long long)a->lj->job.id,
	    a->m->name, err->msg);
	power_cancel(a->m->power);
	a->power_busy = true;
	power_read(a->m->power, loop_now_ms(a->d->loop) + ATTEMPT_CONSOLE_MS,
	    on_gap_power, a);
}

static const struct console_ops console_ops = {
    .on_data = on_data,
    .on_state = on_state,
};

struct guest_test *attempt_test_new(struct attempt *a)
{
	const struct suite_item *item = job_item(a->lj);
	struct guest_test_options opts = {
	    .boot_timeout_ms = item->boot_timeout_ms,
	    .timeout_ms = item->timeout_ms,
	    .silence_ms = item->silence_ms,
	    .panic_patterns =
	        (const char *const *)a->lj->run->suite->panic_patterns,
	    .on_case = on_case,
	    .on_number = on_number,
	    .arg = a,
	};

	return guest_test_new(&opts);
}

int attempt_open_console(struct attempt *a, struct err *err)
{
	int r =
	    db_log_open(a->d->opts->dir, a->lj->job.attempt_id, &a->log, err);

	if (r == 0)
		console_open(a->m->console, &console_ops, a);
	return r;
}
