/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Commands at the daemon's end: a list in the order given, until answered. */
#include <assert.h>
#include <stdlib.h>

#include "agent/json.h"
#include "agent/wire_daemon.h"

/* Takes ownership of json. A command that was given before stays as it was. */
static int add_command(struct wire_daemon *d, int64_t c, json_t *json,
    int64_t now_ms, struct err *err)
{
	scoped(json_decref) json_t *own = json;
	struct buf b = BUF_INIT(WIRE_FRAME_MAX);
	struct command **at = &d->commands;
	struct command *cmd;
	int r;

	assert(own);
	if (wire_daemon_find(d, c))
		return 0;
	r = wire_format(own, &b, err);
	if (r < 0) {
		buf_done(&b);
		return r;
	}
	cmd = xcalloc(1, sizeof(*cmd));
	cmd->c = c;
	cmd->len = b.len;
	cmd->frame = buf_take(&b);
	while (*at)
		at = &(*at)->next;
	*at = cmd;
	if (d->link == LINK_UP)
		wire_daemon_send(d, cmd, now_ms);
	return 0;
}

int wire_daemon_start(
    struct wire_daemon *d, const char *spec, int64_t now_ms, struct err *err)
{
	json_error_t why;
	scoped(json_decref) json_t *json =
	    json_loads(spec, JSON_REJECT_DUPLICATES, &why);
	char hex[HASH_HEX + 1];

	if (!json_is_object(json))
		return err_set(err, ERR_INVAL,
		    "a specification that is no JSON object: %s",
		    json ? "" : why.text);
	free(wire_canonical(json, hex));
	return add_command(d, WIRE_C_START,
	    json_pack("{s:s,s:i,s:s,s:O}", "t", "start", "c", WIRE_C_START,
	        "spec_sha256", hex, "spec", json),
	    now_ms, err);
}

/* A text of ours for a command: short, whatever it was. */
static json_t *short_text(const char *text)
{
	struct err tidy = ERR_INIT;

	(void)err_set(&tidy, ERR_INVAL, "%s", text ? text : "");
	return json_string(tidy.msg);
}

void wire_daemon_cancel(struct wire_daemon *d, const char *why, int64_t now_ms)
{
	/* It is short, so it fits. */
	(void)add_command(d, WIRE_C_CANCEL,
	    json_pack("{s:s,s:i,s:o}", "t", "cancel", "c", WIRE_C_CANCEL, "why",
	        short_text(why)),
	    now_ms, NULL);
}

void wire_daemon_reboot(
    struct wire_daemon *d, int n, const char *next_step, int64_t now_ms)
{
	d->reboot_planned = true;
	(void)add_command(d, WIRE_C_REBOOT + n,
	    json_pack("{s:s,s:i,s:o}", "t", "reboot", "c", WIRE_C_REBOOT + n,
	        "next_step", short_text(next_step)),
	    now_ms, NULL);
}

void wire_daemon_forget(struct wire_daemon *d, int64_t now_ms)
{
	(void)add_command(d, WIRE_C_FORGET,
	    json_pack("{s:s,s:i}", "t", "forget", "c", WIRE_C_FORGET), now_ms,
	    NULL);
}
