/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Columns over machines, and the published tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define MACHINES 7

/* One line of a published table, cut at its commas in place. */
enum field {
	MACHINE,
	METRIC,
	DIRECTION,
	BASELINE,
	CANDIDATE,
	GUEST,
	CONTROLLER,
	OVERHEAD,
	FIELDS
};

static bool next_line(char **text, char *ret[FIELDS])
{
	char *line = strsep(text, "\n");

	if (!line || !*line)
		return false;
	for (int i = 0; i < FIELDS; i++)
		ret[i] = strsep(&line, ",");
	assert_non_null(ret[OVERHEAD]);
	assert_null(line);
	return true;
}

/* Every cell prints as published; returns how many of the column there are. */
static size_t read_column(const char *path, const char *guest,
    const char *controller, struct bench_estimate *cells)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(1 << 20);
	char *at;
	char *f[FIELDS];
	size_t n = 0;

	kit_text(path, &text);
	at = text.data;
	assert_true(next_line(&at, f));
	assert_string_equal(f[MACHINE], "machine");
	while (next_line(&at, f)) {
		char printed[BENCH_RATIO_TEXT];
		double overhead = strtod(f[OVERHEAD], NULL);

		assert_non_null(bench_metric_find(f[METRIC]));
		assert_string_equal(
		    bench_ratio_text(overhead, printed), f[OVERHEAD]);
		if (strcmp(f[GUEST], guest) != 0 ||
		    strcmp(f[CONTROLLER], controller) != 0)
			continue;
		assert_true(n < MACHINES);
		cells[n++] = (struct bench_estimate){.overhead = overhead,
		    .lo = NAN,
		    .hi = NAN,
		    .p = NAN,
		    .se = NAN};
	}
	return n;
}

static void published_means_are_reproduced(void **state)
{
	static const struct {
		const char *path;
		const char *controller;
		double windows_11;
		double windows_10;
	} rows[] = {
	    {"published/geekbench_multi_core.csv", "", .948, .947},
	    {"published/disk_seq128k_q32t1_rd.csv", "sata", 1.015, 1.008},
	    {"published/disk_seq128k_q32t1_rd.csv", "nvme", .992, .985},
	    {"published/disk_rnd4k_q1t1_rd.csv", "sata", 1.200, 1.182},
	    {"published/disk_rnd4k_q1t1_rd.csv", "nvme", .846, .840},
	};
	static const char *const guests[] = {"windows_11", "windows_10"};
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t g = 0; g < 2; g++) {
			struct bench_estimate cells[MACHINES];
			struct bench_column c;
			size_t n = read_column(
			    rows[i].path, guests[g], rows[i].controller, cells);

			assert_int_equal(n, MACHINES);
			total += n;
			bench_column(cells, n, &c);
			assert_int_equal(c.present, MACHINES);
			assert_true(fabs(c.geomean -
			                (g ? rows[i].windows_10
			                   : rows[i].windows_11)) <= .0005);
			assert_true(isnan(c.i2) && isnan(c.between_sd));
		}
	assert_int_equal(total, 70);
}

static void the_published_interval_is_reproduced(void **state)
{
	struct bench_estimate cells[MACHINES];
	struct bench_column c;
	size_t n = read_column(
	    "published/geekbench_multi_core.csv", "windows_11", "", cells);

	(void)state;
	bench_column(cells, n, &c);
	assert_true(fabs(c.lo - .849) <= .0005);
	assert_true(fabs(c.hi - 1.059) <= .0005);
	assert_true(c.sd > .1 && c.sd < .13);
}

static struct bench_estimate cell(double overhead, double se)
{
	return (struct bench_estimate){.overhead = overhead, .se = se};
}

