/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that cannot fail: exhaustion aborts, and restarting is tested. */
#include "base/mem.h"

#include <stdio.h>
#include <unistd.h>

static void *or_abort(void *p)
{
	if (!p)
		abort();
	return p;
}

void *xcalloc(size_t n, size_t size)
{
	return or_abort(calloc(n ? n : 1, size ? size : 1));
}

void *xrealloc(void *p, size_t n, size_t size)
{
	return or_abort(reallocarray(p, n ? n : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? or_abort(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t n)
{
	return s ? or_abort(strndup(s, n)) : NULL;
}

char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort();
	return s;
}

void fd_done(int *fd)
{
	/* A failed close of a descriptor we only read or already synced. */
	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
