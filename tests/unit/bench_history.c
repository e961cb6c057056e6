/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Histories: segments, changes with their commits, environments, spikes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/unit/bench_kit.h"

#define POINTS 60

static const struct bench_history_options defaults = {
    BENCH_CHANGES_DEFAULTS, BENCH_HIGHER, 0};

struct world {
	struct bench_point p[POINTS];
	char commits[POINTS][8];
};

/* Two points a commit: c0 c0 c1 c1 ...; 20 at 100, 25 at 120, 15 at 90. */
static void world_init(struct world *w, uint64_t seed)
{
	struct bench_random r = {seed};

	for (size_t i = 0; i < POINTS; i++) {
		double level = i < 20 ? 100 : i < 45 ? 120 : 90;

		(void)snprintf(
		    w->commits[i], sizeof(w->commits[i]), "c%zu", i / 2);
		w->p[i] = (struct bench_point){
		    .value = level + kit_normal(&r),
		    .run_id = (int64_t)i,
		    .commit = w->commits[i],
		    .at_ms = (int64_t)i * 1000,
		    .environment = "kernel=6.1\nmicrocode=0x10",
		    .valid = true,
		};
	}
}

static struct bench_history *history(const struct bench_point *p, size_t n,
    const struct bench_history_options *o)
{
	struct bench_history *h = NULL;
	struct err err = ERR_INIT;

	if (bench_history(p, n, o, &h, &err) < 0)
		fail_msg("%s", err.msg);
	return h;
}

/* ---- environments that are half known -------------------------------- */

