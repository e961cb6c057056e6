/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The small modules of base/: err, buf, str, clock, hash, fs, mem. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

static void error_keeps_kind_and_message(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    err_set(&err, ERR_CONFLICT, "job %d: done", 7), -ERR_CONFLICT);
	assert_int_equal(err.kind, ERR_CONFLICT);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.msg, "job 7: done");
}

static void error_without_a_place_still_returns_its_kind(void **state)
{
	(void)state;
	assert_int_equal(err_set(NULL, ERR_LIMIT, "x"), -ERR_LIMIT);
	assert_int_equal(err_errno(NULL, ENOENT, "x"), -ERR_NOTFOUND);
}

static void errno_becomes_a_kind_and_stays_as_code(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(err_errno(&err, EACCES, "open /x"), -ERR_DENIED);
	assert_int_equal(err.code, EACCES);
	assert_string_equal(err.msg, "open /x: Permission denied");
	assert_int_equal(err_errno(NULL, ENOSPC, "x"), -ERR_IO);
	assert_int_equal(err_errno(NULL, EHOSTUNREACH, "x"), -ERR_UNREACH);
	assert_int_equal(err_errno(NULL, EHOSTDOWN, "x"), -ERR_UNREACH);
}

static void prefix_goes_before_and_keeps_the_kind(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_TIMEOUT, "no answer");
	assert_int_equal(err_prefix(&err, "machine %s", "m1"), -ERR_TIMEOUT);
	assert_string_equal(err.msg, "machine m1: no answer");
}

static void message_may_be_made_from_itself(void **state)
{
	struct err err = ERR_INIT;

	(void)state;
	err_set(&err, ERR_IO, "disk full");
	err_set(&err, ERR_LIMIT, "batch 3: %s", err.msg);
	assert_string_equal(err.msg, "batch 3: disk full");
}

static void long_message_is_cut_on_a_character(void **state)
{
	struct err err = ERR_INIT;
	char text[1001];

	(void)state;
	for (size_t i = 0; i < 1000; i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[1000] = '\0';
	err_set(&err, ERR_INVAL, "%s", text);
	assert_true(str_is_utf8(err.msg, strlen(err.msg)));
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	err_set(&err, ERR_INVAL, "found '%s'", "a\nb\x1b[2J\xff");
	assert_string_equal(err.msg, "found 'a b [2J?'");
}

static void only_three_kinds_are_temporary(void **state)
{
	int n = 0;

	(void)state;
	for (int k = ERR_INVAL; k <= ERR_IO; k++)
		n += err_is_temporary(k);
	assert_int_equal(n, 3);
	assert_true(err_is_temporary(-ERR_AGAIN));
	assert_true(err_is_temporary(ERR_UNREACH));
	assert_true(err_is_temporary(-ERR_TIMEOUT));
	assert_string_equal(err_name(-ERR_PROTO), "PROTO");
	assert_string_equal(err_name(99), "UNKNOWN");
}

static void buffer_takes_exactly_its_ceiling(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(300);

	(void)state;
	for (int i = 0; i < 100; i++)
		buf_puts(&b, "abc");
	assert_int_equal(b.len, 300);
	assert_false(b.failed);
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.len, 300);
	assert_int_equal(strlen(buf_str(&b)), 300);
}

static void failed_buffer_takes_nothing_until_reset(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4);

	(void)state;
	buf_puts(&b, "12345");
	buf_putc(&b, 'x');
	assert_true(b.failed);
	assert_int_equal(b.len, 0);
	assert_null(buf_room(&b, 1));
	buf_reset(&b);
	buf_puts(&b, "1234");
	assert_false(b.failed);
	assert_string_equal(buf_str(&b), "1234");
}

static void formatted_text_obeys_the_ceiling(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(8);

	(void)state;
	buf_printf(&b, "%s-%d", "ab", 12345);
	assert_string_equal(buf_str(&b), "ab-12345");
	buf_reset(&b);
	buf_printf(&b, "%s-%d", "ab", 123456);
	assert_true(b.failed);
	assert_string_equal(buf_str(&b), "");
}

