/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Declared metrics. What a number means is decided once: a table of old and
 * new numbers would else compare what cannot be compared.
 */
#include "orchestrator/metrics.h"

#include "base/str.h"

struct check {
	const struct suite *suite;
	int r;
	struct err *err;
};

static bool on_metric(void *arg, const struct db_metric *known)
{
	struct check *c = arg;

	for (size_t i = 0; i < c->suite->n_metrics; i++) {
		const struct suite_metric *m = &c->suite->metrics[i];

		if (!str_eq(m->name, known->name) ||
		    (str_eq(m->unit, known->unit) &&
		        m->direction == known->direction))
			continue;
		c->r = err_set(c->err, ERR_CONFLICT,
		    "%s: metric %s: declared in %s, %s is better, and known "
		    "in %s, %s is better",
		    c->suite->name, m->name, m->unit,
		    bench_direction_name(m->direction), known->unit,
		    bench_direction_name(known->direction));
	}
	return c->r == 0;
}

int metrics_check(
    const struct daemon *d, const struct suite *suite, struct err *err)
{
	scoped(db_reader_close) struct db_reader *reader = NULL;
	struct check c = {suite, 0, err};
	int r = 0;

	if (suite->n_metrics)
		r = db_reader_open(d->opts->dir, &reader, err);
	if (r == 0 && reader)
		r = db_metrics(reader, on_metric, &c, err);
	return r < 0 ? r : c.r;
}

void metrics_put(const struct suite *suite, struct db_tx *tx)
{
	for (size_t i = 0; i < suite->n_metrics; i++) {
		const struct suite_metric *m = &suite->metrics[i];

		db_tx_metric(tx,
		    &(struct db_metric){
		        m->name, m->unit, m->direction, m->margin});
	}
}
