/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A database of an older program is brought up to date with all it has. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "db/migrate.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

/*
 * What a program that knew schema 1 only had written: run 1 is done, with a
 * sample and two cases; of run 2 one job runs on m2 and one waits.
 */
static const char rows_of_schema_1[] =
    "INSERT INTO meta VALUES "
    "(1,59613587);"
    "INSERT INTO word VALUES "
    "(1,'p'),"
    "(2,'hypervisor'),"
    "(3,'somebody'),"
    "(4,'platform0'),"
    "(5,'item0'),"
    "(6,'boot.time'),"
    "(7,'ms'),"
    "(8,''),"
    "(9,'item1');"
    "INSERT INTO name VALUES "
    "(1,'done',1),"
    "(2,'open',1);"
    "INSERT INTO suite VALUES "
    "(1,X'57bb91946925c4d35c20416d45d99d6d3907680914c60ace43edc1839"
    "b3cc9cd','project_config.yaml',X'0128b52ffd200f790000626f6f745"
    "f6974656d733a205b5d0a');"
    "INSERT INTO plan VALUES "
    "(1,X'418cf4e019766a73dc85a2435541ac3aeccd0d486b5666467127dec27"
    "e85d7f0',1,X'0101016974656d3000706c6174666f726d30006a'),"
    "(2,X'b720585cd965782b07300cae16cb298b958919e79960a8bb4b04e92d4"
    "7d8b6b5',2,X'0102016974656d30006974656d3100706c6174666f726d300"
    "06a6a');"
    "INSERT INTO run VALUES "
    "(1,2,3,1,1,1,'test',0,X'0123456789abcdef0123456789abcdef012345"
    "67',NULL,0,1700000000000,1700000000056,2,1,1,0,0,1,0,0,0,0),"
    "(2,2,3,2,1,2,'test',0,X'0123456789abcdef0123456789abcdef012345"
    "67',NULL,0,1700000000056,NULL,1,2,2,1,1,0,0,0,0,0);"
    "INSERT INTO run_block VALUES "
    "(0,2);"
    "INSERT INTO run_file VALUES "
    "(1,'kernel',X'010203000000000000000000000000000000000000000000"
    "0000000000000000',77),"
    "(2,'kernel',X'010203000000000000000000000000000000000000000000"
    "0000000000000000',77);"
    "INSERT INTO run_history VALUES "
    "(1,X'0128b52ffd2094350400740701080801020303040506090d8ea0abfef"
    "9620e7a7b22617474656d7074223a312c226d616368696e65223a317d00007"
    "b2274657874223a226f6666207665726966696564227d6e2073656e74227d0"
    "06f7574636f6d65223a2270617373222c534f5445535420454e442c2031322"
    "06361736573227d0000040092a2055538b3d3c0030803');"
    "INSERT INTO caselist VALUES "
    "(1,X'00db5aa8ed0fcd5600f39464c23599d08a285fbf57d883db796587d8a"
    "898e726',2,X'0128b52ffd20084100006f6e650074776f00');"
    "INSERT INTO job VALUES "
    "(1,5,4,6,8,0,1,1,1,0,0,49,1,X'0d'),"
    "(2,5,4,3,5,0,1,2,0,0,0,NULL,NULL,NULL),"
    "(3,9,4,0,0,0,0,NULL,0,0,0,NULL,NULL,NULL);"
    "INSERT INTO job_event VALUES "
    "(2,1,1700000000063,1,'{\"attempt\":2,\"machine\":2}'),"
    "(2,2,1700000000070,2,NULL),"
    "(2,3,1700000000077,3,'{\"text\":\"off verified\"}'),"
    "(2,4,1700000000084,3,'{\"text\":\"on sent\"}'),"
    "(2,5,1700000000091,4,NULL);"
    "INSERT INTO machine VALUES "
    "(1,'m1',1,0,'',1795303187882),"
    "(2,'m2',1,0,'',1795303187886);"
    "INSERT INTO attempt VALUES "
    "(1,1,1,NULL,1,256038406562250753,1700000000007,49,1,0,0,'SOTES"
    "T END, 12 cases'),"
    "(2,2,1,NULL,2,256038406562250754,1700000000063,NULL,0,0,0,NULL"
    ");"
    "INSERT INTO series VALUES "
    "(1,6,7,8,8,8,1);"
    "INSERT INTO sample VALUES "
    "(1,1,3,2.1666666666666665186,2.1666666666666669627,1.0,3.0,X'0"
    "000000000000840000000000000f03f0000000000000440');";

