/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The schedule: a place (guest, pair, position), and of a plan what the pairs
 * of the guest have said so far.
 */
#include "agent/schedule.h"

#include <math.h>

#include "agent/measure.h"
#include "bench/bench.h"

struct schedule {
	const struct spec *spec;
	int guest;
	int pair;
	int position;
	int n_steps;  /* that are over */
	int in_a_row; /* failed ones */
	int granted;  /* pairs of this guest to measure before the next look */
	int expected; /* pairs of this guest in the end */
	int n_cells;
	double *values;         /* [cell][pair][B, C]; NAN: there is none */
	enum bench_pair *order; /* of each pair */
};

static double *value_at(const struct schedule *s, int cell, int pair)
{
	return s->values +
	    ((size_t)cell * (size_t)s->spec->n_pairs + (size_t)pair) * 2;
}

static void begin_guest(struct schedule *s)
{
	const struct spec *spec = s->spec;
	struct bench_plan_step first;

	s->pair = 0;
	s->position = 0;
	s->granted = s->expected = spec->n_pairs;
	if (!spec->planned)
		return;
	for (int i = 0; i < s->n_cells * spec->n_pairs * 2; i++)
		s->values[i] = (double)NAN;
	/* The plan was checked when it was read. */
	(void)bench_plan_next(&spec->plan, NULL, 0, 0, &first, NULL);
	s->granted = (int)first.next;
	s->expected = (int)first.expected;
}

struct schedule *schedule_new(const struct spec *spec)
{
	struct schedule *s = xcalloc(1, sizeof(*s));
	size_t n = (size_t)spec->n_pairs;

	s->spec = spec;
	s->n_cells = measure_count(spec);
	s->order = xcalloc(n, sizeof(s->order[0]));
	for (size_t i = 0; i < n; i++)
		s->order[i] = spec->pairs[i][0] == 'C' ? BENCH_CB : BENCH_BC;
	if (spec->planned)
		s->values = xcalloc((size_t)s->n_cells * n * 2, sizeof(double));
	begin_guest(s);
	return s;
}

void schedule_free(struct schedule *s)
{
	if (!s)
		return;
	free(s->values);
	free(s->order);
	free(s);
}

bool schedule_step(const struct schedule *s, struct spec_step *ret)
{
	const struct spec *spec = s->spec;

	if (s->guest == spec->n_guests)
		return false;
	ret->n = s->n_steps + 1;
	ret->guest = &spec->guests[s->guest];
	ret->pair = s->pair;
	ret->position = s->position;
	ret->letter = spec->pairs[s->pair][s->position];
	ret->variant = &spec->variants[ret->letter == 'C'];
	return true;
}

int schedule_pairs(const struct schedule *s)
{
	return s->expected;
}

int schedule_steps(const struct schedule *s)
{
	const struct spec *spec = s->spec;
	int least = spec->planned ? (int)spec->plan.least : spec->n_pairs;

	if (s->guest == spec->n_guests)
		return s->n_steps;
	return s->n_steps + 2 * (s->expected - s->pair) - s->position +
	    2 * least * (spec->n_guests - s->guest - 1);
}

void schedule_value(struct schedule *s, int i, double value)
{
	int arm = s->spec->pairs[s->pair][s->position] == 'C';

	if (s->spec->planned)
		value_at(s, i, s->pair)[arm] = value;
}

/* ---- what a plan makes of it ----------------------------------------- */

/* Of all cells of a guest: the one that needs most. */
struct look {
	struct bench_plan_step step;
	size_t kept; /* good pairs of the cell that has fewest */
	int cell;    /* whose interval is the widest */
};

/* Logarithms of the ratios of a cell that count; returns how many. */
static size_t ratios_of(const struct schedule *s, int cell, double *ret)
{
	size_t n = (size_t)s->pair;
	scoped(free) bool *failed = xcalloc(n, sizeof(bool));
	scoped(free) bool *keep = xcalloc(n, sizeof(bool));
	size_t k = 0;

	for (int i = 0; i < s->pair; i++) {
		const double *v = value_at(s, cell, i);

		failed[i] = isnan(v[0]) || isnan(v[1]);
	}
	(void)bench_order_keep(s->order, failed, n, keep);
	for (int i = 0; i < s->pair; i++) {
		const double *v = value_at(s, cell, i);

		if (keep[i])
			ret[k++] = log(v[1] / v[0]);
	}
	return k;
}

