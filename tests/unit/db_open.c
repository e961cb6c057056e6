/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening: what is refused, and what outlives a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

static int setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	kit_init(k);
	kit_open(k);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	kit_done(k);
	free(k);
	return 0;
}

/* ---- the folder --------------------------------------------------------- */

static void second_open_is_refused_and_names_the_process(void **state)
{
	struct kit *k = *state;
	struct db_ops ops = {0};
	struct db *other = NULL;
	struct err err = ERR_INIT;
	char pid[20];

	(void)snprintf(pid, sizeof(pid), "process %ld", (long)getpid());
	assert_int_equal(db_open(k->dir, &ops, &other, &err), -ERR_CONFLICT);
	assert_non_null(strstr(err.msg, pid));
	assert_int_equal(db_check(k->dir, &err), -ERR_CONFLICT);
	assert_non_null(strstr(err.msg, pid));
	kit_close(k);
	assert_int_equal(db_check(k->dir, &err), 0);
}

static void read_db_file(const struct kit *k, const char *suffix, struct buf *b)
{
	scoped(free) char *path = xasprintf("%s/%s%s", k->dir, DB_FILE, suffix);

	assert_int_equal(fs_read(path, 64 << 20, b, NULL), 0);
}

static void set_version(const struct kit *k, bool leave_the_log)
{
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	struct conn *c = NULL;

	assert_int_equal(conn_open(path, CONN_WRITE, &c, NULL), 0);
	assert_int_equal(conn_exec(c, "PRAGMA user_version=999", NULL), 0);
	if (leave_the_log)
		_exit(0);
	conn_close(c);
}

static void leave_version_in_the_log(struct kit *k)
{
	set_version(k, true);
}

static void check_refused_untouched(struct kit *k, const char *suffix)
{
	scoped_val(buf_done) struct buf before = BUF_INIT(0);
	scoped_val(buf_done) struct buf after = BUF_INIT(0);
	struct db_ops ops = {0};
	struct db *db = NULL;
	struct err err = ERR_INIT;

	read_db_file(k, suffix, &before);
	assert_int_equal(db_check(k->dir, &err), -ERR_INVAL);
	assert_int_equal(db_open(k->dir, &ops, &db, &err), -ERR_INVAL);
	assert_non_null(strstr(err.msg, "newer"));
	read_db_file(k, suffix, &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
}

static void newer_database_is_refused_untouched(void **state)
{
	struct kit *k = *state;

	kit_close(k);
	set_version(k, false);
	check_refused_untouched(k, "");
}

static void newer_database_after_a_crash_is_refused_untouched(void **state)
{
	struct kit *k = *state;
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 20);

	kit_close(k);
	assert_int_equal(kit_in_child(leave_version_in_the_log, k, &said), 0);
	check_refused_untouched(k, "");
	check_refused_untouched(k, "-wal");
}

static void file_of_another_program_is_refused(void **state)
{
	struct kit *k = *state;
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	struct db_ops ops = {0};
	struct db *db = NULL;
	struct err err = ERR_INIT;
	char text[200] = "this is not a database at all";

	kit_close(k);
	assert_int_equal(
	    fs_write_atomic(path, text, sizeof(text), 0600, NULL), 0);
	assert_int_equal(db_open(k->dir, &ops, &db, &err), -ERR_INVAL);
	assert_int_equal(db_check(k->dir, &err), -ERR_INVAL);
}

static void check_of_a_missing_folder_makes_nothing(void **state)
{
	struct kit *k = *state;
	scoped(free) char *dir = xasprintf("%s/not/there", k->dir);

	assert_int_equal(db_check(dir, NULL), 0);
	assert_int_not_equal(access(dir, F_OK), 0);
}

static void properties_of_the_file_are_set(void **state)
{
	struct kit *k = *state;

	assert_int_equal(kit_sql(k, "PRAGMA page_size"), 8192);
	assert_int_equal(kit_sql(k, "PRAGMA auto_vacuum"), 2);
	assert_int_equal(
	    kit_sql(k, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"),
	    1);
}

static void ids_and_fences_are_not_given_twice(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);
	int64_t m = kit_machine(k, 1);
	int64_t fence;
	int64_t attempt;
	struct kit_run run;

	kit_run_new(k, tx, NULL, 5, 2, &run);
	kit_play(k, tx, &run, 3, m);
	kit_commit(k, tx);
	fence = db_next_fence(k->db);
	attempt = run.jobs[3].attempt_id;
	kit_close(k);
	kit_open(k);
	assert_int_equal(db_next_run_id(k->db), run.id + 1);
	assert_int_equal(db_next_job_ids(k->db, 3), run.first_job + 10);
	assert_int_equal(db_next_job_ids(k->db, 1), run.first_job + 13);
	assert_int_equal(db_next_attempt_id(k->db), attempt + 1);
	assert_true(db_next_fence(k->db) > fence);
	assert_true(db_next_fence(k->db) >> 32 > fence >> 32);
	kit_run_done(&run);
}