/*
 * What one that knew schema 4 had: one benchmark of two attempts. The first
 * one failed on the way, though it had measured; in the second one the
 * baseline is twice as fast, in both pairs.
 */
static const char rows_of_schema_4[] =
    "INSERT INTO meta VALUES (1,7);"
    "INSERT INTO word VALUES (1,''),(2,'p'),(3,'somebody'),(4,'disk'),"
    "(5,'disk.seq128k_q32t1.rd'),(6,'MB/s'),(7,'vboxdrv'),(8,'kvm'),"
    "(9,'linux'),(10,'nvme'),(11,'kernel'),(12,'6.1.0');"
    "INSERT INTO name VALUES (1,'nightly',1);"
    "INSERT INTO suite VALUES (1,zeroblob(32),'suite.yaml',X'01');"
    "INSERT INTO plan VALUES (1,zeroblob(32),1,X'0101016469736b0070006a');"
    "INSERT INTO run VALUES (1,1,3,1,1,1,'test',0,NULL,NULL,0,1000,2000,2,1,1,"
    "0,0,1,0,0,0,0);"
    "INSERT INTO machine VALUES (1,'m1',2,0,'',1000,NULL);"
    "INSERT INTO job VALUES (1,4,2,6,9,0,2,2,1,0,0,50,NULL,NULL);"
    "INSERT INTO attempt VALUES (1,1,1,NULL,1,1,1000,50,3,4,0,'no link'),"
    "(2,1,2,1,1,2,1100,50,1,0,0,'2 pairs');"
    "INSERT INTO attempt_agent VALUES (2,'{\"variants\":["
    "{\"name\":\"kvm\",\"role\":\"candidate\"},"
    "{\"name\":\"vboxdrv\",\"role\":\"baseline\"}]}',NULL,NULL,NULL);"
    "INSERT INTO attempt_env VALUES (2,11,12);"
    "INSERT INTO series VALUES (1,5,6,7,9,10,1),(2,5,6,8,9,10,1);"
    "INSERT INTO sample VALUES "
    "(1,1,1,9.0,0.0,9.0,9.0,X'0000000000002240',NULL),"
    "(1,2,2,3.0,2.0,2.0,4.0,X'00000000000000400000000000001040',"
    "X'01000001020201'),"
    "(2,2,2,1.5,0.5,1.0,2.0,X'000000000000f03f0000000000000040',"
    "X'01000201020001');";

