/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A cursor over outside text. Nothing is copied, and no function looks past
 * len: the bytes are borrowed and need no zero at their end.
 */
#ifndef BENCH_TEXT_H
#define BENCH_TEXT_H

#include <stdbool.h>
#include <stddef.h>

struct text {
	const char *p;
	size_t len;
};

bool text_is(struct text t, const char *word);
bool text_starts(struct text t, const char *prefix);
/* Where the word begins in the text, or NULL. */
const char *text_find(struct text t, const char *word);
/* Drops the first n bytes; n is at most len. */
void text_drop(struct text *t, size_t n);
/* Moves over a word if the text begins with it. */
bool text_eat(struct text *t, const char *word);
void text_eat_blanks(struct text *t);
/* Moves over blanks and a number of at least 0 (see bench_number()). */
bool text_eat_number(struct text *t, double *ret);
/* The same for a whole number in [0, max]; no fraction, no exponent. */
bool text_eat_count(struct text *t, long max, long *ret);
/* Moves over what is before stop, and over stop; false if it is not there. */
bool text_eat_until(struct text *t, char stop, struct text *ret);
/* The next word that blanks end; empty at the end of the text. */
struct text text_eat_word(struct text *t);
/* Without blanks at either end. */
struct text text_trim(struct text t);
/*
 * Cuts the next line off the text, without LF or CR LF; false at the end of
 * the text.
 */
bool text_eat_line(struct text *t, struct text *ret);
/*
 * Copies for people and databases: valid UTF-8 without control bytes, cut
 * between characters if it does not fit.
 */
void text_copy(char *to, size_t size, struct text t);
/*
 * The same for names, which tell things apart: one that does not fit ends in a
 * tilde and a hash of the whole, if that fits.
 */
#define TEXT_HASH 18 /* bytes, with the zero */
void text_name(char *to, size_t size, struct text t);
/* The UTF-8 of a character up to 0x10ffff; returns its bytes. */
size_t text_utf8(unsigned c, char to[4]);
/*
 * A part of a dotted name: small ASCII letters and digits, everything else one
 * underscore, none at its ends; "unnamed" if nothing is left. One that does not
 * fit ends in a hash of the whole text; size is over TEXT_HASH.
 */
void text_slug(char *to, size_t size, struct text t);

#endif