static void unused_room_is_no_text(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);
	char *room = buf_room(&b, 1000);

	(void)state;
	assert_non_null(room);
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
}

static void huge_request_fails_and_does_not_wrap(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(SIZE_MAX);

	(void)state;
	buf_putc(&b, 'x');
	assert_null(buf_room(&b, SIZE_MAX - 1));
	assert_true(b.failed);
}

static void dropped_bytes_leave_the_rest(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(64);

	(void)state;
	buf_drop(&b, 3);
	buf_puts(&b, "hello world");
	buf_drop(&b, 6);
	assert_string_equal(buf_str(&b), "world");
	buf_drop(&b, 99);
	assert_string_equal(buf_str(&b), "");
}

static void taken_text_is_the_callers(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(64);
	scoped(free) char *none = buf_take(&b);
	scoped(free) char *text = NULL;

	(void)state;
	assert_string_equal(none, "");
	buf_puts(&b, "abc");
	text = buf_take(&b);
	assert_string_equal(text, "abc");
	assert_int_equal(b.len, 0);
	assert_string_equal(buf_str(&b), "");
}

static void number_is_strict_decimal(void **state)
{
	static const char *const bad[] = {"", "-", "+1", " 1", "1 ", "1.0",
	    "0x10", "1e3", "--1", "- 1", "one", "\t1"};
	int64_t v = 77;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    str_to_i64(bad[i], INT64_MIN, INT64_MAX, &v, NULL),
		    -ERR_INVAL);
	assert_int_equal(v, 77);
	assert_int_equal(str_to_i64("-5", -5, 5, &v, NULL), 0);
	assert_int_equal(v, -5);
	assert_int_equal(
	    str_to_i64("9223372036854775807", INT64_MIN, INT64_MAX, &v, NULL),
	    0);
	assert_true(v == INT64_MAX);
}