/* A database of the first so many migrations, with rows. */
static void make_schema(struct kit *k, int version, const char *rows)
{
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	scoped(free) char *numbers = xasprintf(
	    "PRAGMA application_id = 0x49524e42; PRAGMA user_version = %d",
	    version);
	scoped(conn_close) struct conn *c = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(conn_open(path, CONN_WRITE, &c, NULL), 0);
	for (int i = 0; i < version; i++)
		assert_int_equal(conn_exec(c, migrations[i].sql, NULL), 0);
	if (conn_exec(c, rows, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(conn_exec(c, numbers, NULL), 0);
}

static int setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	kit_init(k);
	make_schema(k, 1, rows_of_schema_1);
	*state = k;
	return 0;
}

static int setup_4(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	kit_init(k);
	make_schema(k, 4, rows_of_schema_4);
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

/* ---- what is there afterwards ------------------------------------------- */

static bool see_case(void *arg, const struct db_case *c)
{
	buf_printf(arg, "%s %d ", c->name, c->result);
	return true;
}

static bool see_event(void *arg, const struct job_event *ev)
{
	buf_printf(arg, "%s ", job_event_name(ev->type));
	return true;
}

static bool see_sample(void *arg, const struct db_run_sample *s)
{
	buf_printf(arg, "%s %s %zu %g %s", s->machine, s->metric, s->n_values,
	    s->values[2], s->marks ? "marks" : "no marks");
	return true;
}

static bool see_source(void *arg, const struct db_source *s)
{
	buf_printf(arg, "%s %s %zu", s->name, s->suite_text, s->n_files);
	return true;
}

static void everything_is_there_after_the_migration(void **state)
{
	struct kit *k = *state;
	scoped(db_reader_close) struct db_reader *r = NULL;
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	assert_int_equal(db_check(k->dir, NULL), 0);
	kit_open(k);
	kit_check(k);
	assert_int_equal(kit_sql(k, "PRAGMA user_version"), migrations_count);
	assert_int_equal(kit_sql(k,
	                     "SELECT integrity_check = 'ok' FROM "
	                     "pragma_integrity_check"),
	    1);
	assert_int_equal(db_reader_open(k->dir, &r, NULL), 0);
	assert_int_equal(db_cases(r, 1, see_case, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "one 1 two 3 ");
	buf_reset(&b);
	assert_int_equal(db_events(r, 1, see_event, &b, NULL), 0);
	assert_string_equal(
	    buf_str(&b), "lease prepare step step run exit collected done ");
	buf_reset(&b);
	assert_int_equal(db_run_samples(r, 1, see_sample, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "m1 boot.time 3 2.5 no marks");
	buf_reset(&b);
	assert_int_equal(db_run_source(r, 1, see_source, &b, NULL), 0);
	assert_string_equal(buf_str(&b), "done boot_items: []\n 1");
}

static bool see_attempt(void *arg, const struct db_attempt *a)
{
	buf_printf(arg, "%" PRId64 " %s %s ", a->id, a->machine,
	    a->evidence ? a->evidence : "undecided");
	return true;
}

static void attempts_keep_what_decided_them(void **state)
{
	struct kit *k = *state;
	scoped(db_reader_close) struct db_reader *r = NULL;
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	kit_open(k);
	assert_int_equal(db_reader_open(k->dir, &r, NULL), 0);
	assert_int_equal(db_attempts(r, 1, see_attempt, &b, NULL), 0);
	assert_int_equal(db_attempts(r, 2, see_attempt, &b, NULL), 0);
	assert_string_equal(
	    buf_str(&b), "1 m1 SOTEST END, 12 cases 2 m2 undecided ");
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM "
	                     "pragma_foreign_key_check"),
	    0);
}

/* ---- it says so --------------------------------------------------------- */

static void on_migrating(
    void *arg, int schema, int64_t took_ms, int64_t written_bytes)
{
	assert_true(took_ms >= 0 && written_bytes >= 0);
	buf_printf(arg, "%d ", schema);
}

static void no_wake(void *arg)
{
	(void)arg;
}

static void each_step_is_told_once_it_begins(void **state)
{
	const struct kit *k = *state;
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 10);
	scoped_val(buf_done) struct buf wanted = BUF_INIT(1 << 10);
	struct db_ops ops = {
	    .wake = no_wake, .migrating = on_migrating, .arg = &said};
	struct db *db = NULL;

	for (int i = 2; i <= migrations_count; i++)
		buf_printf(&wanted, "%d ", i);
	assert_int_equal(db_open(k->dir, &ops, &db, NULL), 0);
	db_close(db);
	assert_string_equal(buf_str(&said), buf_str(&wanted));
	buf_reset(&said);
	assert_int_equal(db_open(k->dir, &ops, &db, NULL), 0);
	db_close(db);
	assert_string_equal(buf_str(&said), "");
}

/* ---- and it goes on ----------------------------------------------------- */

struct loaded {
	struct kit_run run;
	struct job jobs[2];
	int heads;
};

static void on_run(void *arg, const struct db_open_run *run)
{
	struct loaded *l = arg;

	l->run.id = run->id;
	l->run.jobs = l->jobs;
}

static void on_job(void *arg, const struct db_open_job *open)
{
	struct loaded *l = arg;

	assert_true(l->run.n_jobs < 2);
	l->jobs[l->run.n_jobs++] = open->job;
}

static void on_head(
    void *arg, const char *spec, const char *boot_id, const char *resume)
{
	struct loaded *l = arg;

	l->heads++;
	assert_true(!spec && !boot_id && !resume);
}

static void on_event(void *arg, int64_t s, const char *line, size_t len)
{
	(void)arg;
	(void)s;
	(void)line;
	(void)len;
	fail();
}

static void open_run_goes_on_after_the_migration(void **state)
{
	struct db_agent_event ev = {2, 1, "{\"s\":1}", 7, "have 1"};
	struct kit *k = *state;
	struct loaded l = {0};
	struct db_tx *tx;

	kit_open(k);
	assert_int_equal(db_load_open(k->db, on_run, on_job, &l, NULL), 0);
	assert_int_equal(l.run.id, 2);
	assert_int_equal(l.run.n_jobs, 2);
	assert_int_equal(
	    db_load_agent(k->db, 2, on_head, on_event, &l, NULL), 0);
	assert_int_equal(l.heads, 1);
	tx = db_tx_new(k->db);
	db_tx_agent_event(tx, &ev);
	kit_play_end(k, tx, &l.run, 0);
	kit_event(k, tx, &l.run, 1, JOB_EV_CANCEL, NULL);
	kit_commit(k, tx);
	kit_check(k);
	assert_int_equal(
	    kit_sql(k, "SELECT count(*) FROM run WHERE state = 2"), 2);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM attempt_agent WHERE "
	                     "attempt_id = 2 AND history IS NOT NULL"),
	    1);
}

