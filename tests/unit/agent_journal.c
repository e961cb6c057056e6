/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The journal: what a crash leaves of it, and what it does when it is full. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/journal.h"
#include "base/fs.h"

struct world {
	char dir[64];
	char path[80];
	struct journal *j;
};

static void reopen(struct world *w)
{
	struct err err = ERR_INIT;

	journal_free(take(w->j));
	if (journal_open(w->path, &w->j, &err) < 0)
		fail_msg("%s", err.msg);
}

static struct world *world_new(void)
{
	struct world *w = xcalloc(1, sizeof(*w));

	(void)snprintf(w->dir, sizeof(w->dir), "/tmp/ib-journal-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	(void)snprintf(w->path, sizeof(w->path), "%s/journal", w->dir);
	reopen(w);
	return w;
}

static void world_free(struct world *w)
{
	journal_free(w->j);
	(void)fs_remove_tree(w->dir, NULL);
	free(w);
}
SCOPED_DEFINE(struct world, world_free);

static int add(struct world *w, const char *line, enum wire_kind kind)
{
	return journal_append(w->j, journal_state(w->j)->last + 1, line,
	    strlen(line), kind, WIRE_SOON, NULL);
}

static void expect(struct world *w, int64_t s, const char *want)
{
	const char *line;
	size_t len;

	assert_int_equal(journal_read(w->j, s, &line, &len, NULL), 0);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(line, want, len);
}

static void records_are_there_after_reopening(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct journal_state before;

	(void)state;
	assert_int_equal(add(w, "one", WIRE_NOTE), 0);
	assert_int_equal(add(w, "two", WIRE_SAMPLE), 0);
	assert_int_equal(add(w, "three", WIRE_CASE), 0);
	assert_int_equal(add(w, "four", WIRE_END), 0);
	before = *journal_state(w->j);
	reopen(w);
	assert_memory_equal(&before, journal_state(w->j), sizeof(before));
	assert_true(before.ended);
	assert_int_equal(before.samples, 1);
	assert_int_equal(before.cases, 1);
	expect(w, 1, "one");
	expect(w, 4, "four");
	expect(w, 2, "two");
}

/* Every possible length of the file after a crash. */
static void a_torn_tail_is_cut_at_any_byte(void **state)
{
	scoped(world_free) struct world *w = world_new();
	int64_t whole[4];

	(void)state;
	whole[0] = journal_state(w->j)->bytes;
	for (int i = 1; i < 4; i++) {
		assert_int_equal(add(w, "some record", WIRE_NOTE), 0);
		whole[i] = journal_state(w->j)->bytes;
	}
	for (int64_t size = whole[3]; size >= 0; size--) {
		int64_t want = size >= whole[3] ? 3
		    : size >= whole[2]          ? 2
		    : size >= whole[1]          ? 1
		                                : 0;

		while (journal_state(w->j)->last < 3)
			assert_int_equal(add(w, "some record", WIRE_NOTE), 0);
		assert_int_equal(truncate(w->path, size), 0);
		reopen(w);
		assert_int_equal(journal_state(w->j)->last, want);
		assert_int_equal(journal_state(w->j)->bytes, whole[want]);
	}
}

static void a_flipped_bit_ends_the_journal_before_it(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct stat st;

	(void)state;
	assert_int_equal(stat(w->path, &st), 0);
	for (int64_t at = st.st_size; at < st.st_size + 30; at++) {
		scoped_val(fd_done) int fd = -1;
		char c;

		assert_int_equal(journal_clear(w->j, NULL), 0);
		assert_int_equal(add(w, "first record", WIRE_NOTE), 0);
		assert_int_equal(add(w, "second record", WIRE_NOTE), 0);
		fd = open(w->path, O_RDWR | O_CLOEXEC);
		assert_int_equal(pread(fd, &c, 1, at), 1);
		c ^= 4;
		assert_int_equal(pwrite(fd, &c, 1, at), 1);
		reopen(w);

		assert_int_equal(journal_state(w->j)->last, 0);
	}
}

static void a_skipped_number_is_refused(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	assert_int_equal(
	    journal_append(w->j, 2, "x", 1, WIRE_NOTE, WIRE_NOW, NULL),
	    -ERR_INVAL);
	assert_int_equal(add(w, "x", WIRE_END), 0);
	assert_int_equal(add(w, "y", WIRE_NOTE), -ERR_INVAL);
}

/* A full disk, made by the ceiling of this process' files. */
static void a_failed_write_leaves_the_journal_as_it_was(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct rlimit old;
	struct rlimit small;
	int64_t bytes;

	(void)state;
	assert_int_equal(add(w, "one", WIRE_NOTE), 0);
	bytes = journal_state(w->j)->bytes;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = (struct rlimit){
	    .rlim_cur = (rlim_t)bytes + 30, .rlim_max = old.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(
	    add(w, "a record of more than 30 bytes", WIRE_SAMPLE), -ERR_LIMIT);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(journal_state(w->j)->bytes, bytes);
	assert_int_equal(add(w, "two", WIRE_NOTE), 0);
	reopen(w);
	assert_int_equal(journal_state(w->j)->cut, 0);
	expect(w, 2, "two");
}

static void a_full_journal_still_takes_its_end(void **state)
{
	scoped(world_free) struct world *w = world_new();
	scoped(free) char *big = xcalloc(1, WIRE_FRAME_MAX);
	int64_t notes = 0;
	int64_t samples = 0;

	(void)state;
	memset(big, 'x', WIRE_FRAME_MAX - 1);
	while (add(w, big, WIRE_NOTE) == 0)
		notes++;
	while (add(w, big, WIRE_SAMPLE) == 0)
		samples++;
	assert_int_equal(notes, 191);
	assert_int_equal(samples, 63);
	assert_int_equal(add(w, big, WIRE_END), 0);
	assert_true(journal_state(w->j)->bytes <= JOURNAL_MAX);
}

static void a_cleared_journal_begins_at_one(void **state)
{
	scoped(world_free) struct world *w = world_new();

	(void)state;
	assert_int_equal(add(w, "x", WIRE_END), 0);
	assert_int_equal(journal_clear(w->j, NULL), 0);
	assert_int_equal(add(w, "y", WIRE_NOTE), 0);
	reopen(w);
	assert_int_equal(journal_state(w->j)->last, 1);
	expect(w, 1, "y");
}

static void another_file_is_not_overwritten(void **state)
{
	scoped(world_free) struct world *w = world_new();
	struct journal *j = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    fs_write_atomic(w->path, "something else", 14, 0600, NULL), 0);
	assert_int_equal(journal_open(w->path, &j, &err), -ERR_PROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(records_are_there_after_reopening),
	    cmocka_unit_test(a_torn_tail_is_cut_at_any_byte),
	    cmocka_unit_test(a_flipped_bit_ends_the_journal_before_it),
	    cmocka_unit_test(a_skipped_number_is_refused),
	    cmocka_unit_test(a_failed_write_leaves_the_journal_as_it_was),
	    cmocka_unit_test(a_full_journal_still_takes_its_end),
	    cmocka_unit_test(a_cleared_journal_begins_at_one),
	    cmocka_unit_test(another_file_is_not_overwritten),
	};

	hash_init();
	(void)signal(SIGXFSZ, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
