/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hundreds of thousands of names are looked through while somebody waits. Most
 * are ruled out by bit sets of their letter pairs and triples, without touching
 * the text.
 * Invariant: what is not ruled out is decided by SQLite, or by a search for
 * the one literal of a pattern `%literal%`, which is the same.
 */
#include "db/like.h"

#include "db/stmt.h"

struct like {
	char *pattern;
	char *lower;
	struct grams grams; /* that every match has */
	char *literal;      /* of `%literal%`, all of it ASCII; or NULL */
};

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_ascii(char c)
{
	return (unsigned char)c < 0x80;
}

static bool is_wild(char c)
{
	return c == '%' || c == '_';
}

static uint64_t bit_of(uint32_t gram)
{
	return UINT64_C(1) << (gram * UINT32_C(2654435769) >> 26);
}

/* What ends at s[i], of letters that are one byte each. */
static void add_grams(struct grams *g, const char *s, size_t i)
{
	uint32_t c = (unsigned char)s[i];
	uint32_t b = i > 0 ? (unsigned char)s[i - 1] : 0x80;
	uint32_t a = i > 1 ? (unsigned char)s[i - 2] : 0x80;

	if ((b | c) >= 0x80)
		return;
	g->pairs |= bit_of(b << 8 | c);
	if (a < 0x80)
		g->triples |= bit_of(a << 16 | b << 8 | c);
}

/* ---- patterns ----------------------------------------------------------- */

static char *find_literal(const char *pattern)
{
	size_t len = strlen(pattern);

	if (len < 3 || pattern[0] != '%' || pattern[len - 1] != '%')
		return NULL;
	for (size_t i = 1; i < len - 1; i++)
		if (is_wild(pattern[i]) || !is_ascii(pattern[i]))
			return NULL;
	return xstrndup(pattern + 1, len - 2);
}

struct like *like_new(const char *pattern)
{
	struct like *l = xcalloc(1, sizeof(*l));
	const char *begin;

	l->pattern = xstrdup(pattern);
	l->lower = xstrdup(pattern);
	begin = l->lower;
	for (char *p = l->lower; *p; p++) {
		*p = lower(*p);
		if (is_wild(*p))
			begin = p + 1;
		else
			add_grams(&l->grams, begin, (size_t)(p - begin));
	}
	l->literal = find_literal(l->lower);
	return l;
}

void like_free(struct like *l)
{
	if (!l)
		return;
	free(l->pattern);
	free(l->lower);
	free(l->literal);
	free(l);
}

const char *like_pattern(const struct like *l)
{
	return l->pattern;
}

/* ---- names -------------------------------------------------------------- */

static void make_room(struct names *n, size_t number, size_t len)
{
	size_t cap = n->cap ? n->cap : 1024;
	size_t text_cap = n->text_cap ? n->text_cap : 16384;

	while (cap <= number)
		cap *= 2;
	if (cap != n->cap) {
		n->at = xrealloc(n->at, cap, sizeof(*n->at));
		n->grams = xrealloc(n->grams, cap, sizeof(*n->grams));
		memset(n->at + n->cap, 0, (cap - n->cap) * sizeof(*n->at));
		memset(
		    n->grams + n->cap, 0, (cap - n->cap) * sizeof(*n->grams));
		n->cap = cap;
	}
	while (text_cap - n->len < len)
		text_cap += text_cap / 2;
	if (text_cap != n->text_cap) {
		n->text = xrealloc(n->text, text_cap, 1);
		n->text_cap = text_cap;
	}
}

int names_add(
    struct names *n, int64_t number, const char *name, struct err *err)
{
	size_t len = strlen(name) + 1;
	size_t i = (size_t)number;
	char *to;

	/* Place 0 means none. */
	if (!n->len)
		n->len = 1;
	if (len > NAMES_MAX - n->len || number > UINT32_MAX)
		return err_set(err, ERR_LIMIT,
		    "names: over %d MB, too many to filter", NAMES_MAX >> 20);
	make_room(n, i, len);
	to = n->text + n->len;
	n->at[i] = (uint32_t)n->len;
	n->grams[i] = (struct grams){0, 0};
	for (size_t k = 0; k < len; k++) {
		to[k] = lower(name[k]);
		if (name[k])
			add_grams(&n->grams[i], to, k);
	}
	n->len += len;
	n->last = number;
	return 0;
}

void names_done(struct names *n)
{
	free(n->text);
	free(n->at);
	free(n->grams);
}

static bool has_grams(const struct grams *g, const struct grams *want)
{
	return (g->triples & want->triples) == want->triples &&
	    (g->pairs & want->pairs) == want->pairs;
}

static bool is_like(const char *name, const struct like *l)
{
	if (l->literal)
		return strstr(name, l->literal) != NULL;
	return stmt_like(name, l->lower);
}

int64_t names_next_like(
    const struct names *n, int64_t from, int64_t to, const struct like *l)
{
	struct grams want = l->grams;

	for (int64_t i = from; i <= to && i <= n->last; i++)
		if (has_grams(&n->grams[i], &want) && n->at[i] &&
		    is_like(n->text + n->at[i], l))
			return i;
	return 0;
}
