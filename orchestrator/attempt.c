/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One try of a boot item: power off, verify; console; power on, verify; boot
 * script; and, whatever happened, power off again before the machine is left.
 *
 * Invariant: every effect (power command, boot script) follows a durable
 * record of what led to it, and attempt_end() decides once.
 */
#include "orchestrator/attempt.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "orchestrator/room.h"

enum {
	BOOT_HEAD = 8192
};

static void on_timer(void *arg)
{
	struct attempt *a = arg;

	if (a->on_timer)
		a->on_timer(a);
}

struct attempt *attempt_new(struct daemon *d, struct live_job *lj)
{
	struct attempt *a = xcalloc(1, sizeof(*a));
	uint8_t nonce[16];

	hash_random(nonce, sizeof(nonce));
	hash_hex(nonce, sizeof(nonce), a->nonce);
	a->d = d;
	a->lj = lj;
	a->m = map_find(&d->machines_by_id, lj->job.machine_id);
	a->timer = loop_timer_new(d->loop, on_timer, a);
	a->begun_ms = loop_now_ms(d->loop);
	a->script = (struct buf)BUF_INIT(1 << 20);
	if (!job_is_bench(lj))
		a->test = attempt_test_new(a);
	lj->attempt = a;
	return a;
}

void attempt_free(struct attempt *a)
{
	struct err err = ERR_INIT;

	if (!a)
		return;
	if (a->m && a->m->power)
		power_cancel(a->m->power);
	if (a->m && a->m->console)
		console_close(a->m->console);
	/* It is still here only when the daemon stops. */
	if (db_log_close(a->log, &err) < 0)
		log_warn("job=%lld log: %s", (long long)a->lj->job.id, err.msg);
	attempt_agent_free(a->agent);
	guest_test_free(a->test);
	loop_timer_free(a->timer);
	for (size_t i = 0; i < a->n_cases; i++) {
		free((char *)a->cases[i].name);
		free((char *)a->cases[i].text);
	}
	for (size_t i = 0; i < a->n_numbers; i++) {
		free(a->numbers[i].name);
		free(a->numbers[i].unit);
	}
	free(a->cases);
	free(a->numbers);
	buf_done(&a->script);
	a->lj->attempt = NULL;
	free(a);
}

static void drive_job(void *arg)
{
	struct live_job *lj = arg;

	drive(lj->run->d, lj);
}

static void record_step(
    struct attempt *a, const char *text, void (*then)(void *arg))
{
	struct record *rec = record_new(a->d, a->lj);

	record_event(
	    rec, (struct job_event){.type = JOB_EV_STEP, .text = text});
	record_post(rec, then, a);
}

/* ---- the end --------------------------------------------------------- */

static void answer_script(struct attempt *a, const char *script, size_t len)
{
	if (a->script_done)
		a->script_done(a->script_arg, script, len);
	a->script_done = NULL;
}

void attempt_end(struct attempt *a, struct verdict verdict, const char *text)
{
	static const struct verdict gap = {.outcome = OUTCOME_ERROR,
	    .layer = LAYER_HARNESS,
	    .blameless = true};
	struct record *rec;
	struct job_event ev = {.verdict = verdict, .text = text};
	struct err err = ERR_INIT;

	if (a->over)
		return;
	a->over = true;
	loop_timer_stop(a->timer);
	if (a->m && a->m->power)
		power_cancel(a->m->power);
	a->power_busy = false;
	rec = record_new(a->d, a->lj);
	/* A verdict is never newer on disk than the log it was read from. */
	if (a->log && !a->log_broken &&
	    db_tx_log_sync(record_tx(rec), a->log, &err) < 0) {
		a->log_broken = true;
		room_lost(a->d, &err);
		(void)err_prefix(&err, "console gap");
		ev.verdict = gap;
		ev.text = err.msg;
	}
	if (a->lj->job.state == JOB_RUN) {
		record_event(rec, (struct job_event){.type = JOB_EV_EXIT});
		ev.type = JOB_EV_COLLECTED;
	} else if (a->lj->job.state == JOB_COLLECT) {
		ev.type = JOB_EV_COLLECTED;
	} else {
		ev.type = JOB_EV_ABORT;
	}
	record_event(rec, ev);
	if (a->agent)
		attempt_agent_put_results(a->agent, record_tx(rec));
	else
		attempt_put_results(a, record_tx(rec));
	record_post(rec, drive_job, a->lj);
}

