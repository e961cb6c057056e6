/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an item boots: exec and load of the item itself (the older spelling), or
 * those inside boot_source, by firmware, as a map or as a list of maps.
 */
#include "base/str.h"
#include "bench/suite_parse.h"

#define ENTRY_LEN_MAX 4000
#define LOADS_MAX 256
#define FILES_MAX 1000

/* The most wanted first: machines boot by BIOS unless a suite has no such. */
static const char *const firmwares[] = {"bios", "bifi", "uefi"};

/* What was found so far in a boot_source. */
struct boot_choice {
	const struct conf_node *by[ARRAY_LEN(firmwares)];
};

static const char *any_value(void *arg, const char *name)
{
	(void)arg; /* whether a variable exists is the machine's affair */
	(void)name;
	return "";
}

/* "path arguments": the path stays in the bundle, variables are closed. */
static int check_entry(const struct conf_node *n, const char *key,
    const char *entry, struct err *err)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(ENTRY_LEN_MAX * 4);
	scoped(free) char *path = suite_path(entry);
	struct err why = ERR_INIT;
	int r = suite_check_text(n, key, entry, ENTRY_LEN_MAX, err);

	if (r == 0)
		r = suite_check_path(n, key, path, err);
	if (r == 0 && suite_substitute(entry, any_value, NULL, &out, &why) < 0)
		r = conf_error(n, err, "%s: %s", key, why.msg);
	return r;
}

static int add_firmwares(
    const struct conf_node *map, struct boot_choice *choice, struct err *err)
{
	static const char *const keys[] = {"exec", "load"};
	int r =
	    conf_only(map, "boot_source", firmwares, ARRAY_LEN(firmwares), err);

	for (size_t i = 0; r == 0 && i < ARRAY_LEN(firmwares); i++) {
		const struct conf_node *n = conf_get(map, firmwares[i]);

		if (!n)
			continue;
		if (choice->by[i])
			return conf_error(n, err,
			    "%s: given in line %d already", firmwares[i],
			    conf_line(choice->by[i]));
		choice->by[i] = n;
		r = conf_only(n, firmwares[i], keys, ARRAY_LEN(keys), err);
	}
	return r;
}

static int collect(
    const struct conf_node *source, struct boot_choice *choice, struct err *err)
{
	int r = 0;

	if (conf_type(source) != CONF_LIST)
		return add_firmwares(source, choice, err);
	for (size_t i = 0; r == 0 && i < conf_len(source); i++)
		r = add_firmwares(conf_at(source, i), choice, err);
	return r;
}

static int choose(struct suite_parser *p, const struct conf_node *source,
    const struct conf_node **ret, struct err *err)
{
	struct boot_choice choice = {{NULL}};
	const struct conf_node *best = NULL;
	int r = collect(source, &choice, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(firmwares); i++) {
		if (best && choice.by[i])
			suite_ignore(p, choice.by[i], firmwares[i]);
		else if (choice.by[i])
			best = choice.by[i];
	}
	if (!best)
		return conf_error(source, err,
		    "boot_source: empty; must have bios, bifi or uefi");
	*ret = best;
	return 0;
}

/* The map where exec and load stand; *ret is the item before. */
static int find_place(struct suite_parser *p, const struct conf_node *node,
    const struct conf_node **ret, struct err *err)
{
	static const char *const older[] = {"exec", "load"};
	const struct conf_node *source = conf_get(node, "boot_source");

	if (!suite_has(node, "boot_source"))
		return 0; /* the item itself */
	for (size_t i = 0; i < ARRAY_LEN(older); i++)
		if (suite_has(node, older[i]))
			return conf_error(conf_get(node, older[i]), err,
			    "%s: boot_source is given, too; must be one of "
			    "them",
			    older[i]);
	return choose(p, source, ret, err);
}

static int parse_exec(
    const struct conf_node *place, struct suite_item *it, struct err *err)
{
	const char *exec = NULL;
	int r = conf_str(place, "exec", CONF_REQUIRED, &exec, err);

	if (r == 0)
		r = check_entry(conf_get(place, "exec"), "exec", exec, err);
	if (r == 0)
		it->exec = xstrdup(exec);
	return r;
}

static int parse_load(
    const struct conf_node *place, struct suite_item *it, struct err *err)
{
	int r = suite_texts(
	    place, "load", LOADS_MAX, ENTRY_LEN_MAX, &it->load, err);

	for (size_t i = 0; r == 0 && it->load[i]; i++)
		r = check_entry(suite_string_node(place, "load", i), "load",
		    it->load[i], err);
	return r;
}

static int parse_extra_files(
    const struct conf_node *node, struct suite_item *it, struct err *err)
{
	static const char key[] = "extra_files";
	int r = suite_texts(
	    node, key, FILES_MAX, ENTRY_LEN_MAX, &it->extra_files, err);

	for (size_t i = 0; r == 0 && it->extra_files[i]; i++)
		r = suite_check_path(suite_string_node(node, key, i), key,
		    it->extra_files[i], err);
	return r;
}

int suite_boot_parse(struct suite_parser *p, const struct conf_node *node,
    struct suite_item *it, struct err *err)
{
	const struct conf_node *place = node;
	int r = find_place(p, node, &place, err);

	if (r == 0)
		r = parse_exec(place, it, err);
	if (r == 0)
		r = parse_load(place, it, err);
	if (r == 0)
		r = parse_extra_files(node, it, err);
	return r;
}