/* The wider one; what is not known yet is wider than all. */
static bool is_wider(double a, double b)
{
	return isnan(a) ? !isnan(b) : a > b;
}

static void look_at(const struct schedule *s, struct look *ret)
{
	scoped(free) double *x =
	    xcalloc((size_t)s->spec->n_pairs, sizeof(double));

	*ret = (struct look){.kept = SIZE_MAX};
	for (int i = 0; i < s->n_cells; i++) {
		struct bench_plan_step one;
		size_t n = ratios_of(s, i, x);

		/* The plan is sound, and each value finite and above 0. */
		(void)bench_plan_next(
		    &s->spec->plan, x, n, (size_t)s->pair, &one, NULL);
		/* What the failed ones cost is measured again. */
		one.expected += (size_t)s->pair - n;
		if (n < ret->kept)
			ret->kept = n;
		if (!i || is_wider(one.half_width, ret->step.half_width)) {
			ret->cell = i;
			ret->step.half_width = one.half_width;
		}
		if (one.next > ret->step.next)
			ret->step.next = one.next;
		if (one.expected > ret->step.expected)
			ret->step.expected = one.expected;
		if (one.state != BENCH_PLAN_NARROW)
			ret->step.state = BENCH_PLAN_CAP;
		else if (!i)
			ret->step.state = BENCH_PLAN_NARROW;
	}
	if (ret->step.next)
		ret->step.state = BENCH_PLAN_MORE;
}

static void tell_stop(
    const struct schedule *s, const struct look *l, struct buf *note)
{
	const struct spec *spec = s->spec;
	const char *guest = spec->guests[s->guest].name;
	struct measurement m;

	if (l->step.state == BENCH_PLAN_NARROW) {
		buf_printf(note, "%s: narrow after %d pairs", guest, s->pair);
		return;
	}
	measure_get(spec, l->cell, &m);
	buf_printf(note, "%s: cap of %d reached: %s%s%s is known to ", guest,
	    spec->n_pairs, m.metric, m.controller ? " " : "",
	    m.controller ? m.controller : "");
	buf_printf(note, "+-%.2g %% of %.2g %%", 100 * l->step.half_width,
	    100 * spec->plan.margin);
}

static void end_guest(struct schedule *s)
{
	s->guest++;
	if (s->guest < s->spec->n_guests)
		begin_guest(s);
}

/* All that was granted is measured: is it enough? */
static int look_and_decide(
    struct schedule *s, struct buf *note, struct err *err)
{
	struct look l;
	int most = s->spec->n_pairs;

	look_at(s, &l);
	if (l.step.state == BENCH_PLAN_MORE) {
		s->granted = s->pair + (int)l.step.next;
		s->expected = (int)l.step.expected;
		if (s->expected < s->granted)
			s->expected = s->granted;
		if (s->expected > most)
			s->expected = most;
		return 0;
	}
	if (l.kept < s->spec->plan.least)
		return err_set(err, ERR_AGAIN,
		    "%s: %zu good pairs of %d; at least %zu are needed",
		    s->spec->guests[s->guest].name, l.kept, s->pair,
		    s->spec->plan.least);
	tell_stop(s, &l, note);
	end_guest(s);
	return 0;
}

static int next_pair(struct schedule *s, struct buf *note, struct err *err)
{
	s->pair++;
	s->position = 0;
	if (s->pair < s->granted)
		return 0;
	if (s->spec->planned)
		return look_and_decide(s, note, err);
	end_guest(s);
	return 0;
}

int schedule_passed(struct schedule *s, struct buf *note, struct err *err)
{
	s->n_steps++;
	s->in_a_row = 0;
	if (s->position == 0) {
		s->position = 1;
		return 0;
	}
	return next_pair(s, note, err);
}

int schedule_failed(struct schedule *s, struct buf *note, struct err *err)
{
	s->n_steps++;
	for (int i = 0; i < s->n_cells; i++)
		value_at(s, i, s->pair)[0] = (double)NAN;
	if (++s->in_a_row >= SCHEDULE_FAILURES_MAX)
		return err_set(
		    err, ERR_AGAIN, "%d boots in a row failed", s->in_a_row);
	return next_pair(s, note, err);
}