static void what_is_not_told_of_an_environment_is_as_it_was(void **state)
{
	static const struct {
		const char *text;
		const char *over;
		const char *want;
	} rows[] = {
	    {"", "", ""},
	    {"kernel=6.1\ntool.fio=3.35\n", "", "kernel=6.1\ntool.fio=3.35\n"},
	    {"", "tool.fio=3.36\n", "tool.fio=3.36\n"},
	    {"kernel=6.1\ntool.fio=3.35\ntool.fi=1", "tool.fio=3.36",
	        "tool.fio=3.36\nkernel=6.1\ntool.fi=1\n"},
	    {"a=\n\nab=2", "a=b=c", "a=b=c\nab=2\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(free) char *got =
		    bench_environment_with(rows[i].text, rows[i].over);

		assert_string_equal(got, rows[i].want);
	}
}

static void other_guests_and_hypervisors_are_not_of_an_environment(void **state)
{
	static const struct {
		const char *text;
		const char *guest;
		const char *want;
	} rows[] = {
	    {"", "a", ""},
	    {"guest.a=1\nguest.ab=2\nkernel=6\n", "a", "guest.a=1\nkernel=6\n"},
	    {"guest.a=1\nguest.ab=2\nkernel=6\n", "ab",
	        "guest.ab=2\nkernel=6\n"},
	    {"cpu=x\nguest.a=guest.b=\nguests=2", "b", "cpu=x\nguests=2"},
	    {"guest.a=1", "", ""},
	    {"guest.a", "a", "guest.a"},
	    {"guest.a=1\nguest.b=1\ntool.fio=3\ntool.fio.b=2", "a",
	        "guest.a=1\ntool.fio=3\n"},
	    {"guest.a=1\nguest.b=1\ntool.fio=3\ntool.fio.b=2", "b",
	        "guest.b=1\ntool.fio=2"},
	    {"guest.b=1\ntool.fio 3.1=2\n", "b", "guest.b=1\ntool.fio 3.1=2\n"},
	    {"cpu=x\nhypervisor.vmm=40-12-gabcdef\nkernel=6\n", "b",
	        "cpu=x\nkernel=6\n"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		scoped(free) char *got =
		    bench_environment_of(rows[i].text, rows[i].guest);

		assert_string_equal(got, rows[i].want);
	}
}

/* ---- segments and changes -------------------------------------------- */

static void expect_segment(const struct bench_history *h, size_t i,
    size_t begin, size_t end, size_t n, double mean)
{
	const struct bench_segment *s = &h->segments[i];

	assert_true(i < h->n_segments);
	assert_int_equal(s->begin, begin);
	assert_int_equal(s->end, end);
	assert_int_equal(s->n, n);
	kit_near("mean", s->mean, mean, .01);
	assert_true(s->sd > .5 && s->sd < 1.5);
}

static void levels_become_segments_and_steps_become_changes(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	h = history(w.p, POINTS, &defaults);
	assert_int_equal(h->n_segments, 3);
	expect_segment(h, 0, 0, 20, 20, 100);
	expect_segment(h, 1, 20, 45, 25, 120);
	expect_segment(h, 2, 45, 60, 15, 90);
	assert_int_equal(h->n_changes, 2);
	assert_int_equal(h->changes[0].index, 20);
	assert_int_equal(h->changes[0].verdict, BENCH_BETTER);
	kit_near("ratio", h->changes[0].ratio.overhead, 100 / 120., .01);
	assert_int_equal(h->changes[1].index, 45);
	assert_int_equal(h->changes[1].verdict, BENCH_WORSE);
	kit_near("ratio", h->changes[1].ratio.overhead, 120 / 90., .01);
	assert_true(h->changes[1].ratio.lo > 1);
	kit_near("before", h->changes[1].before, h->segments[1].mean, 0);
	kit_near("after", h->changes[1].after, h->segments[2].mean, 0);
	assert_int_equal(h->n_environments, 0);
	assert_int_equal(h->n_spikes, 0);
	assert_true(h->suspect == BENCH_NO_SUSPECT);
}

static void a_lower_is_better_metric_is_judged_the_other_way(void **state)
{
	struct bench_history_options o = defaults;
	scoped(bench_history_free) struct bench_history *a = NULL;
	scoped(bench_history_free) struct bench_history *b = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	a = history(w.p, POINTS, &defaults);
	o.direction = BENCH_LOWER;
	b = history(w.p, POINTS, &o);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(b->changes[i].index, a->changes[i].index);
		kit_near("lo", b->changes[i].ratio.lo,
		    1 / a->changes[i].ratio.hi, 1e-12);
		assert_int_equal(b->changes[i].verdict,
		    a->changes[i].verdict == BENCH_WORSE ? BENCH_BETTER
		                                         : BENCH_WORSE);
	}
}

static void a_change_inside_the_margin_is_the_same(void **state)
{
	struct bench_history_options o = defaults;
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	o.margin = .25;
	h = history(w.p, POINTS, &o);
	assert_int_equal(h->changes[0].verdict, BENCH_SAME);
	assert_int_equal(h->changes[1].verdict, BENCH_WORSE);
}

/* ---- where, and which commits ---------------------------------------- */

static void commits_are_those_around_the_interval(void **state)
{
	struct world w;

	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		scoped(bench_history_free) struct bench_history *h = NULL;

		world_init(&w, seed);
		/* A small step, whose place is not certain. */
		for (size_t i = 0; i < POINTS; i++)
			w.p[i].value += i < 20 ? 18.3 : i < 45 ? 0 : 30;
		h = history(w.p, POINTS, &defaults);
		for (size_t i = 0; i < h->n_changes; i++) {
			const struct bench_history_change *c = &h->changes[i];

			assert_true(c->first >= 1 && c->last < POINTS);
			assert_true(c->first <= c->index);
			assert_true(c->index <= c->last);
			assert_string_equal(
			    c->commit_before, w.commits[c->first - 1]);
			assert_string_equal(
			    c->commit_after, w.commits[c->last]);
		}
	}
}

