/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest tests on a serial line: counters, timers, verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/str.h"
#include "bench/bench.h"

static const char *const patterns[] = {
    "NO INTERRUPT HANDLER DEFINED", "Kernel panic", NULL};

/* A test and what its callbacks were told, as text. */
struct probe {
	struct guest_test *t;
	struct buf heard;
};

static void heard_case(void *arg, const struct sotest_case *c)
{
	static const char *const names[] = {"", "pass", "fail", "skip"};
	struct probe *p = arg;

	buf_printf(&p->heard, "%s '%s' '%s' @%" PRId64 "\n", names[c->result],
	    c->name, c->text, c->offset);
}

static void heard_number(void *arg, const struct sotest_number *n)
{
	struct probe *p = arg;

	buf_printf(&p->heard, "%s = %.17g %s @%" PRId64 "\n", n->name, n->value,
	    n->unit, n->offset);
}

static void heard_begin(void *arg, int64_t cases)
{
	struct probe *p = arg;

	buf_printf(&p->heard, "begin %" PRId64 "\n", cases);
}

static void probe_init(struct probe *p)
{
	struct guest_test_options opts = {
	    .boot_timeout_ms = 120000,
	    .timeout_ms = 600000,
	    .silence_ms = 30000,
	    .panic_patterns = patterns,
	    .on_case = heard_case,
	    .on_number = heard_number,
	    .on_begin = heard_begin,
	    .arg = p,
	};

	p->heard = (struct buf)BUF_INIT(1 << 20);
	p->t = guest_test_new(&opts);
	guest_test_start(p->t, 1000);
}

static void probe_done(struct probe *p)
{
	guest_test_free(p->t);
	buf_done(&p->heard);
}

static void feed(struct probe *p, const char *text, int64_t now_ms)
{
	guest_test_feed(p->t, text, strlen(text), now_ms);
}

static const struct guest_test_result *result(const struct probe *p)
{
	return guest_test_result(p->t);
}

static void expect_end(
    const struct probe *p, enum test_end end, enum test_reason reason)
{
	assert_string_equal(test_end_name(result(p)->end), test_end_name(end));
	assert_int_equal(result(p)->reason, reason);
}

static void expect_heard(const struct probe *p, const char *text)
{
	assert_string_equal(buf_str(&p->heard), text);
}

static void expect_text(const struct probe *p, const char *text)
{
	assert_string_equal(result(p)->text, text);
}

static const char *streams(void)
{
	static char dir[1000];
	const char *src = getenv("IB_SRCDIR");

	(void)snprintf(
	    dir, sizeof(dir), "%s/fixtures/streams", src ? src : ".");
	return dir;
}

