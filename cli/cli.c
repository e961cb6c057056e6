/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of commands, and what all of them do before and after. */
#include "cli/cli.h"

#include <inttypes.h>
#include <locale.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/api.h"
#include "cli/interrupt.h"
#include "cli/series.h"

#define MESSAGE_BYTES (256 << 10)

/* What every command that asks the server takes. */
#define OPTS_SERVER (OPT_BIT(OPT_SERVER) | OPT_BIT(OPT_TOKEN_FILE))
#define OPTS_LIST (OPTS_SERVER | OPT_BIT(OPT_FORMAT))

static const struct command commands[] = {
    {"submit", "SUITE", "start a run of a suite",
        "Prints the id of the run. The suite and its files are checked "
        "before anything\nis sent.",
        OPTS_LIST | OPT_BIT(OPT_FILES) | OPT_BIT(OPT_BOOT_FILES) |
            OPT_BIT(OPT_NAME) | OPT_BIT(OPT_URL) | OPT_BIT(OPT_USER) |
            OPT_BIT(OPT_PRIORITY) | OPT_BIT(OPT_WATCH),
        1, 1, NEEDS_SERVER, cmd_submit},
    {"runs", "", "list the newest runs", NULL,
        OPTS_LIST | OPT_BIT(OPT_LIMIT) | OPT_BIT(OPT_NAME), 0, 0, NEEDS_SERVER,
        cmd_runs},
    {"show", "RUN", "show a run and what is red in it", NULL,
        OPTS_LIST | OPT_BIT(OPT_EXIT_STATUS), 1, 1, NEEDS_SERVER, cmd_show},
    {"watch", "RUN", "follow a run to its end",
        "The exit code tells how it ended: 0 successful, 1 failed, "
        "3 disabled.",
        OPTS_SERVER, 1, 1, NEEDS_SERVER, cmd_watch},
    {"matrix", "RUN", "items by platforms, one sign a cell", NULL, OPTS_LIST, 1,
        1, NEEDS_SERVER, cmd_matrix},
    {"overhead", "[RUN]", "what the candidate costs against the baseline",
        "One table a metric: overhead, 95 % interval and verdict by machine, "
        "guest and\ncontroller. Without a run it is over all runs and "
        "imports.",
        OPTS_LIST | OPT_BIT(OPT_METRIC) | OPT_BIT(OPT_LONG) | OPT_BIT(OPT_RUN) |
            OPT_BIT(OPT_SINCE) | OPT_BIT(OPT_UNTIL) | OPT_BIT(OPT_BASELINE) |
            OPT_BIT(OPT_CANDIDATE) | OPT_BIT(OPT_BY),
        0, 1, NEEDS_SERVER, cmd_overhead},
    {"import", "FILE...", "import results of other programs",
        "The format is recognised by the content. A file is imported as a "
        "whole or not at\nall; the same file again changes nothing.",
        OPTS_LIST | OPT_BIT(OPT_AS) | OPT_BIT(OPT_MACHINE) |
            OPT_BIT(OPT_VARIANT) | OPT_BIT(OPT_GUEST) | OPT_BIT(OPT_CONTROLLER),
        1, ARGS_MAX - 1, NEEDS_SERVER, cmd_import},
    {"imports", "[IMPORT]", "list what was imported, or show one import",
        "Of one import it is its facts, samples, ratios and test cases. As CSV "
        "it is the\nfirst of these lists that has a row.",
        OPTS_LIST | OPT_BIT(OPT_LIMIT), 0, 1, NEEDS_SERVER, cmd_imports},
    {"compare", "A [B]", "what got worse, better or stayed between two runs",
        "A and B are numbers of runs, commits, or names (PROJECT/NAME: its "
        "newest run that\nis done). With --baseline and --candidate two "
        "variants are compared, of one run\nor of two. With --exit-status it "
        "is 1 if anything got worse.",
        OPTS_LIST | OPT_BIT(OPT_PROJECT) | OPT_BIT(OPT_METRIC) |
            OPT_BIT(OPT_BASELINE) | OPT_BIT(OPT_CANDIDATE) |
            OPT_BIT(OPT_EXIT_STATUS),
        1, 2, NEEDS_SERVER, cmd_compare},
    {"history", "[SERIES]", "levels of a series, and what changed between them",
        "The series is given by its number, or by --metric and as many of the "
        "others as it\ntakes. As CSV, or with --long, it is a row a point. "
        "With "
        "--changed it is what\nchanged lately in all series, the newest first.",
        OPTS_LIST | OPTS_SERIES | OPT_BIT(OPT_CHANGED) | OPT_BIT(OPT_DETECTOR) |
            OPT_BIT(OPT_ALPHA) | OPT_BIT(OPT_LIMIT) | OPT_BIT(OPT_SINCE) |
            OPT_BIT(OPT_LONG),
        0, 1, NEEDS_SERVER, cmd_history},
    {"series", "", "list what has been measured over time", NULL,
        OPTS_LIST | OPTS_SERIES | OPT_BIT(OPT_PLACEBOS), 0, 0, NEEDS_SERVER,
        cmd_series},
    {"metrics", "", "list the metrics, and which values are better", NULL,
        OPTS_LIST, 0, 0, NEEDS_SERVER, cmd_metrics},
    {"noise", "[MACHINE]", "what machines find between equals",
        "Of placebos, whose two arms are the same: which difference is noise, "
        "and how often\none is found where there is none.",
        OPTS_LIST, 0, 1, NEEDS_SERVER, cmd_noise},
    {"verify", "RUN", "read the raw outputs of a run again and compare",
        "Every stored value is compared with the raw output it was read from. "
        "The exit\ncode is 1 if one differs or an output is missing.",
        OPTS_LIST, 1, 1, NEEDS_SERVER, cmd_verify},
    {"logs", "JOB|RUN/ITEM[/PLATFORM]", "print the log of a job",
        "Control bytes are escaped on a terminal; elsewhere every byte is "
        "as it came.",
        OPTS_SERVER | OPT_BIT(OPT_ATTEMPT) | OPT_BIT(OPT_FOLLOW) |
            OPT_BIT(OPT_RANGE) | OPT_BIT(OPT_RAW),
        1, 1, NEEDS_SERVER, cmd_logs},
    {"job", "JOB", "attempts, cases and events of a job",
        "As CSV it is the list of cases.", OPTS_LIST | OPT_BIT(OPT_EXIT_STATUS),
        1, 1, NEEDS_SERVER, cmd_job},
    {"why", "JOB", "why a job waits, or ended as it did", NULL, OPTS_LIST, 1, 1,
        NEEDS_SERVER, cmd_why},
    {"machines", "", "list the machines of the lab", NULL, OPTS_LIST, 0, 0,
        NEEDS_SERVER, cmd_machines},
    {"machine", "NAME offline|online",
        "take a machine out of service, or put it back",
        "Taking it out needs a reason (--why).", OPTS_LIST | OPT_BIT(OPT_WHY),
        2, 2, NEEDS_SERVER, cmd_machine},
    {"power", "NAME on|off|cycle",
        "switch a machine that is offline, and read back",
        "For a person at the machine: take it out of service first.", OPTS_LIST,
        2, 2, NEEDS_SERVER, cmd_power},
    {"cancel", "RUN", "cancel the jobs of a run that have not ended", NULL,
        OPTS_LIST, 1, 1, NEEDS_SERVER, cmd_cancel},
    {"rerun", "RUN", "run the same suite and files again",
        "Prints the id of the new run. What the lab failed counts as failed.",
        OPTS_LIST | OPT_BIT(OPT_FAILED) | OPT_BIT(OPT_WATCH), 1, 1,
        NEEDS_SERVER, cmd_rerun},
    {"stat", "ratio|changes FILE", "statistics of a file, without a server",
        "ratio: what a candidate costs, from lines \"arm,value\" below that "
        "heading.\nchanges: where the level of a series changes, from one "
        "value a line.",
        OPT_BIT(OPT_FORMAT) | OPT_BIT(OPT_DIRECTION) | OPT_BIT(OPT_PAIRED) |
            OPT_BIT(OPT_DETECTOR) | OPT_BIT(OPT_ALPHA) | OPT_BIT(OPT_WINDOW) |
            OPT_BIT(OPT_MAX_PVALUE) | OPT_BIT(OPT_MIN_MAGNITUDE),
        2, 2, NEEDS_NOTHING, cmd_stat},
    {"hook", "", "tell the server of a push; for git's post-receive hook",
        "Reads what git gives to the hook. Prints a line for each branch, and "
        "exits with 0\neven if the server cannot be reached.",
        OPT_BIT(OPT_SERVER) | OPT_BIT(OPT_PROJECT) | OPT_BIT(OPT_SECRET_FILE) |
            OPT_BIT(OPT_STRICT),
        0, 0, NEEDS_NOTHING, cmd_hook},
    {"help", "[COMMAND]", "say how a command is used", NULL, 0, 0, 1,
        NEEDS_NOTHING, cmd_help},
};

