/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machines of the lab. */
#include <inttypes.h>

#include "base/clock.h"
#include "base/str.h"
#include "cli/api.h"

#define TEXT_BYTES 8192

static const struct column columns[] = {
    {"name", "MACHINE", COLUMN_LEFT, COLUMN_ALL},
    {"platform", "PLATFORM", COLUMN_LEFT, COLUMN_ALL},
    {"host", "HOST", COLUMN_LEFT, COLUMN_CSV},
    {"tags", "TAGS", COLUMN_LEFT, COLUMN_CSV},
    {"health", "HEALTH", COLUMN_LEFT, COLUMN_ALL},
    {"since_at_ms", "SINCE", COLUMN_RIGHT, COLUMN_WIDE},
    {"power", "POWER", COLUMN_LEFT, COLUMN_WIDE},
    {"run", "RUN", COLUMN_RIGHT, COLUMN_CSV},
    {"job", "JOB", COLUMN_RIGHT, COLUMN_CSV},
    {"item", "ITEM", COLUMN_LEFT, COLUMN_CSV},
    {"state", "STATE", COLUMN_LEFT, COLUMN_CSV},
    {"step", "STEP", COLUMN_LEFT, COLUMN_CSV},
    {"why", "WHY", COLUMN_LEFT, COLUMN_CSV},
    {"", "NOW", COLUMN_CUT, COLUMN_TABLE},
};

static enum tone health_tone(const char *health)
{
	if (str_eq(health, "good"))
		return TONE_GOOD;
	return str_eq(health, "maintenance") ? TONE_DIM : TONE_LAB;
}

static void add_since(struct table *t, int64_t since_ms)
{
	scoped_val(buf_done) struct buf s = BUF_INIT(64);
	scoped(free) char *raw = xasprintf("%" PRId64, since_ms);

	if (since_ms)
		text_duration(&s, clock_wall_ms() - since_ms);
	table_cell(t, TONE_DIM, buf_str(&s), raw);
}

static void add_tags(struct table *t, const json_t *tags)
{
	scoped_val(buf_done) struct buf s = BUF_INIT(TEXT_BYTES);
	const json_t *tag;
	size_t i;

	json_array_foreach(tags, i, tag)
	{
		if (json_is_string(tag))
			buf_printf(
			    &s, "%s%s", i ? " " : "", json_string_value(tag));
	}
	table_text(t, buf_str(&s));
}

/* A busy machine's job for programs, or empty cells. */
static void add_busy(struct table *t, const json_t *busy)
{
	table_number(t, api_int(busy, "run"));
	table_number(t, api_int(busy, "job"));
	table_text(t, api_text(busy, "item"));
	table_text(t, busy ? api_text(busy, "state") : "idle");
	table_text(t, api_text(busy, "step"));
}

/* What it does, and why it does not, in one text for people. */
static void add_now(struct table *t, const json_t *m)
{
	scoped_val(buf_done) struct buf now = BUF_INIT(TEXT_BYTES);
	const json_t *busy = api_object(m, "busy");
	const char *why = api_text(m, "why");

	if (busy) {
		buf_printf(&now, "run %" PRId64 " %s: %s", api_int(busy, "run"),
		    api_text(busy, "item"), api_text(busy, "state"));
		if (*api_text(busy, "step"))
			buf_printf(&now, ", %s", api_text(busy, "step"));
		buf_printf(&now, " (job %" PRId64 ")", api_int(busy, "job"));
	} else if (str_eq(api_text(m, "health"), "good") || !*why) {
		table_cell(t, TONE_DIM, "idle", NULL);
		return;
	}
	if (*why && !str_eq(api_text(m, "health"), "good"))
		buf_printf(&now, "%s%s", now.len ? "; " : "", why);
	table_text(t, buf_str(&now));
}

static void add_machine(struct table *t, const json_t *m)
{
	const char *health = api_text(m, "health");

	table_text(t, api_text(m, "name"));
	table_text(t, api_text(m, "platform"));
	table_text(t, api_text(m, "host"));
	add_tags(t, api_list(m, "tags"));
	table_cell(t, health_tone(health), health, NULL);
	add_since(t, api_int(m, "since_at_ms"));
	table_text(t, api_text(m, "power"));
	add_busy(t, api_object(m, "busy"));
	table_text(t, api_text(m, "why"));
	add_now(t, m);
}

