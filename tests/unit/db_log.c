/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Console logs: what was appended is what is read, whatever happens. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "db/log_file.h"
#include "tests/unit/db_kit.h"

#define ATTEMPT 17

struct ctx {
	char *dir;
	struct db_log *log;
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));
	char template[] = "/tmp/ib-log-XXXXXX";

	assert_non_null(mkdtemp(template));
	c->dir = xstrdup(template);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	assert_int_equal(db_log_close(c->log, NULL), 0);
	assert_int_equal(fs_remove_tree(c->dir, NULL), 0);
	free(c->dir);
	free(c);
	return 0;
}

static void begin(struct ctx *c)
{
	struct err err = ERR_INIT;

	if (db_log_open(c->dir, ATTEMPT, &c->log, &err) < 0)
		fail_msg("%s", err.msg);
}

static void end(struct ctx *c)
{
	assert_int_equal(db_log_close(c->log, NULL), 0);
	c->log = NULL;
}

static void append(struct ctx *c, const char *data, size_t len, int64_t at_ms)
{
	struct err err = ERR_INIT;

	if (db_log_append(c->log, data, len, at_ms, &err) < 0)
		fail_msg("%s", err.msg);
}

/* ---- reading into a buffer ---------------------------------------------- */

struct got {
	struct buf text;
	int64_t next;     /* offset expected next; -1: any */
	int64_t gaps;     /* bytes left out */
	int64_t first_at; /* time of the first piece */
	int pieces;
	int max_pieces;
};

static bool collect(
    void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms)
{
	struct got *g = arg;

	if (g->pieces++ == 0)
		g->first_at = at_ms;
	assert_true(len > 0);
	assert_true(offset >= g->next);
	g->gaps += offset - g->next;
	g->next = offset + (int64_t)len;
	buf_add(&g->text, data, len);
	return !g->max_pieces || g->pieces < g->max_pieces;
}

static void read_all(
    const struct ctx *c, int64_t from, int64_t to, struct got *g)
{
	struct err err = ERR_INIT;

	memset(g, 0, sizeof(*g));
	g->text.max = 256 << 20;
	g->next = from;
	if (db_log_read(c->dir, ATTEMPT, from, to, collect, g, &err) < 0)
		fail_msg("%s", err.msg);
}

static void check_text(
    const struct ctx *c, int64_t from, int64_t to, const char *want)
{
	struct got g;

	read_all(c, from, to, &g);
	assert_int_equal(g.text.len, strlen(want));
	assert_string_equal(buf_str(&g.text), want);
	assert_int_equal(g.gaps, 0);
	buf_done(&g.text);
}

/* Any byte follows from its offset. */
static char byte_at(int64_t offset)
{
	uint64_t x = (uint64_t)offset / 7;

	return (char)('a' + kit_random(&x) % 23);
}

static void fill(char *to, size_t len, int64_t offset)
{
	for (size_t i = 0; i < len; i++)
		to[i] = byte_at(offset + (int64_t)i);
}

static void check_bytes(const struct got *g, int64_t from)
{
	for (size_t i = 0; i < g->text.len; i++)
		if (g->text.data[i] != byte_at(from + (int64_t)i))
			fail_msg("byte %" PRId64 " differs", from + (int64_t)i);
}

/* ---- tests -------------------------------------------------------------- */

static void appended_bytes_are_visible_at_once(void **state)
{
	struct ctx *c = *state;
	struct db_log_info info;

	begin(c);
	assert_int_equal(db_log_stat(c->dir, ATTEMPT, &info, NULL), 0);
	assert_int_equal(info.size, 0);
	assert_true(info.open);
	append(c, "hello ", 6, 1000);
	append(c, "world\n", 6, 1500);
	assert_int_equal(db_log_size(c->log), 12);
	check_text(c, 0, 100, "hello world\n");
	check_text(c, 3, 8, "lo wo");
	assert_int_equal(db_log_stat(c->dir, ATTEMPT, &info, NULL), 0);
	assert_int_equal(info.size, 12);
	assert_int_equal(info.gap_from, info.gap_to);
	end(c);
	check_text(c, 0, 100, "hello world\n");
	assert_int_equal(db_log_stat(c->dir, ATTEMPT, &info, NULL), 0);
	assert_int_equal(info.size, 12);
	assert_false(info.open);
}

