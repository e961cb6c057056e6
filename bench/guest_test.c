/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A guest test on a serial line: lines, counters, three timers, one verdict.
 *
 * The verdict is given once and never changes. How the bytes were cut into
 * calls makes no difference: a line is looked at when it is complete. Bytes
 * that are at hand come before a deadline that has passed meanwhile, so a
 * daemon that was late does not blame the guest.
 */
#include "bench/bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "bench/sotest.h"

#define NAME_MAX_BYTES 256
#define TEXT_MAX_BYTES 512

struct guest_test {
	struct guest_test_options opts;
	struct guest_test_result result;
	bool started;
	int64_t started_ms;
	int64_t line_ms; /* when the last line ended, or BEGIN came */
	int64_t silence_ms;
	int64_t offset;      /* bytes fed so far */
	int64_t line_offset; /* where the line begins that is being read */
	int64_t reported;    /* cases and numbers handed to callbacks */
	char name[NAME_MAX_BYTES];      /* of the case that is running */
	char failed[NAME_MAX_BYTES];    /* of the first case that failed */
	char assertion[TEXT_MAX_BYTES]; /* of the case that is running */
	char refused[TEXT_MAX_BYTES];   /* the last such line */
	char line[SOTEST_LINE_MAX];     /* the unfinished line */
	size_t line_len;
};

const char *test_end_name(enum test_end end)
{
	static const char *const names[] = {
	    "running", "pass", "fail", "timeout", "panic", "reset"};

	return names[end];
}

struct guest_test *guest_test_new(const struct guest_test_options *opts)
{
	struct guest_test *t = xcalloc(1, sizeof(*t));

	t->opts = *opts;
	t->silence_ms = opts->silence_ms;
	return t;
}

void guest_test_free(struct guest_test *t)
{
	free(t);
}

const struct guest_test_result *guest_test_result(const struct guest_test *t)
{
	return &t->result;
}

static bool is_over(const struct guest_test *t)
{
	return t->result.end != TEST_RUNNING;
}

/* ---- the verdict ----------------------------------------------------- */