static void read_stream(const char *name, struct buf *ret)
{
	scoped(free) char *path = xasprintf("%s/%s", streams(), name);
	struct err err = ERR_INIT;

	if (fs_read(path, 1 << 20, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

/* ---- cases and numbers ----------------------------------------------- */

static void a_case_without_a_name_takes_the_announced_one(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p,
	    "test case: test_old\n"
	    "SOTEST VERSION 1 BEGIN 4\n"
	    "SOTEST SKIP\n"
	    "test case: test_a\nSOTEST SKIP\nSOTEST SKIP\n"
	    "test case: test_b\nSOTEST SUCCESS \"test_c\"\n"
	    "test case: d\nSOTEST FAIL\n",
	    1000);
	expect_heard(&p,
	    "begin 4\n"
	    "skip '' '' @45\n"
	    "skip 'a' '' @75\n"
	    "skip '' '' @87\n"
	    "pass 'c' '' @117\n"
	    "fail 'd' '' @154\n");
	probe_done(&p);
}

static void an_assertion_belongs_to_its_case_only(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p,
	    "Assertion failed @ boot.c:1: 'early'\n"
	    "SOTEST VERSION 1 BEGIN 4\n"
	    "SOTEST FAIL \"a\"\n"
	    "Expect: x failed @ a.c:1\nAssertion failed @ a.c:2: 'y'\r\n"
	    "SOTEST FAIL \"b\"\nSOTEST FAIL \"c\"\n"
	    "Assertion failed @ a.c:3: 'z'\nSOTEST SUCCESS \"d\"\n"
	    "Assertion failed @ a.c:4: 'q'\ntest case: e\nSOTEST FAIL\n",
	    1000);
	assert_non_null(strstr(buf_str(&p.heard), "fail 'a' '' "));
	assert_non_null(strstr(
	    buf_str(&p.heard), "fail 'b' 'Assertion failed @ a.c:2: 'y'' "));
	assert_non_null(strstr(buf_str(&p.heard), "fail 'c' '' "));
	assert_non_null(strstr(buf_str(&p.heard), "pass 'd' '' "));
	assert_non_null(strstr(buf_str(&p.heard), "fail 'e' '' "));
	probe_done(&p);
}

static void only_quoted_benchmarks_are_cases(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p,
	    "SOTEST BENCHMARK:early:s:1\n"
	    "SOTEST VERSION 1 BEGIN 5\n"
	    "SOTEST BENCHMARK:colon:s:1\n"
	    "SOTEST BENCHMARK 2 \"s\" \"older\"\n"
	    "SOTEST \"true\" BENCHMARK \"less\" 3 \"s\" \"newer\"\n",
	    1000);
	assert_int_equal(result(&p)->successes, 2);
	feed(&p,
	    "SOTEST \"0\" BENCHMARK \"less\" 4 \"s\" \"x\"\n"
	    "SOTEST \"false\" BENCHMARK \"less\" 5 \"s\" \"y\"\n"
	    "SOTEST \"FAIL\" BENCHMARK \"less\" 6 \"s\" \"z\"\n",
	    1000);
	assert_int_equal(result(&p)->successes, 2);
	assert_int_equal(result(&p)->fails, 3);
	expect_heard(&p,
	    "begin 5\n"
	    "colon = 1 s @52\n"
	    "older = 2 s @79\npass 'older' '' @79\n"
	    "newer = 3 s @110\npass 'newer' '' @110\n"
	    "fail 'x' '' @155\n"
	    "fail 'y' '' @193\n"
	    "fail 'z' '' @235\n");
	probe_done(&p);
}

/* ---- verdicts -------------------------------------------------------- */

static void nothing_counts_after_the_end(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p,
	    "SOTEST VERSION 1 BEGIN 2\nSOTEST SUCCESS \"a\"\nSOTEST SKIP\n"
	    "SOTEST END\nSOTEST FAIL \"b\"\nSOTEST PANIC\n",
	    2000);
	feed(&p, "Kernel panic\nSOTEST VERSION 1 BEGIN 2\n", 3000);
	guest_test_tick(p.t, INT64_MAX);
	guest_test_reset(p.t, 4000);
	guest_test_eof(p.t, 5000);
	expect_end(&p, TEST_PASS, REASON_NONE);
	expect_text(&p, "1 passed, 1 skipped");
	assert_int_equal(result(&p)->offset, 56);
	assert_int_equal(result(&p)->fails, 0);
	assert_true(guest_test_deadline(p.t) == INT64_MAX);
	probe_done(&p);
}

static void an_end_before_begin_is_no_end(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p, "SOTEST SUCCESS\nSOTEST FAIL\nSOTEST END\n", 2000);
	expect_end(&p, TEST_RUNNING, REASON_NONE);
	feed(&p, "SOTEST VERSION 1 BEGIN 0\nSOTEST END\n", 2000);
	expect_end(&p, TEST_PASS, REASON_NONE);
	probe_done(&p);
}

static void panic_beats_what_follows(void **state)
{
	static const char *const first[] = {"SOTEST PANIC\n",
	    "xx Kernel panic - not syncing\r\n",
	    "SOTEST VERSION 1 BEGIN 0\nSOTEST END Kernel panic\n"};
	struct probe p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(first); i++) {
		probe_init(&p);
		feed(&p, first[i], 2000);
		feed(&p, "SOTEST VERSION 1 BEGIN 0\nSOTEST END\n", 2000);
		expect_end(&p, TEST_PANIC, REASON_PANIC);
		probe_done(&p);
	}
	probe_init(&p);
	feed(&p, "line\nKernel panic - not syncing: \x1b[0m\r\n", 2000);
	expect_text(&p, "panic: Kernel panic - not syncing: ?[0m");
	assert_int_equal(result(&p)->offset, 5);
	assert_false(result(&p)->begun);
	probe_done(&p);
}

