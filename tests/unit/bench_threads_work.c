/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Eight threads compute tables, ranks, changes and comparisons at once; each
 * must get what one thread gets alone. A program of its own, built with the
 * thread sanitizer and started by bench_threads: it ends with 0 if all agree
 * and no race was seen. With the argument "race" it makes one.
 */
#include <math.h>
#include <pthread.h>
#include <stdio.h>

#include "bench/bench.h"

#define THREADS 8
#define ROUNDS 12
#define VALUES 40
#define POINTS 80

struct work {
	uint64_t seed;
	double sum;
	size_t *shared; /* for a race; else NULL */
	pthread_barrier_t *all;
};

static double draw(struct bench_random *r)
{
	double sum = -6;

	for (int i = 0; i < 12; i++)
		sum += (double)(bench_random_next(r) >> 11) * 0x1p-53;
	return sum;
}

static double known(double x)
{
	return isnan(x) ? 0 : x;
}

/* Sizes go up and down, so that tables of ranks are made and freed. */
static void ranks(struct work *w, const double *b, const double *c)
{
	for (size_t i = 0; i < 20; i++) {
		size_t n = 6 + i * 7 % 35;
		struct bench_arms a = {b, n, c, n, BENCH_HIGHER};
		struct bench_estimate e;

		if (bench_ratio_hodges_lehmann(&a, &e, NULL) == 0)
			w->sum += e.p + known(e.lo);
		if (bench_ratio_signed_rank(&a, &e, NULL) == 0)
			w->sum += e.p + known(e.hi);
	}
}

static void table(struct work *w, const double *b, const double *c)
{
	struct bench_estimate cells[VALUES / 5];
	double margins[VALUES / 5];
	enum bench_verdict v[VALUES / 5];
	struct bench_column column;
	char text[BENCH_RATIO_TEXT];

	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		struct bench_arms a = {b + 5 * i, 5, c + 5 * i, 5, BENCH_LOWER};

		margins[i] = .01;
		if (bench_ratio_paired(&a, &cells[i], NULL) < 0)
			w->sum = NAN;
	}
	bench_verdicts(cells, margins, ARRAY_LEN(cells), .05, v);
	bench_column(cells, ARRAY_LEN(cells), &column);
	(void)bench_ratio_text(column.geomean, text);
	w->sum += column.lo + column.i2 + (double)text[2];
	for (size_t i = 0; i < ARRAY_LEN(cells); i++)
		w->sum += (double)v[i];
}

static void changes(struct work *w, struct bench_random *r)
{
	struct bench_point p[POINTS];
	struct bench_history_options o = {
	    BENCH_CHANGES_DEFAULTS, BENCH_HIGHER, .01};

	for (size_t i = 0; i < POINTS; i++)
		p[i] = (struct bench_point){
		    .value = 100 + draw(r) + (i < 30 ? 0 : 4),
		    .commit = "c",
		    .environment = i < 50 ? "kernel=6" : "kernel=7",
		    .valid = i % 9 != 3};
	for (int d = BENCH_MAXT; d <= BENCH_OTAVA; d++) {
		scoped(bench_history_free) struct bench_history *h = NULL;

		o.changes.detector = (enum bench_detector)d;
		if (bench_history(p, POINTS, &o, &h, NULL) < 0)
			w->sum = NAN;
		for (size_t i = 0; h && i < h->n_changes; i++)
			w->sum += h->changes[i].ratio.hi +
			    (double)h->changes[i].first;
	}
}

static void comparison(struct work *w, const double *b, const double *c)
{
	scoped(bench_comparison_free) struct bench_comparison *all =
	    bench_comparison_new();
	const struct bench_compare_row *rows;
	size_t n;

	for (size_t i = 0; i + 5 <= VALUES; i += 5) {
		char machine[24];
		struct bench_key k = {"m", machine, "", "", ""};

		(void)snprintf(machine, sizeof(machine), "%zu", i);
		(void)bench_comparison_add(all, BENCH_FIRST, &k, BENCH_HIGHER,
		    .01, b + i, 5, NULL); /* cannot fail */
		(void)bench_comparison_add(all, BENCH_SECOND, &k, BENCH_HIGHER,
		    .01, c + i, 5, NULL); /* likewise */
	}
	if (bench_comparison_finish(all, NULL) < 0)
		w->sum = NAN;
	rows = bench_comparison_rows(all, &n);
	for (size_t i = 0; i < n; i++)
		w->sum += rows[i].p_adjusted + (double)rows[i].more;
}

static void plan(struct work *w, const double *b)
{
	struct bench_plan p = {.02, 6, 100};
	struct bench_plan_step s;
	struct bench_moments placebo = {0, 0, 0};
	struct bench_noise_floor f;

	if (bench_plan_next(&p, b, VALUES, VALUES, &s, NULL) == 0)
		w->sum += (double)s.expected;
	for (size_t i = 0; i < VALUES; i++)
		bench_moments_add(&placebo, b[i]);
	bench_noise_floor(&placebo, 1, 6, &f);
	w->sum += f.half_width;
}

static void *compute(void *arg)
{
	struct work *w = arg;
	struct bench_random r = {w->seed};

	/*
	 * Before any lock is taken, which would order the threads by chance;
	 * and none goes on before all were here, as the sanitizer says nothing
	 * of a thread whose traces are lost already.
	 */
	if (w->shared) {
		++*w->shared;
		(void)pthread_barrier_wait(w->all); /* ours, and of this size */
	}
	for (int round = 0; round < ROUNDS; round++) {
		double b[VALUES];
		double c[VALUES];

		for (size_t i = 0; i < VALUES; i++) {
			b[i] = exp(.1 * draw(&r));
			c[i] = exp(.1 * draw(&r));
		}
		ranks(w, b, c);
		table(w, b, c);
		changes(w, &r);
		comparison(w, b, c);
		plan(w, b);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct work work[THREADS + 1];
	pthread_t threads[THREADS];
	pthread_barrier_t all;
	size_t shared = 0;

	(void)argv;
	for (size_t i = 0; i <= THREADS; i++)
		work[i] = (struct work){7, 0, argc > 1 ? &shared : NULL, &all};
	if (pthread_barrier_init(&all, NULL, THREADS) != 0)
		return 2;
	for (size_t i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, compute, &work[i]) != 0)
			return 2;
	for (size_t i = 0; i < THREADS; i++)
		(void)pthread_join(threads[i], NULL); /* ours, joined once */
	work[THREADS].shared = NULL;
	(void)compute(&work[THREADS]);
	for (size_t i = 0; i < THREADS; i++)
		if (!(work[i].sum == work[THREADS].sum)) {
			(void)fprintf(stderr,
			    "thread %zu: %.17g, alone %.17g\n", i, work[i].sum,
			    work[THREADS].sum);
			return 1;
		}
	return 0;
}
