/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reading the command line ourselves: getopt_long() takes abbreviations, and
 * its complaints are not ours.
 */
#include "cli/options.h"

#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static const struct option_row rows[OPT_COUNT] = {
    [OPT_ALPHA] = {"alpha", "A",
        "maxt: chance of a wrong change, .0001 to .05 (default .01)"},
    [OPT_AS] = {"as", "FORMAT",
        "read it as that format (default: what it looks like)"},
    [OPT_ATTEMPT] = {"attempt", "N",
        "the log of that attempt, from 1 (default: the last)"},
    [OPT_BASELINE] = {"baseline", "VARIANT", "what is compared with"},
    [OPT_BOOT_FILES] = {"boot-files", "ZIP",
        "send this archive in place of the files"},
    [OPT_BRANCH] = {"branch", "BRANCH", "only runs of this PROJECT/NAME"},
    [OPT_BY] = {"by", "LIST",
        "kept apart: machine,guest,controller (default: all)"},
    [OPT_CANDIDATE] = {"candidate", "VARIANT",
        "what is compared with the baseline"},
    [OPT_CHANGED] = {"changed", NULL, "what changed lately, in all series"},
    [OPT_CONTROLLER] = {"controller", "NAME", "with this disk controller"},
    [OPT_DETECTOR] = {"detector", "maxt|otava",
        "ours (default), or what Apache Otava finds"},
    [OPT_DIRECTION] = {"direction", "higher|lower",
        "which values are better; mandatory"},
    [OPT_EXIT_STATUS] = {"exit-status", NULL,
        "exit with 1 if it failed, 3 if it was disabled"},
    [OPT_FAILED] = {"failed", NULL, "only the jobs that failed"},
    [OPT_FILES] = {"files", "DIR",
        "where the suite's files are (default: the suite's folder)"},
    [OPT_FOLLOW] = {"follow", NULL,
        "go on as the log grows, until the job ends"},
    [OPT_FORMAT] = {"format", "table|json|..",
        "how it is printed (default: table)"},
    [OPT_GUEST] = {"guest", "NAME", "in this guest"},
    [OPT_HELP] = {"help", NULL, "say how it is used"},
    [OPT_LIMIT] = {"limit", "N", "at most N of them (default 25)"},
    [OPT_LONG] = {"long", NULL, "a row for each cell"},
    [OPT_MACHINE] = {"machine", "NAME", "on this machine"},
    [OPT_MAX_PVALUE] = {"max-pvalue", "P",
        "otava: largest p of a change (default .001)"},
    [OPT_METRIC] = {"metric", "METRIC", "only this metric (default: all)"},
    [OPT_MIN_MAGNITUDE] = {"min-magnitude", "M",
        "otava: least relative change (default 0)"},
    [OPT_NAME] = {"name", "NAME", "name of the run"},
    [OPT_PAIRED] = {"paired", NULL, "the i-th values of both arms are a pair"},
    [OPT_PLACEBOS] = {"placebos", NULL,
        "those, too, that measure a variant against itself"},
    [OPT_PRIORITY] = {"priority", "N", "higher runs first (default 0)"},
    [OPT_PROJECT] = {"project", "NAME",
        "the project (default: git config ironbench.project)"},
    [OPT_RANGE] = {"range", "A-B", "bytes A to B of the log, both included"},
    [OPT_RAW] = {"raw", NULL, "do not escape control bytes on a terminal"},
    [OPT_RUN] = {"run", "N", "only this run"},
    [OPT_SECRET_FILE] = {"secret-file", "FILE",
        "what it is signed with (git config ironbench.secretfile)"},
    [OPT_SERVER] = {"server", "URL",
        "the server (default http://127.0.0.1:8080)"},
    [OPT_SINCE] = {"since", "DATE", "only from this day on: YYYY-MM-DD, UTC"},
    [OPT_STRICT] = {"strict", NULL, "exit with the code of what failed"},
    [OPT_TOKEN_FILE] = {"token-file", "FILE",
        "the token, in a file that only you can read"},
    [OPT_UNTIL] = {"until", "DATE", "older than this, YYYY-MM-DD in UTC"},
    [OPT_URL] = {"url", "URL", "where the run comes from"},
    [OPT_USER] = {"user", "USER", "who asks for it (default: your login name)"},
    [OPT_VARIANT] = {"variant", "NAME", "of this variant"},
    [OPT_VERSION] = {"version", NULL, "print the version"},
    [OPT_WATCH] = {"watch", NULL, "then watch it to its end"},
    [OPT_WHY] = {"why", "TEXT", "the reason, for everybody to read"},
    [OPT_WINDOW] = {"window", "W", "otava: points of a window (default 50)"},
};

const struct option_row *option_row(enum option_id id)
{
	return &rows[id];
}

bool options_has(const struct options *o, enum option_id id)
{
	return o->value[id] != NULL;
}

static enum option_id find(const char *name, size_t len)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(rows[i].name) == len &&
		    !memcmp(rows[i].name, name, len))
			return (enum option_id)i;
	return OPT_COUNT;
}

/* Takes argv[*at], and the value behind it if there is one. */
static int read_option(
    int argc, char **argv, int *at, struct options *o, struct err *err)
{
	const char *given = argv[*at];
	const char *name = given + 2;
	const char *equals = strchr(name, '=');
	enum option_id id =
	    find(name, equals ? (size_t)(equals - name) : strlen(name));

	if (str_eq(given, "-h"))
		id = OPT_HELP;
	else if (given[1] != '-')
		id = OPT_COUNT;
	if (id == OPT_COUNT)
		return err_set(err, ERR_INVAL, "%.100s: no such option", given);
	if (o->value[id])
		return err_set(
		    err, ERR_INVAL, "--%s: given twice", rows[id].name);
	if (!rows[id].value) {
		if (equals)
			return err_set(err, ERR_INVAL, "--%s: takes no value",
			    rows[id].name);
		o->value[id] = "";
		return 0;
	}
	if (equals)
		o->value[id] = equals + 1;
	else if (*at + 1 < argc)
		o->value[id] = argv[++*at];
	else
		return err_set(err, ERR_INVAL, "--%s: needs %s", rows[id].name,
		    rows[id].value);
	return 0;
}

int options_read(int argc, char **argv, struct options *ret, struct err *err)
{
	bool only_args = false;

	memset(ret, 0, sizeof(*ret));
	for (int i = 1; i < argc; i++) {
		const char *a = argv[i];

		if (!only_args && str_eq(a, "--")) {
			only_args = true;
			continue;
		}
		if (!only_args && a[0] == '-' && a[1]) {
			int r = read_option(argc, argv, &i, ret, err);

			if (r < 0)
				return r;
			continue;
		}
		if (ret->n_args == ARGS_MAX)
			return err_set(
			    err, ERR_INVAL, "%.100s: too many arguments", a);
		ret->args[ret->n_args++] = a;
	}
	return 0;
}
