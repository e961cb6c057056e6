/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fixtures, comparisons and seeded chance for the tests of bench/. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fs.h"
#include "tests/unit/bench_kit.h"

#define FIXTURE_MAX (1 << 20)

void kit_text(const char *path, struct buf *ret)
{
	const char *src = getenv("IB_SRCDIR");
	scoped(free) char *full =
	    xasprintf("%s/fixtures/%s", src ? src : ".", path);
	struct err err = ERR_INIT;

	if (fs_read(full, FIXTURE_MAX, ret, &err) < 0)
		fail_msg("%s", err.msg);
}

json_t *kit_json(const char *path)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(FIXTURE_MAX);
	json_error_t why;
	json_t *json;

	kit_text(path, &text);
	json =
	    json_loadb(buf_str(&text), text.len, JSON_DECODE_INT_AS_REAL, &why);
	if (!json)
		fail_msg("%s:%d: %s", path, why.line, why.text);
	return json;
}

size_t kit_numbers(const json_t *list, double **ret)
{
	size_t n = json_array_size(list);

	*ret = xcalloc(n ? n : 1, sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = json_number_value(json_array_get(list, i));
	return n;
}

double kit_number(const json_t *map, const char *key)
{
	const json_t *v = json_object_get(map, key);

	if (!v)
		fail_msg("no %s", key);
	return json_is_null(v) ? (double)NAN : json_number_value(v);
}

void kit_near(const char *what, double got, double want, double tolerance)
{
	if (isnan(got) && isnan(want))
		return;
	if (fabs(got - want) <= tolerance * fmax(1, fabs(want)))
		return;
	fail_msg("%s: got %.17g, want %.17g", what, got, want);
}

double kit_uniform(struct bench_random *r)
{
	return ((double)(bench_random_next(r) >> 12) + .5) * 0x1p-52;
}

/* Box and Muller 1958, one of the two. */
double kit_normal(struct bench_random *r)
{
	double radius = sqrt(-2 * log(kit_uniform(r)));

	return radius * cos(6.283185307179586 * kit_uniform(r));
}

uint64_t kit_seed(uint64_t otherwise)
{
	const char *text = getenv("IB_TEST_SEED");
	uint64_t seed = text ? strtoull(text, NULL, 10) : otherwise;

	print_message("# IB_TEST_SEED=%" PRIu64 "\n", seed);
	return seed;
}
