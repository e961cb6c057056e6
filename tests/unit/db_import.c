/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Imports are stored once and as a whole; names of machines find them. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"
#include "db/import_facts.h"
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

static const double values[] = {1, 2, 4};

/* One series of values, one summary, one ratio and one case. */
static void import_as(
    struct kit *k, uint8_t key, const char *machine, int64_t at_ms)
{
	const struct db_import_sample samples[] = {
	    {"time", "build", "s", machine, "fast", "linux", "nvme", 2, 1, 3,
	        7. / 3, 14. / 3, 1, 4, values, NULL},
	    {"score", "", "points", machine, "fast", "linux", "", 1, 2, 0, 10,
	        NAN, NAN, NAN, NULL, "too hot"}};
	const struct db_import_ratio ratio = {"geekbench.multi_core", 1,
	    machine, "windows", "", "old", "new", 1.25, "1.250"};
	const struct db_import_case one = {"boots", 1, ""};
	struct db_import im = {
	    .key = {key},
	    .at_ms = at_ms,
	    .who = "somebody",
	    .name = "x.json",
	    .sha256 = {7},
	    .size = 12,
	    .format = "hyperfine",
	    .facts = "{}",
	    .samples = samples,
	    .n_samples = 2,
	    .ratios = &ratio,
	    .n_ratios = 1,
	    .cases = &one,
	    .n_cases = 1,
	};
	struct db_tx *tx = db_tx_new(k->db);

	db_tx_import(tx, &im);
	kit_commit(k, tx);
}

static bool count_ratio(void *arg, const struct db_ratio_row *q)
{
	int *n = arg;

	assert_string_equal(q->named, "m9");
	assert_string_equal(q->printed, "1.250");
	assert_true(q->overhead > 1.24 && q->overhead < 1.26);
	++*n;
	return true;
}

static bool check_values(void *arg, const struct db_import_values *v)
{
	char *machine = arg;

	assert_string_equal(v->label, "build");
	assert_int_equal(v->direction, 2);
	assert_int_equal(v->n_values, 3);
	assert_memory_equal(v->values, values, sizeof(values));
	(void)snprintf(machine, 16, "%s", v->machine);
	return true;
}

static int ratios(struct kit *k, const struct db_window *w)
{
	struct err err = ERR_INIT;
	scoped(db_reader_close) struct db_reader *r = NULL;
	int n = 0;

	assert_int_equal(db_reader_open(k->dir, &r, &err), 0);
	assert_int_equal(db_import_ratios(r, w, count_ratio, &n, &err), 0);
	return n;
}

/* The machine that the imported values are read of. */
static void machine_read(struct kit *k, char machine[16])
{
	struct err err = ERR_INIT;
	scoped(db_reader_close) struct db_reader *r = NULL;

	machine[0] = '\0';
	assert_int_equal(db_reader_open(k->dir, &r, &err), 0);
	assert_int_equal(db_import_samples(r, &(struct db_window){0},
	                     check_values, machine, &err),
	    0);
}

static void an_import_comes_back_as_it_was(void **state)
{
	struct kit *k = *state;
	char machine[16];

	import_as(k, 1, "m9", 1000);
	machine_read(k, machine);
	assert_string_equal(machine, "m9");
	assert_int_equal(ratios(k, &(struct db_window){0}), 1);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM import_sample WHERE "
	                     "data IS NULL AND m2 IS NULL AND low IS NULL "
	                     "AND why = 'too hot'"),
	    1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM import_case"), 1);
}

static void the_same_key_changes_nothing(void **state)
{
	struct kit *k = *state;
	struct err err = ERR_INIT;
	const uint8_t key[HASH_BYTES] = {1};
	const uint8_t other[HASH_BYTES] = {2};
	int64_t id = 0;

	import_as(k, 1, "m9", 1000);
	import_as(k, 1, "m9", 2000);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM import"), 1);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM import_sample"), 2);
	assert_int_equal(kit_sql(k, "SELECT count(*) FROM import_ratio"), 1);
	assert_int_equal(db_import_find(k->db, key, &id, &err), 0);
	assert_int_equal(id, 1);
	assert_int_equal(
	    db_import_find(k->db, other, &id, &err), -ERR_NOTFOUND);
}

