/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of hypervisors, and what their drivers share. */
#include "agent/hypervisor/hypervisor.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static const struct hypervisor *const hypervisors[] = {
    &hypervisor_qemu,
};

const struct hypervisor *hypervisor_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(hypervisors); i++)
		if (strcmp(hypervisors[i]->name, name) == 0)
			return hypervisors[i];
	return NULL;
}

void argv_add(struct argv *a, const char *fmt, ...)
{
	struct buf b = BUF_INIT(65536);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&b, fmt, ap);
	va_end(ap);
	a->v = xrealloc(a->v, a->n + 2, sizeof(char *));
	a->v[a->n++] = buf_take(&b);
	a->v[a->n] = NULL;
}

void argv_done(struct argv *a)
{
	for (size_t i = 0; i < a->n; i++)
		free(a->v[i]);
	free(a->v);
	a->v = NULL;
	a->n = 0;
}