static void turning_time_round_turns_the_interval_round(void **state)
{
	struct world w;
	size_t wide = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		scoped(bench_history_free) struct bench_history *a = NULL;
		scoped(bench_history_free) struct bench_history *b = NULL;
		struct bench_point turned[POINTS];

		world_init(&w, seed);
		for (size_t i = 0; i < POINTS; i++)
			w.p[i].value += i < 20 ? 18 : i < 45 ? 0 : 30;
		for (size_t i = 0; i < POINTS; i++)
			turned[i] = w.p[POINTS - 1 - i];
		a = history(w.p, POINTS, &defaults);
		b = history(turned, POINTS, &defaults);
		assert_int_equal(a->n_changes, b->n_changes);
		for (size_t i = 0; i < a->n_changes; i++) {
			const struct bench_history_change *p = &a->changes[i];
			const struct bench_history_change *q =
			    &b->changes[a->n_changes - 1 - i];

			assert_int_equal(q->index, POINTS - p->index);
			assert_int_equal(q->first, POINTS - p->last);
			assert_int_equal(q->last, POINTS - p->first);
			wide += p->first < p->index && p->index < p->last;
		}
	}
	assert_true(wide > 0);
}

static void a_clear_step_has_a_narrow_interval(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	h = history(w.p, POINTS, &defaults);
	/* Normal scores: a step of 20 sigmas is one of the ranks only. */
	for (size_t i = 0; i < 2; i++)
		assert_true(h->changes[i].last - h->changes[i].first <= 4);
}

static void constant_levels_have_a_certain_place(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t i = 0; i < POINTS; i++)
		w.p[i].value = i < 31 ? 5 : 6;
	h = history(w.p, POINTS, &defaults);
	assert_int_equal(h->n_changes, 1);
	assert_int_equal(h->changes[0].index, 31);
	assert_int_equal(h->changes[0].first, 31);
	assert_int_equal(h->changes[0].last, 31);
	/* Both points of commit 15 are on different sides: not its doing. */
	assert_string_equal(h->changes[0].commit_before, "c15");
	assert_string_equal(h->changes[0].commit_after, "c15");
	kit_near("lo", h->changes[0].ratio.lo, 5 / 6., 1e-12);
}

static void otava_has_the_same_description(void **state)
{
	struct bench_history_options o = defaults;
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	o.changes.detector = BENCH_OTAVA;
	h = history(w.p, POINTS, &o);
	assert_int_equal(h->n_changes, 2);
	assert_int_equal(h->changes[0].index, 20);
	assert_int_equal(h->changes[1].index, 45);
	assert_true(h->changes[1].first <= 45 && h->changes[1].last >= 45);
}

/* ---- environments ---------------------------------------------------- */

static void a_new_environment_starts_a_segment_and_is_told(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t i = 20; i < POINTS; i++)
		w.p[i].environment = "smt=off\nkernel=6.2";
	h = history(w.p, POINTS, &defaults);
	assert_int_equal(h->n_segments, 3);
	assert_true(h->segments[1].environment);
	assert_false(h->segments[0].environment || h->segments[2].environment);
	assert_int_equal(h->n_changes, 1);
	assert_int_equal(h->changes[0].index, 45);
	assert_int_equal(h->n_environments, 3);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(h->environments[i].index, 20);
	assert_string_equal(h->environments[0].key, "kernel");
	assert_string_equal(h->environments[0].before, "6.1");
	assert_string_equal(h->environments[0].after, "6.2");
	assert_string_equal(h->environments[1].key, "microcode");
	assert_null(h->environments[1].after);
	assert_string_equal(h->environments[2].key, "smt");
	assert_null(h->environments[2].before);
}

static void the_same_facts_in_another_order_are_the_same(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t i = 0; i < POINTS; i += 2)
		w.p[i].environment = "microcode=0x10\nkernel=6.1\n";
	/* Not known: as the one before. */
	w.p[0].environment = w.p[33].environment = "";
	h = history(w.p, POINTS, &defaults);
	assert_int_equal(h->n_environments, 0);
	assert_int_equal(h->n_segments, 3);
}

