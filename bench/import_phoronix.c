/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The composite.xml of the Phoronix Test Suite. An entry of a result is one
 * system's; its RawString holds the runs, its Value their mean.
 */
#include <math.h>
#include <stdio.h>

#include "base/str.h"
#include "bench/import_private.h"

#define RESULT "PhoronixTestSuite/Result"
#define ENTRY RESULT "/Data/Entry"

struct phoronix {
	/* The result that is being read. */
	char identifier[IMPORT_TEXT_MAX];
	char title[IMPORT_TEXT_MAX];
	char description[IMPORT_TEXT_MAX];
	char arguments[IMPORT_TEXT_MAX];
	char scale[IMPORT_NAME_MAX];
	char proportion[32];
	/* Its entry. */
	char machine[IMPORT_TEXT_MAX];
	char value[64];
	struct buf runs;
	size_t n_results;
	bool cut;
};

static bool recognise(struct text head)
{
	return text_find(head, "<PhoronixTestSuite>") != NULL;
}

static void begin(struct import *im, void *state)
{
	struct phoronix *p = state;

	(void)im; /* nothing of it is needed */
	p->runs = (struct buf)BUF_INIT(NODE_TEXT_MAX);
}

static void done(void *state)
{
	struct phoronix *p = state;

	buf_done(&p->runs);
}

static void result_begin(struct phoronix *p)
{
	p->identifier[0] = p->title[0] = p->description[0] = '\0';
	p->arguments[0] = p->scale[0] = p->proportion[0] = '\0';
	p->n_results++;
}

static void entry_begin(struct phoronix *p)
{
	p->machine[0] = p->value[0] = '\0';
	buf_reset(&p->runs);
	p->cut = false;
}

static bool direction_of(const struct phoronix *p, enum bench_direction *ret)
{
	if (str_eq(p->proportion, "HIB"))
		*ret = BENCH_HIGHER;
	else if (str_eq(p->proportion, "LIB"))
		*ret = BENCH_LOWER;
	else
		return !p->proportion[0] && bench_unit_direction(p->scale, ret);
	return true;
}

/* "10.1:10.4:9.9"; each as a sample. */
static int tell_runs(
    struct import *im, struct phoronix *p, struct import_value *v)
{
	struct text t = {buf_str(&p->runs), p->runs.len};

	while (t.len) {
		int r;

		if (!text_eat_number(&t, &v->value) ||
		    (t.len && !text_eat(&t, ":")))
			return import_refuse(im, 0,
			    "RawString '%.100s' is no list of numbers like "
			    "1.5:1.6",
			    buf_str(&p->runs));
		r = import_value(im, v);
		if (r < 0)
			return r;
	}
	return 0;
}

static int tell(
    struct import *im, struct phoronix *p, enum bench_direction direction)
{
	const char *test = p->identifier[0] ? p->identifier : p->title;
	struct text t = {p->value, strlen(p->value)};
	struct import_value v;
	char slug[96];
	char metric[IMPORT_NAME_MAX];

	text_slug(slug, sizeof(slug), (struct text){test, strlen(test)});
	(void)snprintf(metric, sizeof(metric), "phoronix.%s", slug);
	v = import_value_of(metric, p->scale, direction, 0);
	v.label = p->description[0] ? p->description : p->arguments;
	v.machine = p->machine;
	if (p->runs.len)
		return tell_runs(im, p, &v);
	if (!text_eat_number(&t, &v.value) || text_trim(t).len)
		return import_skip(im, (struct text){test, strlen(test)},
		    p->value[0] ? "its value is not one number"
		                : "it has no value: the test failed");
	v.of = IMPORT_MEAN;
	v.n = 0;
	return import_value(im, &v);
}

static int entry_end(struct import *im, struct phoronix *p)
{
	const char *test = p->identifier[0] ? p->identifier : p->title;
	enum bench_direction direction = BENCH_HIGHER;

	if (!test[0])
		return import_refuse(
		    im, 0, "a result without Identifier and Title");
	if (p->cut)
		return import_limit(
		    im, "a RawString of over %d bytes", NODE_TEXT_MAX - 1);
	if (direction_of(p, &direction))
		return tell(im, p, direction);
	return import_skip(im, (struct text){test, strlen(test)},
	    "it does not say whether higher or lower is better");
}

static void text(struct phoronix *p, const struct node *n)
{
	const struct {
		const char *path;
		char *to;
		size_t size;
	} rows[] = {
	    {RESULT "/Identifier", p->identifier, sizeof(p->identifier)},
	    {RESULT "/Title", p->title, sizeof(p->title)},
	    {RESULT "/Description", p->description, sizeof(p->description)},
	    {RESULT "/Arguments", p->arguments, sizeof(p->arguments)},
	    {RESULT "/Scale", p->scale, sizeof(p->scale)},
	    {RESULT "/Proportion", p->proportion, sizeof(p->proportion)},
	    {ENTRY "/Identifier", p->machine, sizeof(p->machine)},
	    {ENTRY "/Value", p->value, sizeof(p->value)},
	};

	if (str_eq(n->path, ENTRY "/RawString")) {
		buf_reset(&p->runs);
		buf_add(&p->runs, n->text, n->len);
		p->cut = n->cut;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (str_eq(n->path, rows[i].path))
			text_name(rows[i].to, rows[i].size,
			    (struct text){n->text, n->len});
}

static int node(struct import *im, void *state, const struct node *n)
{
	static const struct {
		const char *path;
		const char *key;
	} facts[] = {
	    {"PhoronixTestSuite/System/Identifier", "machine"},
	    {"PhoronixTestSuite/Generated/TestClient", "version"},
	    {"PhoronixTestSuite/Generated/LastModified", "date"},
	};
	struct phoronix *p = state;

	if (node_is(n, NODE_BEGIN, RESULT))
		result_begin(p);
	else if (node_is(n, NODE_BEGIN, ENTRY))
		entry_begin(p);
	else if (node_is(n, NODE_END, ENTRY))
		return entry_end(im, p);
	if (n->kind != NODE_TEXT)
		return 0;
	text(p, n);
	for (size_t i = 0; i < ARRAY_LEN(facts); i++)
		if (str_eq(n->path, facts[i].path))
			return import_meta(
			    im, facts[i].key, (struct text){n->text, n->len});
	return 0;
}

static int end(struct import *im, void *state)
{
	const struct phoronix *p = state;

	if (!p->n_results)
		return import_refuse(im, 0, "the composite has no Result");
	return import_meta(
	    im, "tool", (struct text){"Phoronix Test Suite", 19});
}

const struct importer import_phoronix = {
    .name = "phoronix",
    .title = "Phoronix composite.xml",
    .shape = IMPORT_XML,
    .state_size = sizeof(struct phoronix),
    .recognise = recognise,
    .begin = begin,
    .node = node,
    .end = end,
    .done = done,
};
