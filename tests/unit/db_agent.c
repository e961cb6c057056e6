/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attempts that an agent carries out: what it said, and what they leave. */
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "db/pack.h"
#include "db/stmt.h"
#include "db/store.h"
#include "tests/unit/db_kit.h"

struct ctx {
	struct kit kit;
	struct db_reader *r;
	struct kit_run run; /* two jobs; the first one runs on "m1" */
	int64_t attempt;
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));
	struct kit *k = &c->kit;
	struct db_tx *tx;

	kit_init(k);
	kit_open(k);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, "the run", 2, 1, &c->run);
	kit_play_begin(k, tx, &c->run, 0, kit_machine(k, 1));
	kit_commit(k, tx);
	c->attempt = c->run.jobs[0].attempt_id;
	assert_int_equal(db_reader_open(k->dir, &c->r, NULL), 0);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	db_reader_close(c->r);
	kit_run_done(&c->run);
	kit_done(&c->kit);
	free(c);
	return 0;
}

/* ---- what the agent says ------------------------------------------------ */

static void say(
    struct db_tx *tx, int64_t attempt, int64_t s, const char *line, size_t len)
{
	char resume[30];
	struct db_agent_event ev = {attempt, s, line, len, resume};

	(void)snprintf(resume, sizeof(resume), "have %" PRId64, s);
	db_tx_agent_event(tx, &ev);
}

static void say_line(struct db_tx *tx, int64_t attempt, int64_t s)
{
	char line[60];
	int n = snprintf(line, sizeof(line),
	    "{\"s\":%" PRId64 ",\"t\":\"note\",\"text\":\"\xc3\xa9\"}", s);

	say(tx, attempt, s, line, (size_t)n);
}

struct heard {
	int heads;
	struct buf text;
};

static void on_head(
    void *arg, const char *spec, const char *boot_id, const char *resume)
{
	struct heard *h = arg;

	h->heads++;
	buf_printf(&h->text, "spec %s, boot %s, resume %s\n",
	    spec ? spec : "NULL", boot_id ? boot_id : "NULL",
	    resume ? resume : "NULL");
}

static void on_event(void *arg, int64_t s, const char *line, size_t len)
{
	struct heard *h = arg;

	buf_printf(&h->text, "%" PRId64 " ", s);
	buf_add(&h->text, line, len);
	buf_putc(&h->text, '\n');
}

/* What is loaded of an attempt, as text. */
static void check_loaded(struct ctx *c, int64_t attempt, const char *want)
{
	struct heard h = {0, BUF_INIT(8 << 20)};
	struct err err = ERR_INIT;

	if (db_load_agent(c->kit.db, attempt, on_head, on_event, &h, &err) < 0)
		fail_msg("%s", err.msg);
	assert_string_equal(buf_str(&h.text), want);
	assert_int_equal(h.heads, want[0] ? 1 : 0);
	buf_done(&h.text);
}

static void reopen(struct ctx *c)
{
	kit_close(&c->kit);
	kit_open(&c->kit);
}

static void events_are_loaded_in_order_after_a_restart(void **state)
{
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	scoped_val(buf_done) struct buf want = BUF_INIT(1 << 20);
	struct db_tx *tx = db_tx_new(k->db);

	db_tx_agent_spec(tx, c->attempt, "{\"steps\":[]}");
	db_tx_agent_boot(tx, c->attempt, "boot-1");
	kit_commit(k, tx);
	buf_puts(&want, "spec {\"steps\":[]}, boot boot-1, resume have 300\n");
	for (int64_t s = 1; s <= 300; s++) {
		tx = db_tx_new(k->db);
		say_line(tx, c->attempt, s);
		db_tx_post(tx, NULL, NULL);
		buf_printf(&want,
		    "%" PRId64 " {\"s\":%" PRId64
		    ",\"t\":\"note\",\"text\":\"\xc3\xa9\"}\n",
		    s, s);
	}
	kit_wait(k);
	reopen(c);
	check_loaded(c, c->attempt, buf_str(&want));
}

static void head_is_null_where_nothing_was_stored(void **state)
{
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);

	check_loaded(c, c->attempt, "spec NULL, boot NULL, resume NULL\n");
	db_tx_agent_boot(tx, c->attempt, "boot-1");
	kit_commit(k, tx);
	check_loaded(c, c->attempt, "spec NULL, boot boot-1, resume NULL\n");
	tx = db_tx_new(k->db);
	db_tx_agent_spec(tx, c->attempt, "{}");
	db_tx_agent_boot(tx, c->attempt, "boot-2");
	kit_commit(k, tx);
	check_loaded(c, c->attempt, "spec {}, boot boot-2, resume NULL\n");
	check_loaded(c, c->attempt + 1, "");
}