static void a_panic_is_seen_in_an_unfinished_line(void **state)
{
	struct probe p;

	(void)state;
	for (int how = 0; how < 3; how++) {
		probe_init(&p);
		feed(&p, "SOTEST VERSION 1 BEGIN 1\nKernel panic", 2000);
		expect_end(&p, TEST_RUNNING, REASON_NONE);
		if (how == 0)
			guest_test_tick(p.t, 32000);
		else if (how == 1)
			guest_test_reset(p.t, 3000);
		else
			guest_test_eof(p.t, 3000);
		expect_end(&p, TEST_PANIC, REASON_PANIC);
		assert_int_equal(result(&p)->offset, 25);
		probe_done(&p);
	}
}

static void the_last_line_needs_no_line_end(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p, "SOTEST VERSION 1 BEGIN 1\nSOTEST SUCCESS\nSOTEST END", 2000);
	expect_end(&p, TEST_RUNNING, REASON_NONE);
	guest_test_eof(p.t, 2000);
	expect_end(&p, TEST_PASS, REASON_NONE);
	probe_done(&p);
}

static void a_reset_fails_at_any_time(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	guest_test_reset(p.t, 2000);
	expect_end(&p, TEST_RESET, REASON_RESET);
	expect_text(&p, "the machine was reset by itself before SOTEST BEGIN");
	probe_done(&p);

	probe_init(&p);
	feed(&p,
	    "SOTEST VERSION 1 BEGIN 3\nSOTEST SUCCESS \"a\"\n"
	    "test case: test_b\n",
	    2000);
	guest_test_reset(p.t, 2000);
	expect_end(&p, TEST_RESET, REASON_RESET);
	expect_text(
	    &p, "the machine was reset by itself after 1 of 3 cases, in b");
	assert_int_equal(result(&p)->offset, 62);
	probe_done(&p);
}

/* ---- timers ---------------------------------------------------------- */

static void no_begin_in_time_is_a_timeout(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	assert_int_equal(guest_test_deadline(p.t), 121000);
	feed(&p, "hello\nSOTEST VERSION 1 BEGIN -4\n", 100000);
	assert_int_equal(guest_test_deadline(p.t), 121000);
	guest_test_tick(p.t, 120999);
	expect_end(&p, TEST_RUNNING, REASON_NONE);
	guest_test_tick(p.t, 121000);
	expect_end(&p, TEST_TIMEOUT, REASON_NO_BEGIN);
	expect_text(&p,
	    "no SOTEST BEGIN within 120 s, not understood: "
	    "SOTEST VERSION 1 BEGIN -4");
	assert_int_equal(result(&p)->offset, 32);
	probe_done(&p);
}

static void silence_after_begin_is_a_timeout(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p, "SOTEST VERSION 1 BEGIN 1\n", 50000);
	assert_int_equal(guest_test_deadline(p.t), 80000);
	feed(&p, "any line\n", 60000);
	assert_int_equal(guest_test_deadline(p.t), 90000);
	feed(&p, "bytes without an end", 70000);
	assert_int_equal(guest_test_deadline(p.t), 90000);
	feed(&p, "\r\n", 80000);
	assert_int_equal(guest_test_deadline(p.t), 110000);
	guest_test_tick(p.t, 110000);
	expect_end(&p, TEST_TIMEOUT, REASON_SILENCE);
	expect_text(&p, "no line for 30 s, after 0 of 1 cases");
	probe_done(&p);
}

static void the_guest_may_change_the_silence(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p, "SOTEST TIMEOUT 100\n", 2000);
	assert_int_equal(guest_test_deadline(p.t), 121000);
	feed(&p, "SOTEST VERSION 1 BEGIN 1\n", 10000);
	assert_int_equal(guest_test_deadline(p.t), 110000);
	feed(&p, "SOTEST TIMEOUT 5 s\r\n", 20000);
	assert_int_equal(guest_test_deadline(p.t), 25000);
	feed(&p, "SOTEST TIMEOUT 0\n", 21000);
	assert_int_equal(guest_test_deadline(p.t), 26000);
	feed(&p, "SOTEST TIMEOUT 18000\n", 21000);
	/* The total stays what it was. */
	assert_int_equal(guest_test_deadline(p.t), 601000);
	probe_done(&p);
}