static void finish(struct guest_test *t, enum test_end end,
    enum test_reason reason, int64_t offset, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

static void finish(struct guest_test *t, enum test_end end,
    enum test_reason reason, int64_t offset, const char *fmt, ...)
{
	char text[2 * TEXT_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	sotest_word_copy(t->result.text, sizeof(t->result.text),
	    (struct sotest_word){text, strlen(text)});
	t->result.end = end;
	t->result.reason = reason;
	t->result.offset = offset;
}

static int64_t cases_seen(const struct guest_test *t)
{
	return t->result.successes + t->result.fails + t->result.skips;
}

/* How far it came, for the texts of tests that did not reach END. */
static const char *progress(const struct guest_test *t, char *buf, size_t size)
{
	if (!t->result.begun)
		(void)snprintf(buf, size, "before SOTEST BEGIN%s%s",
		    t->refused[0] ? ", not understood: " : "", t->refused);
	else
		(void)snprintf(buf, size,
		    "after %" PRId64 " of %" PRId64 " cases%s%s", cases_seen(t),
		    t->result.cases, t->name[0] ? ", in " : "", t->name);
	return buf;
}

static void judge(struct guest_test *t)
{
	const struct guest_test_result *r = &t->result;

	if (r->fails)
		finish(t, TEST_FAIL, REASON_CASES, t->line_offset,
		    "%" PRId64 " of %" PRId64 " cases failed%s%s", r->fails,
		    r->cases, t->failed[0] ? ", first: " : "", t->failed);
	else if (r->successes + r->skips != r->cases)
		finish(t, TEST_FAIL, REASON_COUNT, t->line_offset,
		    "BEGIN announced %" PRId64 " cases, but %" PRId64
		    " passed and %" PRId64 " were skipped",
		    r->cases, r->successes, r->skips);
	else
		finish(t, TEST_PASS, REASON_NONE, t->line_offset,
		    "%" PRId64 " passed, %" PRId64 " skipped", r->successes,
		    r->skips);
}

static void finish_panic(struct guest_test *t, const char *line, size_t len)
{
	char text[TEXT_MAX_BYTES];

	sotest_word_copy(text, sizeof(text), (struct sotest_word){line, len});
	finish(t, TEST_PANIC, REASON_PANIC, t->line_offset, "panic: %s", text);
}

static bool has_panic_pattern(
    const struct guest_test *t, const char *line, size_t len)
{
	const char *const *p = t->opts.panic_patterns;

	for (; p && *p; p++)
		if (**p && memmem(line, len, *p, strlen(*p)))
			return true;
	return false;
}

/*
 * A kernel that panics and halts may never end its line. So before silence or
 * a reset decides, the unfinished line is asked; true if that ended the test.
 */
static bool panicked_in_unfinished_line(struct guest_test *t)
{
	if (!has_panic_pattern(t, t->line, t->line_len))
		return false;
	finish_panic(t, t->line, t->line_len);
	return true;
}

/* ---- lines ----------------------------------------------------------- */

/* A guest that prints without end must not fill the database. */
static bool may_report(struct guest_test *t)
{
	return t->reported++ < SOTEST_CASES_MAX;
}

static void on_case(
    struct guest_test *t, enum case_result result, struct sotest_word name)
{
	struct sotest_case c = {.result = result, .offset = t->line_offset};

	if (name.len)
		sotest_word_copy(t->name, sizeof(t->name), name);
	t->result.successes += result == CASE_PASS;
	t->result.skips += result == CASE_SKIP;
	t->result.fails += result == CASE_FAIL;
	if (result == CASE_FAIL && t->result.fails == 1)
		memcpy(t->failed, t->name, sizeof(t->failed));
	c.name = t->name;
	c.text = result == CASE_FAIL ? t->assertion : "";
	if (t->opts.on_case && may_report(t))
		t->opts.on_case(t->opts.arg, &c);
	t->name[0] = '\0';
	t->assertion[0] = '\0';
}

static void on_benchmark(struct guest_test *t, const struct sotest_line *l)
{
	char name[NAME_MAX_BYTES];
	char unit[NAME_MAX_BYTES];
	struct sotest_number n = {name, unit, l->value, t->line_offset};

	sotest_word_copy(name, sizeof(name), l->name);
	sotest_word_copy(unit, sizeof(unit), l->unit);
	/* What a failed benchmark measured is not a measurement. */
	if (!l->failed && t->opts.on_number && may_report(t))
		t->opts.on_number(t->opts.arg, &n);
	if (l->is_case)
		on_case(t, l->failed ? CASE_FAIL : CASE_PASS, l->name);
}

static void on_begin(
    struct guest_test *t, const struct sotest_line *l, int64_t now_ms)
{
	char buf[2 * TEXT_MAX_BYTES];

	if (t->result.begun) {
		finish(t, TEST_RESET, REASON_BEGIN_TWICE, t->line_offset,
		    "second SOTEST BEGIN %s", progress(t, buf, sizeof(buf)));
		return;
	}
	t->result.begun = true;
	t->result.cases = l->number;
	t->line_ms = now_ms;
	t->name[0] = '\0';
	t->assertion[0] = '\0';
	if (t->opts.on_begin)
		t->opts.on_begin(t->opts.arg, l->number);
}

/* Lines that mean nothing before BEGIN: they are from another boot. */
static void on_running(struct guest_test *t, const struct sotest_line *l)
{
	switch (l->kind) {
	case SOTEST_SUCCESS:
		on_case(t, CASE_PASS, l->name);
		break;
	case SOTEST_FAIL:
		on_case(t, CASE_FAIL, l->name);
		break;
	case SOTEST_SKIP:
		on_case(t, CASE_SKIP, l->name);
		break;
	case SOTEST_BENCHMARK:
		on_benchmark(t, l);
		break;
	case SOTEST_NAME:
		sotest_word_copy(t->name, sizeof(t->name), l->name);
		t->assertion[0] = '\0';
		break;
	case SOTEST_END:
		judge(t);
		break;
	default:
		break;
	}
}

static void on_line(
    struct guest_test *t, const char *line, size_t len, int64_t now_ms)
{
	struct sotest_line l;

	if (len > SOTEST_LINE_MAX)
		len = SOTEST_LINE_MAX;
	while (len && line[len - 1] == '\r')
		len--;
	sotest_line_parse(line, len, &l);
	if (l.kind == SOTEST_PANIC || has_panic_pattern(t, line, len)) {
		finish_panic(t, line, len);
		return;
	}
	switch (l.kind) {
	case SOTEST_BEGIN:
		on_begin(t, &l, now_ms);
		break;
	case SOTEST_TIMEOUT:
		t->silence_ms = l.number * 1000;
		break;
	case SOTEST_REFUSED:
		sotest_word_copy(t->refused, sizeof(t->refused),
		    (struct sotest_word){line, len});
		break;
	case SOTEST_ASSERTION:
		sotest_word_copy(t->assertion, sizeof(t->assertion),
		    (struct sotest_word){line, len});
		break;
	default:
		if (t->result.begun)
			on_running(t, &l);
	}
}

static void keep_unfinished(struct guest_test *t, const char *data, size_t len)
{
	size_t room = sizeof(t->line) - t->line_len;

	if (len > room)
		len = room;
	memcpy(t->line + t->line_len, data, len);
	t->line_len += len;
}

void guest_test_feed(
    struct guest_test *t, const char *data, size_t len, int64_t now_ms)
{
	while (len && !is_over(t)) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;
		size_t used = end ? n + 1 : n;

		t->offset += (int64_t)used;
		if (!end || t->line_len)
			keep_unfinished(t, data, n);
		if (end) {
			t->line_ms = now_ms;
			if (t->line_len)
				on_line(t, t->line, t->line_len, now_ms);
			else
				on_line(t, data, n, now_ms);
			t->line_len = 0;
			t->line_offset = t->offset;
		}
		data += used;
		len -= used;
	}
}

/* ---- time and the machine -------------------------------------------- */

void guest_test_start(struct guest_test *t, int64_t now_ms)
{
	t->started = true;
	t->started_ms = now_ms;
	t->line_ms = now_ms;
}

/* Saturating: a time limit may be as large as its type. */
static int64_t later(int64_t from_ms, int64_t by_ms)
{
	return by_ms > 0 && from_ms > INT64_MAX - by_ms ? INT64_MAX
	                                                : from_ms + by_ms;
}

static int64_t total_deadline(const struct guest_test *t)
{
	return later(t->started_ms, t->opts.timeout_ms);
}

/* Of the step that is being waited for: BEGIN, or the next line. */
static int64_t step_deadline(const struct guest_test *t)
{
	return t->result.begun ? later(t->line_ms, t->silence_ms)
	                       : later(t->started_ms, t->opts.boot_timeout_ms);
}

int64_t guest_test_deadline(const struct guest_test *t)
{
	int64_t total = total_deadline(t);
	int64_t step = step_deadline(t);

	if (!t->started || is_over(t))
		return INT64_MAX;
	return step < total ? step : total;
}

void guest_test_tick(struct guest_test *t, int64_t now_ms)
{
	char buf[2 * TEXT_MAX_BYTES];

	if (now_ms < guest_test_deadline(t) || !t->started || is_over(t) ||
	    panicked_in_unfinished_line(t))
		return;
	(void)progress(t, buf, sizeof(buf));
	if (total_deadline(t) < step_deadline(t))
		finish(t, TEST_TIMEOUT, REASON_TOTAL, t->offset,
		    "not over within %" PRId64 " s, %s",
		    t->opts.timeout_ms / 1000, buf);
	else if (t->result.begun)
		finish(t, TEST_TIMEOUT, REASON_SILENCE, t->offset,
		    "no line for %" PRId64 " s, %s", t->silence_ms / 1000, buf);
	else
		finish(t, TEST_TIMEOUT, REASON_NO_BEGIN, t->offset,
		    "no SOTEST BEGIN within %" PRId64 " s%s%s",
		    t->opts.boot_timeout_ms / 1000,
		    t->refused[0] ? ", not understood: " : "", t->refused);
}

void guest_test_reset(struct guest_test *t, int64_t now_ms)
{
	char buf[2 * TEXT_MAX_BYTES];

	(void)now_ms; /* a reset decides at any time */
	if (is_over(t) || panicked_in_unfinished_line(t))
		return;
	finish(t, TEST_RESET, REASON_RESET, t->offset,
	    "the machine was reset by itself %s",
	    progress(t, buf, sizeof(buf)));
}

void guest_test_eof(struct guest_test *t, int64_t now_ms)
{
	char buf[2 * TEXT_MAX_BYTES];

	if (!is_over(t) && t->line_len) {
		on_line(t, t->line, t->line_len, now_ms);
		t->line_len = 0;
	}
	if (!is_over(t))
		finish(t, TEST_FAIL, REASON_EOF, t->offset,
		    "the console ended %s", progress(t, buf, sizeof(buf)));
}
