/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The lab file. It is taken whole or refused whole: every section of every
 * machine is checked before any of it is used.
 */
#include "orchestrator/lab.h"

#include <string.h>

#include "base/str.h"
#include "orchestrator/boot.h"
#include "orchestrator/console.h"
#include "orchestrator/ssh.h"

enum {
	NAME_MAX_LEN = 100,
	MACHINES_MAX = 100000,
	PROJECTS_MAX = 1000
};

static const char *const top_keys[] = {"defaults", "machines", "projects"};
static const char *const default_keys[] = {"ssh", "console"};
static const char *const machine_keys[] = {"name", "platform", "host",
    "quiet_group", "tags", "aliases", "vars", "power", "console", "boot",
    "ssh"};
static const char *const ssh_keys[] = {
    "host", "port", "user", "key", "host_key"};
static const char *const console_default_keys[] = {"baud"};

static void strings_free(char **list)
{
	if (list)
		conf_strings_free(list);
}

static void machine_done(struct lab_machine *m)
{
	free(m->name);
	free(m->platform);
	free(m->host);
	free(m->group);
	free(m->mac);
	strings_free(m->tags);
	strings_free(m->aliases);
}

struct lab *lab_ref(struct lab *lab)
{
	lab->refs++;
	return lab;
}

void lab_unref(struct lab *lab)
{
	if (!lab || --lab->refs > 0)
		return;
	for (size_t i = 0; i < lab->n_machines; i++)
		machine_done(&lab->machines[i]);
	free(lab->machines);
	for (size_t i = 0; i < lab->n_projects; i++)
		project_done(&lab->projects[i]);
	free(lab->projects);
	conf_free(lab->conf);
	free(lab->path);
	free(lab->dir);
	free(lab);
}

const struct lab_machine *lab_find(const struct lab *lab, const char *name)
{
	for (size_t i = 0; i < lab->n_machines; i++)
		if (strcmp(lab->machines[i].name, name) == 0)
			return &lab->machines[i];
	return NULL;
}

const char *lab_var(void *machine, const char *name)
{
	const struct lab_machine *m = machine;
	const struct conf_node *v = m->vars ? conf_get(m->vars, name) : NULL;

	return v ? conf_text(v) : NULL;
}

/* A name that is safe in tables, URLs and file names. */
static int check_name(const struct conf_node *map, const char *key,
    const char *name, struct err *err)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX"
		            "YZ0123456789._-",
		        name[i]))
			n = 0;
	if (n == 0 || n > NAME_MAX_LEN || name[0] == '.')
		return conf_error(conf_get(map, key), err,
		    "%s: '%.60s' is not a name; allowed are 1 to %d letters, "
		    "digits and . _ -",
		    key, name, NAME_MAX_LEN);
	return 0;
}

static int name_of(const struct conf_node *map, const char *key,
    enum conf_need need, char **ret, struct err *err)
{
	const char *text = NULL;
	int r = conf_str(map, key, need, &text, err);

	if (r == 0 && text)
		r = check_name(map, key, text, err);
	if (r == 0)
		*ret = xstrdup(text);
	return r;
}

static void add_tag(char ***tags, const char *tag)
{
	size_t n = 0;

	while (*tags && (*tags)[n])
		n++;
	*tags = xrealloc(*tags, n + 2, sizeof(**tags));
	(*tags)[n] = xstrdup(tag);
	(*tags)[n + 1] = NULL;
}

static int check_vars(const struct conf_node *vars, struct err *err)
{
	for (size_t i = 0; vars && i < conf_len(vars); i++)
		if (!conf_text(conf_at(vars, i)))
			return conf_error(conf_at(vars, i), err,
			    "vars: %s: a variable is text", conf_key(vars, i));
	return 0;
}

static int check_ssh(
    const struct conf_node *ssh, const char *what, struct err *err)
{
	const char *text = NULL;
	int64_t port;
	int r = conf_only(ssh, what, ssh_keys, ARRAY_LEN(ssh_keys), err);

	if (r == 0)
		r = conf_int(ssh, "port", CONF_OPTIONAL, 1, 65535, &port, err);
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(ssh_keys); i++)
		if (strcmp(ssh_keys[i], "port") != 0)
			r = conf_str(
			    ssh, ssh_keys[i], CONF_OPTIONAL, &text, err);
	return r;
}

