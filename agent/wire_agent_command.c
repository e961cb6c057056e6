/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Commands at the agent's end: each is done once under a fence, whatever is
 * doubled or said again, because what was done is stored before it is answered.
 */
#include <stdlib.h>
#include <string.h>

#include "agent/json.h"
#include "agent/wire_agent.h"

enum {
	REBOOTS_MAX = WIRE_DONE_MAX - 8 /* room for the other commands */
};

static void say_ok(struct wire_agent_link *l, int64_t c, bool dup)
{
	wire_agent_say(l,
	    json_pack("{s:s,s:I,s:b}", "t", "ok", "c", (json_int_t)c, "dup",
	        dup ? 1 : 0));
}

static void say_no(
    struct wire_agent_link *l, int64_t c, const char *layer, const char *why)
{
	wire_agent_say(l,
	    json_pack("{s:s,s:I,s:s,s:s}", "t", "no", "c", (json_int_t)c,
	        "layer", layer, "why", why));
}

static bool is_done(const struct wire_agent *a, int64_t c)
{
	for (int i = 0; i < a->saved.n_done; i++)
		if (a->saved.done[i] == c)
			return true;
	return false;
}

/* Stores next with c done; says no and returns false if that fails. */
static bool store(struct wire_agent_link *l, struct wire_saved *next, int64_t c)
{
	struct err err = ERR_INIT;

	if (next->n_done >= WIRE_DONE_MAX) {
		say_no(l, c, "agent", "too many commands for one attempt");
		return false;
	}
	next->done[next->n_done++] = c;
	if (wire_agent_save(l->a, next, &err) < 0) {
		say_no(l, c, "host", err.msg);
		return false;
	}
	return true;
}

/* The same, and answers. Returns whether it may take effect. */
static bool commit(
    struct wire_agent_link *l, struct wire_saved *next, int64_t c)
{
	if (!store(l, next, c))
		return false;
	say_ok(l, c, false);
	return true;
}

void wire_agent_on_start(
    struct wire_agent_link *l, const json_t *json, int64_t c)
{
	struct wire_agent *a = l->a;
	const json_t *spec = json_object_get(json, "spec");
	const char *sha = json_get_text(json, "spec_sha256", HASH_HEX);
	struct wire_saved next = a->saved;
	const char *layer = "agent";
	struct err err = ERR_INIT;
	char hex[HASH_HEX + 1];

	scoped(free) char *text = wire_canonical(spec ? spec : json, hex);

	if (!json_is_object(spec) || strcmp(hex, sha) != 0) {
		say_no(l, c, "harness", "spec_sha256 is not that of spec");
	} else if (is_done(a, c) || a->saved.spec_sha256[0]) {
		/* After "forget" the hash is gone, but it was done. */
		if (a->saved.spec_sha256[0] &&
		    strcmp(a->saved.spec_sha256, hex) != 0)
			say_no(l, c, "harness",
			    "another specification was started");
		else
			say_ok(l, c, true);
	} else if (a->saved.cancelled) {
		say_no(l, c, "harness", "the attempt is cancelled");
	} else if (a->ops->prepare(
	               a->arg, spec, text, &layer, &next.orphan_ms, &err) < 0) {
		say_no(l, c, layer, err.msg);
	} else {
		memcpy(next.spec_sha256, hex, sizeof(hex));
		if (commit(l, &next, c))
			a->ops->run(a->arg);
	}
}

void wire_agent_on_cancel(
    struct wire_agent_link *l, const json_t *json, int64_t c)
{
	struct wire_agent *a = l->a;
	struct wire_saved next = a->saved;

	if (is_done(a, c)) {
		say_ok(l, c, true);
		return;
	}
	next.cancelled = true;
	if (commit(l, &next, c) && wire_agent_is_running(a))
		a->ops->cancel(
		    a->arg, json_get_text(json, "why", WIRE_TEXT_MAX));
}

void wire_agent_on_reboot(
    struct wire_agent_link *l, const json_t *json, int64_t c)
{
	struct wire_agent *a = l->a;
	struct wire_saved next = a->saved;

	if (is_done(a, c))
		say_ok(l, c, true);
	else if (!wire_agent_is_running(a))
		say_no(l, c, "agent", "no attempt runs");
	else if (!a->ops->reboot || next.n_done >= REBOOTS_MAX)
		say_no(l, c, "agent", "no more reboots can be had here");
	else if (commit(l, &next, c))
		a->ops->reboot(
		    a->arg, json_get_text(json, "next_step", WIRE_TEXT_MAX));
}

void wire_agent_on_forget(struct wire_agent_link *l, int64_t c)
{
	struct wire_agent *a = l->a;
	struct wire_saved next = a->saved;
	struct err err = ERR_INIT;

	if (is_done(a, c)) {
		say_ok(l, c, true);
		return;
	}
	if (wire_agent_is_running(a)) {
		say_no(l, c, "agent", "the attempt still runs");
		return;
	}
	next.attempt = 0;
	next.spec_sha256[0] = '\0';
	if (!store(l, &next, c))
		return;
	/*
	 * Nothing refers to the records now. If they cannot be deleted, the
	 * next start of the program or the next fence tries again.
	 */
	(void)a->ops->clean(a->arg, &err);
	wire_agent_forget_records(a);
	say_ok(l, c, false);
}
