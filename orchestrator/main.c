/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ironbenchd: the daemon, its web process and its helpers are one program. */
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/control.h"
#include "web/web.h"

#define AGENT_PATH PKGLIBEXECDIR "/ironbench-agent"

static const char usage[] =
    "usage: ironbenchd --state DIR [--lab FILE] [--listen ADDR:PORT]\n"
    "                  [--boot-listen ADDR:PORT] [--public] [--verbose]\n"
    "       ironbenchd --check [--state DIR] [--lab FILE] [SUITE ...]\n"
    "       ironbenchd token add NAME --scope SCOPES --state DIR\n"
    "       ironbenchd token list|revoke [NAME] --state DIR\n"
    "       ironbenchd --help | --version\n"
    "\n"
    "The daemon of an ironbench laboratory. Without --lab the lab is empty.\n"
    "  --state DIR         everything durable; made if missing\n"
    "  --lab FILE          machines and projects (lab.yaml); SIGHUP reads it "
    "again\n"
    "  --listen A:P        pages and API (default 127.0.0.1:8080)\n"
    "  --boot-listen A:P   where machines boot from (default 127.0.0.1:8081)\n"
    "  --public            reading needs no token, from wherever\n"
    "  --agent FILE        the agent that is put on machines (default\n"
    "                      " AGENT_PATH ")\n"
    "  --check             checks files and state, changes nothing, and exits\n"
    "  --scope SCOPES      of read, submit, operate, admin, with commas\n"
    "Exit codes: 0 stopped or fine, 1 could not start or wrong file, 2 wrong "
    "usage.\n";

struct args {
	struct daemon_options d;
	bool check;
	const char *scopes;
};

static int usage_error(const char *what)
{
	(void)fprintf(stderr, "ironbenchd: %s\n%s", what, usage);
	return 2;
}

/* ---- --check ------------------------------------------------------------- */

/* What each benchmark costs on each machine that it is for. */
static void tell_boots(const char *path, const struct suite *s)
{
	for (size_t i = 0; i < s->n_benches; i++) {
		const struct suite_bench *b = &s->benches[i];

		(void)printf("%s: %s: %s%lld VM boots on each platform\n", path,
		    b->item.name, b->planned ? "at most " : "",
		    (long long)suite_bench_boots(b));
	}
}

static int check_suite(const char *path, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(CONF_MAX_BYTES);
	scoped(suite_free) struct suite *suite = NULL;
	int r = fs_read(path, CONF_MAX_BYTES, &text, err);

	if (r == 0)
		r = suite_parse(path, buf_str(&text), text.len, &suite, err);
	for (char **i = suite ? suite->ignored : NULL; i && *i; i++)
		(void)fprintf(stderr,
		    "ironbenchd: %s: known, but without effect yet\n", *i);
	if (suite)
		tell_boots(path, suite);
	return r;
}

static int check_lab(const char *path, struct err *err)
{
	struct power_shared shared = {.loop = loop_new(), .dir = "."};
	scoped(lab_unref) struct lab *lab = NULL;
	int r = lab_load(path, &shared, &lab, err);

	loop_free(shared.loop);
	return r;
}

static int check(const struct args *a, char **suites)
{
	struct err err = ERR_INIT;
	int bad = 0;

	if (check_lab(a->d.lab_path, &err) < 0) {
		(void)fprintf(stderr, "ironbenchd: %s\n", err.msg);
		bad++;
	}
	for (; *suites; suites++) {
		if (check_suite(*suites, &err) < 0) {
			(void)fprintf(stderr, "ironbenchd: %s\n", err.msg);
			bad++;
		}
	}
	if (a->d.dir && db_check(a->d.dir, &err) < 0) {
		(void)fprintf(stderr, "ironbenchd: %s\n", err.msg);
		bad++;
	}
	return bad ? 1 : 0;
}

/* ---- the other faces ------------------------------------------------- */

static int web(char **argv)
{
	struct web_options opts = {
	    .dir = argv[2],
	    .link_fd = 3,
	    .listen_fd = 4,
	    .boot_listen_fd = 5,
	    .public_reads = str_eq(argv[3], "public"),
	    .loopback = str_eq(argv[4], "loopback"),
	};

	return web_main(&opts);
}

