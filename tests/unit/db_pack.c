/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Packed bodies: they come back, and damage is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "db/history.h"
#include "db/pack.h"
#include "db/plan.h"

/* ---- bodies ------------------------------------------------------------- */

static void crc_is_castagnoli(void **state)
{
	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(crc32c(0, "1234", 4), "56789", 5), 0xe3069283);
}

static void numbers_come_back_as_they_were(void **state)
{
	static const int64_t values[] = {
	    0, 1, -1, 63, 64, -64, -65, 1 << 20, INT64_MAX, INT64_MIN};
	scoped_val(buf_done) struct buf b = BUF_INIT(1000);
	struct unpack u;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		pack_int(&b, values[i]);
	u = (struct unpack){(const unsigned char *)b.data,
	    (const unsigned char *)b.data + b.len, false};
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		assert_int_equal(unpack_int(&u), values[i]);
	assert_false(u.failed);
	assert_int_equal(unpack_int(&u), 0);
	assert_true(u.failed);
}

static void damaged_plan_is_refused_or_whole(void **state)
{
	static const char *const items[] = {"a", "b"};
	static const char *const platforms[] = {"x", "y", "any"};
	const struct db_plan plan = {items, 2, platforms, 3, "j.*.jj"};
	scoped_val(buf_done) struct buf b = BUF_INIT(1000);
	struct plan_data p;

	(void)state;
	plan_encode(&plan, &b);
	assert_int_equal(plan_decode(b.data, b.len, &p, NULL), 0);
	assert_int_equal(p.n_jobs, 3);
	assert_string_equal(p.plan.platforms[2], "any");
	assert_int_equal(plan_cell(&p.plan, 1), 4);
	assert_int_equal(plan_cell(&p.plan, 3), -1);
	plan_done(&p);
	for (size_t len = 0; len < b.len; len++)
		assert_int_equal(
		    plan_decode(b.data, len, &p, NULL), -ERR_PROTO);
	for (size_t i = 0; i < b.len; i++) {
		b.data[i] = (char)(b.data[i] ^ 0x55);
		if (plan_decode(b.data, b.len, &p, NULL) == 0)
			plan_done(&p);
		b.data[i] = (char)(b.data[i] ^ 0x55);
	}
}

static bool see_nothing(void *arg, const struct history_event *ev)
{
	(void)arg;
	(void)ev;
	return true;
}

static void damaged_history_is_refused(void **state)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(1000);
	static const char junk[] = "\x03\x01\x01\x01\x01\x05\x00\x00";

	(void)state;
	pack_body(&b, junk, sizeof(junk) - 1);
	assert_int_equal(
	    history_events(b.data, b.len, 0, see_nothing, NULL, NULL),
	    -ERR_PROTO);
	assert_int_equal(
	    history_events("\x02", 1, 0, see_nothing, NULL, NULL), -ERR_PROTO);
	assert_int_equal(
	    history_events("\x01zzz", 4, 0, see_nothing, NULL, NULL),
	    -ERR_PROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(crc_is_castagnoli),
	    cmocka_unit_test(numbers_come_back_as_they_were),
	    cmocka_unit_test(damaged_plan_is_refused_or_whole),
	    cmocka_unit_test(damaged_history_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