void attempt_error(struct attempt *a, enum layer layer, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	attempt_end(a,
	    (struct verdict){.outcome = OUTCOME_ERROR, .layer = layer}, text);
}

void attempt_gap(struct attempt *a, const char *text)
{
	attempt_end(a,
	    (struct verdict){.outcome = OUTCOME_ERROR,
	        .layer = LAYER_HARNESS,
	        .blameless = true},
	    text);
}

void attempt_unwritten(struct attempt *a, const struct err *why)
{
	struct err err = *why;

	room_lost(a->d, why);
	(void)err_prefix(&err, "console gap");
	attempt_gap(a, err.msg);
}

/* ---- power off, console, power on ------------------------------------ */

static void on_on(void *arg, int r, enum power_state seen, const char *evidence,
    const struct err *err)
{
	struct attempt *a = arg;

	(void)seen;
	a->power_busy = false;
	if (a->over)
		return;
	if (r < 0) {
		attempt_error(
		    a, LAYER_POWER, "power on: %s (%s)", err->msg, evidence);
		return;
	}
	record_step(a, "on verified", NULL);
	attempt_arm(a);
}

static void switch_on(void *arg)
{
	struct attempt *a = arg;

	if (a->over)
		return;
	a->power_busy = true;
	/* Before the command: what is printed from then on is the test's. */
	a->on_sent = true;
	attempt_test_start(a);
	power_set(a->m->power, POWER_ON,
	    loop_now_ms(a->d->loop) + ATTEMPT_POWER_MS, NULL, on_on, a);
}

static void on_off(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err)
{
	struct attempt *a = arg;

	(void)seen;
	a->power_busy = false;
	if (a->over)
		return;
	if (r < 0)
		attempt_error(
		    a, LAYER_POWER, "power off: %s (%s)", err->msg, evidence);
	else
		record_step(a, "off verified", switch_on);
}

static void switch_off(struct attempt *a)
{
	a->preparing = false;
	loop_timer_stop(a->timer);
	a->power_busy = true;
	power_set(a->m->power, POWER_OFF,
	    loop_now_ms(a->d->loop) + ATTEMPT_POWER_MS, NULL, on_off, a);
}

static void console_late(struct attempt *a)
{
	attempt_error(a, LAYER_CONSOLE, "console: no connection within %d s",
	    ATTEMPT_CONSOLE_MS / 1000);
}

/* Waiting for the console; attempt_test.c calls attempt_look() when it is up.
 */
static void wait_for_console(struct attempt *a)
{
	a->preparing = true;
	a->on_timer = console_late;
	loop_timer_at(a->timer, loop_now_ms(a->d->loop) + ATTEMPT_CONSOLE_MS);
}

void attempt_prepare(struct attempt *a)
{
	struct err err = ERR_INIT;

	if (job_is_bench(a->lj)) {
		attempt_agent_prepare(a);
		return;
	}
	/* A canary too: it would heal a machine whose console is dead. */
	if (!a->m || !a->m->facts || !a->m->power ||
	    !power_can_switch(a->m->power) || !a->m->console ||
	    !console_exists(a->m->console)) {
		attempt_gap(a, "the machine left the lab or lost its drivers");
		return;
	}
	if (attempt_open_console(a, &err) < 0) {
		attempt_unwritten(a, &err);
		return;
	}
	wait_for_console(a);
}

void attempt_look(struct attempt *a)
{
	if (a->preparing && console_is_up(a->m->console))
		switch_off(a);
}

/* ---- boot script ----------------------------------------------------- */

static void script_durable(void *arg)
{
	struct attempt *a = arg;

	answer_script(a, buf_str(&a->script), a->script.len);
	if (a->over)
		return;
	if (a->lj->run->canary)
		attempt_end(a, (struct verdict){.outcome = OUTCOME_PASS},
		    "the machine was switched on and asked for its script");
}

