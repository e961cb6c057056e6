/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict conversions of outside text, and the few string helpers we need. */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A decimal integer that fills the whole string and lies in [min, max].
 * Errors: INVAL (not a number, or out of range), message says what is allowed.
 */
struct err;
int str_to_i64(
    const char *s, int64_t min, int64_t max, int64_t *ret, struct err *err);
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
bool str_eq(const char *a, const char *b); /* NULL equals only NULL */
/* True if s is one of the n strings. */
bool str_in(const char *s, const char *const *list, size_t n);
/* Pattern with * and ? (one byte; no classes), whole string. */
bool str_glob(const char *pattern, const char *s);
/* How many bytes from the start are valid UTF-8. */
size_t str_utf8_span(const char *s, size_t len);
/* True if all of the bytes are valid UTF-8. */
bool str_is_utf8(const char *s, size_t len);
/*
 * Makes outside text fit for one line of a message, in place: control bytes
 * become blanks, and each byte that is not UTF-8 becomes a question mark.
 */
void str_tidy(char *s);

#endif
