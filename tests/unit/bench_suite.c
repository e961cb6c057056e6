/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Project configurations: what is read, and where a complaint points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "base/fs.h"
#include "base/str.h"
#include "bench/bench.h"

static struct suite *parse(const char *text)
{
	struct suite *s = NULL;
	struct err err = ERR_INIT;

	if (suite_parse("s.yaml", text, strlen(text), &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static void expect_kind(const char *text, int kind, const char *message)
{
	struct suite *s = NULL;
	struct err err = ERR_INIT;
	int r = suite_parse("s.yaml", text, strlen(text), &s, &err);

	assert_null(s);
	assert_string_equal(err.msg, message);
	assert_int_equal(r, -kind);
	assert_int_equal(err.kind, kind);
}

static void expect_error(const char *text, const char *message)
{
	expect_kind(text, ERR_INVAL, message);
}

/* An item with the given further lines, which begin in line 4, column 5. */
static void expect_item_error(const char *lines, const char *message)
{
	scoped(free) char *text = xasprintf("boot_items:\n"
	                                    "  - name: a\n"
	                                    "    exec: b\n"
	                                    "    %s\n",
	    lines);
	scoped(free) char *full = xasprintf("s.yaml:4:5: %s", message);

	expect_error(text, full);
}

/* The list in one line, as in "a|b|". */
static void expect_list(char *const *list, const char *joined)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(10000);

	assert_non_null(list);
	for (; *list; list++)
		buf_printf(&b, "%s|", *list);
	assert_string_equal(buf_str(&b), joined);
}

/* ---- what is read ---------------------------------------------------- */

static void an_item_needs_only_a_name_and_an_exec(void **state)
{
	scoped(suite_free) struct suite *s =
	    parse("boot_items: [ { name: a, exec: b.elf32 --serial } ]");
	const struct suite_item *it = s->items;

	(void)state;
	assert_string_equal(s->name, "s.yaml");
	assert_int_equal(s->n_items, 1);
	assert_string_equal(it->name, "a");
	assert_string_equal(it->exec, "b.elf32 --serial");
	expect_list(it->load, "");
	expect_list(it->extra_files, "");
	expect_list(it->tags, "");
	expect_list(it->forbidden, "");
	expect_list(it->platforms, "");
	assert_false(it->hardware_independent);
	assert_int_equal(it->boot_timeout_ms, 120000);
	assert_int_equal(it->timeout_ms, 3600000);
	assert_int_equal(it->silence_ms, 120000);
	assert_int_equal(it->expect, TEST_PASS);
	assert_int_equal(it->retries, 2);
	expect_list(s->panic_patterns, "");
	expect_list(s->ignored, "");
}

static const char full[] = "boot_items:\n"
                           "  - name: full item\n"
                           "    exec: kernel.elf32 --serial=@{port}\n"
                           "    load: [ initrd quiet, module ]\n"
                           "    extra_files: [ data/a, module ]\n"
                           "    boot_item_timeout: 300\n"
                           "    timeout: 604800\n"
                           "    silence_timeout: 1\n"
                           "    tags: [ feature:vmx, \"!slow\", sata ]\n"
                           "    platforms: alder_lake\n"
                           "    hardware_independent: true\n"
                           "    cacheable: true\n"
                           "    iscsi: { disk: x }\n"
                           "    expect: panic\n"
                           "    retries: 0\n"
                           "  - { name: two, exec: kernel.elf32, load: other,\n"
                           "      hardwareIndependent: yes }\n"
                           "boot_panic_patterns: [ Kernel panic, BUG ]\n"
                           "extra_dependencies: [ x ]\n"
                           "fail_behavior: stop\n"
                           "local_tags_list: [ y ]\n"
                           "boot_prerequisites: {}\n"
                           "variants: {}\n"
                           "guests: {}\n"
                           "benchmarks: []\n";

static void every_key_is_read(void **state)
{
	scoped(suite_free) struct suite *s = parse(full);
	const struct suite_item *it = s->items;

	(void)state;
	assert_int_equal(s->n_items, 2);
	assert_string_equal(it->name, "full item");
	expect_list(it->load, "initrd quiet|module|");
	expect_list(it->extra_files, "data/a|module|");
	expect_list(it->tags, "feature:vmx|sata|");
	expect_list(it->forbidden, "slow|");
	expect_list(it->platforms, "alder_lake|");
	assert_true(it->hardware_independent);
	assert_true(it[1].hardware_independent);
	assert_int_equal(it->boot_timeout_ms, 300000);
	assert_int_equal(it->timeout_ms, 604800000);
	assert_int_equal(it->silence_ms, 1000);
	assert_int_equal(it->expect, TEST_PANIC);
	assert_int_equal(it->retries, 0);
	expect_list(it[1].load, "other|");
	expect_list(s->panic_patterns, "Kernel panic|BUG|");
	expect_list(s->ignored,
	    "s.yaml:19: extra_dependencies|s.yaml:20: fail_behavior|"
	    "s.yaml:21: local_tags_list|s.yaml:22: boot_prerequisites|"
	    "s.yaml:12: cacheable|s.yaml:13: iscsi|");
}

static void each_expectation_has_its_end(void **state)
{
	static const enum test_end ends[] = {
	    TEST_PASS, TEST_FAIL, TEST_TIMEOUT, TEST_PANIC, TEST_RESET};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		scoped(free) char *text = xasprintf(
		    "boot_items: [ { name: a, exec: b, expect: %s } ]",
		    test_end_name(ends[i]));
		scoped(suite_free) struct suite *s = parse(text);

		assert_int_equal(s->items[0].expect, ends[i]);
	}
}

static void json_is_read_alike(void **state)
{
	scoped(suite_free) struct suite *s =
	    parse("{\"boot_items\": [{\"name\": \"j\", \"exec\": \"e -s\",\n"
	          "\t\"load\": [\"i\"], \"boot_item_timeout\": 5,\n"
	          "\t\"hardware_independent\": true}],\n"
	          " \"benchmarks\": []}\n");

	(void)state;
	assert_string_equal(s->items[0].exec, "e -s");
	expect_list(s->items[0].load, "i|");
	assert_int_equal(s->items[0].boot_timeout_ms, 5000);
	assert_true(s->items[0].hardware_independent);
	expect_list(s->ignored, "");
}

static void expect_tutorial(const char *boot_source)
{
	scoped(free) char *text =
	    xasprintf("boot_items:\n"
	              "  - name: \"Linux + initial RAM disk test\"\n"
	              "    boot_source:%s\n"
	              "    boot_item_timeout: 300\n"
	              "boot_panic_patterns: [ \"Kernel panic\" ]\n",
	        boot_source);
	scoped(suite_free) struct suite *s = parse(text);

	assert_string_equal(
	    s->items[0].exec, "bzImage console=@{linux_terminal}");
	expect_list(s->items[0].load, "initrd|");
	assert_int_equal(s->items[0].boot_timeout_ms, 300000);
	expect_list(s->panic_patterns, "Kernel panic|");
}

/* YAML allows @{ and } without quotes outside of { } and [ ] only. */
static void the_tutorial_of_sotest_is_read(void **state)
{
	(void)state;
	expect_tutorial("\n"
	                "      bios:\n"
	                "        exec: bzImage console=@{linux_terminal}\n"
	                "        load: [ initrd ]");
	expect_tutorial(" { bios: { exec: \"bzImage "
	                "console=@{linux_terminal}\", load: [ initrd ] } }");
	expect_tutorial("\n"
	                "      - bios:\n"
	                "          exec: bzImage console=@{linux_terminal}\n"
	                "          load: initrd");
}

static void bios_is_chosen_before_bifi_and_uefi(void **state)
{
	static const struct {
		const char *source, *exec, *ignored;
	} rows[] = {
	    {"{ uefi: { exec: u }, bios: { exec: b } }", "b",
	        "s.yaml:1: uefi|"},
	    {"{ uefi: { exec: u } }", "u", ""},
	    {"[ { uefi: { exec: u } }, { bifi: { exec: i } } ]", "i",
	        "s.yaml:1: uefi|"},
	    {"[ { bios: { exec: b } }, { bifi: { exec: i } } ]", "b",
	        "s.yaml:1: bifi|"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(free) char *text =
		    xasprintf("boot_items: [ { name: a, boot_source: %s } ]",
		        rows[i].source);
		scoped(suite_free) struct suite *s = parse(text);

		assert_string_equal(s->items[0].exec, rows[i].exec);
		expect_list(s->ignored, rows[i].ignored);
	}
}

static void a_long_boot_does_not_use_up_the_default_total(void **state)
{
	scoped(suite_free) struct suite *s =
	    parse("boot_items:\n"
	          "  - { name: a, exec: b, boot_item_timeout: 7200 }\n"
	          "  - { name: b, exec: b, boot_item_timeout: 7200,"
	          " timeout: 60 }\n");

	(void)state;
	assert_int_equal(s->items[0].timeout_ms, 10800000);
	assert_int_equal(s->items[1].timeout_ms, 60000);
}

static void the_test_kernels_suite_is_read(void **state)
{
	const char *src = getenv("IB_SRCDIR");
	scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);
	scoped(suite_free) struct suite *s = NULL;
	scoped(free) char *path =
	    xasprintf("%s/fixtures/guests/suite.yaml", src ? src : ".");
	struct err err = ERR_INIT;
	int r = fs_read(path, 1 << 20, &text, &err);

	(void)state;
	/* cmocka reports a skipped test as "not ok", so it is a remark. */
	if (r == -ERR_NOTFOUND) {
		print_message("# skipped: %s\n", err.msg);
		return;
	}
	assert_int_equal(r, 0);
	if (suite_parse(path, text.data, text.len, &s, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(s->n_items > 0);
	expect_list(s->ignored, "");
}

/* ---- complaints ------------------------------------------------------ */

static void a_bad_top_level_is_refused(void **state)
{
	(void)state;
	expect_error("[]", "s.yaml:1:1: suite: found a list; must be a map");
	expect_error("benchmarks: []",
	    "s.yaml:1:1: boot_items: missing; must be a list");
	expect_error("boot_items: []",
	    "s.yaml:1:1: boot_items: empty; must have an item");
	expect_error("boot_items: a",
	    "s.yaml:1:1: boot_items: found 'a'; must be a list");
	expect_error("boot_items: [ a ]",
	    "s.yaml:1:15: boot item: found 'a'; must be a map");
	expect_error("fail_behavior: []",
	    "s.yaml:1:1: fail_behavior: must be text or a map");
	expect_error("boot_panic_patterns: [ a, \"\" ]",
	    "s.yaml:1:27: boot_panic_patterns: has 0 characters; must have "
	    "1 to 500");
}

static void an_unknown_key_is_refused_at_its_place(void **state)
{
	struct suite *s = NULL;
	struct err err = ERR_INIT;
	static const char top[] = "boot_items: []\nboot_item: []\n";
	static const char item[] =
	    "boot_items:\n  - { name: a, exec: b,\n      zzz: 1 }\n";

	(void)state;
	assert_int_equal(
	    suite_parse("s.yaml", top, strlen(top), &s, &err), -ERR_INVAL);
	assert_true(str_starts(err.msg,
	    "s.yaml:2:1: suite: unknown key 'boot_item'; did you mean "
	    "'boot_items'?"));
	assert_int_equal(
	    suite_parse("s.yaml", item, strlen(item), &s, &err), -ERR_INVAL);
	assert_true(str_starts(
	    err.msg, "s.yaml:3:7: boot item: unknown key 'zzz'; allowed: "));
}

static void a_bad_name_is_refused(void **state)
{
	char name[250];
	scoped(free) char *text = NULL;

	(void)state;
	expect_error("boot_items: [ { exec: b } ]",
	    "s.yaml:1:15: name: missing; must be text");
	expect_error("boot_items: [ { name: \"\", exec: b } ]",
	    "s.yaml:1:17: name: has 0 characters; must have 1 to 200");
	expect_error("boot_items: [ { name: \"a\\tb\", exec: b } ]",
	    "s.yaml:1:17: name: has a control character at byte 2; must be "
	    "printable");
	expect_error("boot_items: [ { name: \"a\\u202eb\", exec: b } ]",
	    "s.yaml:1:17: name: has a control character at byte 2; must be "
	    "printable");
	memset(name, 'x', 201);
	name[201] = '\0';
	text = xasprintf("boot_items: [ { name: %s, exec: b } ]", name);
	expect_error(
	    text, "s.yaml:1:17: name: has 201 characters; must have 1 to 200");
}

static void two_hundred_letters_of_two_bytes_are_a_name(void **state)
{
	char name[401];
	scoped(free) char *text = NULL;
	scoped(suite_free) struct suite *s = NULL;

	(void)state;
	for (int i = 0; i < 400; i += 2)
		memcpy(name + i, "\xc3\xa9", 2);
	name[400] = '\0';
	text = xasprintf("boot_items: [ { name: %s, exec: b } ]", name);
	s = parse(text);
	assert_string_equal(s->items[0].name, name);
}

static void a_repeated_name_is_refused(void **state)
{
	(void)state;
	expect_error("boot_items:\n"
	             "  - { name: b, exec: x }\n"
	             "  - { name: a, exec: x }\n"
	             "  - exec: x\n"
	             "    name: b\n",
	    "s.yaml:5:5: name: 'b' is the name of the item in line 2 already; "
	    "must be unique");
}

static void an_unsafe_path_is_refused(void **state)
{
	static const char *const paths[] = {
	    "../x", "/x", "a//b", "a/./b", "a/..", " x"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped(free) char *text = xasprintf(
		    "boot_items: [ { name: a, exec: \"%s y\" } ]", paths[i]);
		scoped(free) char *message = xasprintf(
		    "s.yaml:1:26: exec: unsafe path '%s'; must be relative "
		    "and stay in the bundle",
		    paths[i][0] == ' ' ? "" : paths[i]);

		expect_error(text, message);
	}
	expect_item_error("extra_files: ../x",
	    "extra_files: unsafe path '../x'; must be relative and stay in "
	    "the bundle");
	expect_error(
	    "boot_items: [ { name: a, exec: b,\n load: [ c, /d e ] } ]",
	    "s.yaml:2:13: load: unsafe path '/d'; must be relative and stay "
	    "in the bundle");
}

static void what_could_write_a_boot_script_is_refused(void **state)
{
	(void)state;
	expect_error("boot_items: [ { name: a, exec: \"b\\nreboot\" } ]",
	    "s.yaml:1:26: exec: has a control character at byte 2; must be "
	    "printable");
	expect_error(
	    "boot_items: [ { name: a, exec: b, load: [ \"c\\u0085d\" ] } ]",
	    "s.yaml:1:43: load: has a control character at byte 2; must be "
	    "printable");
}

static void a_bad_variable_is_refused(void **state)
{
	(void)state;
	expect_error("boot_items: [ { name: a, exec: \"b @{c\" } ]",
	    "s.yaml:1:26: exec: unclosed variable '@{c'; must end with }");
	expect_error("boot_items: [ { name: a, exec: \"b-@{c} d\" } ]",
	    "s.yaml:1:26: exec: variable in path 'b-@{c}'; only allowed in "
	    "arguments");
	expect_error("boot_items: [ { name: a, exec: \"b @{}\" } ]",
	    "s.yaml:1:26: exec: variable '@{}': the name must have 1 to 100 "
	    "bytes");
}

static void a_bad_boot_source_is_refused(void **state)
{
	(void)state;
	expect_error("boot_items: [ { name: a } ]",
	    "s.yaml:1:15: exec: missing; must be text");
	expect_error("boot_items: [ { name: a, exec: b,\n"
	             "  boot_source: { bios: { exec: c } } } ]",
	    "s.yaml:1:26: exec: boot_source is given, too; must be one of "
	    "them");
	expect_error("boot_items: [ { name: a, boot_source: {} } ]",
	    "s.yaml:1:26: boot_source: empty; must have bios, bifi or uefi");
	expect_error("boot_items: [ { name: a, boot_source: b } ]",
	    "s.yaml:1:26: boot_source: found 'b'; must be a map");
	expect_error("boot_items: [ { name: a, boot_source: { bios: {} } } ]",
	    "s.yaml:1:41: exec: missing; must be text");
	expect_error("boot_items: [ { name: a, boot_source: { bios: x } } ]",
	    "s.yaml:1:41: bios: found 'x'; must be a map");
	expect_error("boot_items: [ { name: a, boot_source:\n"
	             " [ { bios: { exec: x } },\n"
	             "   { bios: { exec: x } } ] } ]",
	    "s.yaml:3:6: bios: given in line 2 already");
	expect_error(
	    "boot_items: [ { name: a, boot_source: { bios: { exec: x,\n"
	    "  what: 1 } } } ]",
	    "s.yaml:2:3: bios: unknown key 'what'; allowed: exec, load");
}

static void a_bad_value_is_refused(void **state)
{
	(void)state;
	expect_item_error("timeout: 0",
	    "timeout: found '0'; must be a whole number from 1 to 604800");
	expect_item_error("boot_item_timeout: 604801",
	    "boot_item_timeout: found '604801'; must be a whole number from 1 "
	    "to 604800");
	expect_item_error("silence_timeout: 1.5",
	    "silence_timeout: found '1.5'; must be a whole number from 1 to "
	    "604800");
	expect_item_error("retries: -1",
	    "retries: found '-1'; must be a whole number from 0 to 100");
	expect_item_error("expect: passed",
	    "expect: found 'passed'; did you mean 'pass'? allowed: pass, fail, "
	    "timeout, panic, reset");
	expect_item_error(
	    "tags: \"!\"", "tags: found '!'; must be a tag or !tag");
	expect_item_error(
	    "tags: [ a, \"!a\" ]", "tags: 'a' is needed and forbidden");
	expect_item_error("platforms: {}",
	    "platforms: found a map; must be text or a list of texts");
	expect_item_error("cacheable: maybe",
	    "cacheable: found 'maybe'; must be true, false, yes or no "
	    "(without quotes)");
	expect_error("boot_items: [ { name: a, exec: b,\n"
	             " hardware_independent: true,\n"
	             " hardwareIndependent: true } ]",
	    "s.yaml:3:2: hardwareIndependent: hardware_independent is given, "
	    "too; must be one of them");
}

static void too_much_is_a_limit(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	(void)state;
	buf_puts(&b, "boot_items:\n");
	for (int i = 0; i <= SUITE_ITEMS_MAX; i++)
		buf_printf(&b, "- {name: %d, exec: b}\n", i);
	expect_kind(buf_str(&b), ERR_LIMIT,
	    "s.yaml:1:1: boot_items: has 10001 items; must have at most 10000");
	buf_reset(&b);
	buf_puts(&b, "boot_items: [{name: a, exec: b, tags: [");
	for (int i = 0; i < 65; i++)
		buf_printf(&b, "%d,", i);
	buf_puts(&b, "]}]");
	expect_kind(buf_str(&b), ERR_LIMIT,
	    "s.yaml:1:33: tags: has 65 entries; must have at most 64");
}

/* ---- files and variables --------------------------------------------- */

static void each_file_is_named_once_in_order(void **state)
{
	scoped(suite_free) struct suite *s = parse(full);
	char **files = suite_files(s);

	(void)state;
	expect_list(files, "kernel.elf32|initrd|module|data/a|other|");
	suite_files_free(files);
}

static void an_entry_is_a_path_and_arguments(void **state)
{
	scoped(free) char *path = suite_path("a/b --c d");
	scoped(free) char *bare = suite_path("a/b");

	(void)state;
	assert_string_equal(path, "a/b");
	assert_string_equal(bare, "a/b");
	assert_string_equal(suite_args("a/b --c d"), "--c d");
	assert_string_equal(suite_args("a/b"), "");
	assert_string_equal(suite_args("a/b "), "");
}

static const char *variable(void *arg, const char *name)
{
	assert_ptr_equal(arg, &variable);
	if (str_eq(name, "tty"))
		return "ttyS4";
	return str_eq(name, "self") ? "@{self}" : NULL;
}

static void expect_substitution(
    const char *text, size_t max, int kind, const char *expected)
{
	struct err err = ERR_INIT;
	void *arg = (void *)(uintptr_t)&variable;
	scoped_val(buf_done) struct buf b = BUF_INIT(max);

	buf_puts(&b, "> ");
	assert_int_equal(
	    suite_substitute(text, variable, arg, &b, &err), -kind);
	if (kind) {
		assert_string_equal(buf_str(&b), "> ");
		assert_string_equal(err.msg, expected);
	} else {
		assert_string_equal(buf_str(&b) + 2, expected);
	}
}

static void variables_are_replaced_once(void **state)
{
	(void)state;
	expect_substitution("", 100, 0, "");
	expect_substitution("@ {a} @", 100, 0, "@ {a} @");
	expect_substitution(
	    "console=@{tty},@{tty} x", 100, 0, "console=ttyS4,ttyS4 x");
	expect_substitution("@{self}", 100, 0, "@{self}");
	expect_substitution(
	    "a @{nothing}", 100, ERR_INVAL, "unknown variable '@{nothing}'");
	expect_substitution("a @{tty", 100, ERR_INVAL,
	    "unclosed variable '@{tty'; must end with }");
	expect_substitution("@{}", 100, ERR_INVAL,
	    "variable '@{}': the name must have 1 to 100 bytes");
	expect_substitution("@{tty}@{tty}", 11, ERR_LIMIT,
	    "text over 11 bytes with its variables");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_item_needs_only_a_name_and_an_exec),
	    cmocka_unit_test(every_key_is_read),
	    cmocka_unit_test(each_expectation_has_its_end),
	    cmocka_unit_test(json_is_read_alike),
	    cmocka_unit_test(the_tutorial_of_sotest_is_read),
	    cmocka_unit_test(bios_is_chosen_before_bifi_and_uefi),
	    cmocka_unit_test(a_long_boot_does_not_use_up_the_default_total),
	    cmocka_unit_test(the_test_kernels_suite_is_read),
	    cmocka_unit_test(a_bad_top_level_is_refused),
	    cmocka_unit_test(an_unknown_key_is_refused_at_its_place),
	    cmocka_unit_test(a_bad_name_is_refused),
	    cmocka_unit_test(two_hundred_letters_of_two_bytes_are_a_name),
	    cmocka_unit_test(a_repeated_name_is_refused),
	    cmocka_unit_test(an_unsafe_path_is_refused),
	    cmocka_unit_test(what_could_write_a_boot_script_is_refused),
	    cmocka_unit_test(a_bad_variable_is_refused),
	    cmocka_unit_test(a_bad_boot_source_is_refused),
	    cmocka_unit_test(a_bad_value_is_refused),
	    cmocka_unit_test(too_much_is_a_limit),
	    cmocka_unit_test(each_file_is_named_once_in_order),
	    cmocka_unit_test(an_entry_is_a_path_and_arguments),
	    cmocka_unit_test(variables_are_replaced_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
