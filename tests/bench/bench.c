/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `make bench`: runs the parts and prints the table; see usage(). */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"
#include "tests/bench/bench.h"

static const struct {
	const char *name;
	bench_part *run;
} parts[] = {
    {"scheduler", part_scheduler},
    {"ingest", part_ingest},
    {"numbers", part_numbers},
    {"history", part_history},
    {"import", part_import},
    {"power", part_power},
    {"push", part_push},
    {"index", part_index},
};

static const char *const formats[] = {
    [REPORT_TABLE] = "table", [REPORT_CSV] = "csv", [REPORT_JSON] = "json"};

struct options {
	bool want[ARRAY_LEN(parts)];
	enum report_format format;
	const char *output; /* the same rows as JSON; NULL: nowhere */
	const char *below;  /* folder for all that is written */
};

static void usage(FILE *to)
{
	(void)fputs(
	    "usage: bench [OPTION...] [PART...]\n"
	    "\n"
	    "Parts: scheduler, ingest, numbers, history, import, power, push\n"
	    "(with idle and memory), index; all of them if none is named.\n"
	    "\n"
	    "  --build DIR        of the programs (the current folder)\n"
	    "  --dir DIR          files are written in a new folder there "
	    "(/tmp)\n"
	    "  --keep DIR         archives are kept there, and taken again\n"
	    "  --runs N           of the archive, with 379 jobs each (6000)\n"
	    "  --machines N,N,..  sizes of labs, rising (10,100,1000)\n"
	    "  --samples N        pushes for each of them (100)\n"
	    "  --small            sizes that only show that it works\n"
	    "  --format F         table, csv or json\n"
	    "  --output FILE      the rows as JSON, too\n",
	    to);
}

static _Noreturn void wrong(const char *what, const char *value)
{
	(void)fprintf(stderr, "bench: %s: '%s' is not allowed\n", what, value);
	usage(stderr);
	exit(2);
}

/* ---- options ------------------------------------------------------------- */

static int64_t number(const char *what, const char *text, int64_t max)
{
	int64_t v;

	if (str_to_i64(text, 1, max, &v, NULL) < 0)
		wrong(what, text);
	return v;
}

static void take_machines(struct bench *b, const char *text)
{
	char one[16];

	for (b->n_machines = 0; *text; text += *text == ',') {
		size_t len = strcspn(text, ",");

		if (len >= sizeof(one) ||
		    b->n_machines == ARRAY_LEN(b->machines))
			wrong("--machines", text);
		memcpy(one, text, len);
		one[len] = '\0';
		b->machines[b->n_machines++] = number("--machines", one, 10000);
		text += len;
	}
	if (b->n_machines == 0)
		wrong("--machines", "");
}

static enum report_format format_of(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(formats); i++)
		if (strcmp(formats[i], text) == 0)
			return (enum report_format)i;
	wrong("--format", text);
}

static void be_small(struct bench *b)
{
	b->small = true;
	b->runs = 20;
	b->samples = 3;
	b->machines[0] = 5;
	b->n_machines = 1;
}

static void take_option(struct bench *b, struct options *o, int c)
{
	switch (c) {
	case 'b':
		b->build = optarg;
		break;
	case 'd':
		o->below = optarg;
		break;
	case 'k':
		b->keep = optarg;
		break;
	case 'r':
		b->runs = number("--runs", optarg, 10000000);
		break;
	case 'm':
		take_machines(b, optarg);
		break;
	case 'n':
		b->samples = number("--samples", optarg, 100000);
		break;
	case 's':
		be_small(b);
		break;
	case 'f':
		o->format = format_of(optarg);
		break;
	case 'o':
		o->output = optarg;
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

static void take_parts(struct options *o, int argc, char **argv)
{
	bool all = optind == argc;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		o->want[i] = all;
	for (int k = optind; k < argc; k++) {
		size_t i = 0;

		while (
		    i < ARRAY_LEN(parts) && strcmp(parts[i].name, argv[k]) != 0)
			i++;
		if (i == ARRAY_LEN(parts))
			wrong("part", argv[k]);
		o->want[i] = true;
	}
}

static void take_options(
    struct bench *b, struct options *o, int argc, char **argv)
{
	static const struct option list[] = {
	    {"build", required_argument, NULL, 'b'},
	    {"dir", required_argument, NULL, 'd'},
	    {"keep", required_argument, NULL, 'k'},
	    {"runs", required_argument, NULL, 'r'},
	    {"machines", required_argument, NULL, 'm'},
	    {"samples", required_argument, NULL, 'n'},
	    {"small", no_argument, NULL, 's'},
	    {"format", required_argument, NULL, 'f'},
	    {"output", required_argument, NULL, 'o'},
	    {"help", no_argument, NULL, 'h'},
	    {NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1)
		take_option(b, o, c);
	take_parts(o, argc, argv);
}

/* ---- running ------------------------------------------------------------- */

static int run(struct bench *b, const struct options *o, struct err *err)
{
	scoped(free) char *dir = xasprintf("%s/ib-bench.XXXXXX", o->below);
	int r = 0;

	if (!mkdtemp(dir))
		return err_errno(err, errno, "folder below %s", o->below);
	b->dir = dir;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(parts); i++)
		if (o->want[i])
			r = parts[i].run(b, err);
	b->dir = NULL;
	/* What went wrong first is what counts. */
	(void)fs_remove_tree(dir, NULL);
	return r;
}

static int write_output(
    const struct bench *b, const struct options *o, struct err *err)
{
	FILE *to = o->output ? fopen(o->output, "we") : NULL;

	if (!o->output)
		return 0;
	if (!to)
		return err_errno(err, errno, "open %s", o->output);
	report_write(b, REPORT_JSON, to);
	if (fclose(to) != 0)
		return err_errno(err, errno, "write %s", o->output);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench b = {.build = ".",
	    .runs = 6000,
	    .machines = {10, 100, 1000},
	    .n_machines = 3,
	    .samples = 100};
	struct options o = {.format = REPORT_TABLE, .below = "/tmp"};
	struct err err = ERR_INIT;
	int r;

	take_options(&b, &o, argc, argv);
	hash_init();
	r = run(&b, &o, &err);
	/* What was measured before something failed is worth seeing. */
	report_write(&b, o.format, stdout);
	if (r == 0)
		r = write_output(&b, &o, &err);
	if (r < 0)
		(void)fprintf(stderr, "bench: %s\n", err.msg);
	bench_free_rows(&b);
	return r < 0 ? 1 : 0;
}
