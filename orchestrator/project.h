/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Projects of the lab file: the repositories whose pushes start runs.
 *
 *	name: virtualbox-kvm
 *	repository: git@git.example:virtualbox-kvm.git
 *	secret_file: keys/virtualbox-kvm.hook
 *	branches: { main: { suite: ci/config.yaml, priority: 0 }, ... }
 *	files: { build: { command: "make -C ci bundle", on: daemon,
 *	                  timeout: 3600 } }     or { repository: {} }
 */
#ifndef ORCHESTRATOR_PROJECT_H
#define ORCHESTRATOR_PROJECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "base/err.h"

struct lab;

struct lab_branch {
	const char *pattern; /* with * and ?; borrowed from the file */
	const char *suite;   /* path in the repository; borrowed */
	int priority;
};

struct lab_project {
	char *name;
	char *repository;            /* what git fetches from; NULL: none */
	char *secret;                /* NULL: no webhook is taken */
	struct lab_branch *branches; /* in the file's order */
	size_t n_branches;
	const char *build; /* a command for sh; NULL: files as committed */
	int64_t build_timeout_ms;
};

/*
 * Reads and checks one project but its name, which is the caller's. Relative
 * paths start at dir. Errors: INVAL with position; the secret: DENIED (others
 * can read it), NOTFOUND, LIMIT.
 */
int project_parse(const struct conf_node *node, const char *dir,
    struct lab_project *p, struct err *err);
/* Frees what it has and wipes its secret. */
void project_done(struct lab_project *p);

/* NULL if there is none. */
const struct lab_project *project_find(const struct lab *lab, const char *name);
/* The first pattern that fits the branch, or NULL. */
const struct lab_branch *project_branch(
    const struct lab_project *p, const char *branch);

#endif
