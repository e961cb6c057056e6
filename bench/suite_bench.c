/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Benchmarks of a suite. What passes here can be run: every name it uses is
 * known, there is one baseline and one candidate, and the time is enough.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "bench/suite_parse.h"

#define LIST_MAX 64
#define TEXT_MAX 100
#define RUNTIME_S_MAX 86400
#define DISK_MIB_LEAST 16
#define DISK_MIB_MAX (1 << 20)
#define STEP_S_MAX 604800
#define COMMON_KEYS                                                    \
	"name", "workload", "guests", "variants", "pairs", "placebos", \
	    "runtime", "tags", "platforms", "retries", "step_timeout"

static const char *const fio_keys[] = {
    COMMON_KEYS, "profiles", "controllers", "ramp", "disk_mib"};
static const char *const sysbench_keys[] = {COMMON_KEYS, "threads"};

void suite_bench_done(struct suite_bench *b)
{
	suite_item_done(&b->item);
	free(b->metrics);
	strings_free(b->controllers);
	free(b->guests);
}

static int parse_number(const struct conf_node *node, const char *key, int min,
    int max, int *ret, struct err *err)
{
	int64_t v = *ret;
	int r = conf_int(node, key, CONF_OPTIONAL, min, max, &v, err);

	if (r == 0)
		*ret = (int)v;
	return r;
}

/* ---- what is measured ------------------------------------------------ */

static const struct bench_metric *find_metric(
    enum bench_workload workload, const char *text)
{
	const struct bench_metric *m = bench_metric_find(text);

	return m && m->workload == workload ? m
	                                    : bench_metric_of(workload, text);
}

static int unknown_profile(const struct conf_node *n, const char *key,
    enum bench_workload workload, const char *text, struct err *err)
{
	scoped_val(buf_done) struct buf names = BUF_INIT(4096);
	size_t n_metrics;
	const struct bench_metric *m = bench_metric_table(&n_metrics);

	for (size_t i = 0; i < n_metrics; i++)
		if (m[i].workload == workload)
			buf_printf(&names, "%s%s", names.len ? ", " : "",
			    m[i].profile);
	return conf_error(n, err, "%s: found '%.60s'; must be one of %s", key,
	    text, buf_str(&names));
}

static int add_metric(const struct conf_node *n, const char *key,
    const struct bench_metric *m, struct suite_bench *b, struct err *err)
{
	for (size_t i = 0; i < b->n_metrics; i++)
		if (b->metrics[i] == m)
			return conf_error(
			    n, err, "%s: '%s' is given twice", key, m->profile);
	b->metrics[b->n_metrics++] = m;
	return 0;
}

static int parse_profiles(
    const struct conf_node *node, struct suite_bench *b, struct err *err)
{
	scoped(strings_free) char **list = NULL;
	int r = suite_texts(node, "profiles", LIST_MAX, TEXT_MAX, &list, err);

	if (r < 0)
		return r;
	if (!list[0])
		return conf_error(
		    node, err, "profiles: missing; must be a list of profiles");
	b->metrics = xcalloc(LIST_MAX, sizeof(b->metrics[0]));
	for (size_t i = 0; r == 0 && list[i]; i++) {
		const struct bench_metric *m = find_metric(BENCH_FIO, list[i]);
		const struct conf_node *n =
		    suite_string_node(node, "profiles", i);

		r = m ? add_metric(n, "profiles", m, b, err)
		      : unknown_profile(n, "profiles", BENCH_FIO, list[i], err);
	}
	return r;
}

/* 1, all, or both, which is what is measured if nothing is said. */
static int parse_threads(
    const struct conf_node *node, struct suite_bench *b, struct err *err)
{
	scoped(strings_free) char **list = NULL;
	int r = suite_texts(node, "threads", LIST_MAX, TEXT_MAX, &list, err);

	if (r < 0)
		return r;
	b->metrics = xcalloc(LIST_MAX, sizeof(b->metrics[0]));
	for (size_t i = 0; r == 0 && list[i]; i++) {
		scoped(free) char *profile = xasprintf("CPU %s", list[i]);
		const struct bench_metric *m =
		    bench_metric_of(BENCH_SYSBENCH, profile);
		const struct conf_node *n =
		    suite_string_node(node, "threads", i);

		r = m
		    ? add_metric(n, "threads", m, b, err)
		    : conf_error(n, err,
		          "threads: found '%.60s'; must be 1 or all", list[i]);
	}
	if (r == 0 && !list[0]) {
		b->metrics[b->n_metrics++] =
		    bench_metric_of(BENCH_SYSBENCH, "CPU 1");
		b->metrics[b->n_metrics++] =
		    bench_metric_of(BENCH_SYSBENCH, "CPU ALL");
	}
	return r;
}