static void log_that_was_never_begun_is_not_found(void **state)
{
	struct ctx *c = *state;
	struct db_log_info info;

	assert_int_equal(
	    db_log_stat(c->dir, ATTEMPT, &info, NULL), -ERR_NOTFOUND);
	assert_int_equal(
	    db_log_read(c->dir, ATTEMPT, 0, 1, collect, NULL, NULL),
	    -ERR_NOTFOUND);
}

static void arrival_times_survive_packing(void **state)
{
	struct ctx *c = *state;
	struct got g;

	begin(c);
	for (int i = 0; i < 100; i++)
		append(c, "0123456789", 10, 5000 + 100 * i);
	for (int closed = 0; closed < 2; closed++) {
		for (int i = 0; i < 100; i++) {
			read_all(c, 10 * i + 3, 1000, &g);
			assert_int_equal(g.first_at, 5000 + 100 * i);
			assert_int_equal(g.pieces, 100 - i);
			buf_done(&g.text);
		}
		if (!closed)
			end(c);
	}
}

static void reader_may_end_early(void **state)
{
	struct ctx *c = *state;
	struct got g = {.text = BUF_INIT(1000), .max_pieces = 2};

	begin(c);
	for (int i = 0; i < 5; i++)
		append(c, "line\n", 5, 100 * i);
	assert_int_equal(
	    db_log_read(c->dir, ATTEMPT, 0, 25, collect, &g, NULL), 0);
	assert_int_equal(g.pieces, 2);
	buf_done(&g.text);
}

static void append_longer_than_a_frame_is_split(void **state)
{
	struct ctx *c = *state;
	size_t len = 5 * LOG_FRAME_BYTES + 123;
	scoped(free) char *data = xcalloc(len, 1);
	struct got g;

	begin(c);
	append(c, "x", 1, 0);
	fill(data, len, 1);
	append(c, data, len, 7);
	read_all(c, 1, INT64_MAX, &g);
	assert_int_equal(g.text.len, len);
	check_bytes(&g, 1);
	buf_done(&g.text);
	assert_int_equal(db_log_sync(c->log, NULL), 0);
	end(c);
	read_all(c, 1, INT64_MAX, &g);
	assert_int_equal(g.text.len, len);
	check_bytes(&g, 1);
	buf_done(&g.text);
}

/* The only file with this suffix; caller frees. */
static char *the_file(const struct ctx *c, const char *suffix)
{
	scoped(free) char *folder = log_folder(c->dir, ATTEMPT);
	struct log_list l;
	char *path;

	assert_int_equal(log_list_get(folder, &l, NULL), 0);
	if (!strcmp(suffix, ".raw")) {
		assert_int_equal(l.n_raws, 1);
		path = log_path(folder, l.raws[0], suffix);
	} else {
		assert_int_equal(l.n_segs, 1);
		path = log_path(folder, l.segs[0], suffix);
	}
	log_list_done(&l);
	return path;
}

static void damage_end(const char *path, off_t cut, const char *junk)
{
	scoped_val(fd_done) int fd = open(path, O_RDWR | O_CLOEXEC);
	struct stat st;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(ftruncate(fd, st.st_size - cut), 0);
	assert_true(lseek(fd, 0, SEEK_END) >= 0);
	assert_int_equal(fs_write_all(fd, junk, strlen(junk), NULL), 0);
}

static void in_child(struct ctx *c, void (*fn)(struct ctx *c))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn(c);
		(void)raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

static void write_three_lines(struct ctx *c)
{
	begin(c);
	append(c, "first\n", 6, 10);
	append(c, "second\n", 7, 20);
	append(c, "third\n", 6, 30);
}

