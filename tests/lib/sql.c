/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sql FILE QUERY: prints the rows of a query on a database that is only read,
 * columns with | between them.
 */
#include <sqlite3.h>
#include <stdio.h>

static int fail(sqlite3 *db)
{
	(void)fprintf(stderr, "sql: %s\n", sqlite3_errmsg(db));
	return 1;
}

static int print_rows(sqlite3 *db, sqlite3_stmt *st)
{
	int r;

	while ((r = sqlite3_step(st)) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(st); i++) {
			const unsigned char *text = sqlite3_column_text(st, i);

			(void)printf("%s%s", i ? "|" : "",
			    text ? (const char *)text : "");
		}
		(void)putchar('\n');
	}
	return r == SQLITE_DONE ? 0 : fail(db);
}

int main(int argc, char **argv)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;
	int r;

	if (argc != 3) {
		(void)fprintf(stderr, "usage: sql FILE QUERY\n");
		return 2;
	}
	if (sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READONLY, NULL) !=
	        SQLITE_OK ||
	    sqlite3_busy_timeout(db, 5000) != SQLITE_OK ||
	    sqlite3_prepare_v2(db, argv[2], -1, &st, NULL) != SQLITE_OK)
		r = fail(db);
	else
		r = print_rows(db, st);
	(void)sqlite3_finalize(st);
	(void)sqlite3_close(db);
	return r;
}