static int parse_controllers(
    const struct conf_node *node, struct suite_bench *b, struct err *err)
{
	static const char *const known[] = {"sata", "nvme"};
	char **list = NULL;
	int r =
	    suite_texts(node, "controllers", LIST_MAX, TEXT_MAX, &list, err);

	b->controllers = list;
	if (r < 0)
		return r;
	if (!list[0])
		return conf_error(node, err,
		    "controllers: missing; must be a list of sata and nvme");
	for (size_t i = 0; list[i]; i++) {
		const struct conf_node *n =
		    suite_string_node(node, "controllers", i);

		if (!str_in(list[i], known, ARRAY_LEN(known)))
			return conf_error(n, err,
			    "controllers: found '%.60s'; must be sata or nvme",
			    list[i]);
		if (str_in(list[i], (const char *const *)list, i))
			return conf_error(n, err,
			    "controllers: '%s' is given twice", list[i]);
	}
	return 0;
}

static int parse_fio(
    const struct conf_node *node, struct suite_bench *b, struct err *err)
{
	int r = parse_profiles(node, b, err);

	b->ramp_s = SUITE_RAMP_S;
	b->disk_mib = SUITE_DISK_MIB;
	if (r == 0)
		r = parse_controllers(node, b, err);
	if (r == 0)
		r = parse_number(
		    node, "ramp", 0, RUNTIME_S_MAX, &b->ramp_s, err);
	if (r == 0)
		r = parse_number(node, "disk_mib", DISK_MIB_LEAST, DISK_MIB_MAX,
		    &b->disk_mib, err);
	return r;
}

/* ---- where it is measured -------------------------------------------- */

static int find_guest(const struct conf_node *n, const struct suite *s,
    const char *name, size_t *ret, struct err *err)
{
	for (size_t i = 0; i < s->n_guests; i++) {
		if (!str_eq(s->guests[i].name, name))
			continue;
		if (!s->guests[i].kernel)
			return conf_error(n, err,
			    "guests: '%s' boots an image, which no benchmark "
			    "can use yet; must have a kernel",
			    name);
		*ret = i;
		return 0;
	}
	return conf_error(n, err,
	    "guests: found '%.60s'; must be one of the suite's guests", name);
}

static int parse_guests(const struct conf_node *node, const struct suite *s,
    struct suite_bench *b, struct err *err)
{
	scoped(strings_free) char **list = NULL;
	int r =
	    suite_texts(node, "guests", SUITE_GUESTS_MAX, TEXT_MAX, &list, err);

	if (r < 0)
		return r;
	if (!list[0])
		return conf_error(
		    node, err, "guests: missing; must be a list of guests");
	b->guests = xcalloc(SUITE_GUESTS_MAX, sizeof(b->guests[0]));
	for (size_t i = 0; list[i]; i++) {
		const struct conf_node *n =
		    suite_string_node(node, "guests", i);

		if (str_in(list[i], (const char *const *)list, i))
			return conf_error(
			    n, err, "guests: '%.60s' is given twice", list[i]);
		r = find_guest(n, s, list[i], &b->guests[i], err);
		if (r < 0)
			return r;
		b->n_guests++;
	}
	return 0;
}

/* Each role once among those named, or among all if none is. */
static int choose_variants(const struct conf_node *n, const struct suite *s,
    char *const *names, struct suite_bench *b, struct err *err)
{
	size_t found[2] = {0, 0};

	for (size_t i = 0; i < s->n_variants; i++) {
		const struct suite_variant *v = &s->variants[i];
		bool named = !names[0];

		for (size_t k = 0; names[k]; k++)
			named |= str_eq(names[k], v->name);
		if (!named)
			continue;
		found[v->role]++;
		if (v->role == SUITE_BASELINE)
			b->baseline = i;
		else
			b->candidate = i;
	}
	if (found[SUITE_BASELINE] == 1 && found[SUITE_CANDIDATE] == 1)
		return 0;
	return conf_error(n, err,
	    "variants: has %zu of role baseline and %zu of role candidate; "
	    "must have one of each",
	    found[SUITE_BASELINE], found[SUITE_CANDIDATE]);
}