static void a_change_beside_a_new_environment_keeps_its_segment(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t i = 0; i < POINTS; i++) {
		w.p[i].value += i >= 30 && i < 45 ? 20 : 0;
		if (i >= 38)
			w.p[i].environment = "kernel=7";
	}
	h = history(w.p, POINTS, &defaults);
	/* 100, 120, 140 | 140, 90 */
	assert_int_equal(h->n_changes, 3);
	assert_int_equal(h->n_segments, 5);
	assert_int_equal(h->segments[3].begin, 38);
	assert_true(h->segments[3].environment);
	assert_int_equal(h->changes[2].index, 45);
	assert_true(h->changes[2].first >= 39);
	assert_true(h->changes[1].last < 38);
}

static void bad_environments_are_refused(void **state)
{
	static const char *const bad[] = {
	    "kernel", "=6.1", "a=1\nb", "a=1\na=2"};
	struct bench_history *h = NULL;
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		for (size_t at = 0; at < 2; at++) {
			world_init(&w, 1);
			w.p[at].environment = bad[i];
			assert_int_equal(
			    bench_history(w.p, POINTS, &defaults, &h, &err),
			    -ERR_INVAL);
			assert_null(h);
		}
}

/* ---- spikes, and points that are not valid --------------------------- */

static void spikes_stand_apart_from_their_segment(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	w.p[30].value = 500;
	w.p[58].value = w.p[59].value = 40;
	h = history(w.p, POINTS, &defaults);
	assert_int_equal(h->n_changes, 2);
	assert_int_equal(h->n_spikes, 3);
	assert_int_equal(h->spikes[0], 30);
	expect_segment(h, 1, 20, 45, 24, 120);
	expect_segment(h, 2, 45, 60, 13, 90);
	assert_int_equal(h->suspect, 58);
}

static void points_that_are_not_valid_are_kept_and_not_used(void **state)
{
	scoped(bench_history_free) struct bench_history *a = NULL;
	scoped(bench_history_free) struct bench_history *b = NULL;
	struct bench_point more[2 * POINTS + 1];
	struct world w;

	(void)state;
	world_init(&w, 1);
	a = history(w.p, POINTS, &defaults);
	/* One that is not valid before each, and one at the end. */
	for (size_t i = 0; i <= POINTS; i++) {
		more[2 * i] = (struct bench_point){.value = NAN,
		    .commit = "wrong",
		    .environment = "nonsense",
		    .valid = false};
		if (i < POINTS)
			more[2 * i + 1] = w.p[i];
	}
	b = history(more, 2 * POINTS + 1, &defaults);
	assert_int_equal(b->n_changes, a->n_changes);
	assert_int_equal(b->n_segments, a->n_segments);
	for (size_t i = 0; i < a->n_changes; i++) {
		const struct bench_history_change *p = &a->changes[i];
		const struct bench_history_change *q = &b->changes[i];

		assert_int_equal(q->index, 2 * p->index + 1);
		assert_int_equal(q->first, 2 * p->first + 1);
		assert_int_equal(q->last, 2 * p->last + 1);
		assert_string_equal(q->commit_before, p->commit_before);
		assert_string_equal(q->commit_after, p->commit_after);
		assert_true(q->ratio.lo == p->ratio.lo);
	}
	assert_int_equal(b->segments[0].begin, 0);
	assert_int_equal(b->segments[2].end, 2 * POINTS + 1);
}

static void values_below_zero_have_no_ratio_and_a_verdict(void **state)
{
	scoped(bench_history_free) struct bench_history *h = NULL;
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t i = 0; i < POINTS; i++)
		w.p[i].value -= 110;
	h = history(w.p, POINTS, &defaults);
	assert_int_equal(h->n_changes, 2);
	assert_true(isnan(h->changes[0].ratio.overhead));
	assert_true(isnan(h->changes[0].ratio.lo));
	assert_int_equal(h->changes[0].verdict, BENCH_BETTER);
	assert_int_equal(h->changes[1].verdict, BENCH_WORSE);
}