static void absent_cells_are_counted_and_left_out(void **state)
{
	struct bench_estimate cells[] = {
	    cell(2, .01), cell(NAN, NAN), cell(8, .01)};
	struct bench_column c;

	(void)state;
	bench_column(cells, 3, &c);
	assert_int_equal(c.present, 2);
	assert_int_equal(c.machines, 3);
	kit_near("geomean", c.geomean, 4, 1e-12);
	assert_true(c.lo < 4 && c.hi > 4 && !isnan(c.i2));
	bench_column(cells, 1, &c);
	kit_near("one", c.geomean, 2, 1e-12);
	assert_true(isnan(c.lo) && isnan(c.sd));
	bench_column(&cells[1], 1, &c);
	assert_int_equal(c.present, 0);
	assert_true(isnan(c.geomean));
	bench_column(NULL, 0, &c);
	assert_int_equal(c.machines, 0);
}

/* Equal errors: Q, tau and I2 follow from the observed spread alone. */
static void heterogeneity_is_what_noise_does_not_explain(void **state)
{
	double se = .02;
	struct bench_estimate cells[] = {
	    cell(exp(-.1), se), cell(1, se), cell(exp(.1), se)};
	struct bench_column c;
	double q = 2 * .01 / (se * se);

	(void)state;
	bench_column(cells, 3, &c);
	kit_near("sd", c.sd, .1, 1e-12);
	kit_near("between", c.between_sd, sqrt(.01 - se * se), 1e-12);
	kit_near("I2", c.i2, (q - 2) / q, 1e-12);
	for (size_t i = 0; i < 3; i++)
		cells[i].se = .5;
	bench_column(cells, 3, &c);
	assert_true(c.between_sd == 0 && c.i2 == 0);
}

static void the_order_of_machines_changes_nothing(void **state)
{
	struct bench_random r = {kit_seed(31)};
	struct bench_estimate cells[12];
	double margins[12];
	enum bench_verdict before[12];
	enum bench_verdict after[12];
	size_t from[12];
	struct bench_column a;
	struct bench_column b;

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		double ln = .05 * kit_normal(&r);

		cells[i] = cell(exp(ln), .01 + .02 * kit_uniform(&r));
		cells[i].lo = exp(ln - 2 * cells[i].se);
		cells[i].hi = exp(ln + 2 * cells[i].se);
		cells[i].p = kit_uniform(&r) * .1;
		margins[i] = .01;
		from[i] = i;
	}
	bench_column(cells, 12, &a);
	bench_verdicts(cells, margins, 12, .05, before);
	for (int round = 0; round < 20; round++) {
		for (size_t i = 11; i > 0; i--) {
			size_t k = bench_random_next(&r) % (i + 1);
			struct bench_estimate e = cells[i];
			size_t place = from[i];

			cells[i] = cells[k];
			cells[k] = e;
			from[i] = from[k];
			from[k] = place;
		}
		bench_column(cells, 12, &b);
		kit_near("geomean", b.geomean, a.geomean, 1e-12);
		kit_near("lo", b.lo, a.lo, 1e-12);
		kit_near("hi", b.hi, a.hi, 1e-12);
		kit_near("I2", b.i2, a.i2, 1e-12);
		kit_near("between", b.between_sd, a.between_sd, 1e-12);
		bench_verdicts(cells, margins, 12, .05, after);
		for (size_t i = 0; i < 12; i++)
			assert_int_equal(after[i], before[from[i]]);
	}
}

static void ratios_have_three_digits(void **state)
{
	static const struct {
		double v;
		const char *text;
	} rows[] = {{1, "1.00"}, {.9999, "1.00"}, {.7993, "0.799"},
	    {1.1549, "1.15"}, {12.34, "12.3"}, {100, "100."},
	    {.0123456, "0.0123"}, {NAN, ""}};
	char to[BENCH_RATIO_TEXT];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_string_equal(
		    bench_ratio_text(rows[i].v, to), rows[i].text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(published_means_are_reproduced),
	    cmocka_unit_test(the_published_interval_is_reproduced),
	    cmocka_unit_test(absent_cells_are_counted_and_left_out),
	    cmocka_unit_test(heterogeneity_is_what_noise_does_not_explain),
	    cmocka_unit_test(the_order_of_machines_changes_nothing),
	    cmocka_unit_test(ratios_have_three_digits),
	};

	return cmocka_run_group_tests_name("bench_table", tests, NULL, NULL);
}
