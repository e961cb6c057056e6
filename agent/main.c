/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ironbench-agent: words of the command line, and nothing else. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/str.h"

static const char usage[] =
    "usage: ironbench-agent run [--dir DIR]\n"
    "       ironbench-agent attach [--dir DIR]\n"
    "       ironbench-agent cat SHA256 [--from OFFSET] [--dir DIR]\n"
    "       ironbench-agent put SHA256 --size BYTES [--dir DIR]\n"
    "       ironbench-agent have SHA256... [--dir DIR]\n"
    "       ironbench-agent --version | --help\n";

struct options {
	char *dir;
	int64_t from;
	int64_t size; /* -1: not given */
	int64_t ready_fd;
	bool help;
	bool version;
};

enum {
	OPT_DIR = 1,
	OPT_FROM,
	OPT_SIZE,
	OPT_READY_FD,
	OPT_HELP,
	OPT_VERSION
};

static int read_option(int c, struct options *o, struct err *err)
{
	switch (c) {
	case OPT_DIR:
		free(o->dir);
		o->dir = xstrdup(optarg);
		return 0;
	case OPT_FROM:
		return str_to_i64(optarg, 0, STORE_FILE_MAX, &o->from, err);
	case OPT_SIZE:
		return str_to_i64(optarg, 0, STORE_FILE_MAX, &o->size, err);
	case OPT_READY_FD:
		return str_to_i64(optarg, 3, 1023, &o->ready_fd, err);
	case OPT_HELP:
		o->help = true;
		return 0;
	case OPT_VERSION:
		o->version = true;
		return 0;
	default:
		return err_set(err, ERR_INVAL, "unknown option or no value");
	}
}

static int read_options(
    int argc, char **argv, struct options *o, struct err *err)
{
	static const struct option longs[] = {
	    {"dir", required_argument, NULL, OPT_DIR},
	    {"from", required_argument, NULL, OPT_FROM},
	    {"size", required_argument, NULL, OPT_SIZE},
	    {"ready-fd", required_argument, NULL, OPT_READY_FD},
	    {"help", no_argument, NULL, OPT_HELP},
	    {"version", no_argument, NULL, OPT_VERSION},
	    {NULL, 0, NULL, 0},
	};
	int c;
	int r = 0;

	opterr = 0;
	while (r == 0 && (c = getopt_long(argc, argv, "", longs, NULL)) != -1)
		r = read_option(c, o, err);
	return r;
}

static int command(const char *name, char **words, int n,
    const struct options *o, struct err *err)
{
	if (strcmp(name, "run") == 0 && n == 0)
		return run((int)o->ready_fd, err);
	if (strcmp(name, "attach") == 0 && n == 0)
		return attach(o->dir, err);
	if (strcmp(name, "cat") == 0 && n == 1)
		return store_cat(words[0], o->from, err);
	if (strcmp(name, "put") == 0 && n == 1 && o->size >= 0)
		return store_put(words[0], o->size, err);
	if (strcmp(name, "have") == 0 && n > 0)
		return store_have(words, n, err);
	return err_set(err, ERR_INVAL, "not understood; see --help");
}

/* Makes DIR the working folder and its name absolute. */
static int enter(struct options *o, struct err *err)
{
	int r = folder_make(o->dir, err);
	char *full;

	if (r < 0)
		return r;
	if (chdir(o->dir) < 0)
		return err_errno(err, errno, "%s", o->dir);
	full = realpath(".", NULL);
	if (!full)
		return err_errno(err, errno, "%s", o->dir);
	free(o->dir);
	o->dir = full;
	return 0;
}

static int finish(int r, const struct err *err)
{
	if (r == 0)
		return 0;
	fprintf(stderr, "ironbench-agent: %s\n", err->msg);
	return r == -ERR_INVAL ? 2 : 1;
}

int main(int argc, char **argv)
{
	struct options o = {.size = -1, .ready_fd = -1};
	struct err err = ERR_INIT;
	int64_t parent;
	int r;

	hash_init();
	/* Not for people: how `run` starts a hypervisor (see vm_exec()). */
	if (argc > 3 && strcmp(argv[1], "vm-exec") == 0) {
		r = str_to_i64(argv[2], 1, INT32_MAX, &parent, &err);
		return finish(
		    r < 0 ? r : vm_exec(parent, argv + 3, &err), &err);
	}
	(void)signal(SIGPIPE, SIG_IGN);
	r = read_options(argc, argv, &o, &err);
	if (r == 0 && o.help) {
		fputs(usage, stdout);
	} else if (r == 0 && o.version) {
		puts("ironbench-agent " PACKAGE_VERSION);
	} else if (r == 0) {
		const char *name = optind < argc ? argv[optind++] : "";

		if (!o.dir)
			o.dir = folder_default();
		r = enter(&o, &err);
		if (r == 0)
			r = command(
			    name, argv + optind, argc - optind, &o, &err);
	}
	free(o.dir);
	return finish(r, &err);
}