int cmd_machines(struct cli *cli)
{
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	scoped(json_decref) json_t *answer = NULL;
	const json_t *m;
	size_t i;
	int code = api_machines(cli, &answer);

	if (code != CLI_OK)
		return code;
	json_array_foreach(api_list(answer, "machines"), i, m)
	{
		add_machine(t, m);
	}
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else if (!table_rows(t) && cli->format == FORMAT_TABLE)
		cli_note(cli, "no machines; the server's lab.yaml names them");
	else
		table_print(t, &cli->out, cli->format);
	return CLI_OK;
}

/* What became of a machine: key is "health" or "power". */
static void print_state(struct cli *cli, const char *name, const char *key,
    const char *heading, const json_t *answer)
{
	const struct column both[] = {
	    {"name", "MACHINE", COLUMN_LEFT, COLUMN_ALL},
	    {key, heading, COLUMN_LEFT, COLUMN_ALL},
	};
	scoped(table_free) struct table *t = table_new(both, ARRAY_LEN(both));
	scoped(free) char *line =
	    xasprintf("%s: %s", name, api_text(answer, key));

	table_text(t, name);
	table_text(t, api_text(answer, key));
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else if (cli->format == FORMAT_CSV)
		table_print(t, &cli->out, FORMAT_CSV);
	else
		term_line(&cli->out, line);
}

int cmd_machine(struct cli *cli)
{
	static const char *const verbs[] = {"offline", "online"};
	const char *name = cli->opts.args[1];
	const char *verb = cli->opts.args[2];
	const char *why = cli->opts.value[OPT_WHY];
	scoped_val(buf_done) struct buf path = BUF_INIT(TEXT_BYTES);
	scoped(free) char *what = xasprintf("machine %s", name);
	scoped(json_decref) json_t *body = NULL;
	scoped(json_decref) json_t *answer = NULL;
	struct err err = ERR_INIT;

	if (!str_in(verb, verbs, ARRAY_LEN(verbs)))
		return cli_bad(
		    cli, "machine: %s: neither offline nor online", verb);
	if (str_eq(verb, "offline") && (!why || !*why))
		return cli_bad(
		    cli, "machine: offline needs a reason (--why TEXT)");
	body = json_pack("{s:s}", "why", why ? why : "");
	if (!body)
		return cli_bad(cli, "--why: not UTF-8");
	buf_puts(&path, "/api/v1/machines/");
	http_escape(&path, name);
	buf_printf(&path, "/%s", verb);
	if (path.failed)
		return cli_bad(cli, "machine: the name is too long");
	if (http_post(cli->http, buf_str(&path), body, &answer, &err) < 0)
		return cli_refused(cli, what, HINT_MACHINES, &err);
	print_state(cli, name, "health", "HEALTH", answer);
	return CLI_OK;
}

int cmd_power(struct cli *cli)
{
	static const char *const verbs[] = {"on", "off", "cycle"};
	const char *name = cli->opts.args[1];
	const char *verb = cli->opts.args[2];
	scoped_val(buf_done) struct buf path = BUF_INIT(TEXT_BYTES);
	scoped(free) char *what = xasprintf("power %s", name);
	scoped(json_decref) json_t *body = json_object();
	scoped(json_decref) json_t *answer = NULL;
	struct err err = ERR_INIT;

	if (!str_in(verb, verbs, ARRAY_LEN(verbs)))
		return cli_bad(cli, "power: %s: none of on, off, cycle", verb);
	buf_puts(&path, "/api/v1/machines/");
	http_escape(&path, name);
	buf_printf(&path, "/power/%s", verb);
	if (path.failed)
		return cli_bad(cli, "power: the name is too long");
	if (http_post(cli->http, buf_str(&path), body, &answer, &err) < 0)
		return cli_refused(cli, what, HINT_MACHINES, &err);
	print_state(cli, name, "power", "POWER", answer);
	return CLI_OK;
}
