/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reading a specification; what passes here can be run without more checks. */
#include "agent/spec.h"

#include <string.h>

#include "agent/guest.h"
#include "agent/json.h"
#include "base/hash.h"
#include "base/str.h"

static int bad(struct err *err, const char *where, const char *key)
{
	return err_set(
	    err, ERR_INVAL, "specification: %s: bad or missing %s", where, key);
}

/* A name that may stand in a line for the guest and in a path. */
static const char *get_name(const json_t *json, const char *key)
{
	const char *s = json_get_text(json, key, 128);

	return guest_word_is_safe(s) && !strchr(s, '/') ? s : NULL;
}

/* A name for people: anything that fits on a line. */
static const char *get_label(const json_t *json, const char *key)
{
	const char *s = json_get_text(json, key, 128);

	for (const char *p = s; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return NULL;
	return *s ? s : NULL;
}

static bool get_range(
    const json_t *json, const char *key, int min, int max, int *ret)
{
	int64_t n = json_get_i64(json, key);

	if (n < min || n > max)
		return false;
	*ret = (int)n;
	return true;
}

static const char *get_file(const json_t *json, const char *key)
{
	const char *sha =
	    json_get_text(json_object_get(json, key), "sha256", HASH_HEX);
	uint8_t hash[HASH_BYTES];

	return strlen(sha) == HASH_HEX && hash_unhex(sha, hash, sizeof(hash))
	    ? sha
	    : NULL;
}

static int read_variant(
    const json_t *v, struct spec_variant *ret, struct err *err)
{
	static const char *const threads[] = {"", "single", "multi"};
	const json_t *options = json_object_get(v, "options");
	const char *thread = json_get_text(options, "thread", 16);

	ret->name = get_label(v, "name");
	ret->hypervisor = get_name(v, "hypervisor");
	ret->backend = get_name(v, "backend");
	if (!ret->name || !ret->hypervisor || !ret->backend)
		return bad(err, "variants", "name, hypervisor or backend");
	if (!str_in(thread, threads, ARRAY_LEN(threads)))
		return bad(err, ret->name, "thread");
	ret->thread = thread[0] == 's' ? THREAD_SINGLE
	    : thread[0] == 'm'         ? THREAD_MULTI
	                               : THREAD_DEFAULT;
	ret->cpu = get_name(options, "cpu");
	/* A comma would begin another option of the hypervisor. */
	if (json_object_get(options, "cpu") &&
	    (!ret->cpu || strchr(ret->cpu, ',')))
		return bad(err, ret->name, "cpu");
	return 0;
}

/* B is the first with role baseline, C the first with role candidate. */
static int read_variants(struct spec *s, struct err *err)
{
	static const char *const roles[2] = {"baseline", "candidate"};
	const json_t *list = json_object_get(s->json, "variants");
	bool found[2] = {false, false};
	size_t i;
	json_t *v;

	json_array_foreach(list, i, v)
	{
		const char *role = json_get_text(v, "role", 16);

		for (int k = 0; k < 2; k++) {
			int r = 0;

			if (found[k] || strcmp(role, roles[k]) != 0)
				continue;
			found[k] = true;
			r = read_variant(v, &s->variants[k], err);
			if (r < 0)
				return r;
		}
	}
	if (!found[0] || !found[1])
		return bad(err, "variants", "role baseline or candidate");
	return 0;
}

static int read_guests(struct spec *s, struct err *err)
{
	const json_t *list = json_object_get(s->json, "guests");
	size_t i;
	json_t *v;

	if (!json_array_size(list) || json_array_size(list) > SPEC_LIST_MAX)
		return bad(err, "top", "guests");
	json_array_foreach(list, i, v)
	{
		struct spec_guest *g = &s->guests[s->n_guests++];

		g->name = get_label(v, "name");
		if (!g->name)
			return bad(err, "guests", "name");
		g->kernel = get_file(v, "kernel");
		g->initrd = get_file(v, "initrd");
		if (!g->kernel || (json_object_get(v, "initrd") && !g->initrd))
			return bad(err, g->name, "kernel or initrd");
		if (!get_range(v, "cpus", 1, 256, &g->cpus) ||
		    !get_range(v, "memory_mib", 16, 1 << 20, &g->memory_mib) ||
		    !get_range(
		        v, "boot_timeout_s", 1, 86400, &g->boot_timeout_s))
			return bad(
			    err, g->name, "cpus, memory_mib or boot_timeout_s");
	}
	return 0;
}

static int read_controllers(struct spec *s, struct err *err)
{
	static const char *const known[] = {"sata", "nvme"};
	const json_t *list = json_object_get(s->json, "controllers");
	size_t i;
	json_t *v;

	if (s->workload != WORKLOAD_FIO)
		return 0;
	if (!json_array_size(list) || json_array_size(list) > ARRAY_LEN(known))
		return bad(err, "top", "controllers");
	json_array_foreach(list, i, v)
	{
		const char *name = json_string_value(v);

		if (!name || !str_in(name, known, ARRAY_LEN(known)) ||
		    str_in(name, s->controllers, (size_t)s->n_controllers))
			return bad(err, "top", "controllers");
		s->controllers[s->n_controllers++] = name;
	}
	if (!get_range(s->json, "disk_mib", 1, 1 << 20, &s->disk_mib))
		return bad(err, "top", "disk_mib");
	return 0;
}

static int read_profile(struct spec *s, const json_t *v, struct err *err)
{
	static const char *const rws[] = {
	    "read", "write", "randread", "randwrite"};
	struct spec_profile *p = &s->profiles[s->n_profiles++];

	p->metric = get_name(v, "metric");
	if (!p->metric || strchr(p->metric, ':'))
		return bad(err, "profiles", "metric");
	if (s->workload == WORKLOAD_SYSBENCH)
		return get_range(v, "threads", 0, 1024, &p->threads)
		    ? 0
		    : bad(err, p->metric, "threads");
	p->rw = get_name(v, "rw");
	if (!p->rw || !str_in(p->rw, rws, ARRAY_LEN(rws)))
		return bad(err, p->metric, "rw");
	if (!get_range(v, "bs", 512, 16 << 20, &p->bs) ||
	    !get_range(v, "iodepth", 1, 1024, &p->iodepth) ||
	    !get_range(v, "numjobs", 1, 64, &p->numjobs))
		return bad(err, p->metric, "bs, iodepth or numjobs");
	return 0;
}

static int read_workload(struct spec *s, struct err *err)
{
	const json_t *w = json_object_get(s->json, "workload");
	const json_t *list = json_object_get(w, "profiles");
	const char *name = json_get_text(w, "name", 32);
	size_t i;
	json_t *v;

	if (strcmp(name, "fio") == 0)
		s->workload = WORKLOAD_FIO;
	else if (strcmp(name, "sysbench") == 0)
		s->workload = WORKLOAD_SYSBENCH;
	else
		return bad(err, "workload", "name");
	if (!get_range(w, "runtime_s", 1, 86400, &s->runtime_s) ||
	    (json_object_get(w, "ramp_s") &&
	        !get_range(w, "ramp_s", 0, 86400, &s->ramp_s)))
		return bad(err, "workload", "runtime_s or ramp_s");
	if (!json_array_size(list) || json_array_size(list) > SPEC_LIST_MAX)
		return bad(err, "workload", "profiles");
	json_array_foreach(list, i, v)
	{
		int r = read_profile(s, v, err);

		if (r < 0)
			return r;
	}
	return read_controllers(s, err);
}

static int read_blocks(struct spec *s, struct err *err)
{
	static const char *const orders[] = {"BC", "CB"};
	const json_t *list = json_object_get(s->json, "blocks");
	size_t n = json_array_size(list);
	size_t i;
	json_t *v;

	if (!n || n * 2 * (size_t)s->n_guests > SPEC_STEPS_MAX)
		return bad(err, "top", "blocks");
	json_array_foreach(list, i, v)
	{
		const char *order = json_string_value(v);

		if (!order || !str_in(order, orders, ARRAY_LEN(orders)))
			return bad(err, "top", "blocks");
		s->pairs[s->n_pairs++] = order;
	}
	return 0;
}

static bool get_even(const json_t *json, const char *key, size_t *ret)
{
	int n;

	if (!get_range(json, key, 2, BENCH_PLAN_MOST, &n))
		return false;
	*ret = (size_t)n;
	return n % BENCH_PLAN_BLOCK == 0;
}

/* As many pairs as are needed; their order follows from the seed. */
static int read_plan(struct spec *s, const json_t *pairs, struct err *err)
{
	enum bench_pair order[BENCH_PLAN_MOST];
	struct bench_plan_step first;
	int64_t seed = json_get_i64(s->json, "seed");
	struct err why = ERR_INIT;

	s->plan.margin = json_number_value(json_object_get(pairs, "margin"));
	if (seed < 0)
		return bad(err, "top", "seed");
	if (!get_even(pairs, "least", &s->plan.least) ||
	    !get_even(pairs, "most", &s->plan.most))
		return bad(err, "pairs", "least or most");
	if (bench_plan_next(&s->plan, NULL, 0, 0, &first, &why) < 0)
		return err_set(
		    err, ERR_INVAL, "specification: pairs: %s", why.msg);
	if (s->plan.most * 2 * (size_t)s->n_guests > SPEC_STEPS_MAX)
		return bad(err, "pairs", "most");
	bench_order(s->plan.most, (uint64_t)seed, order);
	for (size_t i = 0; i < s->plan.most; i++)
		s->pairs[s->n_pairs++] = bench_pair_name(order[i]);
	s->planned = true;
	return 0;
}

static int read_pairs(struct spec *s, struct err *err)
{
	const json_t *pairs = json_object_get(s->json, "pairs");

	if (!pairs)
		return read_blocks(s, err);
	if (json_object_get(s->json, "blocks"))
		return bad(err, "top", "blocks, as there are pairs");
	return read_plan(s, pairs, err);
}

int spec_read(const json_t *json, struct spec **ret, struct err *err)
{
	scoped(spec_free) struct spec *s = xcalloc(1, sizeof(*s));
	int r;

	if (!json_is_object(json) || json_get_i64(json, "v") != 1)
		return bad(err, "top", "v");
	s->json = json_deep_copy(json);
	if (!s->json)
		return err_set(err, ERR_LIMIT, "no memory");
	s->item = json_get_text(s->json, "item", 256);
	if (!get_range(s->json, "orphan_s", 0, 604800, &s->orphan_s) ||
	    !get_range(
	        s->json, "step_timeout_s", 1, 604800, &s->step_timeout_s))
		return bad(err, "top", "orphan_s or step_timeout_s");
	r = read_variants(s, err);
	if (r == 0)
		r = read_guests(s, err);
	if (r == 0)
		r = read_workload(s, err);
	if (r == 0)
		r = read_pairs(s, err);
	if (r < 0)
		return r;
	*ret = take(s);
	return 0;
}

void spec_free(struct spec *s)
{
	if (!s)
		return;
	json_decref(s->json);
	free(s);
}