struct wanted {
	struct run *run;
	const struct lab_machine *facts;
	struct boot_entry entries[64];
	char *args[64];
	size_t n;
};

static const struct run_file *find_file(const struct run *run, const char *path)
{
	for (size_t i = 0; i < run->n_files; i++)
		if (strcmp(run->files[i].path, path) == 0)
			return &run->files[i];
	return NULL;
}

/* One `path arguments` entry of an item, with the machine's variables. */
static int add_entry(struct wanted *w, const char *entry, struct err *err)
{
	scoped_val(buf_done) struct buf args = BUF_INIT(1 << 16);
	scoped(free) char *path = suite_path(entry);
	const struct run_file *file = find_file(w->run, path);
	int r;

	if (!file)
		return err_set(
		    err, ERR_NOTFOUND, "%s: not among the run's files", path);
	if (w->n == ARRAY_LEN(w->entries))
		return err_set(err, ERR_LIMIT, "over %zu files to load",
		    ARRAY_LEN(w->entries));
	r = suite_substitute(
	    suite_args(entry), lab_var, (void *)w->facts, &args, err);
	if (r < 0)
		return r;
	w->args[w->n] = buf_take(&args);
	w->entries[w->n] = (struct boot_entry){
	    .path = file->path, .args = w->args[w->n], .sha256 = file->sha256};
	w->n++;
	return 0;
}

/* Whether iPXE's limits for multiboot images count. */
static bool is_multiboot(const struct attempt *a, const uint8_t *sha256)
{
	scoped(free) char *head = xcalloc(1, BOOT_HEAD);
	scoped_val(fd_done) int fd = -1;
	int64_t size;
	ssize_t n;

	if (db_file_open(a->d->opts->dir, sha256, &fd, &size, NULL) < 0)
		return false;
	n = pread(fd, head, BOOT_HEAD, 0);
	return n > 0 && boot_is_multiboot(head, (size_t)n);
}

static int make_script(struct attempt *a, struct err *err)
{
	const struct suite_item *item = job_item(a->lj);
	struct wanted w = {.run = a->lj->run, .facts = a->m->facts};
	int r;

	buf_reset(&a->script);
	if (a->lj->run->canary) {
		boot_script_idle(&a->script);
		return 0;
	}
	r = add_entry(&w, item->exec, err);
	for (char **l = item->load; r == 0 && l && *l; l++)
		r = add_entry(&w, *l, err);
	if (r == 0)
		r = boot_script_ipxe(
		    &(struct boot_spec){.nonce = a->nonce,
		        .exec = w.entries[0],
		        .load = w.entries + 1,
		        .n_load = w.n - 1,
		        .multiboot = is_multiboot(a, w.entries[0].sha256)},
		    &a->script, err);
	for (size_t i = 0; i < w.n; i++)
		free(w.args[i]);
	return r;
}

static void idle_answer(
    void (*done)(void *arg, const char *script, size_t len), void *arg)
{
	scoped_val(buf_done) struct buf idle = BUF_INIT(1 << 16);

	boot_script_idle(&idle);
	done(arg, buf_str(&idle), idle.len);
}

void attempt_asked(struct attempt *a,
    void (*done)(void *arg, const char *script, size_t len), void *arg)
{
	struct err err = ERR_INIT;
	struct record *rec;

	if (a->over || !a->on_sent || a->asked) {
		idle_answer(done, arg);
		/* A second request of a running test: it was reset. */
		if (a->asked && !a->over && a->lj->job.state == JOB_RUN) {
			record_step(a, "machine reset: asked again", NULL);
			guest_test_reset(a->test, loop_now_ms(a->d->loop));
			attempt_arm(a);
		}
		return;
	}
	a->asked = true;
	if (make_script(a, &err) < 0) {
		idle_answer(done, arg);
		attempt_error(a, LAYER_HARNESS, "boot script: %s", err.msg);
		return;
	}
	a->script_done = done;
	a->script_arg = arg;
	rec = record_new(a->d, a->lj);
	record_event(rec,
	    (struct job_event){.type = JOB_EV_STEP, .text = "script served"});
	record_event(rec, (struct job_event){.type = JOB_EV_RUN});
	record_post(rec, script_durable, a);
}

