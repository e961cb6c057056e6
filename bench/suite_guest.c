/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Variants and guests of a suite: maps from names to what they are. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/str.h"
#include "bench/suite_parse.h"

#define WORD_MAX 100
#define OPTIONS_MAX 32
#define CPUS_MAX 256
#define MEMORY_MIB_LEAST 16
#define MEMORY_MIB_MAX (1 << 20)
#define BOOT_S_MAX 86400

int suite_check_word(const struct conf_node *n, const char *key,
    const char *text, struct err *err)
{
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)text[i]) &&
		    !strchr("._-+:@/", text[i]))
			return conf_error(n, err,
			    "%s: found '%.100s'; must be letters, digits and "
			    "._-+:@/",
			    key, text);
	if (!len || len > WORD_MAX || text[0] == '-' || text[0] == '.')
		return conf_error(n, err,
		    "%s: found '%.100s'; must have 1 to %d characters and "
		    "begin with neither dash nor dot",
		    key, text, WORD_MAX);
	return 0;
}

/* A name becomes part of a path on the machine. */
static int parse_name(
    const struct conf_node *map, size_t i, char **ret, struct err *err)
{
	const char *name = conf_key(map, i);
	int r = suite_check_word(conf_at(map, i), "name", name, err);

	if (r < 0)
		return r;
	if (strchr(name, '/'))
		return conf_error(
		    conf_at(map, i), err, "name: found '%s'; no slash", name);
	*ret = xstrdup(name);
	return 0;
}

static int parse_word(const struct conf_node *map, const char *key,
    enum conf_need need, char **ret, struct err *err)
{
	const char *text = NULL;
	int r = conf_str(map, key, need, &text, err);

	if (r == 0 && text)
		r = suite_check_word(conf_get(map, key), key, text, err);
	if (r == 0)
		*ret = xstrdup(text);
	return r;
}

static int parse_number(const struct conf_node *map, const char *key, int min,
    int max, int *ret, struct err *err)
{
	int64_t v = *ret;
	int r = conf_int(map, key, CONF_OPTIONAL, min, max, &v, err);

	if (r == 0)
		*ret = (int)v;
	return r;
}

static int too_many(
    const struct conf_node *n, const char *key, size_t max, struct err *err)
{
	(void)conf_error(n, err, "%s: has %zu entries; must have at most %zu",
	    key, conf_len(n), max);
	return suite_limit(err);
}

/* ---- variants -------------------------------------------------------- */

void suite_variant_done(struct suite_variant *v)
{
	for (size_t i = 0; i < v->n_options; i++) {
		free(v->options[i].key);
		free(v->options[i].value);
	}
	free(v->options);
	free(v->name);
	free(v->hypervisor);
	free(v->backend);
}

static int parse_options(
    const struct conf_node *node, struct suite_variant *v, struct err *err)
{
	const struct conf_node *map = NULL;
	int r = conf_map(node, "options", CONF_OPTIONAL, &map, err);

	if (r < 0 || !map)
		return r;
	if (conf_len(map) > OPTIONS_MAX)
		return too_many(map, "options", OPTIONS_MAX, err);
	v->options = xcalloc(conf_len(map) + 1, sizeof(v->options[0]));
	for (size_t i = 0; i < conf_len(map); i++) {
		const struct conf_node *n = conf_at(map, i);
		const char *key = conf_key(map, i);
		const char *value = conf_text(n);

		r = suite_check_word(n, "option", key, err);
		if (r == 0 && !value)
			r = conf_error(n, err, "%s: must be text", key);
		if (r == 0)
			r = suite_check_word(n, key, value, err);
		if (r < 0)
			return r;
		v->options[v->n_options++] =
		    (struct suite_option){xstrdup(key), xstrdup(value)};
	}
	return 0;
}

static int parse_variant(const struct conf_node *map, size_t i,
    struct suite_variant *v, struct err *err)
{
	static const char *const keys[] = {
	    "hypervisor", "backend", "options", "role"};
	static const char *const roles[] = {
	    [SUITE_BASELINE] = "baseline",
	    [SUITE_CANDIDATE] = "candidate",
	};
	const struct conf_node *node = conf_at(map, i);
	int role = SUITE_BASELINE;
	int r = parse_name(map, i, &v->name, err);

