/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One boot item of a suite: every key in every spelling, or a complaint. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/suite_parse.h"

#define NAME_LEN_MAX 200
#define TAGS_MAX 64
#define PLATFORMS_MAX 256
#define SECONDS_MAX (7 * 86400)
#define RETRIES_MAX 100

static const char *const item_keys[] = {
    "name",
    "exec",
    "load",
    "extra_files",
    "boot_source",
    "boot_item_timeout",
    "timeout",
    "silence_timeout",
    "tags",
    "platforms",
    "hardware_independent",
    "hardwareIndependent", /* the spelling of guest-tests' metadata */
    "cacheable",
    "iscsi",
    "expect",
    "retries",
};

void suite_item_done(struct suite_item *it)
{
	free(it->name);
	free(it->exec);
	strings_free(it->load);
	strings_free(it->extra_files);
	strings_free(it->tags);
	strings_free(it->forbidden);
	strings_free(it->platforms);
}

static int parse_name(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	const char *name = NULL;
	int r = conf_str(node, "name", CONF_REQUIRED, &name, err);

	if (r == 0)
		r = suite_check_text(
		    conf_get(node, "name"), "name", name, NAME_LEN_MAX, err);
	if (r == 0)
		it->name = xstrdup(name);
	return r;
}

/* Divides "a" and "!b" into the needed and the forbidden. */
static int split_tags(const struct conf_node *node, char **all,
    struct strings *needed, struct strings *forbidden, struct err *err)
{
	for (size_t i = 0; all[i]; i++) {
		bool no = all[i][0] == '!';

		if (no && !all[i][1])
			return conf_error(suite_string_node(node, "tags", i),
			    err, "tags: found '!'; must be a tag or !tag");
		strings_add(no ? forbidden : needed, xstrdup(all[i] + no));
	}
	return 0;
}

/* No machine could ever match; the job would wait for good. */
static int refuse_contradiction(
    const struct conf_node *node, const struct suite_item *it, struct err *err)
{
	for (size_t i = 0; it->tags[i]; i++)
		for (size_t j = 0; it->forbidden[j]; j++)
			if (str_eq(it->tags[i], it->forbidden[j]))
				return conf_error(conf_get(node, "tags"), err,
				    "tags: '%.200s' is needed and forbidden",
				    it->tags[i]);
	return 0;
}

static int parse_tags(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	scoped(strings_free) char **all = NULL;
	struct strings needed;
	struct strings forbidden;
	int r = suite_texts(node, "tags", TAGS_MAX, NAME_LEN_MAX, &all, err);

	if (r < 0)
		return r;
	strings_init(&needed);
	strings_init(&forbidden);
	r = split_tags(node, all, &needed, &forbidden, err);
	it->tags = strings_take(&needed);
	it->forbidden = strings_take(&forbidden);
	return r < 0 ? r : refuse_contradiction(node, it, err);
}

static int parse_seconds(const struct conf_node *node, const char *key,
    int64_t *ret_ms, struct err *err)
{
	int64_t s = *ret_ms / 1000;
	int r = conf_int(node, key, CONF_OPTIONAL, 1, SECONDS_MAX, &s, err);

	if (r == 0)
		*ret_ms = s * 1000;
	return r;
}

static int parse_times(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	int r;

	it->boot_timeout_ms = SUITE_BOOT_TIMEOUT_S * 1000;
	r = parse_seconds(node, "boot_item_timeout", &it->boot_timeout_ms, err);
	if (r < 0)
		return r;
	/* A suite of SoTest's knows no total: booting may not use it up. */
	it->timeout_ms = SUITE_TIMEOUT_S * 1000;
	if (it->boot_timeout_ms >= it->timeout_ms)
		it->timeout_ms += it->boot_timeout_ms;
	r = parse_seconds(node, "timeout", &it->timeout_ms, err);
	if (r < 0)
		return r;
	it->silence_ms = SUITE_SILENCE_S * 1000;
	return parse_seconds(node, "silence_timeout", &it->silence_ms, err);
}

static int parse_independent(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	static const char ours[] = "hardware_independent";
	static const char theirs[] = "hardwareIndependent";
	int r;

	if (suite_has(node, ours) && suite_has(node, theirs))
		return conf_error(conf_get(node, theirs), err,
		    "%s: %s is given, too; must be one of them", theirs, ours);
	r = conf_bool(
	    node, ours, CONF_OPTIONAL, &it->hardware_independent, err);
	if (r == 0)
		r = conf_bool(node, theirs, CONF_OPTIONAL,
		    &it->hardware_independent, err);
	return r;
}

static int parse_outcome(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	const char *names[TEST_RESET];
	int64_t retries = SUITE_RETRIES;
	int expect = 0;
	int r;

	for (int i = 0; i < TEST_RESET; i++)
		names[i] = test_end_name((enum test_end)(TEST_PASS + i));
	r = conf_enum(node, "expect", CONF_OPTIONAL, names, ARRAY_LEN(names),
	    &expect, err);
	if (r == 0)
		r = conf_int(node, "retries", CONF_OPTIONAL, 0, RETRIES_MAX,
		    &retries, err);
	it->expect = (enum test_end)(TEST_PASS + expect);
	it->retries = (int)retries;
	return r;
}

static int parse_ignored(
    struct suite_parser *p, const struct conf_node *node, struct err *err)
{
	static const char *const keys[] = {"cacheable", "iscsi"};
	bool unused;
	int r = conf_bool(node, "cacheable", CONF_OPTIONAL, &unused, err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(keys); i++)
		if (suite_has(node, keys[i]))
			suite_ignore(p, conf_get(node, keys[i]), keys[i]);
	return r;
}

int suite_item_common(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	int r = parse_name(node, it, err);

	if (r == 0)
		r = parse_tags(node, it, err);
	if (r == 0)
		r = suite_texts(node, "platforms", PLATFORMS_MAX, NAME_LEN_MAX,
		    &it->platforms, err);
	/* A benchmark has no key "expect": it passes or errs. */
	return r < 0 ? r : parse_outcome(node, it, err);
}

static int parse_parts(struct suite_parser *p, const struct conf_node *node,
    struct suite_item *it, struct err *err)
{
	int r =
	    conf_only(node, "boot item", item_keys, ARRAY_LEN(item_keys), err);

	if (r == 0)
		r = parse_name(node, it, err);
	if (r == 0)
		r = suite_boot_parse(p, node, it, err);
	if (r == 0)
		r = parse_tags(node, it, err);
	if (r == 0)
		r = suite_texts(node, "platforms", PLATFORMS_MAX, NAME_LEN_MAX,
		    &it->platforms, err);
	if (r == 0)
		r = parse_independent(node, it, err);
	if (r == 0)
		r = parse_times(node, it, err);
	if (r == 0)
		r = parse_outcome(node, it, err);
	if (r == 0)
		r = parse_ignored(p, node, err);
	return r;
}

int suite_item_parse(struct suite_parser *p, const struct conf_node *node,
    struct suite_item *ret, struct err *err)
{
	struct suite_item it = {0};
	int r = parse_parts(p, node, &it, err);

	if (r == 0)
		*ret = it;
	else
		suite_item_done(&it);
	return r;
}