static void line_comes_back_to_the_byte(void **state)
{
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	scoped_val(buf_done) struct buf want = BUF_INIT(8 << 20);
	size_t len = (1 << 20) - 1;
	scoped(free) char *line = xcalloc(len + 1, 1);

	memset(line, 'x', len);
	say(tx, c->attempt, 1, line, len);
	say(tx, c->attempt, 2, "only the first word", 4);
	say(tx, c->attempt, 3, "", 0);
	kit_commit(k, tx);
	buf_printf(&want, "spec NULL, boot NULL, resume have 3\n1 %s\n", line);
	buf_puts(&want, "2 only\n3 \n");
	check_loaded(c, c->attempt, buf_str(&want));
}

/* ---- bugs --------------------------------------------------------------- */

/* Everything of the child is committed but its last transaction. */
static struct db_tx *tx_of_child(struct kit *k, struct kit_run *run)
{
	struct db_tx *tx;

	(void)signal(SIGABRT, SIG_DFL); /* cmocka catches it */
	kit_open(k);
	tx = db_tx_new(k->db);
	kit_run_new(k, tx, NULL, 1, 1, run);
	kit_play_begin(k, tx, run, 0, kit_machine(k, 2));
	say_line(tx, run->jobs[0].attempt_id, 1);
	kit_commit(k, tx);
	return db_tx_new(k->db);
}

static void say_the_same_s_twice(struct kit *k)
{
	struct kit_run run;
	struct db_tx *tx = tx_of_child(k, &run);

	say_line(tx, run.jobs[0].attempt_id, 2);
	say_line(tx, run.jobs[0].attempt_id, 1);
	kit_commit(k, tx);
}

static void say_something_after_the_end(struct kit *k)
{
	struct kit_run run;
	struct db_tx *tx = tx_of_child(k, &run);

	kit_play_end(k, tx, &run, 0);
	say_line(tx, run.jobs[0].attempt_id, 2);
	kit_commit(k, tx);
}

static void check_aborts(struct ctx *c, void (*fn)(struct kit *k))
{
	scoped_val(buf_done) struct buf said = BUF_INIT(1 << 20);
	struct kit *k = &c->kit;
	int status;

	kit_close(k);
	status = kit_in_child(fn, k, &said);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
	assert_non_null(strstr(buf_str(&said), "agent_event of attempt 2"));
	kit_open(k);
	kit_check(k);
	check_loaded(c, c->attempt + 1,
	    "spec NULL, boot NULL, resume have 1\n"
	    "1 {\"s\":1,\"t\":\"note\",\"text\":\"\xc3\xa9\"}\n");
}

static void second_event_with_the_same_s_is_a_bug(void **state)
{
	check_aborts(*state, say_the_same_s_twice);
}

static void event_of_an_ended_attempt_is_a_bug(void **state)
{
	check_aborts(*state, say_something_after_the_end);
}

/* ---- the end ------------------------------------------------------------ */

static const char sql_test_history[] =
    "SELECT history FROM attempt_agent WHERE attempt_id = ?1";

/* The plain body of a packed attempt. */
static void read_history(struct ctx *c, int64_t attempt, struct buf *ret)
{
	scoped(free) char *path = xasprintf("%s/%s", c->kit.dir, DB_FILE);
	scoped(conn_close) struct conn *conn = NULL;
	scoped(stmt_reset) struct stmt *st = NULL;
	const void *body;
	size_t len;

	assert_int_equal(conn_open(path, CONN_READ, &conn, NULL), 0);
	st = stmt_get(conn, sql_test_history);
	stmt_bind_int(st, 1, attempt);
	assert_int_equal(stmt_step(st, NULL), 1);
	body = stmt_blob(st, 0, &len);
	assert_int_equal(unpack_body(body, len, ret, NULL), 0);
}

static uint64_t number_at(const struct buf *b, size_t at, size_t n)
{
	uint64_t v = 0;

	assert_true(at + n <= b->len);
	while (n--)
		v = v << 8 | (unsigned char)b->data[at + n];
	return v;
}

static void check_history(struct ctx *c, int64_t attempt, int64_t n)
{
	scoped_val(buf_done) struct buf body = BUF_INIT(8 << 20);
	char line[60];
	size_t at = 0;

	read_history(c, attempt, &body);
	for (int64_t s = 1; s <= n; s++) {
		size_t len = (size_t)snprintf(line, sizeof(line),
		    "{\"s\":%" PRId64 ",\"t\":\"note\",\"text\":\"\xc3\xa9\"}",
		    s);

		assert_int_equal(number_at(&body, at, 8), s);
		assert_int_equal(number_at(&body, at + 8, 4), len);
		assert_true(at + 12 + len <= body.len);
		assert_memory_equal(body.data + at + 12, line, len);
		at += 12 + len;
	}
	assert_int_equal(at, body.len);
}

