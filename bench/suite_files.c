/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The files a suite names: each once, in order of appearance. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/suite_parse.h"

static const char blanks[] = " \t";

char *suite_path(const char *entry)
{
	return xstrndup(entry, strcspn(entry, blanks));
}

const char *suite_args(const char *entry)
{
	entry += strcspn(entry, blanks);
	return entry + strspn(entry, blanks);
}

static void add_all(struct strings *l, char *const *entries)
{
	for (size_t i = 0; entries && entries[i]; i++)
		strings_add(l, suite_path(entries[i]));
}

static void add_guests(const struct suite *s, struct strings *l)
{
	for (size_t i = 0; i < s->n_guests; i++) {
		const struct suite_guest *g = &s->guests[i];

		if (g->kernel)
			strings_add(l, xstrdup(g->kernel));
		if (g->initrd)
			strings_add(l, xstrdup(g->initrd));
	}
}

/* Marks every path that stood before: by sorting, as there may be many. */
static void mark_repeated(const struct strings *l, bool *ret)
{
	scoped(free) struct suite_name *names = xcalloc(l->n, sizeof(names[0]));

	for (size_t i = 0; i < l->n; i++)
		names[i] = (struct suite_name){l->v[i], i};
	qsort(names, l->n, sizeof(names[0]), suite_name_compare);
	for (size_t i = 1; i < l->n; i++)
		if (str_eq(names[i - 1].s, names[i].s))
			ret[names[i].i] = true;
}

char **suite_files(const struct suite *s)
{
	scoped(free) bool *repeated = NULL;
	struct strings l;
	size_t kept = 0;

	strings_init(&l);
	for (size_t i = 0; i < s->n_items; i++) {
		strings_add(&l, suite_path(s->items[i].exec));
		add_all(&l, s->items[i].load);
		/* A file's name may have blanks: it has no arguments. */
		for (char **f = s->items[i].extra_files; f && *f; f++)
			strings_add(&l, xstrdup(*f));
	}
	add_guests(s, &l);
	repeated = xcalloc(l.n, sizeof(repeated[0]));
	mark_repeated(&l, repeated);
	for (size_t i = 0; i < l.n; i++) {
		if (repeated[i])
			free(l.v[i]);
		else
			l.v[kept++] = l.v[i];
	}
	l.v[kept] = NULL;
	return strings_take(&l);
}

void suite_files_free(char **files)
{
	strings_free(files);
}
