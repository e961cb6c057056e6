/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Memory: allocation that cannot fail, and ownership that ends with a scope.
 *
 * Small fixed requests use these functions, which abort when memory is
 * exhausted: the queue is on disk and restarting is tested. Anything sized by
 * outside data goes through struct buf, which has a ceiling and can fail.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Zeroed memory for n objects of the given size. Caller frees. */
void *xcalloc(size_t n, size_t size)
    __attribute__((malloc, warn_unused_result));
/* Resizes p to n objects of the given size; new bytes are not zeroed. */
void *xrealloc(void *p, size_t n, size_t size)
    __attribute__((warn_unused_result));
/* Copies of a string; NULL gives NULL. Caller frees. */
char *xstrdup(const char *s) __attribute__((warn_unused_result));
char *xstrndup(const char *s, size_t n) __attribute__((warn_unused_result));
/* A formatted string. Caller frees. */
char *xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), warn_unused_result));

/*
 * scoped(fn) type *p = ...;   calls fn(p) at the end of the scope, unless NULL.
 * scoped_val(fn) struct x v = ...;   calls fn(&v) at the end of the scope.
 * take(p) hands the pointer over and leaves NULL behind.
 *
 * A destructor is made usable by scoped() with SCOPED_DEFINE(type, fn).
 */
#define scoped(fn) __attribute__((cleanup(fn##_scoped)))
#define scoped_val(fn) __attribute__((cleanup(fn)))

#define SCOPED_DEFINE(type, fn)                                          \
	static inline __attribute__((unused)) void fn##_scoped(void *pp) \
	{                                                                \
		type *scoped_p_;                                         \
		memcpy(&scoped_p_, pp, sizeof(scoped_p_));               \
		if (scoped_p_)                                           \
			fn(scoped_p_);                                   \
	}                                                                \
	struct scoped_semicolon_

static inline void *take_ptr(void *pp)
{
	void *p;
	void *none = NULL;

	memcpy(&p, pp, sizeof(p));
	memcpy(pp, &none, sizeof(none));
	return p;
}
#define take(p) ((__typeof__(p))take_ptr(&(p)))

SCOPED_DEFINE(void, free);

/* Closes a descriptor unless it is negative: scoped_val(fd_done) int fd. */
void fd_done(int *fd);
/* Hands a descriptor over and leaves -1 behind. */
int fd_take(int *fd);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
