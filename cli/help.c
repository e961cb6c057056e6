/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Help, made from the tables of commands and options. The completion reads it:
 * two blanks before a command's name, two before an option's.
 */
#include <string.h>

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

static void add_options(struct buf *to, uint64_t which)
{
	for (int i = 0; i < OPT_COUNT; i++) {
		const struct option_row *o = option_row((enum option_id)i);
		scoped(free) char *name = NULL;

		if (!(which & OPT_BIT(i)))
			continue;
		name = xasprintf("--%s", o->name);
		add_row(to, name, o->value ? o->value : "", o->summary);
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
	add_options(to, OPT_BIT(OPT_SERVER) | OPT_BIT(OPT_TOKEN_FILE));
	buf_puts(to, "Options of all commands:\n");
	add_options(to, OPT_BIT(OPT_HELP) | OPT_BIT(OPT_VERSION));
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
	add_options(to, c->options | OPT_BIT(OPT_HELP));
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
