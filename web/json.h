/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writing JSON straight into a buffer. Lists of thousands of cells are
 * rendered without building a tree. Text that is not UTF-8 comes out with
 * U+FFFD in place of each bad byte. The buffer's ceiling applies: check failed
 * once, at the end.
 */
#ifndef WEB_JSON_H
#define WEB_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct jw {
	struct buf *to;
	bool comma; /* a value stands before in this object or array */
};

/* key is NULL for values of an array, and for the outermost value. */
void jw_object(struct jw *w, const char *key);
void jw_object_end(struct jw *w);
void jw_array(struct jw *w, const char *key);
void jw_array_end(struct jw *w);
void jw_str(struct jw *w, const char *key, const char *s); /* NULL: null */
void jw_int(struct jw *w, const char *key, int64_t v);
void jw_bool(struct jw *w, const char *key, bool v);
/* 17 significant digits, without zeros at the end; not finite: null. */
void jw_double(struct jw *w, const char *key, double v);
void jw_null(struct jw *w, const char *key);
/* A value that is JSON text already. */
void jw_raw(struct jw *w, const char *key, const char *json);

#endif