static int parse_variants(const struct conf_node *node, const struct suite *s,
    struct suite_bench *b, struct err *err)
{
	scoped(strings_free) char **list = NULL;
	int r = suite_texts(
	    node, "variants", SUITE_VARIANTS_MAX, TEXT_MAX, &list, err);

	for (size_t i = 0; r == 0 && list[i]; i++) {
		bool known = false;

		for (size_t k = 0; k < s->n_variants; k++)
			known |= str_eq(s->variants[k].name, list[i]);
		if (!known)
			r = conf_error(suite_string_node(node, "variants", i),
			    err,
			    "variants: found '%.60s'; must be one of the "
			    "suite's variants",
			    list[i]);
	}
	if (r < 0)
		return r;
	return choose_variants(
	    list[0] ? conf_get(node, "variants") : node, s, list, b, err);
}

/* ---- time ------------------------------------------------------------ */

/* Seconds that one VM boot takes at least: its workload, and booting. */
static int64_t least_step_s(const struct suite *s, const struct suite_bench *b)
{
	int64_t each = (int64_t)b->runtime_s + b->ramp_s;
	int64_t n = (int64_t)b->n_metrics;
	int boot = 0;

	for (size_t i = 0; b->controllers && b->controllers[i]; i++)
		n += i ? (int64_t)b->n_metrics : 0;
	for (size_t i = 0; i < b->n_guests; i++)
		if (s->guests[b->guests[i]].boot_timeout_s > boot)
			boot = s->guests[b->guests[i]].boot_timeout_s;
	return n * each + boot;
}

static int parse_times(const struct conf_node *node, const struct suite *s,
    struct suite_bench *b, struct err *err)
{
	int64_t least;
	int64_t step;
	int r;

	b->runtime_s = SUITE_RUNTIME_S;
	r = suite_pairs_parse(node, b, err);
	if (r == 0)
		r = parse_number(
		    node, "runtime", 1, RUNTIME_S_MAX, &b->runtime_s, err);
	if (r < 0)
		return r;
	least = least_step_s(s, b);
	/* By default as much again for what stands between. */
	step =
	    2 * least > SUITE_STEP_TIMEOUT_S ? 2 * least : SUITE_STEP_TIMEOUT_S;
	r = conf_int(
	    node, "step_timeout", CONF_OPTIONAL, 1, STEP_S_MAX, &step, err);
	if (r == 0 && (step < least || step > STEP_S_MAX))
		r = conf_error(suite_has(node, "step_timeout")
		        ? conf_get(node, "step_timeout")
		        : node,
		    err,
		    "step_timeout: found %lld; booting and measuring take %lld "
		    "seconds, and it must be at most %d",
		    (long long)step, (long long)least, STEP_S_MAX);
	if (r == 0)
		b->step_timeout_s = (int)step;
	return r;
}

/* ---- one benchmark, and all ------------------------------------------ */

static int parse_workload(
    const struct conf_node *node, struct suite_bench *b, struct err *err)
{
	static const char *const names[] = {"fio", "sysbench"};
	int workload = BENCH_FIO;
	int r;

	if (conf_type(node) != CONF_MAP) /* says that it is none */
		return conf_only(node, "benchmark", NULL, 0, err);
	r = conf_enum(node, "workload", CONF_REQUIRED, names, ARRAY_LEN(names),
	    &workload, err);
	b->workload = (enum bench_workload)workload;
	if (r < 0)
		return r;
	return workload == BENCH_FIO
	    ? conf_only(node, "benchmark", fio_keys, ARRAY_LEN(fio_keys), err)
	    : conf_only(node, "benchmark", sysbench_keys,
	          ARRAY_LEN(sysbench_keys), err);
}

static char **no_strings(void)
{
	return xcalloc(1, sizeof(char *));
}

static int parse_bench(const struct conf_node *node, const struct suite *s,
    struct suite_bench *b, struct err *err)
{
	int r = parse_workload(node, b, err);

