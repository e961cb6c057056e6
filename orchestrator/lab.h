/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lab file: machines and projects, read and checked as a whole. */
#ifndef ORCHESTRATOR_LAB_H
#define ORCHESTRATOR_LAB_H

#include <stddef.h>

#include "base/conf.h"
#include "base/err.h"
#include "orchestrator/power.h"
#include "orchestrator/project.h"

/* The tag of every machine that a boot item can run on. */
#define LAB_TAG_BOOT "boot:network"
/* The tag of every machine that a benchmark can run on. */
#define LAB_TAG_SSH "link:ssh"

struct lab_machine {
	char *name;
	char *platform;
	char *host;  /* the machine's own name if not said */
	char *group; /* quiet group, or NULL */
	char **tags; /* NULL-terminated; with those that the drivers imply */
	char **aliases;
	char *mac; /* NULL: does not boot over the network */
	/* Sections of the file, borrowed from it; NULL if absent. */
	const struct conf_node *vars;
	const struct conf_node *power;
	const struct conf_node *console;
	const struct conf_node *boot;
	const struct conf_node *ssh;
};

struct lab {
	int refs;
	struct conf *conf; /* NULL: the empty lab */
	char *path;        /* of the file, "" for the empty lab */
	char *dir;         /* relative paths start here */
	const struct conf_node *ssh_defaults; /* or NULL */
	struct lab_machine *machines;
	size_t n_machines;
	struct lab_project *projects;
	size_t n_projects;
};

/*
 * Reads and checks a lab file; path NULL gives the empty lab. shared is used
 * to check the drivers' sections (its dir is set for the call). Errors: INVAL
 * with position, NOTFOUND, LIMIT. The caller holds one reference.
 */
int lab_load(const char *path, const struct power_shared *shared,
    struct lab **ret, struct err *err);
struct lab *lab_ref(struct lab *lab);
void lab_unref(struct lab *lab); /* NULL is allowed */
SCOPED_DEFINE(struct lab, lab_unref);

/* NULL if there is no such machine. */
const struct lab_machine *lab_find(const struct lab *lab, const char *name);
/* A machine's variable, for suite_substitute(); arg is a lab_machine. */
const char *lab_var(void *machine, const char *name);

#endif
