/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Geekbench 5 and 6, JSON and text. The major version is part of each metric:
 * scores of different ones have different baselines and are never compared.
 * The single-core score of the JSON is the root's `score`; there is no key
 * single_core.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/import_private.h"

enum {
	SINGLE,
	MULTI,
	CORES
};

static const char *const core_names[CORES] = {"single_core", "multi_core"};
static const char *const section_names[CORES] = {"Single-Core", "Multi-Core"};

#define MAJOR_LEAST 5
#define MAJOR_MOST 6

/* "geekbench6.multi_core.integer"; what is "" or a name. */
static int tell(
    struct import *im, long major, int cores, struct text what, double score)
{
	char slug[64] = "";
	char metric[IMPORT_NAME_MAX];

	if (what.len)
		text_slug(slug, sizeof(slug), what);
	(void)snprintf(metric, sizeof(metric), "geekbench%ld.%s%s%s", major,
	    core_names[cores], what.len ? "." : "", slug);
	return import_number(im, metric, "points", BENCH_HIGHER, score);
}

static int refuse_major(struct import *im, long major)
{
	return import_refuse(im, 0,
	    "Geekbench %ld: only versions %d and %d are read", major,
	    MAJOR_LEAST, MAJOR_MOST);
}

/* "Geekbench 6.2.2 Corporate"; -1 unless it is one. */
static long major_of(struct text t)
{
	long major;

	if (!text_eat(&t, "Geekbench ") || !text_eat_count(&t, 1000, &major))
		return -1;
	return text_starts(t, ".") ? major : -1;
}

/* ---- text ------------------------------------------------------------ */

#define SECTIONS 3

static const char *const sections[SECTIONS] = {
    "Integer Score", "Floating Point Score", "Crypto Score"};

struct geekbench_text {
	long major;
	bool summary;
	int cores; /* whose lines follow; CORES: nobody's */
	double total[CORES];
	double section[CORES][SECTIONS];
};

static bool recognise_text(struct text head)
{
	struct text line;

	while (text_eat_line(&head, &line))
		if (major_of(text_trim(line)) > 0)
			return true;
	return false;
}

static void begin_text(struct import *im, void *state)
{
	struct geekbench_text *g = state;

	(void)im; /* nothing of it is needed */
	g->cores = CORES;
	for (int c = 0; c < CORES; c++) {
		g->total[c] = NAN;
		for (int s = 0; s < SECTIONS; s++)
			g->section[c][s] = NAN;
	}
}

/* The number behind a key; the line must end with it. */
static int score(struct import *im, struct text l, const char *key, double *ret)
{
	text_drop(&l, strlen(key));
	if (!text_eat_number(&l, ret) || text_trim(l).len)
		return import_refuse_at(
		    im, l, "'%s' is followed by no score", key);
	return import_whole(im);
}

static int summary_line(
    struct import *im, struct geekbench_text *g, struct text l)
{
	for (int c = 0; c < CORES; c++) {
		char key[32];

		(void)snprintf(key, sizeof(key), "%s Score", section_names[c]);
		if (!text_starts(l, key))
			continue;
		g->cores = c;
		return score(im, l, key, &g->total[c]);
	}
	for (int s = 0; g->cores < CORES && s < SECTIONS; s++)
		if (text_starts(l, sections[s]))
			return score(
			    im, l, sections[s], &g->section[g->cores][s]);
	return 0;
}

/* "File Compression      1734      249.1 MB/sec": two blanks end a name. */
static int workload_line(
    struct import *im, const struct geekbench_text *g, struct text l)
{
	const char *gap = text_find(l, "  ");
	struct text name;
	double v;

	if (g->cores == CORES || !gap)
		return 0;
	name = (struct text){l.p, (size_t)(gap - l.p)};
	text_drop(&l, name.len);
	if (!text_eat_number(&l, &v) || !text_trim(l).len)
		return 0; /* a score stands before a rate */
	return tell(im, g->major, g->cores, name, v);
}

static int version_line(
    struct import *im, struct geekbench_text *g, struct text l, long major)
{
	struct text version = l;
	const char *end = text_find(l, " :");
	int r;

	if (g->major)
		return import_refuse(im, 1,
		    "a second report begins here; give each its own file");
	if (major < MAJOR_LEAST || major > MAJOR_MOST)
		return refuse_major(im, major);
	g->major = major;
	version.len = end ? (size_t)(end - l.p) : l.len;
	(void)text_eat(&version, "Geekbench "); /* it is there */
	r = import_meta(im, "tool", (struct text){"Geekbench", 9});
	return r < 0 ? r : import_meta(im, "version", version);
}

