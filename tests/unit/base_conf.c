/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Configuration: the tree, its positions, what is refused, and typed access. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

static struct conf *parsed(const char *text)
{
	struct err err = ERR_INIT;
	struct conf *conf = NULL;

	if (conf_parse("f", text, strlen(text), &conf, &err) < 0)
		fail_msg("%s", err.msg);
	return conf;
}

static void refused_with(
    const char *text, size_t len, int want, const char *message)
{
	struct err err = ERR_INIT;
	struct conf *conf = NULL;
	int r = conf_parse("f", text, len, &conf, &err);

	assert_null(conf);
	assert_int_equal(r, want);
	assert_string_equal(err.msg, message);
}

static void refused(const char *text, const char *message)
{
	refused_with(text, strlen(text), -ERR_INVAL, message);
}

static void tree_keeps_order_and_kinds(void **state)
{
	scoped(conf_free) struct conf *conf =
	    parsed("b: 1\na: [x, 'y', ~]\nc: {k: v}\n");
	const struct conf_node *root = conf_root(conf);
	const struct conf_node *list = conf_get(root, "a");

	(void)state;
	assert_int_equal(conf_type(root), CONF_MAP);
	assert_int_equal(conf_len(root), 3);
	assert_string_equal(conf_key(root, 0), "b");
	assert_string_equal(conf_key(root, 2), "c");
	assert_null(conf_key(root, 3));
	assert_int_equal(conf_type(list), CONF_LIST);
	assert_int_equal(conf_len(list), 3);
	assert_string_equal(conf_text(conf_at(list, 0)), "x");
	assert_false(conf_quoted(conf_at(list, 0)));
	assert_true(conf_quoted(conf_at(list, 1)));
	assert_int_equal(conf_type(conf_at(list, 2)), CONF_NULL);
	assert_null(conf_at(list, 3));
	assert_null(conf_text(list));
	assert_string_equal(conf_text(conf_get(conf_get(root, "c"), "k")), "v");
	assert_null(conf_get(root, "d"));
	assert_null(conf_get(list, "d"));
	assert_null(conf_get(NULL, "d"));
}

static void position_of_a_value_is_its_keys(void **state)
{
	scoped(conf_free) struct conf *conf =
	    parsed("# comment\nm:\n  \xc3\xa9: 1\n  long:\n    - x\n    - y\n");
	const struct conf_node *m = conf_get(conf_root(conf), "m");
	const struct conf_node *list = conf_get(m, "long");

	(void)state;
	assert_int_equal(conf_line(m), 2);
	assert_int_equal(conf_column(m), 1);
	assert_int_equal(conf_line(list), 4);
	assert_int_equal(conf_column(list), 3);
	assert_int_equal(conf_line(conf_at(list, 1)), 6);
	assert_int_equal(conf_column(conf_at(list, 1)), 7);
}

static void empty_document_is_an_empty_map(void **state)
{
	static const char *const texts[] = {
	    "", "\n\n", "# only this\n", "---\n"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		scoped(conf_free) struct conf *conf = parsed(texts[i]);

		assert_int_equal(conf_type(conf_root(conf)), CONF_MAP);
		assert_int_equal(conf_len(conf_root(conf)), 0);
		assert_null(conf_get(conf_root(conf), "x"));
	}
}

static void json_is_read_too(void **state)
{
	scoped(conf_free) struct conf *conf = parsed(
	    "{\"a\":[1,\"2\",null,true],\n\t\"b\":{\"c\":\"\\u00e9\\/\\n\"}}");
	const struct conf_node *a = conf_get(conf_root(conf), "a");
	const struct conf_node *b = conf_get(conf_root(conf), "b");

	(void)state;
	assert_int_equal(conf_len(a), 4);
	assert_false(conf_quoted(conf_at(a, 0)));
	assert_true(conf_quoted(conf_at(a, 1)));
	assert_int_equal(conf_type(conf_at(a, 2)), CONF_NULL);
	assert_string_equal(conf_text(conf_get(b, "c")), "\xc3\xa9/\n");
}

