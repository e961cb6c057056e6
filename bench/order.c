/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Balanced orders: what is random here is decided by the seed alone. */
#include "bench/order.h"

uint64_t bench_random_next(struct bench_random *r)
{
	uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

const char *bench_pair_name(enum bench_pair pair)
{
	return pair == BENCH_CB ? "CB" : "BC";
}

static enum bench_pair opposite(enum bench_pair pair)
{
	return pair == BENCH_CB ? BENCH_BC : BENCH_CB;
}

void bench_order(size_t n, uint64_t seed, enum bench_pair *ret)
{
	struct bench_random r = {seed};

	for (size_t i = 0; i < n; i++) {
		if (i % 2)
			ret[i] = opposite(ret[i - 1]);
		else
			ret[i] =
			    bench_random_next(&r) >> 63 ? BENCH_CB : BENCH_BC;
	}
}

static size_t distance(size_t a, size_t b)
{
	return a > b ? a - b : b - a;
}

/*
 * The kept pair of the opposite order that stands nearest to pair i, the other
 * half of its block before all others; n if there is none.
 */
static size_t find_partner(
    const enum bench_pair *order, const bool *keep, size_t n, size_t i)
{
	size_t best = n;

	if ((i ^ 1) < n && keep[i ^ 1])
		return i ^ 1;
	for (size_t j = 0; j < n; j++)
		if (keep[j] && order[j] != order[i] &&
		    (best == n || distance(i, j) < distance(i, best)))
			best = j;
	return best;
}

size_t bench_order_keep(
    const enum bench_pair *order, const bool *failed, size_t n, bool *ret)
{
	size_t lost[2] = {0, 0};
	size_t kept = 0;
	enum bench_pair more;
	size_t surplus;

	for (size_t i = 0; i < n; i++) {
		ret[i] = !failed[i];
		lost[order[i]] += failed[i];
	}
	/* Two failures of opposite order are in balance already. */
	more = lost[BENCH_CB] > lost[BENCH_BC] ? BENCH_CB : BENCH_BC;
	surplus = lost[more] - lost[opposite(more)];
	for (size_t i = n; i-- > 0 && surplus;) {
		size_t partner;

		if (!failed[i] || order[i] != more)
			continue;
		partner = find_partner(order, ret, n, i);
		if (partner < n)
			ret[partner] = false;
		surplus--;
	}
	for (size_t i = 0; i < n; i++)
		kept += ret[i];
	return kept;
}
