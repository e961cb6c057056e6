/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples come one by one, and a row of the database is a whole series. */
#include "orchestrator/samples.h"

#include "base/str.h"

struct samples_series {
	char *metric;
	char *unit;
	char *variant;
	char *guest;
	char *controller;
	double *values;
	struct db_sample_mark *marks;
	size_t n;
};

static bool is_of(
    const struct samples_series *to, const struct wire_sample *sample)
{
	return str_eq(to->metric, sample->metric) &&
	    str_eq(to->unit, sample->unit) &&
	    str_eq(to->variant, sample->variant) &&
	    str_eq(to->guest, sample->guest) &&
	    str_eq(
	        to->controller, sample->controller ? sample->controller : "");
}

static struct samples_series *series_of(
    struct samples *s, const struct wire_sample *sample)
{
	struct samples_series *to;

	for (size_t i = 0; i < s->n; i++)
		if (is_of(&s->series[i], sample))
			return &s->series[i];
	s->series = xrealloc(s->series, s->n + 1, sizeof(*s->series));
	to = &s->series[s->n++];
	*to = (struct samples_series){
	    .metric = xstrdup(sample->metric),
	    .unit = xstrdup(sample->unit),
	    .variant = xstrdup(sample->variant),
	    .guest = xstrdup(sample->guest),
	    .controller = xstrdup(sample->controller ? sample->controller : ""),
	};
	return to;
}

void samples_add(struct samples *s, const struct wire_sample *sample)
{
	struct samples_series *to = series_of(s, sample);
	struct db_sample_mark *mark;

	to->values = xrealloc(to->values, to->n + 1, sizeof(*to->values));
	to->marks = xrealloc(to->marks, to->n + 1, sizeof(*to->marks));
	to->values[to->n] = sample->value;
	mark = &to->marks[to->n++];
	*mark = (struct db_sample_mark){
	    .pair = sample->pair,
	    .position = sample->position,
	    .valid = sample->valid,
	    .why = xstrdup(sample->why),
	};
	mark->has_raw =
	    sample->raw && hash_unhex(sample->raw, mark->raw, HASH_BYTES);
}

void samples_put(const struct samples *s, struct db_tx *tx, int64_t attempt_id,
    int64_t machine_id)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct samples_series *from = &s->series[i];

		db_tx_sample(tx,
		    &(struct db_sample){
		        .attempt_id = attempt_id,
		        .machine_id = machine_id,
		        .metric = from->metric,
		        .unit = from->unit,
		        .variant = from->variant,
		        .guest = from->guest,
		        .controller = from->controller,
		        .values = from->values,
		        .n_values = from->n,
		        .marks = from->marks,
		    });
	}
}

void samples_count(struct db_tx *tx, int64_t attempt_id, const char *spec)
{
	scoped_val(bench_versus_done) struct bench_versus versus = {NULL, 0};

	bench_spec_versus(spec, &versus);
	db_tx_points(tx, attempt_id, &versus);
}

void samples_done(struct samples *s)
{
	for (size_t i = 0; i < s->n; i++) {
		struct samples_series *one = &s->series[i];

		for (size_t k = 0; k < one->n; k++)
			free((char *)one->marks[k].why);
		free(one->metric);
		free(one->unit);
		free(one->variant);
		free(one->guest);
		free(one->controller);
		free(one->values);
		free(one->marks);
	}
	free(s->series);
	*s = (struct samples){0};
}