static void clever_yaml_is_refused(void **state)
{
	(void)state;
	refused("a: &x 1\n", "f:1:4: anchors are not allowed");
	refused("a: &x [1]\n", "f:1:4: anchors are not allowed");
	refused("&x a: 1\n", "f:1:1: anchors are not allowed");
	refused("a: 1\nb: *a\n", "f:2:4: aliases are not allowed");
	refused("a: !!str 1\n", "f:1:4: tags are not allowed");
	refused("a: ! x\n", "f:1:4: tags are not allowed");
	refused("a: !x {b: 1}\n", "f:1:4: tags are not allowed");
	refused(
	    "%TAG ! tag:x,2000:\n---\na: 1\n", "f:1:1: tags are not allowed");
	refused("a: 1\n---\nb: 2\n",
	    "f:2:1: a second document; one per file is allowed");
	refused("? [a]\n: 1\n", "f:1:3: a key must be text, not a list or map");
	refused("~: 1\n", "f:1:1: a key is missing");
}

static void key_there_twice_is_refused_at_the_second(void **state)
{
	(void)state;
	refused(
	    "b: 1\na: 1\nc: 1\na: 2\n", "f:4:1: a: this key is there twice");
	refused(
	    "{x: {k: 1, j: 2, k: 3}}", "f:1:18: k: this key is there twice");
	/* Not in one map: allowed. */
	conf_free(parsed("a: {k: 1}\nb: {k: 1}\n"));
}

static void bad_bytes_are_refused_where_they_are(void **state)
{
	(void)state;
	refused("a: 1\nb: \xc3\xa9\xff\n", "f:2:5: not valid UTF-8");
	refused("a: \xed\xa0\x80\n", "f:1:4: not valid UTF-8");
	refused(
	    "a: 1\nb: x\x01y\n", "f:2:5: control characters are not allowed");
	refused("a: \"x\\0y\"\n", "f:1:4: a zero byte in a text");
	refused_with("a: x\0y\n", 7, -ERR_INVAL,
	    "f:1:5: control characters are not allowed");
	refused_with("\xff\xfe", 2, -ERR_INVAL, "f:1:1: not valid UTF-8");
}

static void syntax_error_has_a_position(void **state)
{
	(void)state;
	refused("a: [1, 2\nb: 3\n",
	    "f:2:2: while parsing a flow sequence: "
	    "did not find expected ',' or ']'");
	refused("a: 1\n b: 2\n",
	    "f:2:3: mapping values are not allowed in this context");
}

static void nest(struct buf *b, int depth)
{
	for (int i = 0; i < depth; i++)
		buf_putc(b, '[');
	for (int i = 0; i < depth; i++)
		buf_putc(b, ']');
}

static void depth_has_a_ceiling(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	(void)state;
	nest(&b, 32);
	conf_free(parsed(buf_str(&b)));
	buf_reset(&b);
	nest(&b, 33);
	refused_with(
	    b.data, b.len, -ERR_LIMIT, "f:1:33: nested deeper than 32");
	buf_reset(&b);
	nest(&b, 400000);
	refused_with(
	    b.data, b.len, -ERR_LIMIT, "f:1:33: nested deeper than 32");
}

static void number_of_values_has_a_ceiling(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	(void)state;
	for (int i = 0; i < 199999; i++)
		buf_puts(&b, "- a\n");
	conf_free(parsed(buf_str(&b)));
	buf_puts(&b, "- a\n");
	refused_with(
	    b.data, b.len, -ERR_LIMIT, "f:200000:3: over 200000 values");
}

static void size_has_a_ceiling(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(CONF_MAX_BYTES + 1);

	(void)state;
	while (b.len < CONF_MAX_BYTES)
		buf_puts(&b, "# 345 7\n");
	conf_free(parsed(buf_str(&b)));
	buf_putc(&b, '#');
	refused_with(b.data, b.len, -ERR_LIMIT, "f: over 4194304 bytes");
}

static void many_keys_are_found_in_time(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(CONF_MAX_BYTES);
	int64_t deadline_ms = clock_mono_ms() + 20000;
	struct conf *conf;
	char key[16];

	(void)state;
	for (int i = 0; i < 190000; i++)
		buf_printf(&b, "key%d: %d\n", i, i);
	conf = parsed(buf_str(&b));
	for (int i = 0; i < 190000; i++) {
		(void)snprintf(key, sizeof(key), "key%d", i);
		assert_string_equal(
		    conf_text(conf_get(conf_root(conf), key)), key + 3);
	}
	conf_free(conf);
	/* Comparing each key with each other would take minutes. */
	assert_true(clock_mono_ms() < deadline_ms);
}

