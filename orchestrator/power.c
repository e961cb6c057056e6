/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Switching power: command, read back, until the state is there.
 *
 * A driver carries out one command or reading; everything else is here: the
 * rhythm, the deadline, the evidence. Whatever is told to the owner is told
 * last, from the loop, so the owner may start, cancel or free in any callback.
 */
#include "orchestrator/power.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/power/driver.h"

enum {
	READ_MS = 150,     /* from a reading to the next */
	RETRY_MS = 500,    /* after a request that failed */
	COMMAND_MS = 5000, /* from a command to its repetition */
	EVIDENCE_MAX = 4096
};

static const struct power_driver *const drivers[] = {
    &power_ipmi,
    &power_none,
};

struct power {
	const struct power_driver *driver;
	void *data;
	struct loop *loop;
	struct loop_timer *timer;
	enum power_state last;
	int64_t last_at_ms;

	/* The open request. */
	power_done *done; /* NULL: there is none */
	void (*sent)(void *arg);
	void *arg;
	enum power_state want; /* POWER_UNKNOWN: it is only to be read */
	int64_t start_ms;
	int64_t deadline_ms;
	enum power_op op;   /* what the driver does now */
	int64_t command_ms; /* when the last command was given, or accepted */
	bool accepted;      /* the last command was */
	bool answered;      /* there was a reading in this request */
	enum power_state seen;
	struct err refused; /* the last failure, if kind is set */
	struct buf evidence;
};

const char *power_state_name(enum power_state state)
{
	static const char *const names[] = {
	    [POWER_UNKNOWN] = "unknown",
	    [POWER_OFF] = "off",
	    [POWER_ON] = "on",
	};

	return names[state];
}

static int find_driver(const struct conf_node *section,
    const struct power_driver **ret, struct err *err)
{
	const char *names[ARRAY_LEN(drivers)];
	int i = 0;
	int r;

	*ret = &power_none;
	if (!section)
		return 0;
	for (size_t k = 0; k < ARRAY_LEN(drivers); k++)
		names[k] = drivers[k]->name;
	r = conf_enum(
	    section, "driver", CONF_REQUIRED, names, ARRAY_LEN(names), &i, err);
	*ret = drivers[i];
	return r;
}

static void on_timer(void *arg);

int power_new(const struct power_shared *shared,
    const struct conf_node *section, struct power **ret, struct err *err)
{
	const struct power_driver *driver;
	struct buf evidence = BUF_INIT(EVIDENCE_MAX);
	struct power *p;
	void *data = NULL;
	int r;

	r = find_driver(section, &driver, err);
	if (r == 0)
		r = driver->open(shared, section, ret ? &data : NULL, err);
	if (r < 0 || !ret)
		return r;
	p = xcalloc(1, sizeof(*p));
	p->driver = driver;
	p->data = data;
	p->loop = shared->loop;
	p->timer = loop_timer_new(shared->loop, on_timer, p);
	p->evidence = evidence;
	*ret = p;
	return 0;
}

void power_free(struct power *p)
{
	if (!p)
		return;
	p->driver->close(p->data);
	loop_timer_free(p->timer);
	buf_done(&p->evidence);
	free(p);
}

bool power_can_switch(const struct power *p)
{
	return p->driver->ask != NULL;
}

enum power_state power_last(const struct power *p, int64_t *ret_at_ms)
{
	*ret_at_ms = p->last_at_ms;
	return p->last;
}

void power_cancel(struct power *p)
{
	if (!p->done)
		return;
	p->done = NULL;
	loop_timer_stop(p->timer);
	if (p->driver->cancel)
		p->driver->cancel(p->data);
}

/* Adds an entry: "off sent", and from 0.1 s on "read off after 0.3 s". */
__attribute__((format(printf, 2, 3))) static void note(
    struct power *p, const char *fmt, ...)
{
	int64_t tenths = (loop_now_ms(p->loop) - p->start_ms + 50) / 100;
	va_list ap;

	if (p->evidence.len)
		buf_puts(&p->evidence, ", ");
	va_start(ap, fmt);
	buf_vprintf(&p->evidence, fmt, ap);
	va_end(ap);
	if (tenths > 0)
		buf_printf(&p->evidence, " after %lld.%lld s",
		    (long long)tenths / 10, (long long)tenths % 10);
}

/* The end of the request; nothing of p may be touched afterwards. */
static void finish(struct power *p, int r, const struct err *err)
{
	scoped(free) char *evidence = buf_take(&p->evidence);
	power_done *done = p->done;

	p->done = NULL;
	loop_timer_stop(p->timer);
	done(p->arg, r, p->seen, evidence, err);
}

/* The deadline passed. */
static void give_up(struct power *p)
{
	struct err err = ERR_INIT;
	double waited_s = (double)(loop_now_ms(p->loop) - p->start_ms) / 1000;
	const char *why = p->refused.kind ? p->refused.msg : "no answer";
	int r;

	if (!p->answered)
		r = err_set(&err, ERR_UNREACH, "power unknown after %.1f s: %s",
		    waited_s, why);
	else
		r = err_set(&err, ERR_TIMEOUT,
		    "power still %s %.1f s after the first %s%s%s",
		    power_state_name(p->seen), waited_s,
		    power_state_name(p->want), p->refused.kind ? ": " : "",
		    p->refused.kind ? why : "");
	finish(p, r, &err);
}