	b->item.load = no_strings();
	b->item.extra_files = no_strings();
	if (r == 0)
		r = suite_item_common(node, &b->item, err);
	if (r == 0)
		r = b->workload == BENCH_FIO ? parse_fio(node, b, err)
		                             : parse_threads(node, b, err);
	if (r == 0)
		r = parse_guests(node, s, b, err);
	if (r == 0)
		r = parse_variants(node, s, b, err);
	if (r == 0)
		r = parse_times(node, s, b, err);
	return r;
}

/* ---- placebos -------------------------------------------------------- */

/* The benchmark in hand again, with the baseline against itself. */
static int add_placebo(const struct conf_node *node, size_t of, int no,
    struct suite *s, struct err *err)
{
	struct suite_bench *b = &s->benches[s->n_benches++];
	int r = parse_bench(node, s, b, err);
	char *name;

	if (r < 0)
		return r;
	name = no == 1 ? xasprintf("%s placebo", b->item.name)
	               : xasprintf("%s placebo %d", b->item.name, no);
	free(b->item.name);
	b->item.name = name;
	b->candidate = b->baseline;
	b->placebo = true;
	b->of = of;
	return 0;
}

static int refuse_too_many(
    const struct conf_node *n, const char *key, size_t have, struct err *err)
{
	(void)conf_error(n, err, "%s: has %zu entries; must have at most %d",
	    key, have, SUITE_BENCHES_MAX);
	return suite_limit(err);
}

/* Behind all others, so that these keep their places. */
static int add_placebos(
    const struct conf_node *list, struct suite *s, struct err *err)
{
	size_t n = s->n_benches;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		const struct conf_node *node = conf_at(list, i);
		int more = 0;

		r = parse_number(
		    node, "placebos", 0, SUITE_PLACEBOS_MAX, &more, err);
		if (r == 0 && s->n_benches + (size_t)more > SUITE_BENCHES_MAX)
			return refuse_too_many(conf_get(node, "placebos"),
			    "benchmarks with placebos",
			    s->n_benches + (size_t)more, err);
		s->benches = xrealloc(s->benches,
		    s->n_benches + (size_t)more + 1, sizeof(s->benches[0]));
		memset(&s->benches[s->n_benches], 0,
		    (size_t)more * sizeof(s->benches[0]));
		for (int k = 1; r == 0 && k <= more; k++)
			r = add_placebo(node, i, k, s, err);
	}
	return r;
}

/* Items and benchmarks are rows of one matrix. */
static int refuse_same_names(
    const struct suite *s, const struct conf_node *list, struct err *err)
{
	size_t n = s->n_items + s->n_benches;
	scoped(free) struct suite_name *names =
	    xcalloc(n + 1, sizeof(names[0]));

	for (size_t i = 0; i < n; i++)
		names[i] = (struct suite_name){i < s->n_items
		        ? s->items[i].name
		        : s->benches[i - s->n_items].item.name,
		    i};
	qsort(names, n, sizeof(names[0]), suite_name_compare);
	for (size_t i = 1; i < n; i++) {
		const struct conf_node *second;

		/* Two items of one name were refused before. */
		if (!str_eq(names[i - 1].s, names[i].s))
			continue;
		second = conf_at(list, s->benches[names[i].i - s->n_items].of);
		return conf_error(conf_get(second, "name"), err,
		    "name: '%.200s' is the name of another item; must be "
		    "unique",
		    names[i].s);
	}
	return 0;
}

int suite_benches_parse(
    const struct conf_node *root, struct suite *s, struct err *err)
{
	const struct conf_node *list = NULL;
	int r = conf_list(root, "benchmarks", CONF_OPTIONAL, &list, err);

	if (r < 0 || !list)
		return r;
	if (conf_len(list) > SUITE_BENCHES_MAX)
		return refuse_too_many(list, "benchmarks", conf_len(list), err);
	s->benches = xcalloc(conf_len(list) + 1, sizeof(s->benches[0]));
	/* Counted first: what is half read is freed, too. */
	for (size_t i = 0; r == 0 && i < conf_len(list); i++)
		r = parse_bench(
		    conf_at(list, i), s, &s->benches[s->n_benches++], err);
	for (size_t i = 0; i < s->n_benches; i++)
		s->benches[i].of = i;
	if (r == 0)
		r = add_placebos(list, s, err);
	return r < 0 ? r : refuse_same_names(s, list, err);
}