static void same_evidence_is_stored_once(void **state)
{
	struct kit *k = *state;
	struct loaded l = {0};
	struct db_tx *tx;

	kit_open(k);
	assert_int_equal(db_load_open(k->db, on_run, on_job, &l, NULL), 0);
	tx = db_tx_new(k->db);
	kit_play_end(k, tx, &l.run, 0);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(DISTINCT evidence_id) = 1 AND "
	                     "count(evidence_id) = 2 FROM attempt"),
	    1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM evidence"), 1);
}

static bool see_cell(void *arg, const struct db_cell_sums *c)
{
	buf_printf(arg, "%s %s/%s %s %s %zu %.3f %.3f", c->machine, c->baseline,
	    c->candidate, c->guest, c->controller, c->sums.pairs.n,
	    c->sums.pairs.mean, exp(c->sums.ln_baseline));
	return true;
}

static void tables_over_many_runs_are_made_from_the_samples(void **state)
{
	struct kit *k = *state;
	scoped(db_reader_close) struct db_reader *r = NULL;
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);
	struct db_window all = {0, 0, NULL};

	kit_open(k);
	assert_int_equal(db_reader_open(k->dir, &r, NULL), 0);
	assert_int_equal(db_cells(r, &all, see_cell, &b, NULL), 0);
	assert_string_equal(
	    buf_str(&b), "m1 vboxdrv/kvm linux nvme 2 0.693 8.000");
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM point p JOIN environment e "
	                     "ON e.id = p.environment_id WHERE p.attempt_id = "
	                     "2 AND p.run_id = 1 AND p.n = 2 AND e.text = "
	                     "'kernel=6.1.0' || char(10)"),
	    2);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM point"), 2);
}

/* Names and types of all columns, and the indexes. */
static const char sql_shape[] =
    "SELECT group_concat(sql, ';') FROM (SELECT sql FROM sqlite_schema "
    "ORDER BY type, name)";

static char *shape_of(const struct kit *k)
{
	scoped(free) char *path = xasprintf("%s/%s", k->dir, DB_FILE);
	scoped(conn_close) struct conn *c = NULL;
	scoped(stmt_reset) struct stmt *st = NULL;

	assert_int_equal(conn_open(path, CONN_READ, &c, NULL), 0);
	st = stmt_get(c, sql_shape);
	assert_int_equal(stmt_step(st, NULL), 1);
	return xstrdup(stmt_text(st, 0));
}

static void schema_is_the_same_as_of_a_new_database(void **state)
{
	struct kit *k = *state;
	scoped(free) char *migrated = NULL;
	scoped(free) char *new = NULL;
	struct kit other;

	kit_open(k);
	migrated = shape_of(k);
	kit_init(&other);
	kit_open(&other);
	new = shape_of(&other);
	assert_string_equal(migrated, new);
	kit_done(&other);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(everything_is_there_after_the_migration),
	    TEST(attempts_keep_what_decided_them),
	    TEST(each_step_is_told_once_it_begins),
	    TEST(same_evidence_is_stored_once),
	    TEST(open_run_goes_on_after_the_migration),
	    TEST(schema_is_the_same_as_of_a_new_database),
	    cmocka_unit_test_setup_teardown(
	        tables_over_many_runs_are_made_from_the_samples, setup_4,
	        teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
