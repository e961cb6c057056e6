/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the web process may ask of the daemon: one row per op (web/web.h). */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/attempt.h"
#include "orchestrator/weblink.h"

static const char *text_of(const json_t *h, const char *key)
{
	const char *s = json_string_value(json_object_get(h, key));

	return s ? s : "";
}

/* True if the token allows it; else the answer is sent. */
static bool allowed(struct asker who, const json_t *h, enum token_scope scope,
    const char **ret_name)
{
	int r = token_check(who.d, text_of(h, "token"), scope, ret_name);

	if (r == -ERR_DENIED)
		weblink_answer_error(who, 401, "no valid token");
	else if (r < 0)
		weblink_answer_error(
		    who, 403, "the token's scopes do not allow this");
	return r == 0;
}

/* An answer that waits until what it says is durable. */
struct held_answer {
	struct asker who;
	json_t *body;
};

static struct held_answer *hold_answer(struct asker who, json_t *body)
{
	struct held_answer *held = xcalloc(1, sizeof(*held));

	*held = (struct held_answer){who, body};
	return held;
}

static void on_durable(void *arg)
{
	struct held_answer *held = arg;

	weblink_answer_json(held->who, 200, held->body);
	free(held);
}

static void op_auth(struct asker who, const json_t *h)
{
	struct err err = ERR_INIT;
	const char *name;
	unsigned scope;

	if (token_scopes(text_of(h, "scope"), &scope, &err) < 0)
		weblink_answer_error(who, 400, "%s", err.msg);
	else if (allowed(who, h, (enum token_scope)scope, &name))
		weblink_answer(who, 200, "text/plain", NULL, 0);
}

/* What the token allows, one word for each scope that it passes for. */
static json_t *scopes_json(const struct daemon *d, const char *token)
{
	static const char *const words[] = {
	    "read", "submit", "operate", "admin"};
	struct err err = ERR_INIT;
	json_t *list = json_array();
	const char *name;
	unsigned scope;

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (token_scopes(words[i], &scope, &err) == 0 &&
		    token_check(d, token, (enum token_scope)scope, &name) == 0)
			(void)json_array_append_new(
			    list, json_string(words[i]));
	return list;
}

static void op_whoami(struct asker who, const json_t *h)
{
	const char *name;

	/* Whoever may do something may read. */
	if (allowed(who, h, SCOPE_READ, &name))
		weblink_answer_json(who, 200,
		    json_pack("{s:s s:o}", "name", name, "scopes",
		        scopes_json(who.d, text_of(h, "token"))));
}

static void op_open(struct asker who, const json_t *h)
{
	(void)h;
	weblink_upload_open(who);
}

static void op_close(struct asker who, const json_t *h)
{
	int fd = weblink_upload_take(
	    who.d, json_integer_value(json_object_get(h, "upload")));

	fd_done(&fd);
	weblink_answer(who, 200, "text/plain", NULL, 0);
}

static void op_submit(struct asker who, const json_t *h)
{
	const char *name;

	if (allowed(who, h, SCOPE_SUBMIT, &name))
		submit_request(who, h, name);
}

static void op_import(struct asker who, const json_t *h)
{
	const char *name;

	if (allowed(who, h, SCOPE_SUBMIT, &name))
		import_request(who, h, name);
}

static void op_cancel(struct asker who, const json_t *h)
{
	struct err err = ERR_INIT;
	const char *name;
	int64_t n;

	if (!allowed(who, h, SCOPE_SUBMIT, &name))
		return;
	n = run_cancel(
	    who.d, json_integer_value(json_object_get(h, "run")), name, &err);
	if (n < 0)
		weblink_answer_error(
		    who, weblink_status_of((int)n), "%s", err.msg);
	else
		audit_then(who.d->db, on_durable,
		    hold_answer(
		        who, json_pack("{s:I}", "cancelled", (json_int_t)n)),
		    name, "cancelled %lld jobs of run %lld", (long long)n,
		    (long long)json_integer_value(json_object_get(h, "run")));
}