const struct command *command_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(commands);
	return commands;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(commands); i++)
		if (str_eq(commands[i].name, name))
			return &commands[i];
	return NULL;
}

__attribute__((format(printf, 3, 0))) static void say(
    struct cli *cli, const char *prefix, const char *fmt, va_list ap)
{
	scoped_val(buf_done) struct buf msg = BUF_INIT(MESSAGE_BYTES);

	buf_puts(&msg, prefix);
	buf_vprintf(&msg, fmt, ap);
	term_line(&cli->errs, buf_str(&msg));
}

void cli_complain(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cli, "ironbench: ", fmt, ap);
	va_end(ap);
}

int cli_bad(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cli, "ironbench: ", fmt, ap);
	va_end(ap);
	return CLI_USAGE;
}

void cli_note(struct cli *cli, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(cli, "note: ", fmt, ap);
	va_end(ap);
}

static const char *advice(
    const struct cli *cli, const char *hint, const struct err *err)
{
	switch (err->kind) {
	case ERR_UNREACH:
		return "is ironbenchd running there? --server URL names "
		       "another";
	case ERR_TIMEOUT:
	case ERR_AGAIN:
		return "try again in a moment";
	case ERR_DENIED:
		return options_has(&cli->opts, OPT_TOKEN_FILE) ||
		        getenv("IRONBENCH_TOKEN")
		    ? "it needs a token with another scope"
		    : "it needs a token: IRONBENCH_TOKEN or --token-file FILE";
	case ERR_NOTFOUND:
		return hint;
	case ERR_PROTO:
		return "is that an ironbench server? --server URL names "
		       "another";
	default:
		return NULL;
	}
}