static void file_is_named_in_messages(void **state)
{
	char path[] = "/tmp/base_conf.XXXXXX";
	scoped_val(fd_done) int fd = mkstemp(path);
	scoped(free) char *want =
	    xasprintf("%s:1:4: tags are not allowed", path);
	struct conf *conf = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(conf_load(path, &conf, &err), 0);
	conf_free(take(conf));
	assert_int_equal(fs_write_all(fd, "a: !b c\n", 8, &err), 0);
	assert_int_equal(conf_load(path, &conf, &err), -ERR_INVAL);
	assert_string_equal(err.msg, want);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(conf_load(path, &conf, &err), -ERR_NOTFOUND);
}

static void unknown_key_is_named_with_the_nearest(void **state)
{
	static const char *const keys[] = {"name", "power", "console"};
	scoped(conf_free) struct conf *conf =
	    parsed("a: {name: x, pwoer: y}\nb: {zzz: 1}\nc: [1]\nd: {name: 1}");
	const struct conf_node *root = conf_root(conf);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    conf_only(conf_get(root, "a"), "machine", keys, 3, &err),
	    -ERR_INVAL);
	assert_string_equal(err.msg,
	    "f:1:14: machine: unknown key 'pwoer'; did you mean 'power'? "
	    "allowed: name, power, console");
	assert_int_equal(
	    conf_only(conf_get(root, "b"), "machine", keys, 3, &err),
	    -ERR_INVAL);
	assert_string_equal(err.msg,
	    "f:2:5: machine: unknown key 'zzz'; "
	    "allowed: name, power, console");
	assert_int_equal(
	    conf_only(conf_get(root, "c"), "machine", keys, 3, &err),
	    -ERR_INVAL);
	assert_string_equal(
	    err.msg, "f:3:1: machine: found a list; must be a map");
	assert_int_equal(
	    conf_only(conf_get(root, "d"), "machine", keys, 3, &err), 0);
	assert_int_equal(conf_only(NULL, "machine", keys, 3, &err), 0);
}

