/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lab files: what a machine is, and where a complaint points. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "orchestrator/lab.h"

static char dir[] = "/tmp/ib-lab-XXXXXX";
static char *path;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(dir))
		return -1;
	path = xasprintf("%s/lab.yaml", dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(path);
	return fs_remove_tree(dir, NULL);
}

static int load(const char *text, struct lab **ret, struct err *err)
{
	struct power_shared shared = {.dir = "."};

	assert_int_equal(
	    fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
	return lab_load(path, &shared, ret, err);
}

static struct lab *good(const char *text)
{
	struct lab *lab = NULL;
	struct err err = ERR_INIT;

	if (load(text, &lab, &err) < 0)
		fail_msg("%s", err.msg);
	return lab;
}

/* where: "line:column"; what: a part of the rest. */
static void bad(const char *text, const char *where, const char *what)
{
	scoped(free) char *start = xasprintf("%s:%s: ", path, where);
	struct lab *lab = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(load(text, &lab, &err), -ERR_INVAL);
	assert_null(lab);
	if (!str_starts(err.msg, start) || !strstr(err.msg, what))
		fail_msg("'%s' is not %s...%s", err.msg, start, what);
}

static bool has_tag(const struct lab_machine *m, const char *tag)
{
	for (char **t = m->tags; t && *t; t++)
		if (strcmp(*t, tag) == 0)
			return true;
	return false;
}

#define HEAD "machines:\n  - name: m1\n    platform: a\n    "

static void no_file_is_the_empty_lab(void **state)
{
	struct power_shared shared = {.dir = "."};
	scoped(lab_unref) struct lab *lab = NULL;
	scoped(lab_unref) struct lab *empty = good("machines: []\n");

	(void)state;
	assert_int_equal(lab_load(NULL, &shared, &lab, NULL), 0);
	assert_int_equal(lab->n_machines, 0);
	assert_int_equal(empty->n_machines, 0);
	assert_string_equal(empty->dir, dir);
}

static void a_missing_file_is_not_found(void **state)
{
	struct power_shared shared = {.dir = "."};
	struct lab *lab = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    lab_load("/nowhere/lab.yaml", &shared, &lab, &err), -ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "/nowhere/lab.yaml"));
}

static void a_machine_has_what_is_written(void **state)
{
	scoped(lab_unref) struct lab *lab =
	    good(HEAD "tags: [ red, blue ]\n"
	              "    vars: { tty: ttyS4, n: 4 }\n"
	              "    quiet_group: shelf\n"
	              "  - { name: m2, platform: a, host: m1 }\n");
	const struct lab_machine *m1 = lab_find(lab, "m1");
	const struct lab_machine *m2 = lab_find(lab, "m2");

	(void)state;
	assert_int_equal(lab->n_machines, 2);
	assert_string_equal(m1->host, "m1");
	assert_string_equal(m2->host, "m1");
	assert_string_equal(m1->group, "shelf");
	assert_null(m2->group);
	assert_true(has_tag(m1, "red") && has_tag(m1, "blue"));
	assert_false(has_tag(m1, LAB_TAG_BOOT));
	assert_string_equal(lab_var((void *)m1, "tty"), "ttyS4");
	assert_string_equal(lab_var((void *)m1, "n"), "4");
	assert_null(lab_var((void *)m1, "none"));
	assert_null(lab_var((void *)m2, "tty"));
	assert_null(lab_find(lab, "m3"));
}

#define POWER "power: { driver: ipmi, host: h, user: u, password: p }"
#define CONSOLE "console: { driver: socket, path: x }"
#define BOOT "boot: { driver: ipxe, mac: 52-54-00-00-00-0A }"