/* ---- people and machines ------------------------------------------------ */

struct seen_token {
	int n;
	unsigned scopes;
	int64_t revoked_at_ms;
};

static bool see_token(void *arg, const struct db_token *t)
{
	struct seen_token *s = arg;

	s->n++;
	s->scopes = t->scopes;
	s->revoked_at_ms = t->revoked_at_ms;
	return true;
}

static void token_name_is_given_once(void **state)
{
	struct kit *k = *state;
	uint8_t a[HASH_BYTES] = {1};
	uint8_t b[HASH_BYTES] = {2};
	struct seen_token seen = {0};

	assert_int_equal(
	    db_token_add(k->db, "ci", a, SCOPE_READ | SCOPE_SUBMIT, 5, NULL),
	    0);
	assert_int_equal(
	    db_token_add(k->db, "ci", b, SCOPE_READ, 6, NULL), -ERR_CONFLICT);
	assert_int_equal(db_tokens(k->db, see_token, &seen, NULL), 0);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.scopes, 3);
	assert_int_equal(seen.revoked_at_ms, 0);
	assert_int_equal(
	    db_token_revoke(k->db, "nobody", 7, NULL), -ERR_NOTFOUND);
	assert_int_equal(db_token_revoke(k->db, "ci", 8, NULL), 0);
	assert_int_equal(db_token_revoke(k->db, "ci", 9, NULL), -ERR_NOTFOUND);
	assert_int_equal(
	    db_token_add(k->db, "ci", b, SCOPE_READ, 6, NULL), -ERR_CONFLICT);
	assert_int_equal(db_tokens(k->db, see_token, &seen, NULL), 0);
	assert_int_equal(seen.revoked_at_ms, 8);
}

struct seen_health {
	int n;
	enum health health;
	char why[50];
};

static void see_health(void *arg, int64_t machine_id, enum health health,
    const char *why, int64_t at_ms)
{
	struct seen_health *s = arg;

	(void)machine_id;
	(void)at_ms;
	s->n++;
	s->health = health;
	(void)snprintf(s->why, sizeof(s->why), "%s", why);
}

static void machine_keeps_its_id_and_its_last_health(void **state)
{
	struct kit *k = *state;
	int64_t id = kit_machine(k, 1);
	struct db_tx *tx = db_tx_new(k->db);
	struct seen_health seen = {0};
	int64_t again = 0;

	assert_true(id > 0);
	db_tx_machine_health(tx, id, HEALTH_SUSPECT, "two errors", 5);
	db_tx_machine_health(tx, id, HEALTH_QUARANTINED, "canary failed", 5);
	kit_commit(k, tx);
	kit_close(k);
	kit_open(k);
	assert_int_equal(db_machine_id(k->db, "m1", "new", &again, NULL), 0);
	assert_int_equal(again, id);
	assert_true(kit_machine(k, 2) != id);
	assert_int_equal(db_load_health(k->db, see_health, &seen, NULL), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(kit_sql(k, "SELECT health FROM machine WHERE id = 1"),
	    HEALTH_QUARANTINED);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM machine_health"), 2);
}

/* ---- files -------------------------------------------------------------- */

static void adopted_file_is_found_by_its_hash(void **state)
{
	struct kit *k = *state;
	scoped(free) char *path = xasprintf("%s/upload", k->dir);
	uint8_t hash[HASH_BYTES];
	int64_t size = 0;
	int fd = -1;

	hash_sha256("hello", 5, hash);
	assert_int_equal(
	    db_file_open(k->dir, hash, &fd, &size, NULL), -ERR_NOTFOUND);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(
		    fs_write_atomic(path, "hello", 5, 0600, NULL), 0);
		assert_int_equal(db_file_adopt(k->dir, path, hash, NULL), 0);
		assert_int_not_equal(access(path, F_OK), 0);
	}
	assert_int_equal(db_file_open(k->dir, hash, &fd, &size, NULL), 0);
	assert_int_equal(size, 5);
	fd_done(&fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(second_open_is_refused_and_names_the_process),
	    TEST(newer_database_is_refused_untouched),
	    TEST(newer_database_after_a_crash_is_refused_untouched),
	    TEST(file_of_another_program_is_refused),
	    TEST(check_of_a_missing_folder_makes_nothing),
	    TEST(properties_of_the_file_are_set),
	    TEST(ids_and_fences_are_not_given_twice),
	    TEST(token_name_is_given_once),
	    TEST(machine_keeps_its_id_and_its_last_health),
	    TEST(adopted_file_is_found_by_its_hash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