static void half_written_piece_is_not_read_and_cut_at_restart(void **state)
{
	struct ctx *c = *state;
	scoped(free) char *path = NULL;

	in_child(c, write_three_lines);
	path = the_file(c, ".raw");
	damage_end(path, 3, "");
	check_text(c, 0, 100, "first\nsecond\n");
	damage_end(path, 0, "junk that was never written by us");
	check_text(c, 0, 100, "first\nsecond\n");
	begin(c);
	assert_int_equal(db_log_size(c->log), 13);
	append(c, "fourth\n", 7, 40);
	check_text(c, 0, 100, "first\nsecond\nfourth\n");
	end(c);
	check_text(c, 0, 100, "first\nsecond\nfourth\n");
}

static void write_two_frames(struct ctx *c)
{
	scoped(free) char *data = xcalloc(2 * LOG_FRAME_BYTES, 1);

	begin(c);
	fill(data, 2 * LOG_FRAME_BYTES, 0);
	append(c, data, 2 * LOG_FRAME_BYTES, 10);
	fill(data, 10, 2 * LOG_FRAME_BYTES);
	append(c, data, 10, 20);
}

static void half_written_frame_comes_back_from_its_tail(void **state)
{
	struct ctx *c = *state;
	scoped(free) char *path = NULL;
	struct got g;

	in_child(c, write_two_frames);
	path = the_file(c, ".seg");
	/* The tails are kept until the frames are durable. */
	damage_end(path, 5, "zzz");
	begin(c);
	assert_int_equal(db_log_size(c->log), 2 * LOG_FRAME_BYTES + 10);
	read_all(c, 0, INT64_MAX, &g);
	assert_int_equal(g.text.len, 2 * LOG_FRAME_BYTES + 10);
	check_bytes(&g, 0);
	buf_done(&g.text);
}

static void damaged_frame_is_an_error_of_its_reader_only(void **state)
{
	struct ctx *c = *state;
	scoped(free) char *path = NULL;
	scoped(free) char *data = xcalloc(3 * LOG_FRAME_BYTES, 1);
	scoped_val(fd_done) int fd = -1;
	struct got g = {.text = BUF_INIT(1 << 20)};

	begin(c);
	fill(data, 3 * LOG_FRAME_BYTES, 0);
	append(c, data, 3 * LOG_FRAME_BYTES, 10);
	end(c);
	path = the_file(c, ".seg");
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "\0\0\0\0", 4, 200), 4);
	assert_int_equal(
	    db_log_read(c->dir, ATTEMPT, 0, 10, collect, &g, NULL), -ERR_PROTO);
	buf_done(&g.text);
	read_all(c, LOG_FRAME_BYTES, INT64_MAX, &g);
	assert_int_equal(g.text.len, 2 * LOG_FRAME_BYTES);
	check_bytes(&g, LOG_FRAME_BYTES);
	buf_done(&g.text);
}

static void append_until(struct ctx *c, int64_t size)
{
	size_t len = 1 << 20;
	scoped(free) char *data = xcalloc(len, 1);

	while (db_log_size(c->log) < size) {
		fill(data, len, db_log_size(c->log));
		append(c, data, len, db_log_size(c->log) / 1000);
	}
}

static void long_log_keeps_its_head_and_its_end(void **state)
{
	struct ctx *c = *state;
	int64_t size = 81 << 20;
	struct db_log_info info;
	struct got g;

	begin(c);
	append_until(c, size);
	assert_int_equal(db_log_stat(c->dir, ATTEMPT, &info, NULL), 0);
	assert_int_equal(info.size, size);
	assert_int_equal(info.gap_from, DB_LOG_HEAD_MAX);
	assert_true(info.gap_to <= size - (28 << 20));
	assert_true(info.gap_to >= size - DB_LOG_TAIL_MAX);
	read_all(c, 0, INT64_MAX, &g);
	assert_int_equal(g.gaps, info.gap_to - info.gap_from);
	assert_int_equal((int64_t)g.text.len + g.gaps, size);
	buf_done(&g.text);
	/* Inside the gap: what comes after it. */
	read_all(c, info.gap_from + 5, info.gap_to + 10, &g);
	assert_int_equal(g.text.len, 10);
	check_bytes(&g, info.gap_to);
	buf_done(&g.text);
	end(c);
	begin(c);
	assert_int_equal(db_log_size(c->log), size);
	append_until(c, size + (9 << 20));
	assert_int_equal(db_log_stat(c->dir, ATTEMPT, &info, NULL), 0);
	assert_true(info.gap_to >= info.size - DB_LOG_TAIL_MAX);
	read_all(c, info.size - 1000, info.size, &g);
	check_bytes(&g, info.size - 1000);
	buf_done(&g.text);
}