static void op_rerun(struct asker who, const json_t *h)
{
	const char *name;

	if (allowed(who, h, SCOPE_SUBMIT, &name))
		rerun_request(who, h, name);
}

static void boot_answer(void *arg, const char *script, size_t len)
{
	struct asker *who = arg;

	if (script)
		weblink_answer(*who, 200, "text/plain", script, len);
	else
		weblink_answer_error(*who, 404, "no machine has this address");
	free(who);
}

static void op_boot(struct asker who, const json_t *h)
{
	struct asker *copy = xcalloc(1, sizeof(*copy));

	*copy = who;
	drive_boot(who.d, text_of(h, "mac"), boot_answer, copy);
}

static void op_file(struct asker who, const json_t *h)
{
	uint8_t sha[HASH_BYTES];

	if (hash_unhex(text_of(h, "sha256"), sha, sizeof(sha)) &&
	    drive_may_fetch(who.d, text_of(h, "nonce"), sha))
		weblink_answer(who, 200, "text/plain", NULL, 0);
	else
		weblink_answer_error(who, 404, "no such file");
}

static void why_active(const struct live_job *lj, struct buf *to)
{
	const struct attempt *a = lj->attempt;

	buf_printf(to, "does not wait: it is in %s on machine %lld",
	    job_state_name(lj->job.state), (long long)lj->job.machine_id);
	if (a) {
		buf_puts(to, "; ");
		drive_describe(lj, to);
	}
}

static void op_why(struct asker who, const json_t *h)
{
	int64_t id = json_integer_value(json_object_get(h, "job"));
	struct live_job *lj = map_find(&who.d->jobs, id);
	scoped_val(buf_done) struct buf why = BUF_INIT(1 << 16);

	if (!lj) {
		weblink_answer_error(who, 404,
		    "job %lld: no such job, or it is done", (long long)id);
		return;
	}
	if (lj->job.held)
		buf_puts(&why, "is held by a person");
	else if (!scheduler_why(
	             who.d->scheduler, id, loop_now_ms(who.d->loop), &why))
		why_active(lj, &why);
	weblink_answer_json(who, 200, json_pack("{s:s}", "why", buf_str(&why)));
}

static json_t *busy_json(const struct machine *m)
{
	const struct live_job *lj = m->job;
	scoped_val(buf_done) struct buf step = BUF_INIT(1 << 12);
	json_t *busy;

	if (!lj)
		return json_null();
	drive_describe(lj, &step);
	busy = json_pack("{s:I s:I s:s s:s s:s s:s}", "job",
	    (json_int_t)lj->job.id, "run", (json_int_t)lj->run->id, "item",
	    job_item(lj)->name, "platform", lj->platform, "state",
	    job_state_name(lj->job.state), "step", buf_str(&step));
	/* The attempt counts on the monotonic clock. */
	if (lj->attempt)
		(void)json_object_set_new(busy, "since_at_ms",
		    json_integer(clock_wall_ms() -
		        (loop_now_ms(lj->attempt->d->loop) -
		            lj->attempt->begun_ms)));
	return busy;
}

static json_t *tags_json(const struct machine *m)
{
	json_t *tags = json_array();

	for (char **t = m->facts ? m->facts->tags : NULL; t && *t; t++)
		(void)json_array_append_new(tags, json_string(*t));
	return tags;
}

static json_t *machine_json(const struct daemon *d, const struct machine *m)
{
	int64_t at_ms = 0;
	enum power_state power =
	    m->power ? power_last(m->power, &at_ms) : POWER_UNKNOWN;

	return json_pack("{s:s s:s s:s s:o s:s s:I s:s s:o s:s s:I}", "name",
	    m->name, "platform", m->platform, "host",
	    m->facts ? m->facts->host : m->name, "tags", tags_json(m), "health",
	    health_name(fleet_health(d->fleet, m->id)), "since_at_ms",
	    (json_int_t)m->since_ms, "why", m->why ? m->why : "", "busy",
	    busy_json(m), "power", power_state_name(power), "power_at_ms",
	    (json_int_t)at_ms);
}