/* "run 7: no such run" of "overhead of run 7" is "no such run". */
static const char *without_name(const char *what, const char *msg)
{
	const char *colon = strstr(msg, ": ");
	size_t n = colon ? (size_t)(colon - msg) : 0;
	size_t len = strlen(what);

	return n && n <= len && memcmp(what + len - n, msg, n) == 0 &&
	        (n == len || what[len - n - 1] == ' ')
	    ? colon + 2
	    : msg;
}

int cli_refused(
    struct cli *cli, const char *what, const char *hint, const struct err *err)
{
	const char *todo = advice(cli, hint, err);
	const char *why = without_name(what, err->msg);

	if (interrupt_came())
		return CLI_INTERRUPTED;
	cli_complain(cli, "%s: %s%s%s%s", what, why, todo ? " (" : "",
	    todo ? todo : "", todo ? ")" : "");
	return err->kind == ERR_DENIED ? CLI_DENIED : CLI_SERVER;
}

int cli_id(struct cli *cli, size_t i, const char *thing, int64_t *ret)
{
	const char *given = cli->opts.args[i];
	struct err err = ERR_INIT;
	const char *hint = HINT_JOBS;

	if (str_eq(thing, "run"))
		hint = HINT_RUNS;
	if (str_eq(thing, "import"))
		hint = HINT_IMPORTS;
	if (str_to_i64(given, 1, INT64_MAX, ret, &err) < 0)
		return cli_bad(cli, "%s: %s is not a %s's number (%s)",
		    cli->command->name, given, thing, hint);
	return CLI_OK;
}

static int bad_usage(struct cli *cli, const char *what, const char *why)
{
	const char *name = cli->command ? cli->command->name : NULL;

	return cli_bad(cli, "%s: %s (see \"ironbench help%s%s\")", what, why,
	    name ? " " : "", name ? name : "");
}

/* Every command takes what is needed for help; else only what its row says. */
static int check_options(struct cli *cli)
{
	const struct command *c = cli->command;

	for (int i = 0; i < OPT_COUNT; i++) {
		if (i == OPT_HELP || i == OPT_VERSION || !cli->opts.value[i] ||
		    c->options & OPT_BIT(i))
			continue;
		scoped(free) char *why = xasprintf("--%s: no option of it",
		    option_row((enum option_id)i)->name);

		return bad_usage(cli, c->name, why);
	}
	if (cli->opts.n_args - 1 < c->least)
		return bad_usage(cli, c->name, "something is missing");
	if (cli->opts.n_args - 1 > c->most)
		return bad_usage(cli, c->name, "too many arguments");
	return CLI_OK;
}

