/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "bench/text.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "bench/number.h"
#include "bench/sotest.h"

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && memcmp(t.p, word, t.len) == 0;
}

bool text_starts(struct text t, const char *prefix)
{
	size_t n = strlen(prefix);

	return t.len >= n && memcmp(t.p, prefix, n) == 0;
}

const char *text_find(struct text t, const char *word)
{
	return t.len ? memmem(t.p, t.len, word, strlen(word)) : NULL;
}

void text_drop(struct text *t, size_t n)
{
	t->p += n;
	t->len -= n;
}

bool text_eat(struct text *t, const char *word)
{
	if (!text_starts(*t, word))
		return false;
	text_drop(t, strlen(word));
	return true;
}

void text_eat_blanks(struct text *t)
{
	while (t->len && is_blank(*t->p))
		text_drop(t, 1);
}

bool text_eat_number(struct text *t, double *ret)
{
	struct text rest = *t;
	double v;
	size_t n;

	text_eat_blanks(&rest);
	n = bench_number(rest.p, rest.len, &v);
	if (!n || v < 0)
		return false;
	text_drop(&rest, n);
	*t = rest;
	*ret = v;
	return true;
}

bool text_eat_count(struct text *t, long max, long *ret)
{
	struct text rest = *t;
	long v = 0;

	text_eat_blanks(&rest);
	if (!rest.len || !is_digit(*rest.p))
		return false;
	for (; rest.len && is_digit(*rest.p); text_drop(&rest, 1)) {
		if (v > (max - (*rest.p - '0')) / 10)
			return false;
		v = v * 10 + (*rest.p - '0');
	}
	*t = rest;
	*ret = v;
	return true;
}

bool text_eat_until(struct text *t, char stop, struct text *ret)
{
	const char *p = t->len ? memchr(t->p, stop, t->len) : NULL;

	if (!p)
		return false;
	*ret = (struct text){t->p, (size_t)(p - t->p)};
	text_drop(t, ret->len + 1);
	return true;
}

struct text text_eat_word(struct text *t)
{
	struct text word;

	text_eat_blanks(t);
	word = (struct text){t->p, 0};
	while (t->len && !is_blank(*t->p)) {
		text_drop(t, 1);
		word.len++;
	}
	return word;
}

struct text text_trim(struct text t)
{
	text_eat_blanks(&t);
	while (t.len && is_blank(t.p[t.len - 1]))
		t.len--;
	return t;
}

bool text_eat_line(struct text *t, struct text *ret)
{
	const char *end;

	if (!t->len)
		return false;
	end = memchr(t->p, '\n', t->len);
	*ret = (struct text){t->p, end ? (size_t)(end - t->p) : t->len};
	text_drop(t, end ? ret->len + 1 : ret->len);
	if (ret->len && ret->p[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

void text_copy(char *to, size_t size, struct text t)
{
	sotest_word_copy(to, size, (struct sotest_word){t.p, t.len});
}

/* FNV-1a, in hexadecimal digits. */
static void put_hash(char to[TEXT_HASH], char before, struct text t)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	for (size_t i = 0; i < t.len; i++)
		h = (h ^ (unsigned char)t.p[i]) * UINT64_C(0x100000001b3);
	(void)snprintf(to, TEXT_HASH, "%c%016" PRIx64, before, h);
}

void text_name(char *to, size_t size, struct text t)
{
	if (t.len < size || size <= TEXT_HASH) {
		text_copy(to, size, t);
		return;
	}
	text_copy(to, size - TEXT_HASH + 1, t);
	put_hash(to + strlen(to), '~', t);
}

size_t text_utf8(unsigned c, char to[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};

	for (size_t i = n - 1; i; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3f));
	to[0] = (char)(first[n] | c);
	return n;
}

void text_slug(char *to, size_t size, struct text t)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < t.len && n + 1 < size; i++) {
		char c = t.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (is_digit(c) || (c >= 'a' && c <= 'z'))
			to[n++] = c;
		else if (n && to[n - 1] != '_')
			to[n++] = '_';
	}
	if (i < t.len) {
		put_hash(to + size - TEXT_HASH, '_', t);
		return;
	}
	while (n && to[n - 1] == '_')
		n--;
	to[n] = '\0';
	if (!n)
		(void)stpncpy(to, "unnamed", size - 1);
}