/* Goes on after a while; the deadline may come first. */
static void go_on_in(struct power *p, int64_t ms)
{
	int64_t at_ms = loop_now_ms(p->loop) + ms;

	loop_timer_at(
	    p->timer, at_ms < p->deadline_ms ? at_ms : p->deadline_ms);
}

static void take_state(struct power *p, enum power_state seen)
{
	if (!p->answered || p->seen != seen)
		note(p, "read %s", power_state_name(seen));
	p->answered = true;
	p->seen = seen;
	p->last = seen;
	p->last_at_ms = clock_wall_ms();
}

static void take_failure(struct power *p, int r, const struct err *err)
{
	/* A dead controller says the same again and again. */
	if (!str_eq(p->refused.msg, err->msg))
		note(p, "%s failed (%s)",
		    p->op == POWER_OP_READ ? "reading"
		                           : power_state_name(p->want),
		    err->msg);
	(void)err_copy(&p->refused, err);
	/* Reading decides whether a command that was refused was needed. */
	if (p->op != POWER_OP_READ)
		p->accepted = r == -ERR_PROTO;
}

/* True if there is no use in going on. */
static bool is_final(const struct power *p, int r)
{
	if (p->want == POWER_UNKNOWN)
		return true;
	return !err_is_temporary(r) &&
	    (r != -ERR_PROTO || p->op == POWER_OP_READ);
}

static void on_driver(
    void *arg, int r, enum power_state seen, const struct err *err)
{
	struct power *p = arg;
	bool was_command = p->op != POWER_OP_READ;
	void (*sent)(void *) = NULL;

	if (r < 0) {
		/* To the owner a silent controller is one thing. */
		struct err why = *err;

		if (r == -ERR_TIMEOUT)
			why.kind = ERR_UNREACH;
		take_failure(p, r, &why);
		if (is_final(p, -why.kind))
			finish(p, -why.kind, &why);
		else
			go_on_in(p, RETRY_MS);
		return;
	}
	if (was_command) {
		note(p, "%s sent", power_state_name(p->want));
		p->accepted = true;
		p->command_ms = loop_now_ms(p->loop);
		p->refused = (struct err)ERR_INIT;
		sent = p->sent;
		p->sent = NULL;
	}
	take_state(p, seen);
	if (!was_command && (p->want == POWER_UNKNOWN || seen == p->want)) {
		finish(p, 0, NULL);
		return;
	}
	/* After a command, done comes by the timer: sent may cancel us. */
	go_on_in(p, seen == p->want ? 0 : READ_MS);
	if (sent)
		sent(p->arg);
}

static void ask(struct power *p, enum power_op op)
{
	p->op = op;
	p->driver->ask(p->data, op, p->deadline_ms, on_driver, p);
}

static void command(struct power *p)
{
	p->command_ms = loop_now_ms(p->loop);
	ask(p, p->want == POWER_ON ? POWER_OP_ON : POWER_OP_OFF);
}

/* The driver is idle; what is next? */
static void on_timer(void *arg)
{
	struct power *p = arg;
	struct err err = ERR_INIT;
	int64_t now_ms = loop_now_ms(p->loop);

	if (!p->driver->ask && p->want == POWER_UNKNOWN) {
		note(p, "power cannot be read");
		finish(p, 0, NULL);
	} else if (!p->driver->ask) {
		finish(p,
		    err_set(&err, ERR_INVAL,
		        "power driver none cannot switch a machine"),
		    &err);
	} else if (p->answered && p->seen == p->want) {
		finish(p, 0, NULL);
	} else if (now_ms >= p->deadline_ms) {
		give_up(p);
	} else if (!p->accepted || now_ms >= p->command_ms + COMMAND_MS) {
		command(p);
	} else {
		ask(p, POWER_OP_READ);
	}
}

static void begin(struct power *p, enum power_state want, int64_t deadline_ms,
    power_done *done, void *arg)
{
	assert(!p->done);
	p->done = done;
	p->sent = NULL;
	p->arg = arg;
	p->want = want;
	p->start_ms = loop_now_ms(p->loop);
	p->deadline_ms = deadline_ms;
	p->accepted = false;
	p->answered = false;
	p->seen = POWER_UNKNOWN;
	p->refused = (struct err)ERR_INIT;
	buf_reset(&p->evidence);
	if (!p->driver->ask)
		loop_timer_at(p->timer, p->start_ms);
}

void power_set(struct power *p, enum power_state want, int64_t deadline_ms,
    void (*sent)(void *arg), power_done *done, void *arg)
{
	assert(want != POWER_UNKNOWN);
	begin(p, want, deadline_ms, done, arg);
	p->sent = sent;
	if (p->driver->ask)
		command(p);
}

void power_read(
    struct power *p, int64_t deadline_ms, power_done *done, void *arg)
{
	begin(p, POWER_UNKNOWN, deadline_ms, done, arg);
	if (p->driver->ask)
		ask(p, POWER_OP_READ);
}
