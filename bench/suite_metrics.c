/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Metrics that a suite declares: what the numbers of its tests mean. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "bench/suite_parse.h"

#define NAME_MAX_CHARS 100
#define UNIT_MAX_CHARS 40
#define MARGIN .02 /* if none is given: as of times */

static const char *const keys[] = {"unit", "direction", "margin"};

void suite_metric_done(struct suite_metric *m)
{
	free(m->name);
	free(m->unit);
}

/* "guest_test.context_switch": parts of a-z, 0-9 and _, with dots between. */
static bool is_dotted(const char *name)
{
	bool dot = false;

	for (const char *p = name; *p; p++) {
		bool part = islower((unsigned char)*p) ||
		    isdigit((unsigned char)*p) || *p == '_';

		if (!part && (*p != '.' || p == name || !p[1] || p[1] == '.'))
			return false;
		dot |= *p == '.';
	}
	return dot && strlen(name) <= NAME_MAX_CHARS;
}

static int parse_name(
    const struct conf_node *map, size_t i, char **ret, struct err *err)
{
	const char *name = conf_key(map, i);

	if (!is_dotted(name))
		return conf_error(conf_at(map, i), err,
		    "name: found '%.100s'; must be parts of a-z, 0-9 and _ "
		    "with dots between, at most %d characters",
		    name, NAME_MAX_CHARS);
	if (bench_metric_find(name))
		return conf_error(conf_at(map, i), err,
		    "name: '%s' is built in; must be another", name);
	*ret = xstrdup(name);
	return 0;
}

static int parse_metric(const struct conf_node *map, size_t i,
    struct suite_metric *m, struct err *err)
{
	static const char *const directions[] = {"higher", "lower"};
	const struct conf_node *node = conf_at(map, i);
	const char *unit = NULL;
	int direction = 0;
	int r = parse_name(map, i, &m->name, err);

	m->margin = MARGIN;
	if (r == 0)
		r = conf_only(node, "metric", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = conf_str(node, "unit", CONF_REQUIRED, &unit, err);
	if (r == 0)
		r = suite_check_text(
		    conf_get(node, "unit"), "unit", unit, UNIT_MAX_CHARS, err);
	if (r == 0)
		r = conf_enum(node, "direction", CONF_REQUIRED, directions,
		    ARRAY_LEN(directions), &direction, err);
	if (r == 0)
		r = suite_margin_parse(node, &m->margin, err);
	if (r < 0)
		return r;
	m->unit = xstrdup(unit);
	m->direction = direction ? BENCH_LOWER : BENCH_HIGHER;
	return 0;
}

int suite_metrics_parse(
    const struct conf_node *root, struct suite *s, struct err *err)
{
	const struct conf_node *map = NULL;
	int r = conf_map(root, "metrics", CONF_OPTIONAL, &map, err);

	if (r < 0 || !map)
		return r;
	if (conf_len(map) > SUITE_METRICS_MAX) {
		(void)conf_error(map, err,
		    "metrics: has %zu entries; must have at most %d",
		    conf_len(map), SUITE_METRICS_MAX);
		return suite_limit(err);
	}
	s->metrics = xcalloc(conf_len(map) + 1, sizeof(s->metrics[0]));
	/* Counted first: what is half read is freed, too. */
	for (size_t i = 0; r == 0 && i < conf_len(map); i++)
		r = parse_metric(map, i, &s->metrics[s->n_metrics++], err);
	return r;
}