/* The sections of a machine, each checked by the driver it names. */
static int parse_sections(const struct conf_node *node,
    const struct power_shared *shared, struct lab_machine *m, struct err *err)
{
	int r = conf_map(node, "vars", CONF_OPTIONAL, &m->vars, err);

	if (r == 0)
		r = check_vars(m->vars, err);
	if (r == 0)
		r = conf_map(node, "power", CONF_OPTIONAL, &m->power, err);
	if (r == 0 && m->power)
		r = power_new(shared, m->power, NULL, err);
	if (r == 0)
		r = conf_map(node, "console", CONF_OPTIONAL, &m->console, err);
	if (r == 0 && m->console)
		r = console_new(
		    shared->loop, shared->dir, m->console, NULL, err);
	if (r == 0)
		r = conf_map(node, "boot", CONF_OPTIONAL, &m->boot, err);
	if (r == 0 && m->boot)
		r = boot_check(m->boot, &m->mac, err);
	if (r == 0)
		r = conf_map(node, "ssh", CONF_OPTIONAL, &m->ssh, err);
	if (r == 0 && m->ssh)
		r = check_ssh(m->ssh, "ssh", err);
	return r;
}

/* A boot item needs power to switch, a console to read, and a network boot. */
static void imply_tags(struct lab_machine *m)
{
	const char *power =
	    m->power ? conf_text(conf_get(m->power, "driver")) : "none";
	const char *console =
	    m->console ? conf_text(conf_get(m->console, "driver")) : "none";

	if (m->mac && !str_eq(power, "none") && !str_eq(console, "none"))
		add_tag(&m->tags, LAB_TAG_BOOT);
	if (m->ssh)
		add_tag(&m->tags, LAB_TAG_SSH);
}

static int parse_machine(const struct conf_node *node,
    const struct power_shared *shared, struct lab_machine *m, struct err *err)
{
	int r;

	if (conf_type(node) != CONF_MAP)
		return conf_error(node, err, "machines: a machine is a map");
	r = conf_only(
	    node, "a machine", machine_keys, ARRAY_LEN(machine_keys), err);
	if (r == 0)
		r = name_of(node, "name", CONF_REQUIRED, &m->name, err);
	if (r == 0)
		r = name_of(node, "platform", CONF_REQUIRED, &m->platform, err);
	if (r == 0)
		r = name_of(node, "host", CONF_OPTIONAL, &m->host, err);
	if (r == 0)
		r = name_of(node, "quiet_group", CONF_OPTIONAL, &m->group, err);
	if (r == 0)
		r = conf_strings(node, "tags", CONF_OPTIONAL, &m->tags, err);
	if (r == 0)
		r = conf_strings(
		    node, "aliases", CONF_OPTIONAL, &m->aliases, err);
	if (r == 0)
		r = parse_sections(node, shared, m, err);
	if (r == 0 && !m->host)
		m->host = xstrdup(m->name);
	if (r == 0 && str_eq(m->platform, "any"))
		r = conf_error(conf_get(node, "platform"), err,
		    "platform: 'any' is the name of a matrix column; choose "
		    "another");
	if (r == 0)
		imply_tags(m);
	return r;
}

/* True if a name or alias of m is a name or alias of other. */
static bool share_name(
    const struct lab_machine *m, const struct lab_machine *other)
{
	if (strcmp(m->name, other->name) == 0)
		return true;
	for (char **a = m->aliases; a && *a; a++) {
		if (strcmp(*a, other->name) == 0)
			return true;
		for (char **b = other->aliases; b && *b; b++)
			if (strcmp(*a, *b) == 0)
				return true;
	}
	for (char **b = other->aliases; b && *b; b++)
		if (strcmp(*b, m->name) == 0)
			return true;
	return false;
}

static int check_unique(const struct lab *lab, size_t i,
    const struct conf_node *node, struct err *err)
{
	const struct lab_machine *m = &lab->machines[i];

	for (size_t k = 0; k < i; k++) {
		const struct lab_machine *o = &lab->machines[k];

		if (share_name(m, o))
			return conf_error(node, err,
			    "machine '%s' shares a name or alias with '%s'",
			    m->name, o->name);
		if (m->mac && o->mac && strcmp(m->mac, o->mac) == 0)
			return conf_error(node, err,
			    "machine '%s' has the MAC address of '%s': %s",
			    m->name, o->name, m->mac);
	}
	return 0;
}