	if (r == 0)
		r = conf_only(node, "variant", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = parse_word(
		    node, "hypervisor", CONF_REQUIRED, &v->hypervisor, err);
	if (r == 0)
		r = parse_word(
		    node, "backend", CONF_REQUIRED, &v->backend, err);
	if (r == 0)
		r = conf_enum(node, "role", CONF_REQUIRED, roles,
		    ARRAY_LEN(roles), &role, err);
	if (r == 0)
		r = parse_options(node, v, err);
	v->role = (enum suite_role)role;
	return r;
}

int suite_variants_parse(
    const struct conf_node *root, struct suite *s, struct err *err)
{
	const struct conf_node *map = NULL;
	int r = conf_map(root, "variants", CONF_OPTIONAL, &map, err);

	if (r < 0 || !map)
		return r;
	if (conf_len(map) > SUITE_VARIANTS_MAX)
		return too_many(map, "variants", SUITE_VARIANTS_MAX, err);
	s->variants = xcalloc(conf_len(map) + 1, sizeof(s->variants[0]));
	/* Counted first: what is half read is freed, too. */
	for (size_t i = 0; r == 0 && i < conf_len(map); i++)
		r = parse_variant(map, i, &s->variants[s->n_variants++], err);
	return r;
}

/* ---- guests ---------------------------------------------------------- */

void suite_guest_done(struct suite_guest *g)
{
	free(g->name);
	free(g->kernel);
	free(g->initrd);
	free(g->image);
	free(g->sha256);
	free(g->transport);
}

static int parse_path(
    const struct conf_node *map, const char *key, char **ret, struct err *err)
{
	int r = parse_word(map, key, CONF_OPTIONAL, ret, err);

	if (r == 0 && *ret)
		r = suite_check_path(conf_get(map, key), key, *ret, err);
	return r;
}

/* Either a kernel of the bundle, or an image that is known by its hash. */
static int check_source(
    const struct conf_node *node, const struct suite_guest *g, struct err *err)
{
	uint8_t hash[HASH_BYTES];

	if (!g->kernel == !g->image)
		return conf_error(
		    node, err, "%s: must have either kernel or image", g->name);
	if (g->initrd && !g->kernel)
		return conf_error(
		    conf_get(node, "initrd"), err, "initrd: without a kernel");
	if (!g->image != !g->sha256)
		return conf_error(node, err,
		    "%s: must have image and sha256 together", g->name);
	if (g->sha256 &&
	    (strlen(g->sha256) != HASH_HEX ||
	        !hash_unhex(g->sha256, hash, sizeof(hash))))
		return conf_error(conf_get(node, "sha256"), err,
		    "sha256: found '%.80s'; must be 64 hexadecimal digits",
		    g->sha256);
	return 0;
}

static int parse_source(
    const struct conf_node *node, struct suite_guest *g, struct err *err)
{
	int r = parse_path(node, "kernel", &g->kernel, err);

	if (r == 0)
		r = parse_path(node, "initrd", &g->initrd, err);
	if (r == 0)
		r = parse_path(node, "image", &g->image, err);
	if (r == 0)
		r = parse_word(node, "sha256", CONF_OPTIONAL, &g->sha256, err);
	if (r == 0)
		r = parse_word(
		    node, "transport", CONF_OPTIONAL, &g->transport, err);
	return r < 0 ? r : check_source(node, g, err);
}

static int parse_guest(const struct conf_node *map, size_t i,
    struct suite_guest *g, struct err *err)
{
	static const char *const keys[] = {"kernel", "initrd", "image",
	    "sha256", "transport", "cpus", "memory_mib", "boot_timeout"};
	const struct conf_node *node = conf_at(map, i);
	int r = parse_name(map, i, &g->name, err);

	g->cpus = SUITE_GUEST_CPUS;
	g->memory_mib = SUITE_GUEST_MEMORY_MIB;
	g->boot_timeout_s = SUITE_GUEST_BOOT_S;
	if (r == 0)
		r = conf_only(node, "guest", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = parse_source(node, g, err);
	if (r == 0)
		r = parse_number(node, "cpus", 1, CPUS_MAX, &g->cpus, err);
	if (r == 0)
		r = parse_number(node, "memory_mib", MEMORY_MIB_LEAST,
		    MEMORY_MIB_MAX, &g->memory_mib, err);
	if (r == 0)
		r = parse_number(node, "boot_timeout", 1, BOOT_S_MAX,
		    &g->boot_timeout_s, err);
	return r;
}

int suite_guests_parse(
    const struct conf_node *root, struct suite *s, struct err *err)
{
	const struct conf_node *map = NULL;
	int r = conf_map(root, "guests", CONF_OPTIONAL, &map, err);

	if (r < 0 || !map)
		return r;
	if (conf_len(map) > SUITE_GUESTS_MAX)
		return too_many(map, "guests", SUITE_GUESTS_MAX, err);
	s->guests = xcalloc(conf_len(map) + 1, sizeof(s->guests[0]));
	for (size_t i = 0; r == 0 && i < conf_len(map); i++)
		r = parse_guest(map, i, &s->guests[s->n_guests++], err);
	return r;
}