/* Markdown is for tables that people put on their pages, JUnit for runs. */
static bool has_format(const struct command *c, enum format format)
{
	static int (*const commands_of_tables[])(struct cli *) = {cmd_compare,
	    cmd_history, cmd_import, cmd_imports, cmd_machines, cmd_matrix,
	    cmd_metrics, cmd_noise, cmd_overhead, cmd_runs, cmd_series,
	    cmd_verify};

	if (format == FORMAT_JUNIT)
		return c->run == cmd_show;
	if (c->run == cmd_stat)
		return format == FORMAT_TABLE || format == FORMAT_JSON;
	for (size_t i = 0; i < ARRAY_LEN(commands_of_tables); i++)
		if (c->run == commands_of_tables[i])
			return true;
	return format != FORMAT_MARKDOWN;
}

static const char *const format_names[] = {
    [FORMAT_TABLE] = "table",
    [FORMAT_JSON] = "json",
    [FORMAT_CSV] = "csv",
    [FORMAT_MARKDOWN] = "markdown",
    [FORMAT_JUNIT] = "junit",
};

void command_formats(const struct command *c, const char *between,
    const char *last, struct buf *to)
{
	const char *name = NULL;

	for (size_t i = 0; i < ARRAY_LEN(format_names); i++) {
		if (!has_format(c, (enum format)i))
			continue;
		if (name)
			buf_printf(to, "%s%s", to->len ? between : "", name);
		name = format_names[i];
	}
	buf_printf(to, "%s%s", last, name);
}

static int read_format(struct cli *cli)
{
	const char *given = cli->opts.value[OPT_FORMAT];
	scoped_val(buf_done) struct buf list = BUF_INIT(128);

	if (!given)
		return CLI_OK;
	for (size_t i = 0; i < ARRAY_LEN(format_names); i++) {
		if (!str_eq(given, format_names[i]) ||
		    !has_format(cli->command, (enum format)i))
			continue;
		cli->format = (enum format)i;
		return CLI_OK;
	}
	command_formats(cli->command, ", ", " or ", &list);
	return cli_bad(cli, "--format: %s is none (%s)", given, buf_str(&list));
}

static int connect_server(struct cli *cli)
{
	scoped(settings_free) struct settings *s = NULL;
	struct err err = ERR_INIT;

	if (settings_read(&cli->opts, SETTINGS_TOKEN, &s, &err) < 0 ||
	    http_new(take(s), &cli->http, &err) < 0)
		return cli_bad(cli, "%s", err.msg);
	return CLI_OK;
}

static int run_command(struct cli *cli)
{
	const char *name = cli->opts.n_args ? cli->opts.args[0] : NULL;
	int code;

	if (options_has(&cli->opts, OPT_VERSION)) {
		help_version(&cli->out);
		return CLI_OK;
	}
	if (name && !(cli->command = command_find(name)))
		return bad_usage(cli, name, "no such command");
	if (options_has(&cli->opts, OPT_HELP)) {
		help_write(&cli->out, cli->command);
		return CLI_OK;
	}
	if (!name)
		return bad_usage(cli, "command", "none given");
	code = check_options(cli);
	if (code == CLI_OK)
		code = read_format(cli);
	if (code == CLI_OK && cli->command->needs == NEEDS_SERVER)
		code = connect_server(cli);
	return code == CLI_OK ? cli->command->run(cli) : code;
}

int cli_main(int argc, char **argv)
{
	struct cli cli = {0};
	struct err err = ERR_INIT;
	int code;

	/* Without the user's locale: plain ASCII, as the C locale says. */
	(void)setlocale(LC_CTYPE, "");
	term_init(&cli.out, stdout);
	term_init(&cli.errs, stderr);
	if (options_read(argc, argv, &cli.opts, &err) < 0)
		code = cli_bad(&cli, "%s (see \"ironbench help\")", err.msg);
	else
		code = run_command(&cli);
	http_free(cli.http);
	if ((fflush(stdout) || ferror(stdout)) && code == CLI_OK)
		code = cli_bad(&cli, "output: %s", "cannot be written");
	return code;
}
