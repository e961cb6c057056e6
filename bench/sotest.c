/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The line grammar of SOTEST, read with a cursor that never leaves the line.
 *
 * A number that is absurd makes its whole line SOTEST_REFUSED: a count that we
 * misread would be worse than a test that ends without one.
 */
#include "bench/sotest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "base/str.h"

struct cursor {
	const char *p;
	const char *end;
};

static size_t left(const struct cursor *c)
{
	return (size_t)(c->end - c->p);
}

static bool eat(struct cursor *c, const char *word)
{
	size_t n = strlen(word);

	if (left(c) < n || memcmp(c->p, word, n) != 0)
		return false;
	c->p += n;
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A whole number in [min, max]; digits that go on are no suffix. */
static bool eat_count(struct cursor *c, int64_t min, int64_t max, int64_t *ret)
{
	const char *p = c->p;
	int64_t v = 0;

	while (p < c->end && is_digit(*p) && v <= max)
		v = v * 10 + (*p++ - '0');
	if (p == c->p || v < min || v > max)
		return false;
	c->p = p;
	*ret = v;
	return true;
}

static void skip_digits(struct cursor *c)
{
	while (c->p < c->end && is_digit(*c->p))
		c->p++;
}

/* Moves over [+-]digits[.digits][e[+-]digits]; false if there is none. */
static bool skip_number(struct cursor *c)
{
	struct cursor exponent;
	const char *digits;

	if (!eat(c, "-"))
		(void)eat(c, "+"); /* either sign, or none */
	digits = c->p;
	skip_digits(c);
	if (c->p == digits)
		return false;
	if (left(c) > 1 && *c->p == '.' && is_digit(c->p[1])) {
		c->p++;
		skip_digits(c);
	}
	exponent = *c;
	if (!eat(&exponent, "e") && !eat(&exponent, "E"))
		return true;
	if (!eat(&exponent, "-"))
		(void)eat(&exponent, "+"); /* either sign, or none */
	if (left(&exponent) && is_digit(*exponent.p)) {
		skip_digits(&exponent);
		*c = exponent;
	}
	return true;
}

static bool eat_value(struct cursor *c, double *ret)
{
	const char *from = c->p;
	char text[48];
	size_t n;
	double v;

	/* The scan keeps strtod() from its nan, inf and hexadecimal forms. */
	if (!skip_number(c))
		return false;
	n = (size_t)(c->p - from);
	if (n >= sizeof(text))
		return false;
	memcpy(text, from, n);
	text[n] = '\0';
	v = strtod(text, NULL);
	if (!isfinite(v))
		return false;
	*ret = v;
	return true;
}

static bool eat_until(struct cursor *c, char stop, struct sotest_word *ret)
{
	const char *p = memchr(c->p, stop, left(c));

	if (!p)
		return false;
	*ret = (struct sotest_word){c->p, (size_t)(p - c->p)};
	c->p = p + 1;
	return true;
}

/* "<word>"; the protocol has no escapes. */
static bool eat_quoted(struct cursor *c, struct sotest_word *ret)
{
	return eat(c, "\"") && eat_until(c, '"', ret);
}

/* The name guest-tests know a case by: without the function's "test_". */
static struct sotest_word case_name(struct sotest_word w)
{
	static const char prefix[] = "test_";
	size_t n = sizeof(prefix) - 1;

	if (w.len > n && memcmp(w.p, prefix, n) == 0) {
		w.p += n;
		w.len -= n;
	}
	return w;
}

/*
 * (inferred) No document says how a benchmark counts. The colon form, printed
 * inside a case before that case's SUCCESS, is none: kernels announce BEGIN 2
 * for one benchmark and two results. The quoted forms are one success, as the
 * older text says, unless their first quoted word denies it.
 */
static void benchmark_counts(struct sotest_line *l, struct sotest_word first)
{
	static const char *const denials[] = {"0", "false", "fail"};

	l->is_case = true;
	for (size_t i = 0; i < ARRAY_LEN(denials); i++)
		if (first.len == strlen(denials[i]) &&
		    strncasecmp(first.p, denials[i], first.len) == 0)
			l->failed = true;
}

/* :<name>:<unit>:<number> */
static bool benchmark_colon(struct cursor *c, struct sotest_line *l)
{
	return eat_until(c, ':', &l->name) && l->name.len &&
	    eat_until(c, ':', &l->unit) && eat_value(c, &l->value);
}

/* <number> "<unit>" "<name>" */
static bool benchmark_point(struct cursor *c, struct sotest_line *l)
{
	return eat_value(c, &l->value) && eat(c, " ") &&
	    eat_quoted(c, &l->unit) && eat(c, " ") && eat_quoted(c, &l->name) &&
	    l->name.len;
}

static bool benchmark_older(struct cursor *c, struct sotest_line *l)
{
	if (!benchmark_point(c, l))
		return false;
	benchmark_counts(l, l->unit);
	return true;
}

/* "<success>" BENCHMARK "<relation>" <number> "<unit>" "<name>" */
static bool benchmark_newer(struct cursor *c, struct sotest_line *l)
{
	struct sotest_word success;
	struct sotest_word relation;

	if (!eat_quoted(c, &success) || !eat(c, " BENCHMARK ") ||
	    !eat_quoted(c, &relation) || !eat(c, " ") || !benchmark_point(c, l))
		return false;
	benchmark_counts(l, success);
	return true;
}

static bool begin(struct cursor *c, struct sotest_line *l)
{
	int64_t version;

	return eat_count(c, 1, 1, &version) && eat(c, " BEGIN ") &&
	    eat_count(c, 0, SOTEST_CASES_MAX, &l->number);
}

static bool timeout(struct cursor *c, struct sotest_line *l)
{
	return eat_count(c, 1, SOTEST_SILENCE_MAX_S, &l->number);
}

/* An optional ' "<name>"'; anything else is a suffix. */
static bool named(struct cursor *c, struct sotest_line *l)
{
	struct sotest_word w;

	if (eat(c, " ") && eat_quoted(c, &w))
		l->name = case_name(w);
	return true;
}

static bool bare(struct cursor *c, struct sotest_line *l)
{
	(void)c; /* the rest is a suffix */
	(void)l;
	return true;
}

static const struct symbol {
	const char *word; /* behind "SOTEST " */
	enum sotest_kind kind;
	bool (*rest)(struct cursor *c, struct sotest_line *l);
} symbols[] = {
    {"SUCCESS", SOTEST_SUCCESS, named},
    {"FAIL", SOTEST_FAIL, named},
    {"SKIP", SOTEST_SKIP, named},
    {"BENCHMARK:", SOTEST_BENCHMARK, benchmark_colon},
    {"BENCHMARK ", SOTEST_BENCHMARK, benchmark_older},
    {"VERSION ", SOTEST_BEGIN, begin},
    {"TIMEOUT ", SOTEST_TIMEOUT, timeout},
    {"END", SOTEST_END, bare},
    {"PANIC", SOTEST_PANIC, bare},
    {"", SOTEST_BENCHMARK, benchmark_newer},
};

static void parse_symbol(struct cursor c, struct sotest_line *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(symbols); i++) {
		struct sotest_line l = {.kind = symbols[i].kind};
		struct cursor rest = c;

		if (eat(&rest, symbols[i].word) && symbols[i].rest(&rest, &l)) {
			*ret = l;
			return;
		}
	}
	ret->kind = SOTEST_REFUSED;
}

