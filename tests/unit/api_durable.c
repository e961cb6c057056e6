/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person asks for is answered when it is durable. Commits are made to
 * fail by another connection that has the database's write lock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "db/stmt.h"
#include "db/store.h"
#include "orchestrator/weblink.h"
#include "tests/unit/weblink_heard.h"

#define COMMIT "0123456789abcdef0123456789abcdef01234567"

/* ---- power --------------------------------------------------------------- */

static int switched;

void __wrap_power_set(struct power *p, enum power_state want,
    int64_t deadline_ms, void (*sent)(void *arg), power_done *done, void *arg);

void __wrap_power_set(struct power *p, enum power_state want,
    int64_t deadline_ms, void (*sent)(void *arg), power_done *done, void *arg)
{
	(void)p;
	(void)deadline_ms;
	(void)sent;
	switched++;
	done(arg, 0, want, "sent", NULL);
}

/* ---- a daemon without a web process -------------------------------------- */

struct world {
	struct daemon d;
	struct daemon_options opts;
	char *dir;
	char *token;
	int wake_fd;
	struct conn *lock; /* who has it keeps commits from succeeding */
	bool failing;
};

static void wake(void *arg)
{
	const struct world *w = arg;

	assert_int_equal(eventfd_write(w->wake_fd, 1), 0);
}

static void health(void *arg, const struct err *err)
{
	struct world *w = arg;

	w->failing = err != NULL;
}

static const char lab_text[] =
    "machines:\n"
    "  - name: m1\n"
    "    platform: a\n"
    "    power: { driver: ipmi, host: h, user: u, password: p }\n"
    "projects:\n"
    "  - name: p\n"
    "    repository: /nowhere/p.git\n"
    "    files: { build: { command: make } }\n";

static int load_lab(struct world *w, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/lab.yaml", w->dir);
	struct lab *lab = NULL;
	int r = fs_write_atomic(path, lab_text, strlen(lab_text), 0600, err);

	if (r == 0)
		r = lab_load(path, &w->d.shared, &lab, err);
	return r < 0 ? r : machines_take(&w->d, lab, err);
}

static int make_token(struct world *w, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1000);
	int r =
	    token_add(w->d.db, "ann", SCOPE_SUBMIT | SCOPE_OPERATE, &text, err);

	w->token = xstrdup(buf_str(&text));
	return r < 0 ? r : tokens_load(&w->d, err);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct db_ops ops = {.wake = wake, .health = health, .arg = w};
	char template[] = "/tmp/ib-api-XXXXXX";
	scoped(free) char *path = NULL;
	struct err err = ERR_INIT;

	hash_init();
	w->dir = xstrdup(mkdtemp(template));
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->opts.dir = w->dir;
	w->d.opts = &w->opts;
	w->d.draining = true; /* nothing is to be started */
	w->d.loop = loop_new();
	w->d.shared = (struct power_shared){.loop = w->d.loop,
	    .dir = ".",
	    .ipmi = helper_new(w->d.loop, "ipmi")};
	w->d.scheduler = scheduler_new();
	w->d.fleet = fleet_new();
	path = xasprintf("%s/%s", w->dir, DB_FILE);
	if (db_open(w->dir, &ops, &w->d.db, &err) < 0 ||
	    load_lab(w, &err) < 0 || make_token(w, &err) < 0 ||
	    conn_open(path, CONN_WRITE, &w->lock, &err) < 0)
		fail_msg("%s", err.msg);
	heard.answers = heard.status = switched = 0;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	conn_close(w->lock);
	runs_free(&w->d);
	machines_free(&w->d);
	helper_free(w->d.shared.ipmi);
	db_close(w->d.db);
	tokens_free(&w->d);
	lab_unref(w->d.lab);
	scheduler_free(w->d.scheduler);
	fleet_free(w->d.fleet);
	loop_free(w->d.loop);
	fd_done(&w->wake_fd);
	assert_int_equal(fs_remove_tree(w->dir, NULL), 0);
	free(w->token);
	free(w->dir);
	free(w);
	return 0;
}

/* Until the database says that it fails (true), or has nothing to do. */
static void wait_for(struct world *w, bool failing)
{
	struct pollfd p = {w->wake_fd, POLLIN, 0};
	int64_t deadline = clock_mono_ms() + 60000;
	eventfd_t n;

	db_dispatch(w->d.db);
	while (failing ? !w->failing : db_pending(w->d.db) > 0) {
		assert_true(clock_mono_ms() < deadline);
		(void)poll(&p, 1, 100);
		(void)eventfd_read(w->wake_fd, &n); /* may be 0 already */
		db_dispatch(w->d.db);
	}
	db_dispatch(w->d.db);
}