/* ---- cleanup --------------------------------------------------------- */

static void left(void *arg)
{
	struct attempt *a = arg;
	struct daemon *d = a->d;
	struct live_job *lj = a->lj;
	struct machine *m = a->m;
	int64_t took_ms = loop_now_ms(d->loop) - a->begun_ms;

	attempt_free(a);
	if (m) {
		m->job = NULL;
		scheduler_free_machine(d->scheduler, m->id, took_ms);
		if (m->stale)
			machine_refresh(d, m);
	}
	drive(d, lj);
	daemon_dispatch(d);
	daemon_check_drained(d);
}

static void take_advice(struct attempt *a, const struct fleet_advice *advice)
{
	for (int i = 0; i < advice->n_changes; i++) {
		const struct health_change *c = &advice->changes[i];
		struct machine *m =
		    map_find(&a->d->machines_by_id, c->machine_id);

		if (!m)
			continue;
		machine_health_changed(a->d, m, c->to, c->why);
		if (c->to == HEALTH_SUSPECT)
			run_canary(a->d, m);
	}
}

void attempt_leave(struct attempt *a)
{
	struct live_job *lj = a->lj;
	const struct suite_item *item = job_item(lj);
	struct attempt_result result = {
	    .job_id = lj->job.id,
	    .machine_id = lj->job.machine_id,
	    .item = item->name,
	    .revision = lj->run->commit ? lj->run->commit : lj->run->name,
	    .canary = lj->run->canary,
	    .verdict = lj->job.verdict,
	    .errors = lj->job.errors + !lj->job.verdict.blameless,
	    .retry_limit = item->retries,
	    .at_ms = clock_wall_ms(),
	};
	struct fleet_advice advice = {0};
	struct record *rec;

	fleet_attempt_ended(a->d->fleet, &result, &advice);
	rec = record_new(a->d, lj);
	if (a->m && a->m->console)
		console_close(a->m->console);
	db_tx_log_close(record_tx(rec), take(a->log));
	if (advice.retry)
		record_event(rec,
		    (struct job_event){
		        .type = JOB_EV_REQUEUE, .text = advice.why});
	if (advice.retry && lj->cancelling)
		record_event(rec,
		    (struct job_event){.type = JOB_EV_CANCEL,
		        .text = "cancelled instead of tried again"});
	if (!advice.retry)
		record_event(rec,
		    (struct job_event){.type = JOB_EV_DONE,
		        .text = advice.why[0] ? advice.why : NULL});
	record_post(rec, left, a);
	take_advice(a, &advice);
}

static void on_cleaned(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err)
{
	struct attempt *a = arg;
	char why[320];

	(void)seen;
	a->power_busy = false;
	if (r < 0) {
		(void)snprintf(why, sizeof(why),
		    "cannot be switched off after job %lld: %.100s (%.100s)",
		    (long long)a->lj->job.id, err->msg, evidence);
		machine_health(a->d, a->m, HEALTH_QUARANTINED, why);
	}
	attempt_leave(a);
}

void attempt_cleanup(struct attempt *a)
{
	if (a->cleaning)
		return;
	a->cleaning = true;
	a->over = true;
	loop_timer_stop(a->timer);
	if (job_is_bench(a->lj)) {
		attempt_agent_cleanup(a);
		return;
	}
	/* In maintenance the power is in the hands of a person. */
	if (!a->m || !a->m->power || !power_can_switch(a->m->power) ||
	    fleet_health(a->d->fleet, a->m->id) == HEALTH_MAINTENANCE) {
		attempt_leave(a);
		return;
	}
	a->power_busy = true;
	power_set(a->m->power, POWER_OFF,
	    loop_now_ms(a->d->loop) + ATTEMPT_POWER_MS, NULL, on_cleaned, a);
}
