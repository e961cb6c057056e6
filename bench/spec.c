/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Specifications: what doc/spec.md says, from what a suite says. Small and
 * fixed in form, so that jansson's allocations count as ones that cannot fail;
 * one check at the end catches all the same.
 */
#include "bench/spec.h"

#include <string.h>

#include "base/str.h"
#include "bench/bench.h"
#include "bench/json.h"

/* What the parts need. */
struct maker {
	const struct suite *suite;
	const struct suite_bench *bench;
	const char *(*sha256)(void *arg, const char *path);
	void *arg;
	bool failed; /* an allocation */
};

/* Puts value in; it is taken in any case. */
static void put(struct maker *m, json_t *map, const char *key, json_t *value)
{
	if (json_object_set_new(map, key, value) < 0)
		m->failed = true;
}

static void add(struct maker *m, json_t *list, json_t *value)
{
	if (json_array_append_new(list, value) < 0)
		m->failed = true;
}

static void put_int(struct maker *m, json_t *map, const char *key, int64_t v)
{
	put(m, map, key, json_integer((json_int_t)v));
}

static void put_str(
    struct maker *m, json_t *map, const char *key, const char *s)
{
	put(m, map, key, json_string(s));
}

/* ---- variants and guests --------------------------------------------- */

static json_t *variant(struct maker *m, size_t i, const char *role)
{
	const struct suite_variant *v = &m->suite->variants[i];
	bool again = m->bench->placebo && !str_eq(role, "baseline");
	scoped(free) char *name =
	    xasprintf("%s%s", v->name, again ? BENCH_PLACEBO : "");
	json_t *map = json_object();
	json_t *options = json_object();

	put_str(m, map, "name", name);
	put_str(m, map, "role", role);
	put_str(m, map, "hypervisor", v->hypervisor);
	put_str(m, map, "backend", v->backend);
	for (size_t k = 0; k < v->n_options; k++)
		put_str(m, options, v->options[k].key, v->options[k].value);
	put(m, map, "options", options);
	return map;
}

static int put_file(struct maker *m, json_t *map, const char *key,
    const char *path, struct err *err)
{
	const char *hash = m->sha256(m->arg, path);
	const char *slash = strrchr(path, '/');
	json_t *file;

	if (!hash)
		return err_set(err, ERR_NOTFOUND,
		    "%s: %s: %s is not in the bundle", m->suite->name,
		    m->bench->item.name, path);
	file = json_object();
	put_str(m, file, "sha256", hash);
	put_str(m, file, "name", slash ? slash + 1 : path);
	put(m, map, key, file);
	return 0;
}

static int fill_guest(
    struct maker *m, const struct suite_guest *g, json_t *map, struct err *err)
{
	int r;

	put_str(m, map, "name", g->name);
	r = put_file(m, map, "kernel", g->kernel, err);
	if (r == 0 && g->initrd)
		r = put_file(m, map, "initrd", g->initrd, err);
	put_int(m, map, "cpus", g->cpus);
	put_int(m, map, "memory_mib", g->memory_mib);
	put_int(m, map, "boot_timeout_s", g->boot_timeout_s);
	return r;
}

static int put_guests(struct maker *m, json_t *spec, struct err *err)
{
	scoped(json_decref) json_t *list = json_array();

	for (size_t i = 0; i < m->bench->n_guests; i++) {
		scoped(json_decref) json_t *map = json_object();
		int r = fill_guest(
		    m, &m->suite->guests[m->bench->guests[i]], map, err);

		if (r < 0)
			return r;
		add(m, list, take(map));
	}
	put(m, spec, "guests", take(list));
	return 0;
}

/* ---- workload -------------------------------------------------------- */

static json_t *profile(struct maker *m, const struct bench_metric *metric)
{
	json_t *map = json_object();

	put_str(m, map, "metric", metric->name);
	if (metric->workload == BENCH_SYSBENCH) {
		put_int(m, map, "threads", metric->threads);
		return map;
	}
	put_str(m, map, "rw", metric->rw);
	put_int(m, map, "bs", metric->bs);
	put_int(m, map, "iodepth", metric->iodepth);
	put_int(m, map, "numjobs", metric->numjobs);
	return map;
}

