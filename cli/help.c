/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Help, made from the tables of commands and options. The completion reads it:
 * two blanks before a command's name, two before an option's.
 */
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"

#define HELP_BYTES 65536

static void add_row(
    struct buf *to, const char *left, const char *value, const char *right)
{
	size_t at = to->len;

	buf_printf(to, "  %s%s%s", left, *value ? " " : "", value);
	at = to->len - at;
	text_repeat(to, " ", at < 32 ? 32 - at : 1);
	buf_printf(to, "%s\n", right);
}

/* What an option does in a command where it does something else. */
static const char *summary_of(const struct command *c, enum option_id id)
{
	static const struct {
		const char *command;
		enum option_id id;
		const char *summary;
	} rows[] = {
	    {"compare", OPT_EXIT_STATUS, "exit with 1 if anything got worse"},
	    {"compare", OPT_PROJECT, "whose commits and names (default: any)"},
	    {"history", OPT_LIMIT,
	        "the newest N points (default 2000), or changes (50)"},
	    {"history", OPT_LONG, "a row for each point"},
	    {"runs", OPT_NAME, "only those whose name is like this"},
	};

	for (size_t i = 0; c && i < ARRAY_LEN(rows); i++)
		if (rows[i].id == id && str_eq(rows[i].command, c->name))
			return rows[i].summary;
	return option_row(id)->summary;
}

/* Of a command, or (NULL) of all of them. */
static void add_options(struct buf *to, const struct command *c, uint64_t which)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *o = option_row((enum option_id)i);
		scoped_val(buf_done) struct buf value = BUF_INIT(128);
		scoped(free) char *name = NULL;

		if (!(which & OPT_BIT(i)))
			continue;
		if (c && i == OPT_FORMAT)
			command_formats(c, "|", "|", &value);
		else if (o->value)
			buf_puts(&value, o->value);
		name = xasprintf("--%s", o->name);
		add_row(to, name, buf_str(&value),
		    summary_of(c, (enum option_id)i));
	}
}

static void help_all(struct buf *to)
{
	size_t n;
	const struct command *all = command_table(&n);

	buf_puts(to, "usage: ironbench COMMAND [ARGUMENTS] [OPTIONS]\n\n");
	for (size_t i = 0; i < n; i++)
		add_row(to, all[i].name, all[i].arguments, all[i].summary);
	buf_puts(to, "\nOptions of all commands that ask the server:\n");
	add_options(to, NULL, OPT_BIT(OPT_SERVER) | OPT_BIT(OPT_TOKEN_FILE));
	buf_puts(to, "Options of all commands:\n");
	add_options(to, NULL, OPT_BIT(OPT_HELP) | OPT_BIT(OPT_VERSION));
	buf_puts(to,
	    "\nExit codes: 0 good, 1 the run or job failed, 2 wrong usage, "
	    "3 disabled,\n4 the server, 5 not allowed, 130 interrupted. "
	    "More: man ironbench\n");
}

static void help_one(struct buf *to, const struct command *c)
{
	buf_printf(to, "usage: ironbench %s%s%s%s\n\n", c->name,
	    *c->arguments ? " " : "", c->arguments,
	    c->options ? " [OPTIONS]" : "");
	buf_printf(to, "%s: %s\n", c->name, c->summary);
	if (c->details)
		buf_printf(to, "%s\n", c->details);
	buf_putc(to, '\n');
	add_options(to, c, c->options | OPT_BIT(OPT_HELP));
}

void help_write(const struct term *to, const struct command *command)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(HELP_BYTES);

	if (command)
		help_one(&text, command);
	else
		help_all(&text);
	term_write(to, &text);
}

void help_version(const struct term *to)
{
	term_line(to, "ironbench " PACKAGE_VERSION);
}

int cmd_help(struct cli *cli)
{
	const char *name = cli->opts.n_args > 1 ? cli->opts.args[1] : NULL;
	const struct command *c = name ? command_find(name) : NULL;

	if (name && !c)
		return cli_bad(cli,
		    "help: %s: no such command (see \"ironbench help\")", name);
	help_write(&cli->out, c);
	return CLI_OK;
}