static void short_histories_have_what_they_have(void **state)
{
	struct world w;

	(void)state;
	world_init(&w, 1);
	for (size_t n = 0; n < 10; n++) {
		scoped(bench_history_free) struct bench_history *h =
		    history(w.p, n, &defaults);

		assert_int_equal(h->n_segments, n > 0);
		assert_int_equal(h->n_changes, 0);
	}
}

static void bad_options_are_refused(void **state)
{
	static const double margins[] = {-1, NAN, INFINITY};
	struct bench_history_options o = defaults;
	struct bench_history *h = NULL;
	struct err err = ERR_INIT;
	struct world w;

	(void)state;
	world_init(&w, 1);
	o.direction = (enum bench_direction)0;
	assert_int_equal(bench_history(w.p, 5, &o, &h, &err), -ERR_INVAL);
	o = defaults;
	for (size_t i = 0; i < ARRAY_LEN(margins); i++) {
		o.margin = margins[i];
		assert_int_equal(
		    bench_history(w.p, 5, &o, &h, &err), -ERR_INVAL);
	}
	o = defaults;
	o.changes.alpha = .5;
	assert_int_equal(bench_history(w.p, 5, &o, &h, &err), -ERR_INVAL);
	assert_int_equal(
	    bench_history(w.p, BENCH_CHANGES_MAX + 1, &defaults, &h, &err),
	    -ERR_LIMIT);
	w.p[3].value = INFINITY;
	assert_int_equal(
	    bench_history(w.p, 5, &defaults, &h, &err), -ERR_INVAL);
	assert_null(h);
}

/* ---- many series ----------------------------------------------------- */

static void few_changes_of_many_series_are_doubted(void **state)
{
	static const double p[] = {.009, NAN, .0004, .005};
	bool ret[4];

	(void)state;
	/* Alone, all four are below .05. */
	assert_int_equal(bench_history_believe(p, 4, 4, .05, ret), 4);
	/* Of 200 scans: 200 * 1e-4 / 1 and 200 * 4e-4 / 2 pass, no other. */
	assert_int_equal(bench_history_believe(p, 4, 200, .05, ret), 2);
	assert_true(!ret[0] && ret[1] && ret[2] && !ret[3]);
	assert_int_equal(bench_history_believe(p, 0, 200, .05, ret), 0);
	/* Never fewer scans than changes. */
	assert_int_equal(bench_history_believe(p, 4, 0, .05, ret), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_is_not_told_of_an_environment_is_as_it_was),
	    cmocka_unit_test(
	        other_guests_and_hypervisors_are_not_of_an_environment),
	    cmocka_unit_test(levels_become_segments_and_steps_become_changes),
	    cmocka_unit_test(a_lower_is_better_metric_is_judged_the_other_way),
	    cmocka_unit_test(a_change_inside_the_margin_is_the_same),
	    cmocka_unit_test(commits_are_those_around_the_interval),
	    cmocka_unit_test(turning_time_round_turns_the_interval_round),
	    cmocka_unit_test(a_clear_step_has_a_narrow_interval),
	    cmocka_unit_test(constant_levels_have_a_certain_place),
	    cmocka_unit_test(otava_has_the_same_description),
	    cmocka_unit_test(a_new_environment_starts_a_segment_and_is_told),
	    cmocka_unit_test(the_same_facts_in_another_order_are_the_same),
	    cmocka_unit_test(
	        a_change_beside_a_new_environment_keeps_its_segment),
	    cmocka_unit_test(bad_environments_are_refused),
	    cmocka_unit_test(spikes_stand_apart_from_their_segment),
	    cmocka_unit_test(points_that_are_not_valid_are_kept_and_not_used),
	    cmocka_unit_test(values_below_zero_have_no_ratio_and_a_verdict),
	    cmocka_unit_test(short_histories_have_what_they_have),
	    cmocka_unit_test(bad_options_are_refused),
	    cmocka_unit_test(few_changes_of_many_series_are_doubted),
	};

	return cmocka_run_group_tests_name("bench_history", tests, NULL, NULL);
}