static void the_total_ends_a_talkative_test(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p, "SOTEST VERSION 1 BEGIN 2\nSOTEST SUCCESS\n", 20000);
	feed(&p, "still here\n", 600000);
	guest_test_tick(p.t, 600999);
	expect_end(&p, TEST_RUNNING, REASON_NONE);
	guest_test_tick(p.t, 601000);
	expect_end(&p, TEST_TIMEOUT, REASON_TOTAL);
	expect_text(&p, "not over within 600 s, after 1 of 2 cases");
	probe_done(&p);
}

static void bytes_at_hand_come_before_a_passed_deadline(void **state)
{
	struct probe p;

	(void)state;
	probe_init(&p);
	feed(&p, "SOTEST VERSION 1 BEGIN 0\nSOTEST END\n", 999000);
	guest_test_tick(p.t, 999000);
	expect_end(&p, TEST_PASS, REASON_NONE);
	probe_done(&p);
}

static void no_timer_runs_before_the_start(void **state)
{
	struct guest_test_options opts = {.boot_timeout_ms = 1,
	    .timeout_ms = INT64_MAX,
	    .silence_ms = INT64_MAX};
	scoped(guest_test_free) struct guest_test *t = guest_test_new(&opts);

	(void)state;
	assert_true(guest_test_deadline(t) == INT64_MAX);
	guest_test_tick(t, INT64_MAX);
	guest_test_feed(t, "x\n", 2, 5);
	assert_int_equal(guest_test_result(t)->end, TEST_RUNNING);
	guest_test_start(t, 10);
	assert_int_equal(guest_test_deadline(t), 11);
	guest_test_feed(t, "SOTEST VERSION 1 BEGIN 0\n", 25, 10);
	assert_true(guest_test_deadline(t) == INT64_MAX);
}

/* ---- whole streams --------------------------------------------------- */

static const struct {
	const char *file;
	enum test_end end;
	enum test_reason reason;
	int64_t cases, successes, fails, skips;
	const char *text;
} verdicts[] = {
    {"sotest_serial.txt", TEST_FAIL, REASON_CASES, 4, 2, 1, 1,
        "1 of 4 cases failed, first: tinivisor_cr4"},
    {"hello.txt", TEST_PASS, REASON_NONE, 5, 3, 0, 2, "3 passed, 2 skipped"},
    {"cpuid.txt", TEST_FAIL, REASON_CASES, 2, 1, 1, 0,
        "1 of 2 cases failed, first: cpuid_string_is_native"},
    {"verify.txt", TEST_FAIL, REASON_CASES, 3, 1, 2, 0,
        "2 of 3 cases failed, first: first"},
    {"hard_panic.txt", TEST_PANIC, REASON_PANIC, 6, 1, 0, 0,
        "panic: NO INTERRUPT HANDLER DEFINED"},
    {"triple_fault.txt", TEST_FAIL, REASON_EOF, 3, 0, 0, 0,
        "the console ended after 0 of 3 cases, in loads_bad_idt"},
    {"reboot.txt", TEST_RESET, REASON_BEGIN_TWICE, 3, 1, 0, 0,
        "second SOTEST BEGIN after 1 of 3 cases, in resets"},
    {"linux_bare.txt", TEST_PASS, REASON_NONE, 2, 2, 0, 0,
        "2 passed, 0 skipped"},
    {"linux_panic.txt", TEST_PANIC, REASON_PANIC, 0, 0, 0, 0,
        "panic: [    1.100000] Kernel panic - not syncing: "
        "VFS: Unable to mount root fs"},
    {"benchmarks.txt", TEST_FAIL, REASON_CASES, 4, 3, 1, 0,
        "1 of 4 cases failed, first: network"},
    {"panic.txt", TEST_PANIC, REASON_PANIC, 2, 1, 0, 0,
        "panic: SOTEST PANIC out of memory"},
    {"too_few.txt", TEST_FAIL, REASON_COUNT, 3, 1, 0, 1,
        "BEGIN announced 3 cases, but 1 passed and 1 were skipped"},
    {"too_many.txt", TEST_FAIL, REASON_COUNT, 1, 2, 0, 0,
        "BEGIN announced 1 cases, but 2 passed and 0 were skipped"},
    {"noise.txt", TEST_PASS, REASON_NONE, 2, 2, 0, 0, "2 passed, 0 skipped"},
};