static const char *find(const struct cursor *c, const char *word)
{
	return memmem(c->p, left(c), word, strlen(word));
}

/* "Assertion failed ..." and "Expect: <statement> failed @ <place>". */
static bool is_assertion(struct cursor c)
{
	if (find(&c, "Assertion failed"))
		return true;
	c.p = find(&c, "Expect: ");
	return c.p && find(&c, " failed @ ");
}

void sotest_line_parse(const char *line, size_t len, struct sotest_line *ret)
{
	struct cursor c = {line, line + len};

	*ret = (struct sotest_line){.kind = SOTEST_OTHER};
	if (eat(&c, "SOTEST ")) {
		parse_symbol(c, ret);
	} else if (eat(&c, "test case: ")) {
		ret->kind = SOTEST_NAME;
		ret->name = case_name((struct sotest_word){c.p, left(&c)});
	} else if (is_assertion(c)) {
		ret->kind = SOTEST_ASSERTION;
	}
}

void sotest_word_copy(char *dst, size_t size, struct sotest_word word)
{
	size_t n = word.len < size ? word.len : size - 1;
	bool utf8;

	/* Never cut a character in two. */
	while (n && n < word.len && (word.p[n] & 0xc0) == 0x80)
		n--;
	utf8 = str_is_utf8(word.p, n);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)word.p[i];

		dst[i] = word.p[i];
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !utf8))
			dst[i] = '?';
	}
	dst[n] = '\0';
}