/* Takes the reference to the header. */
static void ask(struct world *w, json_t *header)
{
	assert_int_equal(
	    json_object_set_new(header, "token", json_string(w->token)), 0);
	api_request((struct asker){.d = &w->d}, header);
	json_decref(header);
}

static json_t *machine_op(const char *op, const char *what)
{
	return json_pack("{s:s s:s s:s s:s}", "op", op, "machine", "m1", "do",
	    what, "why", "a new fan");
}

static int64_t in_database(struct world *w, const char *sql)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(w->lock, sql);

	assert_int_equal(stmt_step(st, NULL), 1);
	return stmt_int(st, 0);
}

/* Asks while commits fail, then lets them succeed. */
static void ask_and_hold(struct world *w, json_t *header)
{
	int before = heard.answers;

	assert_int_equal(conn_begin(w->lock, NULL), 0);
	ask(w, header);
	wait_for(w, true);
	assert_int_equal(heard.answers, before);
	conn_rollback(w->lock);
	wait_for(w, false);
	assert_int_equal(heard.answers, before + 1);
}

/* ---- tests --------------------------------------------------------------- */

static const char sql_offline[] =
    "SELECT count(*) FROM machine WHERE health = 3 AND why LIKE '%a new fan'";
static const char sql_cancelled[] =
    "SELECT count(*) FROM run WHERE n_disabled = 1 AND state = 2";
static const char sql_acts[] = "SELECT count(*) FROM audit WHERE who = 'ann'";

static void an_offline_machine_is_told_when_it_is_durable(void **state)
{
	struct world *w = *state;

	ask_and_hold(w, machine_op("machine", "offline"));
	assert_int_equal(heard.status, 200);
	assert_string_equal(heard.text, "{\"health\":\"maintenance\"}");
	assert_int_equal(in_database(w, sql_offline), 1);
	assert_int_equal(in_database(w, sql_acts), 1);
}

static void a_cancelled_run_is_told_when_it_is_durable(void **state)
{
	struct push push = {.project = "p",
	    .guid = "",
	    .ref = "refs/heads/main",
	    .commit = COMMIT,
	    .suite = "ci/suite.yaml",
	    .name = "p main",
	    .user = "ann"};
	struct world *w = *state;

	assert_int_equal(resolve_push(&w->d, &push, NULL, NULL, NULL), 0);
	wait_for(w, false);
	ask_and_hold(w, json_pack("{s:s s:i}", "op", "cancel", "run", 1));
	assert_int_equal(heard.status, 200);
	assert_string_equal(heard.text, "{\"cancelled\":1}");
	assert_int_equal(in_database(w, sql_cancelled), 1);
	assert_int_equal(in_database(w, sql_acts), 1);
}

static void power_is_not_switched_before_it_is_known_by_whom(void **state)
{
	struct world *w = *state;

	ask(w, machine_op("machine", "offline"));
	wait_for(w, false);
	assert_int_equal(conn_begin(w->lock, NULL), 0);
	ask(w, machine_op("power", "off"));
	wait_for(w, true);
	assert_int_equal(switched, 0);
	conn_rollback(w->lock);
	wait_for(w, false);
	assert_int_equal(switched, 1);
	assert_string_equal(
	    heard.text, "{\"power\":\"off\",\"evidence\":\"sent\"}");
	assert_int_equal(in_database(w, sql_acts), 2);
}

static void power_is_not_switched_while_nothing_can_be_stored(void **state)
{
	struct world *w = *state;

	ask(w, machine_op("machine", "offline"));
	wait_for(w, false);
	w->d.db_failing = true;
	(void)snprintf(w->d.problem, sizeof(w->d.problem), "no room");
	ask(w, machine_op("power", "off"));
	assert_int_equal(heard.status, 503);
	assert_string_equal(heard.text, "database: no room");
	assert_false(w->d.machines[0]->by_hand);
	assert_int_equal(switched, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_offline_machine_is_told_when_it_is_durable),
	    TEST(a_cancelled_run_is_told_when_it_is_durable),
	    TEST(power_is_not_switched_before_it_is_known_by_whom),
	    TEST(power_is_not_switched_while_nothing_can_be_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
