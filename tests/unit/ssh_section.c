/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `ssh:` section of a lab file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/conf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/ssh.h"

#define PIN "SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8"

static char dir[32];

static int check(const char *text, struct ssh_options *ret, struct err *err)
{
	scoped(conf_free) struct conf *conf = NULL;
	const struct conf_node *root;

	assert_int_equal(
	    conf_parse("lab.yaml", text, strlen(text), &conf, err), 0);
	root = conf_root(conf);
	return ssh_section_check(
	    conf_get(root, "ssh"), conf_get(root, "defaults"), dir, ret, err);
}

static void section_completes_itself_from_the_defaults(void **state)
{
	struct ssh_options o = {0};
	struct err err = ERR_INIT;
	scoped(free) char *key = xasprintf("%s/key", dir);

	(void)state;
	assert_int_equal(check("defaults: {user: root, key: key, port: 2222}\n"
	                       "ssh: {host: m1.lab, host_key: \"" PIN "\"}\n",
	                     &o, &err),
	    0);
	assert_string_equal(o.host, "m1.lab");
	assert_string_equal(o.user, "root");
	assert_string_equal(o.key, key);
	assert_string_equal(o.host_key, PIN);
	assert_int_equal(o.port, 2222);
	ssh_options_done(&o);
}

static void section_comes_before_the_defaults(void **state)
{
	struct ssh_options o = {0};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(check("defaults: {user: root, key: none, port: 2222}\n"
	                       "ssh: {host: m1, user: me, key: key,\n"
	                       "  port: 22, host_key: \"" PIN "\"}\n",
	                     &o, &err),
	    0);
	assert_string_equal(o.user, "me");
	assert_int_equal(o.port, 22);
	ssh_options_done(&o);
}

static void bad_sections_are_refused_with_their_position(void **state)
{
	static const struct {
		const char *text;
		const char *says;
	} cases[] = {
	    {"ssh: {host: m, user: r, key: key}", "host_key is missing"},
	    {"ssh: {user: r, key: key, host_key: \"" PIN "\"}",
	        "host is missing"},
	    {"ssh: {host: m, user: r, key: key, host_key: \"MD5:1\"}",
	        "1:35: host_key: 'MD5:1'"},
	    {"ssh: {host: m, user: r, key: key, host_key: \"" PIN "=\"}",
	        "host_key"},
	    {"ssh: {host: m, user: r, host_key: \"" PIN "\"}", "key (a file)"},
	    {"ssh: {host: m, user: r, key: gone, host_key: \"" PIN "\"}",
	        "gone"},
	    {"ssh: {host: m, user: r, key: open, host_key: \"" PIN "\"}",
	        "mode 644"},
	    {"ssh: {host: m, user: r, key: key, port: 0, host_key: \"" PIN
	     "\"}",
	        "port"},
	    {"ssh: {host: \"a b\", user: r, key: key, host_key: \"" PIN "\"}",
	        "host: 'a b'"},
	    {"ssh: {host: m, user: \"\", key: key, host_key: \"" PIN "\"}",
	        "user"},
	    {"ssh: {password: x}", "password"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct err err = ERR_INIT;

		assert_int_equal(check(cases[i].text, NULL, &err), -ERR_INVAL);
		if (!strstr(err.msg, cases[i].says) ||
		    !strstr(err.msg, "lab.yaml:1:"))
			fail_msg("%s: %s", cases[i].text, err.msg);
	}
}

static int begin(void **state)
{
	scoped(free) char *key = NULL;
	scoped(free) char *open_key = NULL;

	(void)state;
	(void)snprintf(dir, sizeof(dir), "/tmp/ib-section.XXXXXX");
	assert_non_null(mkdtemp(dir));
	key = xasprintf("%s/key", dir);
	open_key = xasprintf("%s/open", dir);
	assert_int_equal(fs_write_atomic(key, "k", 1, 0600, NULL), 0);
	assert_int_equal(fs_write_atomic(open_key, "k", 1, 0644, NULL), 0);
	assert_int_equal(chmod(open_key, 0644), 0);
	return 0;
}

static int finish(void **state)
{
	(void)state;
	return fs_remove_tree(dir, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(section_completes_itself_from_the_defaults),
	    cmocka_unit_test(section_comes_before_the_defaults),
	    cmocka_unit_test(bad_sections_are_refused_with_their_position),
	};

	return cmocka_run_group_tests_name("ssh_section", tests, begin, finish);
}