static void put_workload(struct maker *m, json_t *spec)
{
	const struct suite_bench *b = m->bench;
	json_t *workload = json_object();
	json_t *profiles = json_array();

	put_str(m, workload, "name", bench_workload_name(b->workload));
	for (size_t i = 0; i < b->n_metrics; i++)
		add(m, profiles, profile(m, b->metrics[i]));
	put(m, workload, "profiles", profiles);
	put_int(m, workload, "runtime_s", b->runtime_s);
	if (b->workload == BENCH_FIO)
		put_int(m, workload, "ramp_s", b->ramp_s);
	put(m, spec, "workload", workload);
}

static void put_disks(struct maker *m, json_t *spec)
{
	json_t *list = json_array();

	for (char **c = m->bench->controllers; *c; c++)
		add(m, list, json_string(*c));
	put(m, spec, "controllers", list);
	put_int(m, spec, "disk_mib", m->bench->disk_mib);
}

static void put_variants(struct maker *m, json_t *spec)
{
	json_t *list = json_array();

	add(m, list, variant(m, m->bench->baseline, "baseline"));
	add(m, list, variant(m, m->bench->candidate, "candidate"));
	put(m, spec, "variants", list);
}

/* ---- the specification ----------------------------------------------- */

static void put_blocks(struct maker *m, json_t *spec, uint64_t seed)
{
	size_t n = (size_t)m->bench->pairs;
	scoped(free) enum bench_pair *order = xcalloc(n, sizeof(order[0]));
	json_t *list = json_array();

	bench_order(n, seed, order);
	for (size_t i = 0; i < n; i++)
		add(m, list, json_string(bench_pair_name(order[i])));
	put(m, spec, "blocks", list);
}

static void put_plan(struct maker *m, json_t *spec)
{
	const struct bench_plan *p = &m->bench->plan;
	json_t *pairs = json_object();

	put(m, pairs, "margin", json_real(p->margin));
	put_int(m, pairs, "least", (int64_t)p->least);
	put_int(m, pairs, "most", (int64_t)p->most);
	put(m, spec, "pairs", pairs);
}

int bench_spec(const struct suite *s, size_t bench, uint64_t seed,
    const char *(*sha256)(void *arg, const char *path), void *arg, json_t **ret,
    struct err *err)
{
	scoped(json_decref) json_t *spec = json_object();
	struct maker m = {s, &s->benches[bench], sha256, arg, false};
	int r;

	if (seed > INT64_MAX)
		return err_set(err, ERR_INVAL, "seed: must be below 2^63");
	put_int(&m, spec, "v", BENCH_SPEC_VERSION);
	put_str(&m, spec, "item", m.bench->item.name);
	put_int(&m, spec, "seed", (int64_t)seed);
	put_variants(&m, spec);
	r = put_guests(&m, spec, err);
	if (r < 0)
		return r;
	put_workload(&m, spec);
	if (m.bench->workload == BENCH_FIO)
		put_disks(&m, spec);
	if (m.bench->planned)
		put_plan(&m, spec);
	else
		put_blocks(&m, spec, seed);
	put_int(&m, spec, "orphan_s", BENCH_ORPHAN_S);
	put_int(&m, spec, "step_timeout_s", m.bench->step_timeout_s);
	if (m.failed)
		return err_set(err, ERR_LIMIT, "specification: no memory");
	*ret = take(spec);
	return 0;
}

/* ---- read again ------------------------------------------------------ */

void bench_versus_done(struct bench_versus *v)
{
	for (size_t i = 0; i < v->n; i++) {
		free((char *)v->pairs[i].baseline);
		free((char *)v->pairs[i].candidate);
	}
	free(v->pairs);
	*v = (struct bench_versus){NULL, 0};
}

static const char *text_at(const json_t *map, const char *key)
{
	const char *s = json_string_value(json_object_get(map, key));

	return s ? s : "";
}

void bench_spec_versus(const char *text, struct bench_versus *ret)
{
	scoped(json_decref) json_t *spec = json_loads(text, 0, NULL);
	const json_t *list = json_object_get(spec, "variants");
	const char *baseline = NULL;
	const json_t *v;
	size_t i;

	*ret = (struct bench_versus){NULL, 0};
	json_array_foreach(
	    list, i, v) if (str_eq(text_at(v, "role"), "baseline")) baseline =
	    text_at(v, "name");
	if (!baseline)
		return;
	json_array_foreach(list, i, v)
	{
		if (str_eq(text_at(v, "role"), "baseline"))
			continue;
		ret->pairs =
		    xrealloc(ret->pairs, ret->n + 1, sizeof(ret->pairs[0]));
		ret->pairs[ret->n++] = (struct bench_roles){
		    xstrdup(baseline), xstrdup(text_at(v, "name"))};
	}
}
