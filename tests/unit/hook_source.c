/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files of a checkout: what a suite may name, and what it may not reach. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/mem.h"
#include "orchestrator/helper_source.h"

#define SUITE "ci/suite.yaml"

struct world {
	char *dir; /* with the scratch folder, and src/ in it */
	char *src;
	struct bundle bundle;
	struct buf suite;
	struct err err;
};

static char *path_of(const struct world *w, const char *path)
{
	return xasprintf("%s/%s", w->src, path);
}

static void put(const struct world *w, const char *name, const char *text)
{
	scoped(free) char *path = path_of(w, name);

	assert_int_equal(
	    fs_write_atomic(path, text, strlen(text), 0600, NULL), 0);
}

static void put_link(const struct world *w, const char *name, const char *to)
{
	scoped(free) char *path = path_of(w, name);

	assert_int_equal(symlink(to, path), 0);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	char template[] = "/tmp/ib-source-XXXXXX";
	scoped(free) char *ci = NULL;

	hash_init();
	w->dir = xstrdup(mkdtemp(template));
	w->src = xasprintf("%s/src", w->dir);
	ci = path_of(w, "ci");
	assert_int_equal(fs_mkdirs(ci, 0700, NULL), 0);
	w->bundle = (struct bundle){
	    .scratch = w->dir, .files = json_array(), .ignored = json_array()};
	w->suite = (struct buf)BUF_INIT(SOURCE_CONFIG_MAX);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	bundle_done(&w->bundle);
	buf_done(&w->suite);
	assert_int_equal(fs_remove_tree(w->dir, NULL), 0);
	free(w->dir);
	free(w->src);
	free(w);
	return 0;
}

/* A suite with one item, of this file. */
static int take_files(struct world *w, const char *exec)
{
	scoped(free) char *text =
	    xasprintf("boot_items:\n  - { name: a, exec: %s }\n", exec);

	put(w, SUITE, text);
	return bundle_from_folder(
	    &w->bundle, w->src, SUITE, &w->suite, &w->err);
}

/* The text of the one file that came. */
static void came(const struct world *w, const char *path, const char *text)
{
	const json_t *f = json_array_get(w->bundle.files, 0);
	const char *tmp = json_string_value(json_object_get(f, "tmp"));
	scoped(free) char *file = xasprintf("%s/%s", w->dir, tmp);
	scoped_val(buf_done) struct buf got = BUF_INIT(0);

	assert_int_equal(json_array_size(w->bundle.files), 1);
	assert_string_equal(
	    json_string_value(json_object_get(f, "path")), path);
	assert_int_equal(fs_read(file, 1000, &got, NULL), 0);
	assert_string_equal(buf_str(&got), text);
}

static void a_path_starts_at_the_root(void **state)
{
	struct world *w = *state;

	put(w, "kernel", "root");
	put(w, "ci/kernel", "beside");
	assert_int_equal(take_files(w, "kernel"), 0);
	came(w, "kernel", "root");
}

static void what_is_not_there_is_looked_for_beside_the_suite(void **state)
{
	struct world *w = *state;

	put(w, "ci/kernel", "beside");
	assert_int_equal(take_files(w, "kernel"), 0);
	came(w, "kernel", "beside");
}

static void a_link_inside_is_followed(void **state)
{
	struct world *w = *state;

	put(w, "ci/real", "real");
	put_link(w, "kernel", "ci/real");
	assert_int_equal(take_files(w, "kernel"), 0);
	came(w, "kernel", "real");
}

static void nothing_outside_is_reached(void **state)
{
	static const char *const out[] = {
	    "/etc/passwd", "../../../../../../etc/passwd", "/proc/self/mem"};
	struct world *w = *state;
	scoped(free) char *path = path_of(w, "kernel");

	for (size_t i = 0; i < ARRAY_LEN(out); i++) {
		put_link(w, "kernel", out[i]);
		assert_int_equal(take_files(w, "kernel"), -ERR_INVAL);
		assert_non_null(strstr(w->err.msg, "leads out"));
		assert_int_equal(json_array_size(w->bundle.files), 0);
		assert_int_equal(unlink(path), 0);
		suite_files_free(take(w->bundle.wanted));
		buf_reset(&w->suite);
	}
	put_link(w, "sub", "/etc");
	assert_int_equal(take_files(w, "sub/passwd"), -ERR_INVAL);
}

static void the_suite_itself_is_no_way_out(void **state)
{
	struct world *w = *state;

	put_link(w, SUITE, "/etc/passwd");
	assert_int_equal(
	    bundle_from_folder(&w->bundle, w->src, SUITE, &w->suite, &w->err),
	    -ERR_INVAL);
	assert_int_equal(w->suite.len, 0);
}

static void only_a_regular_file_is_read(void **state)
{
	struct world *w = *state;
	scoped(free) char *path = path_of(w, "kernel");

	/* Reading it would wait for ever. */
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(take_files(w, "kernel"), -ERR_INVAL);
	assert_non_null(strstr(w->err.msg, "not a regular file"));
}

static void what_is_missing_is_named(void **state)
{
	struct world *w = *state;

	assert_int_equal(take_files(w, "kernel"), -ERR_INVAL);
	assert_non_null(strstr(w->err.msg, "not there: kernel"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_path_starts_at_the_root),
	    TEST(what_is_not_there_is_looked_for_beside_the_suite),
	    TEST(a_link_inside_is_followed),
	    TEST(nothing_outside_is_reached),
	    TEST(the_suite_itself_is_no_way_out),
	    TEST(only_a_regular_file_is_read),
	    TEST(what_is_missing_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
