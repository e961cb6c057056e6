/* SPDX-License-Identifier: GPL-3.0-or-later */
/* No statement walks through a table that grows with the number of runs. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "base/fs.h"
#include "base/str.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

static const char *const *const lists[] = {sql_migrate, sql_open, sql_words,
    sql_run, sql_job, sql_history, sql_case, sql_sample, sql_point, sql_agent,
    sql_attempt, sql_environment, sql_machine, sql_token, sql_delivery,
    sql_load, sql_run_file, sql_reader, sql_reader_run, sql_reader_filter,
    sql_reader_job, sql_reader_attempt, sql_reader_cells, sql_import,
    sql_machine_alias, sql_reader_import, sql_reader_imports,
    sql_reader_changes, sql_reader_machine, sql_reader_branches,
    sql_reader_series, sql_reader_points, sql_reader_scan, sql_reader_noise,
    sql_metric};

static const char *const big[] = {"run", "r", "job", "j", "attempt", "a",
    "job_event", "sample", "p", "run_file", "run_history", "case_fail",
    "caselist", "series", "plan", "suite", "machine_health", "agent_event",
    "attempt_agent", "g", "attempt_file", "attempt_env", "e", "s", "word",
    "delivery", "d", "evidence", "import_sample", "import_ratio", "import_case",
    "q", "environment", "point", "cell_sum"};

/* Names of all runs, once per reader; the few open runs; kinds of series. */
static const char *const allowed[] = {
    "SCAN run USING COVERING INDEX run_name",
    "SCAN r USING INDEX run_open",
    "SCAN s USING COVERING INDEX sqlite_autoindex_series_1",
};

static bool scans_big_table(const char *detail)
{
	char table[64] = "";
	size_t n;

	if (!str_starts(detail, "SCAN ") ||
	    str_in(detail, allowed, ARRAY_LEN(allowed)))
		return false;
	n = strcspn(detail + 5, " ");
	assert_true(n < sizeof(table));
	memcpy(table, detail + 5, n);
	return str_in(table, big, ARRAY_LEN(big));
}

/* The n-th table alias that stands in "FROM word p" is no sample. */
static bool is_small_alias(const char *sql, const char *detail)
{
	static const char *const small[] = {"word p", "plan p", "machine m"};

	for (size_t i = 0; i < ARRAY_LEN(small); i++)
		if (detail[5] == small[i][strlen(small[i]) - 1] &&
		    detail[6] == '\0' && strstr(sql, small[i]))
			return true;
	return false;
}

static int check(sqlite3 *sq, const char *sql)
{
	scoped(free) char *explain = xasprintf("EXPLAIN QUERY PLAN %s", sql);
	sqlite3_stmt *st = NULL;
	int bad = 0;

	if (sqlite3_prepare_v2(sq, explain, -1, &st, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(sq));
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *detail = (const char *)sqlite3_column_text(st, 3);

		if (!scans_big_table(detail) || is_small_alias(sql, detail))
			continue;
		print_message("# %s: %s\n", detail, sql);
		bad++;
	}
	(void)sqlite3_finalize(st);
	return bad;
}

static void no_statement_scans_a_big_table(void **state)
{
	scoped(free) char *path = NULL;
	struct conn *c = NULL;
	struct kit k;
	int bad = 0;

	(void)state;
	kit_init(&k);
	kit_open(&k);
	path = xasprintf("%s/%s", k.dir, DB_FILE);
	assert_int_equal(conn_open(path, CONN_READ, &c, NULL), 0);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const char *const *sql = lists[i]; *sql; sql++)
			bad += check(conn_handle(c), *sql);
	assert_int_equal(bad, 0);
	conn_close(c);
	kit_done(&k);
}

/* What this test would find. */
static void scan_of_a_big_table_is_noticed(void **state)
{
	struct kit k;
	struct conn *c = NULL;
	scoped(free) char *path = NULL;

	(void)state;
	kit_init(&k);
	kit_open(&k);
	path = xasprintf("%s/%s", k.dir, DB_FILE);
	assert_int_equal(conn_open(path, CONN_READ, &c, NULL), 0);
	print_message("# one is expected:\n");
	assert_int_equal(
	    check(conn_handle(c), "SELECT id FROM job WHERE state = 0"), 1);
	conn_close(c);
	kit_done(&k);
}

static int count_in(const char *text, const char *what)
{
	int n = 0;

	while ((text = strstr(text, what))) {
		text += strlen(what);
		n++;
	}
	return n;
}

/* Lists are kept by hand; this notices what was forgotten. */
static void every_statement_is_in_a_list(void **state)
{
	const char *src = getenv("IB_SRCDIR");
	scoped(free) char *dir = xasprintf("%s/db", src ? src : ".");
	scoped_val(buf_done) struct buf text = BUF_INIT(0);
	const struct dirent *e;
	int written = 0;
	int listed = 0;
	DIR *d = opendir(dir);

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d))) {
		scoped(free) char *path = xasprintf("%s/%s", dir, e->d_name);

		/* Migrations and set-up are run as scripts. */
		if (!str_ends(e->d_name, ".c") ||
		    str_eq(e->d_name, "migrations.c"))
			continue;
		assert_int_equal(fs_read(path, 1 << 20, &text, NULL), 0);
		written += count_in(text.data, "static const char sql_");
		written -= count_in(text.data, "static const char sql_setup");
	}
	(void)closedir(d);
	for (size_t i = 0; i < ARRAY_LEN(lists); i++)
		for (const char *const *sql = lists[i]; *sql; sql++)
			listed++;
	assert_int_equal(written, listed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_statement_scans_a_big_table),
	    cmocka_unit_test(scan_of_a_big_table_is_noticed),
	    cmocka_unit_test(every_statement_is_in_a_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
