/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Environments: lines of "key=value", and what differs between two of them. */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/history_private.h"

struct fact {
	const char *key; /* pieces of the text, not ended by a zero byte */
	size_t key_len;
	const char *value;
	size_t value_len;
};

struct facts {
	struct fact *v; /* by key */
	size_t n;
};

static void facts_done(struct facts *f)
{
	free(f->v);
}

static int compare_bytes(
    const char *a, size_t a_len, const char *b, size_t b_len)
{
	int r = memcmp(a, b, a_len < b_len ? a_len : b_len);

	return r ? r : (a_len > b_len) - (a_len < b_len);
}

static int compare_facts(const void *va, const void *vb)
{
	const struct fact *a = va;
	const struct fact *b = vb;

	return compare_bytes(a->key, a->key_len, b->key, b->key_len);
}

static int add_line(
    struct facts *f, const char *line, size_t len, struct err *err)
{
	const char *equals = memchr(line, '=', len);

	if (!equals || equals == line)
		return err_set(err, ERR_INVAL,
		    "environment: \"%.*s\"; must be key=value",
		    (int)(len < 80 ? len : 80), line);
	f->v = xrealloc(f->v, f->n + 1, sizeof(f->v[0]));
	f->v[f->n++] = (struct fact){line, (size_t)(equals - line), equals + 1,
	    len - (size_t)(equals - line) - 1};
	return 0;
}

static int facts_read(struct facts *f, const char *text, struct err *err)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		int r = len ? add_line(f, text, len, err) : 0;

		if (r < 0)
			return r;
		text += len + (text[len] == '\n');
	}
	if (f->n)
		qsort(f->v, f->n, sizeof(f->v[0]), compare_facts);
	for (size_t i = 1; i < f->n; i++)
		if (!compare_facts(&f->v[i - 1], &f->v[i]))
			return err_set(err, ERR_INVAL,
			    "environment: %.*s stands twice",
			    (int)f->v[i].key_len, f->v[i].key);
	return 0;
}

/*
 * One of before and after may be NULL: the fact was not there. any is one that
 * is not.
 */
static void add_change(const struct fact *any, const struct fact *before,
    const struct fact *after, size_t index,
    struct bench_environment_change **list, size_t *n)
{
	*list = xrealloc(*list, *n + 1, sizeof((*list)[0]));
	(*list)[(*n)++] = (struct bench_environment_change){.index = index,
	    .key = xstrndup(any->key, any->key_len),
	    .before =
	        before ? xstrndup(before->value, before->value_len) : NULL,
	    .after = after ? xstrndup(after->value, after->value_len) : NULL};
}

int environment_compare(const char *before, const char *after, size_t index,
    struct bench_environment_change **list, size_t *n, struct err *err)
{
	scoped_val(facts_done) struct facts a = {NULL, 0};
	scoped_val(facts_done) struct facts b = {NULL, 0};
	int r = facts_read(&a, before, err);

	if (r == 0)
		r = facts_read(&b, after, err);
	if (r < 0)
		return r;
	for (size_t i = 0, k = 0; i < a.n || k < b.n;) {
		const struct fact *x = i < a.n ? &a.v[i] : NULL;
		const struct fact *y = k < b.n ? &b.v[k] : NULL;
		int order = !x ? 1 : !y ? -1 : compare_facts(x, y);

		if (order < 0)
			add_change(x, x, NULL, index, list, n);
		else if (order > 0)
			add_change(y, NULL, y, index, list, n);
		else if (compare_bytes(x->value, x->value_len, y->value,
		             y->value_len) != 0)
			add_change(x, x, y, index, list, n);
		i += order <= 0;
		k += order >= 0;
	}
	return 0;
}

/* Whether a line of the text has the key that this line begins with. */
static bool has_key(const char *text, const char *line, size_t key_len)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len > key_len && text[key_len] == '=' &&
		    !memcmp(text, line, key_len))
			return true;
		text += len + (text[len] == '\n');
	}
	return false;
}

/* ---- of one guest -------------------------------------------------------- */

/* GUEST of a line "tool.TOOL.GUEST=..", if the text has that guest; or NULL. */
static const char *guest_of_tool(
    const char *text, const char *line, size_t *ret_len)
{
	size_t key_len = strcspn(line, "=\n");
	scoped(free) char *fact = NULL;
	const char *dot;

	if (!str_starts(line, "tool."))
		return NULL;
	dot = memchr(line + 5, '.', key_len - 5);
	if (!dot)
		return NULL;
	*ret_len = key_len - (size_t)(dot + 1 - line);
	fact = xasprintf("guest.%.*s", (int)*ret_len, dot + 1);
	return has_key(text, fact, strlen(fact)) ? dot + 1 : NULL;
}

static bool is_guest(const char *name, size_t len, const char *guest)
{
	return len == strlen(guest) && memcmp(name, guest, len) == 0;
}

/* Adds what the line is to a series of the guest; returns how many bytes. */
static size_t put_line(
    char *to, const char *text, const char *line, size_t len, const char *guest)
{
	size_t key_len = strcspn(line, "=\n");
	scoped(free) char *own =
	    xasprintf("%.*s.%s", (int)key_len, line, guest);
	size_t name_len;
	const char *name = guest_of_tool(text, line, &name_len);
	size_t head;

	if (str_starts(line, "hypervisor.") ||
	    (str_starts(line, "guest.") &&
	        !is_guest(line + 6, key_len - 6, guest)))
		return 0;
	if (!name) {
		if (str_starts(line, "tool.") &&
		    has_key(text, own, strlen(own)))
			return 0;
		memcpy(to, line, len);
		return len;
	}
	if (!is_guest(name, name_len, guest))
		return 0;
	head = (size_t)(name - 1 - line);
	memcpy(to, line, head);
	memcpy(to + head, name + name_len, len - head - 1 - name_len);
	return len - 1 - name_len;
}

char *bench_environment_of(const char *text, const char *guest)
{
	char *ret = xcalloc(strlen(text) + 1, 1);
	size_t n = 0;

	for (const char *line = text; *line;) {
		size_t len = strcspn(line, "\n");

		len += line[len] == '\n';
		n += put_line(ret + n, text, line, len, guest);
		line += len;
	}
	return ret;
}

/* ---- half known ---------------------------------------------------------- */

char *bench_environment_with(const char *text, const char *over)
{
	size_t room = strlen(text) + strlen(over) + 3;
	char *ret = xcalloc(room, 1);
	size_t n = strlen(over);

	memcpy(ret, over, n);
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len && !has_key(over, text, strcspn(text, "=\n"))) {
			if (n && ret[n - 1] != '\n')
				ret[n++] = '\n';
			memcpy(ret + n, text, len);
			n += len;
			ret[n++] = '\n';
		}
		text += len + (text[len] == '\n');
	}
	return ret;
}
