/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Console logs whose syncs are the writer's: a log is durable before the rows
 * that were made from it, and who appends never waits.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "db/log_file.h"
#include "tests/unit/db_kit.h"

#define ATTEMPT 17

struct ctx {
	struct kit kit;
	struct db_log *log;
	int durable; /* transactions */
};

static int setup(void **state)
{
	struct ctx *c = xcalloc(1, sizeof(*c));

	kit_init(&c->kit);
	kit_open(&c->kit);
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct ctx *c = *state;

	assert_int_equal(db_log_close(c->log, NULL), 0);
	kit_close(&c->kit);
	kit_done(&c->kit);
	free(c);
	return 0;
}

static void begin(struct ctx *c)
{
	struct err err = ERR_INIT;

	if (db_log_open(c->kit.dir, ATTEMPT, &c->log, &err) < 0)
		fail_msg("%s", err.msg);
}

static void append(struct ctx *c, const char *data, size_t len)
{
	assert_int_equal(db_log_append(c->log, data, len, 10, NULL), 0);
}

static bool collect(
    void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms)
{
	struct buf *text = arg;

	(void)at_ms;
	assert_int_equal(offset, text->len);
	buf_add(text, data, len);
	return true;
}

static void check_text(const struct ctx *c, const char *want)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);

	assert_int_equal(db_log_read(c->kit.dir, ATTEMPT, 0, INT64_MAX, collect,
	                     &text, NULL),
	    0);
	assert_string_equal(buf_str(&text), want);
}

static void on_durable(void *arg)
{
	struct ctx *c = arg;

	c->durable++;
}

/* A transaction with a row that can be looked for. */
static struct db_tx *row_tx(struct kit *k, const char *what)
{
	struct db_tx *tx = db_tx_new(k->db);

	db_tx_audit(tx, 1, "test", what);
	return tx;
}

static int64_t rows(const struct kit *k)
{
	return kit_sql(k, "SELECT count(*) FROM audit");
}

static void log_goes_on_while_the_writer_syncs_it(void **state)
{
	struct ctx *c = *state;
	struct db_log_info info;
	struct db_tx *tx;

	begin(c);
	append(c, "before\n", 7);
	tx = row_tx(&c->kit, "verdict");
	assert_int_equal(db_tx_log_sync(tx, c->log, NULL), 0);
	db_tx_post(tx, on_durable, c);
	append(c, "after\n", 6);
	kit_wait(&c->kit);
	assert_int_equal(c->durable, 1);
	check_text(c, "before\nafter\n");
	assert_int_equal(db_log_stat(c->kit.dir, ATTEMPT, &info, NULL), 0);
	assert_true(info.open);
	tx = row_tx(&c->kit, "done");
	db_tx_log_close(tx, take(c->log));
	db_tx_post(tx, on_durable, c);
	kit_wait(&c->kit);
	check_text(c, "before\nafter\n");
	assert_int_equal(db_log_stat(c->kit.dir, ATTEMPT, &info, NULL), 0);
	assert_false(info.open);
}

/* A tail that is removed too early is bytes that a power cut takes. */
static void tails_stay_until_the_writer_has_synced_their_frames(void **state)
{
	struct ctx *c = *state;
	scoped(free) char *folder = NULL;
	scoped(free) char *data = xcalloc(20 * LOG_FRAME_BYTES, 1);
	struct log_list l;
	struct db_tx *tx;

	folder = log_folder(c->kit.dir, ATTEMPT);
	begin(c);
	assert_false(db_log_wants_sync(c->log));
	append(c, data, 20 * LOG_FRAME_BYTES);
	assert_true(db_log_wants_sync(c->log));
	assert_int_equal(log_list_get(folder, &l, NULL), 0);
	assert_int_equal(l.n_raws, 20);
	log_list_done(&l);
	tx = row_tx(&c->kit, "long");
	assert_int_equal(db_tx_log_sync(tx, c->log, NULL), 0);
	assert_false(db_log_wants_sync(c->log));
	kit_commit(&c->kit, tx);
	assert_int_equal(log_list_get(folder, &l, NULL), 0);
	assert_int_equal(l.n_raws, 1);
	log_list_done(&l);
}

static void wait_for_health(struct kit *k, bool is_bad)
{
	struct pollfd wake = {.fd = k->wake_fd, .events = POLLIN};
	int64_t until_ms = clock_mono_ms() + 30000;

	while ((k->health.kind != 0) != is_bad || !k->health_calls) {
		assert_true(clock_mono_ms() < until_ms);
		(void)poll(&wake, 1, 100);
		db_dispatch(k->db);
	}
}

static void row_waits_until_its_log_can_be_synced(void **state)
{
	struct ctx *c = *state;
	scoped(free) char *folder = NULL;
	scoped(free) char *away = NULL;
	struct db_tx *tx;

	folder = log_folder(c->kit.dir, ATTEMPT);
	away = xasprintf("%s/away", c->kit.dir);
	begin(c);
	append(c, "said\n", 5);
	tx = row_tx(&c->kit, "verdict");
	assert_int_equal(db_tx_log_sync(tx, c->log, NULL), 0);
	assert_int_equal(rename(folder, away), 0);
	db_tx_post(tx, on_durable, c);
	/* What comes after it waits as well: the order is kept. */
	db_tx_post(row_tx(&c->kit, "next"), on_durable, c);
	wait_for_health(&c->kit, true);
	assert_non_null(strstr(c->kit.health.msg, folder));
	assert_int_equal(c->durable, 0);
	assert_int_equal(rows(&c->kit), 0);
	assert_int_equal(rename(away, folder), 0);
	kit_wait(&c->kit);
	wait_for_health(&c->kit, false);
	assert_int_equal(c->durable, 2);
	assert_int_equal(rows(&c->kit), 2);
	check_text(c, "said\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(log_goes_on_while_the_writer_syncs_it),
	    TEST(tails_stay_until_the_writer_has_synced_their_frames),
	    TEST(row_waits_until_its_log_can_be_synced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