static void events_are_packed_when_the_attempt_ends(void **state)
{
	struct verdict bad = {.outcome = OUTCOME_ERROR, .layer = LAYER_SSH};
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);
	int64_t second;

	db_tx_agent_spec(tx, c->attempt, "{}");
	for (int64_t s = 1; s <= 20000; s++)
		say_line(tx, c->attempt, s);
	kit_commit(k, tx);
	tx = db_tx_new(k->db);
	kit_verdict(k, tx, &c->run, 0, JOB_EV_ABORT, bad, "lost");
	say_line(tx, c->attempt, 20001); /* CLEANUP hears it still */
	kit_event(k, tx, &c->run, 0, JOB_EV_REQUEUE, NULL);
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM agent_event"), 0);
	check_history(c, c->attempt, 20001);
	check_loaded(c, c->attempt, "");
	tx = db_tx_new(k->db);
	kit_play_begin(k, tx, &c->run, 0, kit_machine(k, 1));
	second = c->run.jobs[0].attempt_id;
	say_line(tx, second, 1);
	kit_play_end(k, tx, &c->run, 0);
	kit_commit(k, tx);
	check_history(c, second, 1);
	check_history(c, c->attempt, 20001);
	kit_check(k);
}

static void attempt_without_events_has_no_history(void **state)
{
	struct ctx *c = *state;
	struct kit *k = &c->kit;
	struct db_tx *tx = db_tx_new(k->db);

	db_tx_agent_spec(tx, c->attempt, "{}");
	kit_play_end(k, tx, &c->run, 0);
	kit_play(k, tx, &c->run, 1, kit_machine(k, 1));
	kit_commit(k, tx);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM attempt_agent "
	                     "WHERE history IS NULL"),
	    1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM attempt_agent"), 1);
	kit_check(k);
}

/* ---- files and facts ---------------------------------------------------- */

static bool see_file(void *arg, const struct db_attempt_file *f)
{
	buf_printf(arg, "%" PRId64 " %s %d %" PRId64 "\n", f->attempt_id,
	    f->name, f->sha256[0], f->size);
	return true;
}

static void put_file(struct db_tx *tx, int64_t attempt, const char *name,
    uint8_t hash, int64_t size)
{
	struct db_attempt_file f = {attempt, name, {hash}, size};

	db_tx_attempt_file(tx, &f);
}

static bool is_output(struct ctx *c, uint8_t first)
{
	uint8_t hash[HASH_BYTES] = {first};
	bool yes = !first;

	assert_int_equal(db_file_is_output(c->r, hash, &yes, NULL), 0);
	return yes;
}

static void files_come_back_once_and_are_outputs(void **state)
{
	struct ctx *c = *state;
	struct db_tx *tx = db_tx_new(c->kit.db);
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	put_file(tx, c->attempt, "sysbench.txt", 7, 70);
	put_file(tx, c->attempt, "fio.json", 9, 90);
	kit_commit(&c->kit, tx);
	tx = db_tx_new(c->kit.db);
	put_file(tx, c->attempt, "sysbench.txt", 7, 70);
	put_file(tx, c->attempt, "fio.json", 8, 0);
	kit_commit(&c->kit, tx);
	assert_int_equal(
	    db_attempt_files(c->r, c->attempt, see_file, &b, NULL), 0);
	assert_string_equal(buf_str(&b),
	    "1 fio.json 8 0\n1 fio.json 9 90\n1 sysbench.txt 7 70\n");
	buf_reset(&b);
	assert_int_equal(
	    db_attempt_files(c->r, c->attempt + 1, see_file, &b, NULL), 0);
	assert_int_equal(b.len, 0);
	assert_true(is_output(c, 7));
	assert_true(is_output(c, 8));
	/* This one is in a bundle: what was sent in is not shown. */
	assert_false(is_output(c, 1));
}

static bool see_env(void *arg, const char *key, const char *value)
{
	buf_printf(arg, "%s=%s\n", key, value);
	return true;
}

static void fact_replaces_the_earlier_one_of_its_key(void **state)
{
	struct ctx *c = *state;
	struct db_tx *tx = db_tx_new(c->kit.db);
	scoped_val(buf_done) struct buf b = BUF_INIT(1 << 20);

	db_tx_env(tx, c->attempt, "kernel", "6.1");
	db_tx_env(tx, c->attempt, "cpu.model", "one");
	db_tx_env(tx, c->attempt, "cpu.flags", "");
	kit_commit(&c->kit, tx);
	tx = db_tx_new(c->kit.db);
	db_tx_env(tx, c->attempt, "kernel", "6.12");
	kit_commit(&c->kit, tx);
	assert_int_equal(db_env(c->r, c->attempt, see_env, &b, NULL), 0);
	assert_string_equal(
	    buf_str(&b), "cpu.flags=\ncpu.model=one\nkernel=6.12\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(events_are_loaded_in_order_after_a_restart),
	    TEST(head_is_null_where_nothing_was_stored),
	    TEST(line_comes_back_to_the_byte),
	    TEST(second_event_with_the_same_s_is_a_bug),
	    TEST(event_of_an_ended_attempt_is_a_bug),
	    TEST(events_are_packed_when_the_attempt_ends),
	    TEST(attempt_without_events_has_no_history),
	    TEST(files_come_back_once_and_are_outputs),
	    TEST(fact_replaces_the_earlier_one_of_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