static void number_out_of_range_says_the_range(void **state)
{
	struct err err = ERR_INIT;
	int64_t v;

	(void)state;
	assert_int_equal(str_to_i64("6", -5, 5, &v, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "6 is outside -5..5");
	assert_int_equal(
	    str_to_i64("9223372036854775808", 0, INT64_MAX, &v, &err),
	    -ERR_INVAL);
	assert_non_null(strstr(err.msg, "is outside 0..9223372036854775807"));
}

static void glob_matches_whole_strings(void **state)
{
	static const struct {
		const char *pattern;
		const char *text;
		bool is_match;
	} rows[] = {
	    {"", "", true},
	    {"", "a", false},
	    {"*", "", true},
	    {"*", "anything/at all", true},
	    {"?", "", false},
	    {"?", "a", true},
	    {"?", "ab", false},
	    {"wip/*", "wip/x", true},
	    {"wip/*", "wip", false},
	    {"wip/*", "mywip/x", false},
	    {"*.log", "a.log.log", true},
	    {"*.log", "a.logs", false},
	    {"a*b*c", "aXbYbZc", true},
	    {"a*b*c", "aXbYbZ", false},
	    {"**a", "bba", true},
	    {"a*", "*", false},
	    {"*", "*", true},
	    {"[ab]", "a", false},
	    {"[ab]", "[ab]", true},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(
		    str_glob(rows[i].pattern, rows[i].text), rows[i].is_match);
}

static void hostile_glob_ends_soon(void **state)
{
	char text[2001];
	int64_t start = clock_mono_ms();

	(void)state;
	memset(text, 'a', 2000);
	text[2000] = '\0';
	assert_false(str_glob("*a*a*a*a*a*a*a*a*a*a*a*a*b", text));
	assert_true(clock_mono_ms() - start < 2000);
}

static void utf8_is_checked_at_its_edges(void **state)
{
	static const char *const good[] = {"", "a", "\x7f", "\xc2\x80",
	    "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
	    "\xef\xbf\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {"\x80", "\xbf", "\xc0\x80",
	    "\xc1\xbf", "\xc2", "\xc2z", "\xe0\x9f\xbf", "\xed\xa0\x80",
	    "\xed\xbf\xbf", "\xe2\x82", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
	    "\xf5\x80\x80\x80", "\xf0\x9f\x98", "\xfe", "\xff"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_true(str_is_utf8("a\0b", 3));
	assert_int_equal(str_utf8_span("ab\xc3\xa9\xff", 5), 4);
	assert_int_equal(str_utf8_span("ab\xc3\xa9\xff", 3), 2);
}

static void tidy_text_is_one_line_of_utf8(void **state)
{
	char text[] = "\xc3\xa9\r\n\x01x\x7f\xffz\xe2\x82";

	(void)state;
	str_tidy(text);
	assert_string_equal(text, "\xc3\xa9   x ?z??");
}

static void small_string_helpers_do_what_they_say(void **state)
{
	static const char *const list[] = {"a", "bc"};

	(void)state;
	assert_true(str_starts("abc", "ab"));
	assert_false(str_starts("a", "ab"));
	assert_true(str_ends("abc", "bc"));
	assert_true(str_ends("abc", ""));
	assert_false(str_ends("c", "bc"));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_in("bc", list, 2));
	assert_false(str_in("b", list, 2));
}

static void utc_is_iso_8601_with_milliseconds(void **state)
{
	char at[CLOCK_UTC_LEN + 1];

	(void)state;
	assert_string_equal(
	    clock_utc(0, at, sizeof(at)), "1970-01-01T00:00:00.000Z");
	assert_string_equal(clock_utc(1709164800999, at, sizeof(at)),
	    "2024-02-29T00:00:00.999Z");
	assert_string_equal(
	    clock_utc(-1, at, sizeof(at)), "1969-12-31T23:59:59.999Z");
	assert_string_equal(
	    clock_utc(-1000, at, sizeof(at)), "1969-12-31T23:59:59.000Z");
	assert_string_equal(clock_utc(253402300799999, at, sizeof(at)),
	    "9999-12-31T23:59:59.999Z");
	(void)clock_utc(INT64_MAX, at, sizeof(at));
	assert_true(strlen(at) <= CLOCK_UTC_LEN);
}

static void sha256_is_as_published(void **state)
{
	uint8_t digest[HASH_BYTES];
	char hex[HASH_HEX + 1];
	struct hash *h = hash_new();

	(void)state;
	hash_sha256("abc", 3, digest);
	assert_string_equal(hash_hex(digest, HASH_BYTES, hex),
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
	hash_sha256("", 0, digest);
	assert_string_equal(hash_hex(digest, HASH_BYTES, hex),
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855");
	hash_add(h, "a", 1);
	hash_add(h, "bc", 2);
	hash_end(h, digest);
	assert_true(str_starts(hash_hex(digest, HASH_BYTES, hex), "ba7816bf"));
}

static void hmac_is_as_github_publishes_it(void **state)
{
	static const char secret[] = "It's a Secret to Everybody";
	static const char body[] = "Hello, World!";
	uint8_t mac[HASH_BYTES];
	char hex[HASH_HEX + 1];

	(void)state;
	hash_hmac(secret, strlen(secret), body, strlen(body), mac);
	assert_string_equal(hash_hex(mac, HASH_BYTES, hex),
	    "757107ea0eb2509fc211221cce984b8a"
	    "37570b6d7586c22c46f4379c8b043e17");
}

static void unhex_takes_exactly_its_digits(void **state)
{
	uint8_t to[2] = {0};

	(void)state;
	assert_true(hash_unhex("00fF", to, 2));
	assert_int_equal(to[1], 0xff);
	assert_false(hash_unhex("00f", to, 2));
	assert_false(hash_unhex("00ff0", to, 2));
	assert_false(hash_unhex("00fg", to, 2));
	assert_false(hash_unhex("", to, 2));
	assert_true(hash_unhex("", to, 0));
	assert_true(hash_equal("abc", "abc", 3));
	assert_false(hash_equal("abc", "abd", 3));
}

static int folder_make(void **state)
{
	char *dir = xstrdup("/tmp/base_core.XXXXXX");

	*state = dir;
	return mkdtemp(dir) ? 0 : -1;
}

static int folder_remove(void **state)
{
	int r = fs_remove_tree(*state, NULL);

	free(*state);
	return r;
}

static bool only_entry(const char *dir, const char *name)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int n_others = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n_others += e->d_name[0] != '.' && !str_eq(e->d_name, name);
	(void)closedir(d); /* only read */
	return !n_others;
}

static void atomic_write_replaces_the_whole_file(void **state)
{
	scoped(free) char *path = xasprintf("%s/f", (char *)*state);
	scoped_val(buf_done) struct buf b = BUF_INIT(100);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, "long text", 9, 0644, &err), 0);
	assert_int_equal(fs_write_atomic(path, "new", 3, 0644, &err), 0);
	assert_int_equal(fs_read(path, 100, &b, &err), 0);
	assert_string_equal(buf_str(&b), "new");
	assert_true(only_entry(*state, "f"));
}

static void failed_atomic_write_leaves_no_file(void **state)
{
	scoped(free) char *path = xasprintf("%s/no/f", (char *)*state);
	scoped(free) char *dir = xasprintf("%s/d", (char *)*state);
	scoped(free) char *in_dir = xasprintf("%s/x", dir);
	struct err err = ERR_INIT;

	assert_int_equal(
	    fs_write_atomic(path, "x", 1, 0600, &err), -ERR_NOTFOUND);
	assert_int_equal(fs_mkdirs(in_dir, 0700, &err), 0);
	/* A folder cannot be replaced: the temporary file must go. */
	assert_true(fs_write_atomic(dir, "x", 1, 0600, &err) < 0);
	assert_int_equal(rmdir(in_dir), 0);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(rmdir(*state), 0);
	assert_int_equal(mkdir(*state, 0700), 0);
}

static void read_stops_at_its_ceiling(void **state)
{
	scoped(free) char *path = xasprintf("%s/f", (char *)*state);
	scoped(free) char *data = xcalloc(1, 70000);
	scoped_val(buf_done) struct buf b = BUF_INIT(1);
	struct err err = ERR_INIT;

	assert_int_equal(fs_write_atomic(path, data, 70000, 0600, &err), 0);
	assert_int_equal(fs_read(path, 70000, &b, &err), 0);
	assert_int_equal(b.len, 70000);
	assert_int_equal(b.max, 70000);
	assert_int_equal(fs_read(path, 69999, &b, &err), -ERR_LIMIT);
	assert_int_equal(fs_read(path, 0, &b, &err), -ERR_LIMIT);
	assert_int_equal(fs_read("/dev/null", 10, &b, &err), -ERR_INVAL);
	assert_int_equal(fs_read(*state, 10, &b, &err), -ERR_INVAL);
	assert_int_equal(fs_read("/no/such", 10, &b, &err), -ERR_NOTFOUND);
}

static void made_folders_are_folders(void **state)
{
	scoped(free) char *deep = xasprintf("%s/a//b/c", (char *)*state);
	scoped(free) char *file = xasprintf("%s/a/f", (char *)*state);
	scoped(free) char *under = xasprintf("%s/x", file);
	struct err err = ERR_INIT;
	struct stat st;

	assert_int_equal(fs_mkdirs(deep, 0700, &err), 0);
	assert_int_equal(fs_mkdirs(deep, 0700, &err), 0);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(fs_write_atomic(file, "x", 1, 0600, &err), 0);
	assert_int_equal(fs_mkdirs(file, 0700, &err), -ERR_INVAL);
	assert_int_equal(fs_mkdirs(under, 0700, &err), -ERR_INVAL);
}

static void removed_tree_spares_what_links_point_to(void **state)
{
	scoped(free) char *tree = xasprintf("%s/t", (char *)*state);
	scoped(free) char *deep = xasprintf("%s/u/v", tree);
	scoped(free) char *keep = xasprintf("%s/keep", (char *)*state);
	scoped(free) char *link = xasprintf("%s/l", tree);
	struct err err = ERR_INIT;
	struct stat st;

	assert_int_equal(fs_mkdirs(deep, 0700, &err), 0);
	assert_int_equal(fs_mkdirs(keep, 0700, &err), 0);
	assert_int_equal(symlink(keep, link), 0);
	assert_int_equal(fs_remove_tree(tree, &err), 0);
	assert_int_equal(stat(keep, &st), 0);
	assert_int_equal(stat(tree, &st), -1);
	assert_int_equal(fs_remove_tree(tree, &err), 0);
}

static void unsafe_paths_are_refused(void **state)
{
	static const char *const good[] = {
	    "a", "a/b", "...", "..a", "a..", ".hidden", "a b", "\xc3\xa9/x"};
	static const char *const bad[] = {"", "/", "/a", ".", "..", "a/..",
	    "a/../b", "../a", "./a", "a/.", "a//b", "a/", "a\\b", "a\nb",
	    "a\x7f", "a/\x01"};
	char name[1025];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(fs_path_is_safe(good[i]));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(fs_path_is_safe(bad[i]));
	memset(name, 'a', 1024);
	name[1024] = '\0';
	assert_false(fs_path_is_safe(name));
	name[1023] = '\0';
	assert_true(fs_path_is_safe(name));
}

static void file_hash_is_the_hash_of_its_bytes(void **state)
{
	scoped(free) char *path = xasprintf("%s/f", (char *)*state);
	scoped_val(fd_done) int fd = -1;
	uint8_t a[HASH_BYTES];
	uint8_t b[HASH_BYTES];
	int64_t size = 0;

	assert_int_equal(fs_write_atomic(path, "abc", 3, 0600, NULL), 0);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(hash_fd(fd, a, &size, NULL), 0);
	hash_sha256("abc", 3, b);
	assert_int_equal(size, 3);
	assert_memory_equal(a, b, HASH_BYTES);
}

static void taken_pointer_leaves_null(void **state)
{
	scoped(free) char *a = xstrdup("x");
	scoped(free) char *b = take(a);

	(void)state;
	assert_null(a);
	assert_string_equal(b, "x");
}

#define in_folder(test) \
	cmocka_unit_test_setup_teardown(test, folder_make, folder_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(error_keeps_kind_and_message),
	    cmocka_unit_test(error_without_a_place_still_returns_its_kind),
	    cmocka_unit_test(errno_becomes_a_kind_and_stays_as_code),
	    cmocka_unit_test(prefix_goes_before_and_keeps_the_kind),
	    cmocka_unit_test(message_may_be_made_from_itself),
	    cmocka_unit_test(long_message_is_cut_on_a_character),
	    cmocka_unit_test(only_three_kinds_are_temporary),
	    cmocka_unit_test(buffer_takes_exactly_its_ceiling),
	    cmocka_unit_test(failed_buffer_takes_nothing_until_reset),
	    cmocka_unit_test(formatted_text_obeys_the_ceiling),
	    cmocka_unit_test(unused_room_is_no_text),
	    cmocka_unit_test(huge_request_fails_and_does_not_wrap),
	    cmocka_unit_test(dropped_bytes_leave_the_rest),
	    cmocka_unit_test(taken_text_is_the_callers),
	    cmocka_unit_test(number_is_strict_decimal),
	    cmocka_unit_test(number_out_of_range_says_the_range),
	    cmocka_unit_test(glob_matches_whole_strings),
	    cmocka_unit_test(hostile_glob_ends_soon),
	    cmocka_unit_test(utf8_is_checked_at_its_edges),
	    cmocka_unit_test(tidy_text_is_one_line_of_utf8),
	    cmocka_unit_test(small_string_helpers_do_what_they_say),
	    cmocka_unit_test(utc_is_iso_8601_with_milliseconds),
	    cmocka_unit_test(sha256_is_as_published),
	    cmocka_unit_test(hmac_is_as_github_publishes_it),
	    cmocka_unit_test(unhex_takes_exactly_its_digits),
	    in_folder(atomic_write_replaces_the_whole_file),
	    in_folder(failed_atomic_write_leaves_no_file),
	    in_folder(read_stops_at_its_ceiling),
	    in_folder(made_folders_are_folders),
	    in_folder(removed_tree_spares_what_links_point_to),
	    cmocka_unit_test(unsafe_paths_are_refused),
	    in_folder(file_hash_is_the_hash_of_its_bytes),
	    cmocka_unit_test(taken_pointer_leaves_null),
	};

	hash_init();
	return cmocka_run_group_tests_name("base_core", tests, NULL, NULL);
}