static void a_window_has_its_ends(void **state)
{
	struct kit *k = *state;

	import_as(k, 1, "m9", 1000);
	assert_int_equal(ratios(k, &(struct db_window){.since_ms = 1000}), 1);
	assert_int_equal(ratios(k, &(struct db_window){.since_ms = 1001}), 0);
	assert_int_equal(ratios(k, &(struct db_window){.until_ms = 1000}), 0);
	assert_int_equal(
	    ratios(k, &(struct db_window){.metric = "geekbench.multi_core"}),
	    1);
	assert_int_equal(ratios(k, &(struct db_window){.metric = "other"}), 0);
}

static void an_alias_finds_its_machine(void **state)
{
	struct kit *k = *state;
	struct err err = ERR_INIT;
	int64_t m1 = kit_machine(k, 1);
	struct db_alias alias = {"m9", m1};
	char machine[16];
	int64_t id = 0;

	assert_int_equal(
	    db_machine_named(k->db, "m9", &id, &err), -ERR_NOTFOUND);
	/* Known by the name alone, and then as the other's. */
	import_as(k, 1, "m9", 1000);
	assert_int_equal(db_machine_named(k->db, "m9", &id, &err), 0);
	assert_int_not_equal(id, m1);
	assert_int_equal(db_aliases_set(k->db, &m1, 1, &alias, 1, &err), 0);
	assert_int_equal(db_machine_named(k->db, "m9", &id, &err), 0);
	assert_int_equal(id, m1);
	machine_read(k, machine);
	assert_string_equal(machine, "m1");
	/* The lab file takes it back. */
	assert_int_equal(db_aliases_set(k->db, &m1, 1, NULL, 0, &err), 0);
	machine_read(k, machine);
	assert_string_equal(machine, "m9");
}

static void a_name_of_two_machines_is_refused_with_both(void **state)
{
	struct kit *k = *state;
	struct err err = ERR_INIT;
	int64_t m1 = kit_machine(k, 1);
	int64_t m2 = kit_machine(k, 2);
	struct db_alias one = {"x", m1};
	struct db_alias two = {"x", m2};
	int64_t id = 0;

	assert_int_equal(db_aliases_set(k->db, &m1, 1, &one, 1, &err), 0);
	assert_int_equal(db_aliases_set(k->db, &m2, 1, &two, 1, &err), 0);
	assert_int_equal(
	    db_machine_named(k->db, "x", &id, &err), -ERR_CONFLICT);
	assert_string_equal(
	    err.msg, "machine x: the name is two machines', m1 and m2");
}

static void dates_are_read_as_the_tools_write_them(void **state)
{
	enum {
		NONE = 1800000000 /* when it was imported */
	};
	static const struct {
		const char *date;
		int64_t s;
	} rows[] = {
	    {"1700000000", 1700000000},
	    {"2023-01-02 12:00:00", 1672660800},
	    {"2023/01/02 12:00:07 [UTC]", 1672660807},
	    {"2023-01-02T12:00:00.5+01:00", 1672657200},
	    {"2023-01-02 12:00 -0530", 1672680600},
	    {"2023-01-02T12:00:00Z", 1672660800},
	    {"2023-01-02", NONE},
	    {"2023-02-30 12:00", NONE},
	    {"2023-01-02 24:00", NONE},
	    {"2023-01-02 12:00:75", NONE},
	    {"1999-12-31 23:59", NONE},
	    {"2033-01-02 12:00", NONE},
	    {"yesterday", NONE},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(free) char *json =
		    xasprintf("{\"date\":\"%s\"}", rows[i].date);
		scoped_val(import_facts_done) struct import_facts f = {0};

		import_facts_read(json, INT64_C(1000) * NONE, &f);
		if (f.at_ms != 1000 * rows[i].s)
			fail_msg("%s: %" PRId64, rows[i].date, f.at_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        an_import_comes_back_as_it_was, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        the_same_key_changes_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_window_has_its_ends, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        an_alias_finds_its_machine, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        a_name_of_two_machines_is_refused_with_both, setup, teardown),
	    cmocka_unit_test(dates_are_read_as_the_tools_write_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