static int helper(const char *kind)
{
	if (strcmp(kind, "ipmi") == 0)
		return helper_ipmi_main();
	if (strcmp(kind, "bundle") == 0)
		return helper_bundle_main();
	if (strcmp(kind, "git") == 0)
		return helper_git_main();
	if (strcmp(kind, "import") == 0)
		return helper_import_main();
	return usage_error("--helper: ipmi, bundle, git or import");
}

static int token(const struct args *a, int argc, char **argv)
{
	const char *verb = argc > 0 ? argv[0] : "";
	const char *name = argc > 1 ? argv[1] : NULL;
	bool list = strcmp(verb, "list") == 0;

	if (!a->d.dir)
		return usage_error("token: --state DIR is missing");
	if (!list && strcmp(verb, "add") != 0 && strcmp(verb, "revoke") != 0)
		return usage_error("token: add, list or revoke");
	if (argc > 2 || (!list && !name) || (list && name))
		return usage_error("token: add NAME, revoke NAME or list");
	if (strcmp(verb, "add") == 0 && !a->scopes)
		return usage_error("token add: --scope is missing");
	return control_command(a->d.dir, verb, name, a->scopes);
}

enum {
	OPT_STATE = 256,
	OPT_LAB,
	OPT_LISTEN,
	OPT_BOOT,
	OPT_PUBLIC,
	OPT_AGENT,
	OPT_CHECK,
	OPT_SCOPE,
	OPT_VERBOSE,
	OPT_HELP,
	OPT_VERSION
};

static const struct option options[] = {
    {"state", required_argument, NULL, OPT_STATE},
    {"lab", required_argument, NULL, OPT_LAB},
    {"listen", required_argument, NULL, OPT_LISTEN},
    {"boot-listen", required_argument, NULL, OPT_BOOT},
    {"public", no_argument, NULL, OPT_PUBLIC},
    {"agent", required_argument, NULL, OPT_AGENT},
    {"check", no_argument, NULL, OPT_CHECK},
    {"scope", required_argument, NULL, OPT_SCOPE},
    {"verbose", no_argument, NULL, OPT_VERBOSE},
    {"help", no_argument, NULL, OPT_HELP},
    {"version", no_argument, NULL, OPT_VERSION},
    {NULL, 0, NULL, 0},
};

static void set_option(struct args *a, int c)
{
	switch (c) {
	case OPT_STATE:
		a->d.dir = optarg;
		break;
	case OPT_LAB:
		a->d.lab_path = optarg;
		break;
	case OPT_LISTEN:
		a->d.listen = optarg;
		break;
	case OPT_BOOT:
		a->d.boot_listen = optarg;
		break;
	case OPT_AGENT:
		a->d.agent = optarg;
		break;
	case OPT_PUBLIC:
		a->d.public_reads = true;
		break;
	case OPT_CHECK:
		a->check = true;
		break;
	case OPT_SCOPE:
		a->scopes = optarg;
		break;
	default:
		log_level_set(LOG_DEBUG);
		break;
	}
}

int main(int argc, char **argv)
{
	struct args a = {
	    .d = {.listen = "127.0.0.1:8080", .boot_listen = "127.0.0.1:8081"}};
	int c;

	hash_init();
	log_wait_set(getenv("IRONBENCH_LOG_WAIT") != NULL);
	if (argc == 5 && strcmp(argv[1], "--web") == 0)
		return web(argv);
	if (argc == 3 && strcmp(argv[1], "--helper") == 0)
		return helper(argv[2]);
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == OPT_HELP)
			return fputs(usage, stdout) < 0;
		if (c == OPT_VERSION)
			return printf("ironbenchd %s\n", PACKAGE_VERSION) < 0;
		if (c == '?')
			return usage_error("wrong option");
		set_option(&a, c);
	}
	/* A peer that went away is an error of that write, not our end. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (optind < argc && strcmp(argv[optind], "token") == 0)
		return token(&a, argc - optind - 1, argv + optind + 1);
	if (a.check)
		return check(&a, argv + optind);
	if (optind < argc)
		return usage_error("too many arguments");
	if (!a.d.dir)
		return usage_error("--state DIR is missing");
	return daemon_run(&a.d);
}