static void op_machines(struct asker who, const json_t *h)
{
	const char *only = json_string_value(json_object_get(h, "machine"));
	json_t *list = json_array();

	for (size_t i = 0; i < who.d->n_machines; i++)
		if (!only || strcmp(only, who.d->machines[i]->name) == 0)
			(void)json_array_append_new(
			    list, machine_json(who.d, who.d->machines[i]));
	weblink_answer_json(who, 200, json_pack("{s:o}", "machines", list));
}

/* ---- the queue ---------------------------------------------------------- */

enum {
	QUEUE_ROWS = 500
};

struct queue_list {
	const struct daemon *d;
	json_t *list;
};

static void queue_one(void *arg, const struct queue_row *row)
{
	struct queue_list *q = arg;
	const struct live_job *lj = map_find(&q->d->jobs, row->first_job);
	scoped_val(buf_done) struct buf why = BUF_INIT(1 << 16);

	(void)scheduler_why(
	    q->d->scheduler, row->first_job, loop_now_ms(q->d->loop), &why);
	if (lj)
		(void)json_array_append_new(q->list,
		    json_pack("{s:s s:i s:s s:{s:I s:I s:s}}", "needs",
		        row->needs, "jobs", row->n_jobs, "why", buf_str(&why),
		        "first", "job", (json_int_t)lj->job.id, "run",
		        (json_int_t)lj->run->id, "item", job_item(lj)->name));
}

static void op_queue(struct asker who, const json_t *h)
{
	struct queue_list q = {who.d, json_array()};

	(void)h;
	scheduler_queue(who.d->scheduler, QUEUE_ROWS, queue_one, &q);
	weblink_answer_json(who, 200,
	    json_pack("{s:I s:o}", "waiting",
	        (json_int_t)scheduler_waiting(who.d->scheduler), "classes",
	        q.list));
}

static void op_health(struct asker who, const json_t *h)
{
	const struct daemon *d = who.d;
	json_t *problems = json_array();
	bool ok = !d->db_failing;

	(void)h;
	if (d->db_failing)
		(void)json_array_append_new(problems,
		    json_sprintf(
		        "database: %s; nothing is started", d->problem));
	if (d->draining)
		(void)json_array_append_new(
		    problems, json_string("draining: nothing new is started"));
	weblink_answer_json(who, ok ? 200 : 503,
	    json_pack("{s:s s:s s:o}", "status",
	        ok && !d->draining ? "ok" : "degraded", "version",
	        PACKAGE_VERSION, "problems", problems));
}

static void op_machine(struct asker who, const json_t *h)
{
	struct machine *m = machine_by_name(who.d, text_of(h, "machine"));
	bool offline = strcmp(text_of(h, "do"), "offline") == 0;
	const char *name;
	scoped(free) char *why = NULL;

	if (!allowed(who, h, SCOPE_OPERATE, &name))
		return;
	if (!m || !m->facts) {
		weblink_answer_error(who, 404, "no such machine");
		return;
	}
	if (m->by_hand) {
		weblink_answer_error(who, 409,
		    "machine %s: its power is being switched", m->name);
		return;
	}
	why = xasprintf("%s by %s: %.150s", offline ? "offline" : "online",
	    name, text_of(h, "why"));
	machine_health(
	    who.d, m, offline ? HEALTH_MAINTENANCE : HEALTH_GOOD, why);
	if (offline)
		drive_offline(who.d, m, why);
	audit_then(who.d->db, on_durable,
	    hold_answer(who,
	        json_pack("{s:s}", "health",
	            health_name(fleet_health(who.d->fleet, m->id)))),
	    name, "machine %s %s", m->name, why);
	daemon_dispatch(who.d);
}

/* ---- power, by a person ----------------------------------------------------
 */

enum {
	HAND_MS = 9000
};

struct hand {
	struct asker who;
	int64_t machine_id;
	enum power_state want;
	int64_t deadline_ms;
	bool then_on; /* a cycle: off is not the end of it */
};

