/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run as JUnit XML, for the pages of continuous integration: a test suite a
 * platform, a test case an item. What a test decided is a failure, what the
 * lab did an error, and what has no outcome is skipped.
 */
#include "cli/junit.h"

#include <inttypes.h>

#include "base/str.h"

#define XML_BYTES (64u << 20)

/* XML 1.0 knows no control bytes but these; other text is escaped. */
static void put_escaped(struct buf *to, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (c == '&')
			buf_puts(to, "&amp;");
		else if (c == '<')
			buf_puts(to, "&lt;");
		else if (c == '>')
			buf_puts(to, "&gt;");
		else if (c == '"')
			buf_puts(to, "&quot;");
		else if (c == '\n' || c == '\t')
			buf_printf(to, "&#%d;", c);
		else
			buf_putc(to, c < 0x20 || c == 0x7f ? ' ' : *s);
	}
}

static void put_attribute(struct buf *to, const char *name, const char *value)
{
	buf_printf(to, " %s=\"", name);
	put_escaped(to, value);
	buf_putc(to, '"');
}

static void put_seconds(struct buf *to, int64_t ms)
{
	buf_printf(
	    to, " time=\"%" PRId64 ".%03d\"", ms / 1000, (int)(ms % 1000));
}

enum kind {
	KIND_PASS,
	KIND_FAILURE,
	KIND_ERROR,
	KIND_SKIPPED,
	KINDS
};

static enum kind kind_of(const json_t *cell)
{
	const char *outcome = api_text(cell, "outcome");

	if (!str_eq(api_text(cell, "state"), "done") ||
	    str_eq(outcome, "cancelled") || str_eq(outcome, "disabled"))
		return KIND_SKIPPED;
	if (str_eq(outcome, "error"))
		return KIND_ERROR;
	return api_is_bad(cell) ? KIND_FAILURE : KIND_PASS;
}

/* ---- one platform ------------------------------------------------------- */

/* The cell of an item that is a job, or NULL. */
static const json_t *job_at(const json_t *matrix, size_t y, size_t x)
{
	const json_t *cell =
	    json_array_get(json_array_get(api_list(matrix, "rows"), y), x);

	return json_is_integer(json_object_get(cell, "job")) ? cell : NULL;
}

static void put_case(
    struct buf *to, const char *item, const char *platform, const json_t *cell)
{
	static const char *const names[] = {
	    NULL, "failure", "error", "skipped"};
	enum kind kind = kind_of(cell);
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 16);
	const char *why = api_text(cell, "why");

	buf_puts(to, "    <testcase");
	put_attribute(to, "name", item);
	put_attribute(to, "classname", platform);
	put_seconds(to, api_int(cell, "took_ms"));
	if (kind == KIND_PASS) {
		buf_puts(to, "/>\n");
		return;
	}
	api_outcome_text(cell, &said);
	buf_printf(to, ">\n      <%s", names[kind]);
	put_attribute(to, "message", *why ? why : buf_str(&said));
	if (kind != KIND_SKIPPED)
		put_attribute(to, "type", buf_str(&said));
	buf_printf(to, "/>\n      <system-out>job %" PRId64 "</system-out>\n",
	    api_int(cell, "job"));
	buf_puts(to, "    </testcase>\n");
}

static void put_suite(
    struct buf *to, const json_t *matrix, size_t x, const char *platform)
{
	size_t n_items = json_array_size(api_list(matrix, "items"));
	size_t n[KINDS] = {0};
	size_t all = 0;
	int64_t ms = 0;

	for (size_t y = 0; y < n_items; y++) {
		const json_t *cell = job_at(matrix, y, x);

		if (!cell)
			continue;
		n[kind_of(cell)]++;
		all++;
		ms += api_int(cell, "took_ms");
	}
	if (!all)
		return;
	buf_puts(to, "  <testsuite");
	put_attribute(to, "name", platform);
	buf_printf(to,
	    " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"",
	    all, n[KIND_FAILURE], n[KIND_ERROR], n[KIND_SKIPPED]);
	put_seconds(to, ms);
	buf_puts(to, ">\n");
	for (size_t y = 0; y < n_items; y++) {
		const json_t *item =
		    json_array_get(api_list(matrix, "items"), y);

		if (job_at(matrix, y, x) && json_is_string(item))
			put_case(to, json_string_value(item), platform,
			    job_at(matrix, y, x));
	}
	buf_puts(to, "  </testsuite>\n");
}

void junit_print(struct cli *cli, const json_t *run, const json_t *matrix)
{
	scoped_val(buf_done) struct buf to = BUF_INIT(XML_BYTES);
	const json_t *platform;
	size_t x;

	buf_puts(&to, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
	buf_puts(&to, "<testsuites");
	put_attribute(&to, "name", api_text(run, "name"));
	buf_puts(&to, ">\n");
	json_array_foreach(api_list(matrix, "platforms"), x, platform)
	{
		if (json_is_string(platform))
			put_suite(&to, matrix, x, json_string_value(platform));
	}
	buf_puts(&to, "</testsuites>\n");
	term_write(&cli->out, &to);
}
