/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Orders for the guest and values from its answers.
 *
 * read_fio() and read_sysbench() are the two places that know a tool's output.
 */
#include "agent/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"

int measure_count(const struct spec *s)
{
	return s->workload == WORKLOAD_FIO ? s->n_profiles * s->n_controllers
	                                   : s->n_profiles;
}

void measure_get(const struct spec *s, int i, struct measurement *ret)
{
	if (s->workload == WORKLOAD_FIO) {
		ret->profile = &s->profiles[i / s->n_controllers];
		ret->controller = s->controllers[i % s->n_controllers];
		ret->unit = "MB/s";
		ret->file = "fio.json";
		(void)snprintf(ret->name, sizeof(ret->name), "fio:%s:%s",
		    ret->profile->metric, ret->controller);
	} else {
		ret->profile = &s->profiles[i];
		ret->controller = NULL;
		ret->unit = "events/s";
		ret->file = "sysbench.txt";
		(void)snprintf(ret->name, sizeof(ret->name), "sysbench:%s",
		    ret->profile->metric);
	}
	ret->metric = ret->profile->metric;
}

static void order_fio(
    const struct spec *s, const struct measurement *m, struct buf *ret)
{
	const struct spec_profile *p = m->profile;

	buf_printf(ret,
	    "M %s fio --name=m --filename=@%s --rw=%s --bs=%d --iodepth=%d"
	    " --numjobs=%d --runtime=%d --ramp_time=%d --time_based"
	    " --direct=1 --ioengine=libaio --group_reporting"
	    " --randrepeat=1 --output-format=json\n",
	    m->name, m->controller, p->rw, p->bs, p->iodepth, p->numjobs,
	    s->runtime_s, s->ramp_s);
}

static void order_sysbench(
    const struct spec *s, const struct measurement *m, struct buf *ret)
{
	buf_printf(ret,
	    "M %s sysbench cpu --time=%d --events=0 --threads=", m->name,
	    s->runtime_s);
	if (m->profile->threads)
		buf_printf(ret, "%d run\n", m->profile->threads);
	else
		buf_puts(ret, "@cpus run\n");
}

void measure_orders(const struct spec *s, struct buf *ret)
{
	struct measurement m;

	for (int i = 0; i < measure_count(s); i++) {
		measure_get(s, i, &m);
		if (s->workload == WORKLOAD_FIO)
			order_fio(s, &m, ret);
		else
			order_sysbench(s, &m, ret);
	}
	buf_puts(ret, "GO\n");
}

/* MB/s of the direction that was asked for. */
static int read_fio(const struct spec *s, const char *data, size_t len,
    const char *rw, struct reading *ret, struct err *err)
{
	scoped(bench_fio_free) struct bench_fio *fio = NULL;
	int r = bench_fio_parse(data, len, &fio, err);

	if (r < 0)
		return r;
	ret->tool = "fio";
	(void)snprintf(ret->version, sizeof(ret->version), "%s", fio->version);
	/* What ended in half of its time measured something else. */
	return bench_fio_value(fio,
	    strstr(rw, "write") ? BENCH_FIO_WRITE : BENCH_FIO_READ,
	    s->runtime_s * 500.0, &ret->value, err);
}

/* Events per second. */
static int read_sysbench(
    const char *data, size_t len, struct reading *ret, struct err *err)
{
	struct bench_sysbench sb;
	int r = bench_sysbench_parse(data, len, &sb, err);

	if (r < 0)
		return r;
	ret->tool = "sysbench";
	ret->value = sb.events_per_second;
	(void)snprintf(ret->version, sizeof(ret->version), "%s", sb.version);
	return 0;
}

int measure_read(const struct spec *s, const struct measurement *m,
    const char *data, size_t len, struct reading *ret, struct err *err)
{
	struct reading v = {0};
	int r = s->workload == WORKLOAD_FIO
	    ? read_fio(s, data, len, m->profile->rw, &v, err)
	    : read_sysbench(data, len, &v, err);

	if (r == 0 && (!isfinite(v.value) || v.value <= 0))
		r = err_set(err, ERR_PROTO, "%s is %g", m->name, v.value);
	if (r == 0)
		*ret = v;
	return r;
}