/* The whole stream in pieces of 1 to step bytes, or at once. */
static void run_stream(struct probe *p, const char *name, size_t step)
{
	scoped_val(buf_done) struct buf s = BUF_INIT(1 << 20);
	uint32_t seed = 1;
	size_t n;

	read_stream(name, &s);
	probe_init(p);
	for (size_t at = 0; at < s.len; at += n) {
		seed = seed * 1664525 + 1013904223;
		n = step ? 1 + (seed >> 8) % step : s.len;
		n = n < s.len - at ? n : s.len - at;
		guest_test_feed(p->t, s.data + at, n, 2000);
	}
	guest_test_eof(p->t, 2000);
}

static void each_stream_has_its_verdict(void **state)
{
	struct probe p;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(verdicts); i++) {
		run_stream(&p, verdicts[i].file, 0);
		print_message("# %s: %s\n", verdicts[i].file, result(&p)->text);
		expect_end(&p, verdicts[i].end, verdicts[i].reason);
		assert_int_equal(result(&p)->cases, verdicts[i].cases);
		assert_int_equal(result(&p)->successes, verdicts[i].successes);
		assert_int_equal(result(&p)->fails, verdicts[i].fails);
		assert_int_equal(result(&p)->skips, verdicts[i].skips);
		expect_text(&p, verdicts[i].text);
		probe_done(&p);
	}
}

static void the_benchmark_sample_gives_its_number(void **state)
{
	struct probe p;

	(void)state;
	run_stream(&p, "cpuid.txt", 0);
	expect_heard(&p,
	    "begin 2\n"
	    "fail 'cpuid_string_is_native' 'Assertion failed @ "
	    "guests/cpuid.c:31: 'found_valid_model'' @251\n"
	    "cpuid_cycles = 34 cycles @323\n"
	    "pass 'benchmark_cycles' '' @364\n");
	probe_done(&p);
}

static void expect_same(const char *name, const struct probe *once, size_t step)
{
	struct probe p;

	run_stream(&p, name, step);
	if (!str_eq(buf_str(&p.heard), buf_str(&once->heard)) ||
	    memcmp(result(&p), result(once), sizeof(*result(&p))) != 0)
		fail_msg(
		    "%s in steps of %zu: %s", name, step, result(&p)->text);
	probe_done(&p);
}

static void how_bytes_are_cut_makes_no_difference(void **state)
{
	DIR *dir = opendir(streams());
	struct dirent *e;
	struct probe once;
	size_t n = 0;

	(void)state;
	assert_non_null(dir);
	while ((e = readdir(dir)) != NULL) {
		if (!str_ends(e->d_name, ".txt"))
			continue;
		n++;
		run_stream(&once, e->d_name, 0);
		expect_same(e->d_name, &once, 1);
		expect_same(e->d_name, &once, 3);
		expect_same(e->d_name, &once, 100);
		probe_done(&once);
	}
	assert_int_equal(closedir(dir), 0);
	assert_true(n >= ARRAY_LEN(verdicts));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_case_without_a_name_takes_the_announced_one),
	    cmocka_unit_test(an_assertion_belongs_to_its_case_only),
	    cmocka_unit_test(only_quoted_benchmarks_are_cases),
	    cmocka_unit_test(nothing_counts_after_the_end),
	    cmocka_unit_test(an_end_before_begin_is_no_end),
	    cmocka_unit_test(panic_beats_what_follows),
	    cmocka_unit_test(a_panic_is_seen_in_an_unfinished_line),
	    cmocka_unit_test(the_last_line_needs_no_line_end),
	    cmocka_unit_test(a_reset_fails_at_any_time),
	    cmocka_unit_test(no_begin_in_time_is_a_timeout),
	    cmocka_unit_test(silence_after_begin_is_a_timeout),
	    cmocka_unit_test(the_guest_may_change_the_silence),
	    cmocka_unit_test(the_total_ends_a_talkative_test),
	    cmocka_unit_test(bytes_at_hand_come_before_a_passed_deadline),
	    cmocka_unit_test(no_timer_runs_before_the_start),
	    cmocka_unit_test(each_stream_has_its_verdict),
	    cmocka_unit_test(the_benchmark_sample_gives_its_number),
	    cmocka_unit_test(how_bytes_are_cut_makes_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