static void text_is_any_scalar(void **state)
{
	scoped(conf_free) struct conf *conf =
	    parsed("a: 7.2\nb: \"q\"\nc: [1]\nd:\ne: yes\n");
	const struct conf_node *root = conf_root(conf);
	struct err err = ERR_INIT;
	const char *s = "default";

	(void)state;
	assert_int_equal(conf_str(root, "no", CONF_OPTIONAL, &s, &err), 0);
	assert_string_equal(s, "default");
	assert_int_equal(conf_str(root, "d", CONF_OPTIONAL, &s, &err), 0);
	assert_string_equal(s, "default");
	assert_int_equal(conf_str(root, "a", CONF_REQUIRED, &s, &err), 0);
	assert_string_equal(s, "7.2");
	assert_int_equal(conf_str(root, "e", CONF_REQUIRED, &s, &err), 0);
	assert_string_equal(s, "yes");
	assert_int_equal(
	    conf_str(root, "c", CONF_OPTIONAL, &s, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "f:3:1: c: found a list; must be text");
	assert_int_equal(
	    conf_str(root, "d", CONF_REQUIRED, &s, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "f:4:1: d: found nothing; must be text");
	assert_int_equal(
	    conf_str(root, "no", CONF_REQUIRED, &s, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "f:1:1: no: missing; must be text");
	assert_int_equal(
	    conf_str(conf_get(root, "c"), "k", CONF_OPTIONAL, &s, &err),
	    -ERR_INVAL);
	assert_int_equal(conf_str(NULL, "k", CONF_OPTIONAL, &s, &err), 0);
	assert_int_equal(
	    conf_str(NULL, "k", CONF_REQUIRED, &s, &err), -ERR_INVAL);
	assert_string_equal(s, "yes");
}

static void number_is_a_strict_integer(void **state)
{
	static const char *const bad[] = {"'5'", "1.0", "0x5", "07", "1_0",
	    "+5", "five", "-1", "11", "[5]", "5 s", "99999999999999999999"};
	struct err err = ERR_INIT;
	int64_t v = 3;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		scoped(free) char *text = xasprintf("n: %s\n", bad[i]);
		scoped(conf_free) struct conf *conf = parsed(text);

		assert_int_equal(conf_int(conf_root(conf), "n", CONF_REQUIRED,
		                     0, 10, &v, &err),
		    -ERR_INVAL);
		assert_non_null(
		    strstr(err.msg, "; must be a whole number from 0 to 10"));
		assert_int_equal(v, 3);
	}
}

static void number_in_range_is_read(void **state)
{
	scoped(conf_free) struct conf *conf = parsed("a: 0\nb: -10\nc: '5'\n");
	const struct conf_node *root = conf_root(conf);
	struct err err = ERR_INIT;
	int64_t v = 3;

	(void)state;
	assert_int_equal(conf_int(root, "z", CONF_OPTIONAL, 0, 9, &v, &err), 0);
	assert_int_equal(v, 3);
	assert_int_equal(conf_int(root, "a", CONF_OPTIONAL, 0, 9, &v, &err), 0);
	assert_int_equal(v, 0);
	assert_int_equal(
	    conf_int(root, "b", CONF_OPTIONAL, -10, 9, &v, &err), 0);
	assert_int_equal(v, -10);
	assert_int_equal(
	    conf_int(root, "c", CONF_OPTIONAL, 0, 9, &v, &err), -ERR_INVAL);
	assert_string_equal(err.msg,
	    "f:3:1: c: found \"5\"; must be a whole number from 0 to 9");
}

static void boolean_is_one_of_four_words(void **state)
{
	scoped(conf_free) struct conf *conf = parsed(
	    "a: true\nb: no\nc: 'true'\nd: on\ne: 1\nf: yes\ng: false\n");
	const struct conf_node *root = conf_root(conf);
	static const char *const bad[] = {"c", "d", "e"};
	struct err err = ERR_INIT;
	bool v = false;

	(void)state;
	assert_int_equal(conf_bool(root, "a", CONF_REQUIRED, &v, &err), 0);
	assert_true(v);
	assert_int_equal(conf_bool(root, "b", CONF_REQUIRED, &v, &err), 0);
	assert_false(v);
	assert_int_equal(conf_bool(root, "f", CONF_REQUIRED, &v, &err), 0);
	assert_true(v);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    conf_bool(root, bad[i], CONF_REQUIRED, &v, &err),
		    -ERR_INVAL);
	assert_string_equal(err.msg,
	    "f:5:1: e: found '1'; must be true, false, yes or no "
	    "(without quotes)");
	assert_true(v);
	assert_int_equal(conf_bool(root, "g", CONF_REQUIRED, &v, &err), 0);
	assert_false(v);
}

static void enum_error_lists_the_names(void **state)
{
	static const char *const names[] = {"ipmi", "redfish", "none"};
	scoped(conf_free) struct conf *conf =
	    parsed("a: redfish\nb: impi\nc: {}\nd:\n");
	const struct conf_node *root = conf_root(conf);
	struct err err = ERR_INIT;
	int v = -1;

	(void)state;
	assert_int_equal(
	    conf_enum(root, "a", CONF_REQUIRED, names, 3, &v, &err), 0);
	assert_int_equal(v, 1);
	assert_int_equal(
	    conf_enum(root, "b", CONF_REQUIRED, names, 3, &v, &err),
	    -ERR_INVAL);
	assert_string_equal(err.msg,
	    "f:2:1: b: found 'impi'; did you mean 'ipmi'? "
	    "allowed: ipmi, redfish, none");
	assert_int_equal(
	    conf_enum(root, "c", CONF_REQUIRED, names, 3, &v, &err),
	    -ERR_INVAL);
	assert_string_equal(
	    err.msg, "f:3:1: c: found a map; allowed: ipmi, redfish, none");
	assert_int_equal(
	    conf_enum(root, "d", CONF_REQUIRED, names, 3, &v, &err),
	    -ERR_INVAL);
	assert_string_equal(
	    err.msg, "f:4:1: d: found nothing; allowed: ipmi, redfish, none");
	assert_int_equal(
	    conf_enum(root, "z", CONF_REQUIRED, names, 3, &v, &err),
	    -ERR_INVAL);
	assert_string_equal(
	    err.msg, "f:1:1: z: missing; allowed: ipmi, redfish, none");
	assert_int_equal(v, 1);
}

static void long_list_of_names_is_cut(void **state)
{
	const char *names[200];
	scoped(conf_free) struct conf *conf = parsed("a: x\n");
	struct err err = ERR_INIT;
	int v;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		names[i] = "hypervisor";
	assert_int_equal(conf_enum(conf_root(conf), "a", CONF_REQUIRED, names,
	                     ARRAY_LEN(names), &v, &err),
	    -ERR_INVAL);
	assert_true(str_ends(err.msg, "hypervisor, ..."));
}

static void map_and_list_are_told_apart(void **state)
{
	scoped(conf_free) struct conf *conf = parsed("m: {}\nl: []\ns: x\n");
	const struct conf_node *root = conf_root(conf);
	const struct conf_node *n = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(conf_map(root, "z", CONF_OPTIONAL, &n, &err), 0);
	assert_null(n);
	assert_int_equal(conf_map(root, "m", CONF_REQUIRED, &n, &err), 0);
	assert_int_equal(conf_type(n), CONF_MAP);
	assert_int_equal(conf_list(root, "l", CONF_REQUIRED, &n, &err), 0);
	assert_int_equal(conf_type(n), CONF_LIST);
	assert_int_equal(
	    conf_map(root, "l", CONF_REQUIRED, &n, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "f:2:1: l: found a list; must be a map");
	assert_int_equal(
	    conf_list(root, "s", CONF_REQUIRED, &n, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "f:3:1: s: found 'x'; must be a list");
}

static void one_text_counts_as_a_list_of_one(void **state)
{
	scoped(conf_free) struct conf *conf =
	    parsed("a: x\nb: [x, 1]\nc: []\nd: [x, {}]\ne: {}\nf: [~]\n");
	const struct conf_node *root = conf_root(conf);
	struct err err = ERR_INIT;
	char **list = NULL;

	(void)state;
	assert_int_equal(
	    conf_strings(root, "z", CONF_OPTIONAL, &list, &err), 0);
	assert_null(list);
	assert_int_equal(
	    conf_strings(root, "a", CONF_REQUIRED, &list, &err), 0);
	assert_string_equal(list[0], "x");
	assert_null(list[1]);
	conf_strings_free(take(list));
	assert_int_equal(
	    conf_strings(root, "b", CONF_REQUIRED, &list, &err), 0);
	assert_string_equal(list[1], "1");
	assert_null(list[2]);
	conf_strings_free(take(list));
	assert_int_equal(
	    conf_strings(root, "c", CONF_REQUIRED, &list, &err), 0);
	assert_null(list[0]);
	conf_strings_free(take(list));
	assert_int_equal(
	    conf_strings(root, "d", CONF_REQUIRED, &list, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "f:4:8: d: found a map; must be text");
	assert_int_equal(
	    conf_strings(root, "e", CONF_REQUIRED, &list, &err), -ERR_INVAL);
	assert_int_equal(
	    conf_strings(root, "f", CONF_REQUIRED, &list, &err), -ERR_INVAL);
	assert_null(list);
	conf_strings_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(tree_keeps_order_and_kinds),
	    cmocka_unit_test(position_of_a_value_is_its_keys),
	    cmocka_unit_test(empty_document_is_an_empty_map),
	    cmocka_unit_test(json_is_read_too),
	    cmocka_unit_test(clever_yaml_is_refused),
	    cmocka_unit_test(key_there_twice_is_refused_at_the_second),
	    cmocka_unit_test(bad_bytes_are_refused_where_they_are),
	    cmocka_unit_test(syntax_error_has_a_position),
	    cmocka_unit_test(depth_has_a_ceiling),
	    cmocka_unit_test(number_of_values_has_a_ceiling),
	    cmocka_unit_test(size_has_a_ceiling),
	    cmocka_unit_test(many_keys_are_found_in_time),
	    cmocka_unit_test(file_is_named_in_messages),
	    cmocka_unit_test(unknown_key_is_named_with_the_nearest),
	    cmocka_unit_test(text_is_any_scalar),
	    cmocka_unit_test(number_is_a_strict_integer),
	    cmocka_unit_test(number_in_range_is_read),
	    cmocka_unit_test(boolean_is_one_of_four_words),
	    cmocka_unit_test(enum_error_lists_the_names),
	    cmocka_unit_test(long_list_of_names_is_cut),
	    cmocka_unit_test(map_and_list_are_told_apart),
	    cmocka_unit_test(one_text_counts_as_a_list_of_one),
	};

	return cmocka_run_group_tests_name("base_conf", tests, NULL, NULL);
}