static int line_text(struct import *im, void *state, struct text line)
{
	struct geekbench_text *g = state;
	struct text l = text_trim(line);
	long major = major_of(l);

	if (major > 0)
		return version_line(im, g, l, major);
	if (!g->major)
		return 0;
	for (int c = 0; c < CORES; c++) {
		if (!text_is(l, section_names[c]))
			continue;
		g->cores = c;
		return 0;
	}
	if (text_is(l, "Benchmark Summary")) {
		g->summary = true;
		g->cores = CORES;
		return 0;
	}
	return g->summary ? summary_line(im, g, l) : workload_line(im, g, l);
}

static int end_text(struct import *im, void *state)
{
	const struct geekbench_text *g = state;
	int r = 0;

	if (!g->major || isnan(g->total[SINGLE]) || isnan(g->total[MULTI]))
		return import_refuse(im, 0,
		    "no Single-Core Score or no Multi-Core Score; was the "
		    "report cut off?");
	for (int s = 0; s < SECTIONS; s++)
		if (isnan(g->section[SINGLE][s]) != isnan(g->section[MULTI][s]))
			return import_refuse(im, 0,
			    "%s is there for one of Single-Core and "
			    "Multi-Core only; was the report cut off?",
			    sections[s]);
	for (int c = 0; r == 0 && c < CORES; c++) {
		r = tell(im, g->major, c, (struct text){"", 0}, g->total[c]);
		for (int s = 0; r == 0 && s < SECTIONS; s++) {
			struct text name = {sections[s],
			    strlen(sections[s]) - strlen(" Score")};

			if (!isnan(g->section[c][s]))
				r = tell(
				    im, g->major, c, name, g->section[c][s]);
		}
	}
	return r;
}

const struct importer import_geekbench_text = {
    .name = "geekbench-text",
    .title = "Geekbench 5 and 6 text",
    .shape = IMPORT_LINES,
    .state_size = sizeof(struct geekbench_text),
    .recognise = recognise_text,
    .begin = begin_text,
    .line = line_text,
    .end = end_text,
};

/* ---- JSON ------------------------------------------------------------ */

#define WORKLOADS_MAX 128

struct workload {
	char name[64];
	int cores;
	double score;
};

struct geekbench_json {
	char version[64];
	double score[CORES];
	double valid;
	/* The section and the workload that are being read. */
	char section[32];
	double section_score;
	char name[64];
	double workload_score;
	/* All of them; sections have names in them that come late. */
	struct workload workloads[WORKLOADS_MAX];
	size_t n_workloads;
	size_t first; /* of this section */
	double section_scores[CORES];
};

static bool recognise_json(struct text head)
{
	text_eat_blanks(&head);
	return text_starts(head, "{") &&
	    (text_find(head, "\"multicore_score\"") ||
	        (text_find(head, "\"document_type\"") &&
	            text_find(head, "\"document_version\"")) ||
	        text_find(head, "\"Geekbench "));
}

static void begin_json(struct import *im, void *state)
{
	struct geekbench_json *g = state;

	(void)im; /* nothing of it is needed */
	g->score[SINGLE] = g->score[MULTI] = g->valid = NAN;
	g->section_scores[SINGLE] = g->section_scores[MULTI] = NAN;
}

static int workload_end(struct import *im, struct geekbench_json *g)
{
	struct workload *w = &g->workloads[g->n_workloads];

	if (!g->name[0] || isnan(g->workload_score))
		return import_refuse(
		    im, 0, "a workload without its name or score");
	if (g->n_workloads == WORKLOADS_MAX)
		return import_limit(im, "over %d workloads", WORKLOADS_MAX);
	memcpy(w->name, g->name, sizeof(w->name));
	w->score = g->workload_score;
	w->cores = CORES;
	g->n_workloads++;
	return 0;
}

/* Sections with other names (of the Compute benchmark) say nothing here. */
static void section_end(struct geekbench_json *g)
{
	for (int c = 0; c < CORES; c++) {
		if (!str_eq(g->section, section_names[c]))
			continue;
		g->section_scores[c] = g->section_score;
		for (size_t i = g->first; i < g->n_workloads; i++)
			g->workloads[i].cores = c;
	}
}