/* Random appends, syncs, restarts and crashes against byte_at(). */
static void any_history_reads_back(void **state)
{
	struct ctx *c = *state;
	uint64_t rnd = kit_seed();
	scoped(free) char *data = xcalloc(200000, 1);
	struct got g;

	begin(c);
	for (int i = 0; i < 600; i++) {
		uint64_t what = kit_random(&rnd) % 100;
		int64_t size = db_log_size(c->log);
		size_t len = 1 + kit_random(&rnd) % (what < 5 ? 150000 : 300);
		int64_t from =
		    size ? (int64_t)(kit_random(&rnd) % (uint64_t)size) : 0;

		if (what < 80) {
			fill(data, len, size);
			append(c, data, len, 50 * i);
		} else if (what < 85) {
			assert_int_equal(db_log_sync(c->log, NULL), 0);
		} else if (what < 88) {
			end(c);
			begin(c);
			assert_int_equal(db_log_size(c->log), size);
		} else {
			read_all(c, from, from + (int64_t)len, &g);
			check_bytes(&g, from);
			assert_int_equal(g.text.len,
			    from + (int64_t)len > size ? size - from
			                               : (int64_t)len);
			buf_done(&g.text);
		}
	}
}

/* Appends as fast as it can until it is killed. */
static void write_for_ever(struct ctx *c)
{
	uint64_t rnd = 1;
	scoped(free) char *data = xcalloc(5000, 1);

	begin(c);
	for (;;) {
		size_t len = 1 + kit_random(&rnd) % 5000;

		fill(data, len, db_log_size(c->log));
		append(c, data, len, db_log_size(c->log));
	}
}

static void killed_writer_loses_nothing_that_was_seen(void **state)
{
	struct ctx *c = *state;
	uint64_t rnd = kit_seed();
	int64_t seen = 0;
	struct got g;

	for (int round = 0; round < 8; round++) {
		pid_t pid = fork();
		int64_t until = seen + (int64_t)(kit_random(&rnd) % 4000000);
		int status;

		assert_true(pid >= 0);
		if (pid == 0)
			write_for_ever(c);
		while (seen < until) {
			struct db_log_info info = {0};

			/* Read what there is while it is being written. */
			if (db_log_stat(c->dir, ATTEMPT, &info, NULL) < 0)
				continue;
			assert_true(info.size >= seen);
			read_all(c, seen, info.size, &g);
			assert_int_equal(g.text.len, info.size - seen);
			check_bytes(&g, seen);
			buf_done(&g.text);
			seen = info.size;
		}
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		begin(c);
		assert_true(db_log_size(c->log) >= seen);
		end(c);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(appended_bytes_are_visible_at_once),
	    TEST(log_that_was_never_begun_is_not_found),
	    TEST(arrival_times_survive_packing),
	    TEST(reader_may_end_early),
	    TEST(append_longer_than_a_frame_is_split),
	    TEST(half_written_piece_is_not_read_and_cut_at_restart),
	    TEST(half_written_frame_comes_back_from_its_tail),
	    TEST(damaged_frame_is_an_error_of_its_reader_only),
	    TEST(long_log_keeps_its_head_and_its_end),
	    TEST(any_history_reads_back),
	    TEST(killed_writer_loses_nothing_that_was_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
