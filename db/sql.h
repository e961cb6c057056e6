/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Every prepared statement of this folder, file by file, each list ended by
 * NULL: a test runs EXPLAIN QUERY PLAN on all of them.
 */
#ifndef DB_SQL_H
#define DB_SQL_H

extern const char *const sql_migrate[];
extern const char *const sql_open[];
extern const char *const sql_words[];
extern const char *const sql_run[];
extern const char *const sql_job[];
extern const char *const sql_history[];
extern const char *const sql_case[];
extern const char *const sql_sample[];
extern const char *const sql_point[];
extern const char *const sql_agent[];
extern const char *const sql_attempt[];
extern const char *const sql_environment[];
extern const char *const sql_machine[];
extern const char *const sql_token[];
extern const char *const sql_delivery[];
extern const char *const sql_import[];
extern const char *const sql_machine_alias[];
extern const char *const sql_metric[];
extern const char *const sql_load[];
extern const char *const sql_run_file[];
extern const char *const sql_reader[];
extern const char *const sql_reader_run[];
extern const char *const sql_reader_filter[];
extern const char *const sql_reader_job[];
extern const char *const sql_reader_attempt[];
extern const char *const sql_reader_cells[];
extern const char *const sql_reader_changes[];
extern const char *const sql_reader_machine[];
extern const char *const sql_reader_import[];
extern const char *const sql_reader_imports[];
extern const char *const sql_reader_noise[];
extern const char *const sql_reader_branches[];
extern const char *const sql_reader_series[];
extern const char *const sql_reader_points[];
extern const char *const sql_reader_scan[];

#endif