static void hand_done(void *arg, int r, enum power_state seen,
    const char *evidence, const struct err *err)
{
	struct hand *hand = arg;
	struct machine *m =
	    map_find(&hand->who.d->machines_by_id, hand->machine_id);

	if (r == 0 && hand->then_on && m && m->power && m->by_hand) {
		hand->then_on = false;
		hand->want = POWER_ON;
		power_set(m->power, hand->want, hand->deadline_ms, NULL,
		    hand_done, hand);
		return;
	}
	if (m)
		m->by_hand = false;
	if (r < 0)
		weblink_answer_error(
		    hand->who, 503, "%s (%s)", err->msg, evidence);
	else
		weblink_answer_json(hand->who, 200,
		    json_pack("{s:s s:s}", "power", power_state_name(seen),
		        "evidence", evidence));
	free(hand);
}

static void hand_refuse(struct hand *hand, struct machine *m, const char *why)
{
	if (m)
		m->by_hand = false;
	weblink_answer_error(hand->who, 503, "%s", why);
	free(hand);
}

/* Who did it is stored: it may be done, unless that took too long. */
static void hand_durable(void *arg)
{
	struct hand *hand = arg;
	struct machine *m =
	    map_find(&hand->who.d->machines_by_id, hand->machine_id);

	/* Not by hand any more: the lab file was read again meanwhile. */
	if (!m || !m->power || !m->by_hand)
		hand_refuse(hand, m, "the machine has changed meanwhile");
	else if (loop_now_ms(hand->who.d->loop) >= hand->deadline_ms)
		hand_refuse(hand, m, "nothing could be stored in time");
	else
		power_set(m->power, hand->want, hand->deadline_ms, NULL,
		    hand_done, hand);
}

/* Why a person may not switch it now; NULL if it is allowed. */
static const char *not_by_hand(const struct daemon *d, const struct machine *m)
{
	if (!m->power || !power_can_switch(m->power))
		return "its power cannot be switched";
	if (m->job)
		return "it has a job; cancel that, or wait";
	if (fleet_health(d->fleet, m->id) != HEALTH_MAINTENANCE)
		return "it is in service; take it offline first";
	return m->by_hand ? "its power is being switched already" : NULL;
}

static void op_power(struct asker who, const json_t *h)
{
	struct machine *m = machine_by_name(who.d, text_of(h, "machine"));
	const char *what = text_of(h, "do"); /* "on", "off", "cycle" */
	const char *name;
	const char *refused;
	struct hand *hand;

	if (!allowed(who, h, SCOPE_OPERATE, &name))
		return;
	refused = m && m->facts ? not_by_hand(who.d, m) : "no such machine";
	if (refused) {
		weblink_answer_error(who, m ? 409 : 404, "machine %.100s: %s",
		    text_of(h, "machine"), refused);
		return;
	}
	if (who.d->db_failing) {
		weblink_answer_error(who, 503, "database: %s", who.d->problem);
		return;
	}
	hand = xcalloc(1, sizeof(*hand));
	*hand = (struct hand){who, m->id,
	    strcmp(what, "on") == 0 ? POWER_ON : POWER_OFF,
	    loop_now_ms(who.d->loop) + HAND_MS, strcmp(what, "cycle") == 0};
	m->by_hand = true;
	audit_then(who.d->db, hand_durable, hand, name, "machine %s power %s",
	    m->name, what);
}

static const struct op {
	const char *name;
	void (*fn)(struct asker who, const json_t *h);
} ops[] = {
    {"auth", op_auth},
    {"boot", op_boot},
    {"cancel", op_cancel},
    {"close", op_close},
    {"file", op_file},
    {"health", op_health},
    {"hook", hook_request},
    {"import", op_import},
    {"machine", op_machine},
    {"machines", op_machines},
    {"open", op_open},
    {"power", op_power},
    {"queue", op_queue},
    {"rerun", op_rerun},
    {"submit", op_submit},
    {"whoami", op_whoami},
    {"why", op_why},
};

void api_request(struct asker who, const json_t *header)
{
	const char *name = text_of(header, "op");

	for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
		if (strcmp(ops[i].name, name) == 0) {
			ops[i].fn(who, header);
			return;
		}
	}
	weblink_answer_error(who, 501, "the daemon has no op '%.40s'", name);
}