static void only_what_can_boot_has_the_tag(void **state)
{
	scoped(lab_unref) struct lab *lab = good(
	    "machines:\n"
	    "  - { name: all, platform: a, " POWER ", " CONSOLE ", " BOOT " }\n"
	    "  - { name: p, platform: a, power: { driver: none }, " CONSOLE
	    ", boot: { driver: ipxe, mac: 52-54-00-00-00-0B } }\n"
	    "  - { name: c, platform: a, " POWER
	    ", console: { driver: none }, boot: { driver: ipxe, mac: "
	    "52-54-00-00-00-0C } }\n"
	    "  - { name: b, platform: a, " POWER ", " CONSOLE
	    ", boot: { driver: none } }\n");

	(void)state;
	assert_true(has_tag(lab_find(lab, "all"), LAB_TAG_BOOT));
	assert_string_equal(lab_find(lab, "all")->mac, "52:54:00:00:00:0a");
	assert_false(has_tag(lab_find(lab, "p"), LAB_TAG_BOOT));
	assert_false(has_tag(lab_find(lab, "c"), LAB_TAG_BOOT));
	assert_false(has_tag(lab_find(lab, "b"), LAB_TAG_BOOT));
	assert_null(lab_find(lab, "b")->mac);
}

static void a_complaint_points_at_its_place(void **state)
{
	(void)state;
	bad("[]\n", "1:1", "a lab file is a map");
	bad("machine: []\n", "1:1", "unknown key 'machine'");
	bad("machines: {}\n", "1:1", "machines");
	bad("machines:\n  - m1\n", "2:5", "a machine is a map");
	bad(HEAD "colour: red\n", "4:5", "unknown key 'colour'");
	bad(HEAD "host: ../x\n", "4:5", "'../x' is not a name");
	bad(HEAD "tags: { a: b }\n", "4:5", "tags");
	bad(HEAD "vars: { a: [] }\n", "4:13", "a variable is text");
	bad(HEAD "power: on\n", "4:5", "power");
	bad(HEAD "power: { driver: ipmi }\n", "4:5", "host");
	bad(HEAD "boot: { driver: ipxe }\n", "4:5", "mac");
	bad(HEAD "ssh: { port: 0 }\n", "4:12", "port");
	bad(HEAD "ssh: { user: [ x ] }\n", "4:12", "user");
	bad("defaults: { ssh: { port: x } }\n", "1:20", "port");
	bad("defaults: { console: { baud: 1 } }\n", "1:24", "baud");
	bad("defaults: { console: { driver: none } }\n", "1:24", "driver");
	bad("projects: [ { name: . } ]\n", "1:15", "not a name");
	bad("projects:\n  - { name: a }\n  - { name: a }\n", "3:5", "twice");
}

static void names_are_given_once(void **state)
{
	(void)state;
	bad(HEAD "host: h\n  - { name: m1, platform: b }\n", "5:5", "'m1'");
	bad(HEAD "aliases: [ m2 ]\n  - { name: m2, platform: b }\n", "5:5",
	    "shares a name or alias with 'm1'");
	bad(HEAD "aliases: [ x ]\n"
	         "  - { name: m2, platform: b, aliases: [ y, x ] }\n",
	    "5:5", "shares a name or alias with 'm1'");
	bad("machines:\n"
	    "  - { name: a, platform: p, " BOOT " }\n"
	    "  - { name: b, platform: p, boot: { driver: ipxe, mac: "
	    "\"52:54:00:00:00:0a\" } }\n",
	    "3:5", "has the MAC address of 'a'");
}

static void a_relative_path_starts_at_the_file(void **state)
{
	static const char text[] =
	    HEAD "power: { driver: ipmi, host: h, user: u, "
	         "password_file: secret }\n";
	scoped(free) char *secret = xasprintf("%s/secret", dir);
	scoped(lab_unref) struct lab *lab = NULL;

	(void)state;
	bad(text, "4:46", "secret");
	assert_int_equal(fs_write_atomic(secret, "x\n", 2, 0600, NULL), 0);
	lab = good(text);
	assert_non_null(lab->machines[0].power);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_file_is_the_empty_lab),
	    cmocka_unit_test(a_missing_file_is_not_found),
	    cmocka_unit_test(a_machine_has_what_is_written),
	    cmocka_unit_test(only_what_can_boot_has_the_tag),
	    cmocka_unit_test(a_complaint_points_at_its_place),
	    cmocka_unit_test(names_are_given_once),
	    cmocka_unit_test(a_relative_path_starts_at_the_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