static void section_begin(struct geekbench_json *g)
{
	g->section[0] = '\0';
	g->section_score = NAN;
	g->first = g->n_workloads;
}

static int bounds(
    struct import *im, struct geekbench_json *g, const struct node *n)
{
	bool begins = n->kind == NODE_BEGIN;

	if (str_eq(n->path, "sections/#")) {
		if (begins)
			section_begin(g);
		else
			section_end(g);
	} else if (str_eq(n->path, "sections/#/workloads/#")) {
		if (!begins)
			return workload_end(im, g);
		g->name[0] = '\0';
		g->workload_score = NAN;
	}
	return 0;
}

static int node_json(struct import *im, void *state, const struct node *n)
{
	struct geekbench_json *g = state;
	const struct {
		const char *path;
		double *number;
		char *text;
		size_t size;
	} rows[] = {
	    {"score", &g->score[SINGLE], NULL, 0},
	    {"multicore_score", &g->score[MULTI], NULL, 0},
	    {"valid", &g->valid, NULL, 0},
	    {"version", NULL, g->version, sizeof(g->version)},
	    {"sections/#/name", NULL, g->section, sizeof(g->section)},
	    {"sections/#/score", &g->section_score, NULL, 0},
	    {"sections/#/workloads/#/name", NULL, g->name, sizeof(g->name)},
	    {"sections/#/workloads/#/score", &g->workload_score, NULL, 0},
	};

	if (n->kind == NODE_BEGIN || n->kind == NODE_END)
		return bounds(im, g, n);
	if (node_is(n, NODE_TEXT, "date"))
		return import_meta(im, "date", (struct text){n->text, n->len});
	if (node_is(n, NODE_NUMBER, "date"))
		return import_date(im, n->number);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_eq(n->path, rows[i].path))
			continue;
		if (rows[i].text && n->kind == NODE_TEXT)
			text_name(rows[i].text, rows[i].size,
			    (struct text){n->text, n->len});
		else if (rows[i].number &&
		    (n->kind == NODE_NUMBER || n->kind == NODE_BOOL))
			*rows[i].number = n->number;
		else
			return import_refuse(im, 0, "Geekbench's %s is no %s",
			    n->path, rows[i].text ? "text" : "number");
	}
	return 0;
}

static int check_json(
    struct import *im, const struct geekbench_json *g, long *ret_major)
{
	long major = major_of((struct text){g->version, strlen(g->version)});

	if (major < 0)
		return import_refuse(
		    im, 0, "no version like \"Geekbench 6.2.2\"");
	if (major < MAJOR_LEAST || major > MAJOR_MOST)
		return refuse_major(im, major);
	if (isnan(g->score[SINGLE]) || isnan(g->score[MULTI]))
		return import_refuse(im, 0, "no score or no multicore_score");
	if (isnan(g->valid) || g->valid < 1 || g->valid > 1)
		return import_refuse(
		    im, 0, "Geekbench says that this result is not valid");
	for (int c = 0; c < CORES; c++)
		if (g->section_scores[c] < g->score[c] ||
		    g->section_scores[c] > g->score[c])
			return import_refuse(im, 0,
			    "the score of section %s is %g, and %g at the "
			    "root",
			    section_names[c], g->section_scores[c],
			    g->score[c]);
	*ret_major = major;
	return 0;
}

static int end_json(struct import *im, void *state)
{
	const struct geekbench_json *g = state;
	struct text version = {g->version, strlen(g->version)};
	long major = 0;
	int r = check_json(im, g, &major);

	for (int c = 0; r == 0 && c < CORES; c++)
		r = tell(im, major, c, (struct text){"", 0}, g->score[c]);
	for (size_t i = 0; r == 0 && i < g->n_workloads; i++) {
		const struct workload *w = &g->workloads[i];

		if (w->cores < CORES)
			r = tell(im, major, w->cores,
			    (struct text){w->name, strlen(w->name)}, w->score);
	}
	(void)text_eat(&version, "Geekbench "); /* it is there */
	if (r == 0)
		r = import_meta(im, "tool", (struct text){"Geekbench", 9});
	return r < 0 ? r : import_meta(im, "version", version);
}

const struct importer import_geekbench_json = {
    .name = "geekbench-json",
    .title = "Geekbench 5 and 6 JSON",
    .shape = IMPORT_JSON,
    .state_size = sizeof(struct geekbench_json),
    .recognise = recognise_json,
    .begin = begin_json,
    .node = node_json,
    .end = end_json,
};
