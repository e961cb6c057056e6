/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/node.h"

#include <string.h>

#include "base/str.h"

bool node_is(const struct node *n, enum node_kind kind, const char *path)
{
	return n->kind == kind && str_eq(n->path, path);
}

const char *node_below(const struct node *n, const char *prefix)
{
	return str_starts(n->path, prefix) ? n->path + strlen(prefix) : NULL;
}

bool node_path_push(struct node_path *p, const char *name, size_t len)
{
	if (p->depth == NODE_DEPTH_MAX)
		return false;
	if (len > NODE_NAME_MAX - 1)
		len = NODE_NAME_MAX - 1;
	p->lens[p->depth++] = p->len;
	if (p->depth > 1)
		p->text[p->len++] = '/';
	for (size_t i = 0; i < len; i++) {
		bool bad = name[i] == '/' || name[i] == '\0';

		p->text[p->len++] = bad ? '|' : name[i];
	}
	p->text[p->len] = '\0';
	return true;
}

void node_path_pop(struct node_path *p)
{
	p->len = p->lens[--p->depth];
	p->text[p->len] = '\0';
}