static int parse_machines(const struct conf_node *list,
    const struct power_shared *shared, struct lab *lab, struct err *err)
{
	size_t n = list ? conf_len(list) : 0;
	int r = 0;

	if (n > MACHINES_MAX)
		return conf_error(
		    list, err, "machines: over %d machines", MACHINES_MAX);
	lab->machines = xcalloc(n, sizeof(*lab->machines));
	for (size_t i = 0; r == 0 && i < n; i++) {
		lab->n_machines = i + 1;
		r = parse_machine(
		    conf_at(list, i), shared, &lab->machines[i], err);
		if (r == 0 && lab->machines[i].ssh)
			r = ssh_section_check(lab->machines[i].ssh,
			    lab->ssh_defaults, shared->dir, NULL, err);
		if (r == 0)
			r = check_unique(lab, i, conf_at(list, i), err);
	}
	return r;
}

static int parse_project(const struct conf_node *list, size_t i,
    struct lab *lab, const char *dir, struct err *err)
{
	const struct conf_node *node = conf_at(list, i);
	struct lab_project *p = &lab->projects[i];
	int r;

	if (conf_type(node) != CONF_MAP)
		return conf_error(node, err, "projects: a project is a map");
	r = name_of(node, "name", CONF_REQUIRED, &p->name, err);
	if (r == 0)
		r = project_parse(node, dir, p, err);
	for (size_t k = 0; r == 0 && k < i; k++)
		if (str_eq(lab->projects[k].name, p->name))
			r = conf_error(node, err,
			    "projects: '%s' is there twice", p->name);
	return r;
}

static int parse_projects(const struct conf_node *list, struct lab *lab,
    const char *dir, struct err *err)
{
	size_t n = list ? conf_len(list) : 0;
	int r = 0;

	if (n > PROJECTS_MAX)
		return conf_error(
		    list, err, "projects: over %d projects", PROJECTS_MAX);
	lab->projects = xcalloc(n, sizeof(*lab->projects));
	for (size_t i = 0; r == 0 && i < n; i++) {
		lab->n_projects = i + 1;
		r = parse_project(list, i, lab, dir, err);
	}
	return r;
}

static int check_defaults(const struct conf_node *defaults, struct err *err)
{
	const struct conf_node *ssh = NULL;
	const struct conf_node *console = NULL;
	int64_t baud;
	int r;

	if (!defaults)
		return 0;
	r = conf_only(
	    defaults, "defaults", default_keys, ARRAY_LEN(default_keys), err);
	if (r == 0)
		r = conf_map(defaults, "ssh", CONF_OPTIONAL, &ssh, err);
	if (r == 0 && ssh)
		r = check_ssh(ssh, "defaults: ssh", err);
	if (r == 0)
		r = conf_map(defaults, "console", CONF_OPTIONAL, &console, err);
	if (r == 0 && console)
		r = conf_only(console, "defaults: console",
		    console_default_keys, ARRAY_LEN(console_default_keys), err);
	if (r == 0 && console)
		r = conf_int(
		    console, "baud", CONF_OPTIONAL, 50, 4000000, &baud, err);
	return r;
}

static int parse_top(
    struct lab *lab, const struct power_shared *shared, struct err *err)
{
	const struct conf_node *root = conf_root(lab->conf);
	const struct conf_node *defaults = NULL;
	const struct conf_node *machines = NULL;
	const struct conf_node *projects = NULL;
	int r;

	if (conf_type(root) != CONF_MAP)
		return conf_error(root, err, "a lab file is a map");
	r = conf_only(root, "a lab file", top_keys, ARRAY_LEN(top_keys), err);
	if (r == 0)
		r = conf_map(root, "defaults", CONF_OPTIONAL, &defaults, err);
	if (r == 0)
		r = check_defaults(defaults, err);
	if (r == 0 && defaults)
		lab->ssh_defaults = conf_get(defaults, "ssh");
	if (r == 0)
		r = conf_list(root, "machines", CONF_OPTIONAL, &machines, err);
	if (r == 0)
		r = parse_machines(machines, shared, lab, err);
	if (r == 0)
		r = conf_list(root, "projects", CONF_OPTIONAL, &projects, err);
	if (r == 0)
		r = parse_projects(projects, lab, shared->dir, err);
	return r;
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int lab_load(const char *path, const struct power_shared *shared,
    struct lab **ret, struct err *err)
{
	scoped(lab_unref) struct lab *lab = xcalloc(1, sizeof(*lab));
	struct power_shared here = *shared;
	int r;

	lab->refs = 1;
	lab->path = xstrdup(path ? path : "");
	lab->dir = dir_of(lab->path);
	if (path) {
		r = conf_load(path, &lab->conf, err);
		if (r < 0)
			return r;
		here.dir = lab->dir;
		r = parse_top(lab, &here, err);
		if (r < 0)
			return r;
	}
	*ret = take(lab);
	return 0;
}
