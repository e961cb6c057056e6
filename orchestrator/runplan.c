/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which jobs a run has, and what each of them requires of a machine. */
#include "orchestrator/runplan.h"

#include <string.h>

#include "base/str.h"
#include "orchestrator/metrics.h"

enum {
	JOBS_MAX = 1000000
};

static bool has_tag(char *const *tags, const char *tag)
{
	for (; tags && *tags; tags++)
		if (strcmp(*tags, tag) == 0)
			return true;
	return false;
}

/* How a machine is reached: a benchmark by ssh, a boot item by its boot. */
static const char *way_of(bool bench)
{
	return bench ? LAB_TAG_SSH : LAB_TAG_BOOT;
}

const struct suite_item *runplan_item(const struct suite *suite, size_t i)
{
	return i < suite->n_items ? &suite->items[i]
	                          : &suite->benches[i - suite->n_items].item;
}

size_t runplan_find(const struct suite *suite, const char *name, size_t i)
{
	size_t n = suite->n_items + suite->n_benches;

	if (i < n && str_eq(runplan_item(suite, i)->name, name))
		return i;
	for (i = 0; i < n; i++)
		if (str_eq(runplan_item(suite, i)->name, name))
			return i;
	return SIZE_MAX;
}

static bool fits(
    const struct lab_machine *m, const struct suite_item *item, const char *way)
{
	if (!has_tag(m->tags, way))
		return false;
	for (char **t = item->tags; t && *t; t++)
		if (!has_tag(m->tags, *t))
			return false;
	for (char **t = item->forbidden; t && *t; t++)
		if (has_tag(m->tags, *t))
			return false;
	return true;
}

static bool platform_fits(const struct daemon *d, const struct suite_item *item,
    const char *way, const char *platform)
{
	if (item->platforms && item->platforms[0] &&
	    !has_tag(item->platforms, platform))
		return false;
	for (size_t i = 0; i < d->n_machines; i++) {
		const struct lab_machine *f = d->machines[i]->facts;

		if (f && strcmp(f->platform, platform) == 0 &&
		    fits(f, item, way))
			return true;
	}
	return false;
}

static void list_platforms(const struct daemon *d, struct runplan *plan)
{
	/* One more for column any, at the end. */
	plan->platforms = xcalloc(d->n_machines + 1, sizeof(char *));
	for (size_t i = 0; i < d->n_machines; i++) {
		const struct lab_machine *f = d->machines[i]->facts;

		if (f &&
		    !str_in(f->platform, plan->platforms, plan->n_platforms))
			plan->platforms[plan->n_platforms++] = f->platform;
	}
}

/* Fills a row of n + 1 cells, the last one being column any. */
static void fill_row(const struct daemon *d, const struct suite_item *item,
    const char *way, const struct runplan *plan, char *row)
{
	size_t n = plan->n_platforms;
	bool some = false;

	for (size_t p = 0; p < n; p++) {
		bool yes = platform_fits(d, item, way, plan->platforms[p]);

		row[p] = '.';
		if (yes)
			row[p] = item->hardware_independent ? '*' : 'j';
		some = some || yes;
	}
	row[n] = item->hardware_independent || !some ? 'j' : '.';
}

static bool nobody_fits(const char *row, size_t n)
{
	for (size_t p = 0; p < n; p++)
		if (row[p] != '.')
			return false;
	return true;
}

static bool is_used(const char *wide, size_t rows, size_t n, size_t p)
{
	for (size_t i = 0; i < rows; i++)
		if (wide[i * (n + 1) + p] != '.')
			return true;
	return false;
}

/* Keeps the columns of wide, n + 1 cells a row, in which something stands. */
static void take_columns(struct runplan *plan, const char *wide)
{
	size_t n = plan->n_platforms;
	size_t kept = 0;
	scoped(free) size_t *from = xcalloc(n + 1, sizeof(*from));

	plan->platforms[n] = RUNPLAN_ANY;
	for (size_t p = 0; p <= n; p++)
		if (is_used(wide, plan->n_items, n, p))
			from[kept++] = p;
	plan->cells = xcalloc(plan->n_items, kept + 1);
	for (size_t i = 0; i < plan->n_items; i++)
		for (size_t k = 0; k < kept; k++)
			plan->cells[i * kept + k] = wide[i * (n + 1) + from[k]];
	for (size_t k = 0; k < kept; k++)
		plan->platforms[k] = plan->platforms[from[k]];
	plan->n_platforms = kept;
}

static int fill(const struct daemon *d, const struct suite *suite,
    struct runplan *plan, struct buf *warnings, struct err *err)
{
	size_t n = plan->n_platforms;
	scoped(free) char *wide = xcalloc(plan->n_items, n + 1);

	for (size_t i = 0; i < plan->n_items; i++) {
		const struct suite_item *item = runplan_item(suite, i);
		char *row = wide + i * (n + 1);

		plan->items[i] = item->name;
		fill_row(d, item, way_of(i >= suite->n_items), plan, row);
		for (size_t p = 0; p <= n; p++)
			plan->n_jobs += row[p] == 'j';
		if (warnings && nobody_fits(row, n))
			buf_printf(warnings,
			    "%s: no machine of the lab can run it today; it "
			    "waits\n",
			    item->name);
	}
	if (plan->n_jobs > JOBS_MAX)
		return err_set(err, ERR_LIMIT,
		    "%s: %lld jobs; at most %d are allowed in a run",
		    suite->name, (long long)plan->n_jobs, JOBS_MAX);
	take_columns(plan, wide);
	return 0;
}

static int check_items(const struct suite *suite, struct err *err)
{
	if (!suite->n_items && !suite->n_benches)
		return err_set(err, ERR_INVAL,
		    "%s: no boot_items and no benchmarks: nothing to "
		    "run",
		    suite->name);
	for (size_t i = 0; i < suite->n_items; i++) {
		const struct suite_item *item = &suite->items[i];

		if (item->hardware_independent && item->platforms &&
		    item->platforms[0])
			return err_set(err, ERR_INVAL,
			    "%s: %s: hardware_independent and platforms "
			    "exclude each other",
			    suite->name, item->name);
	}
	return 0;
}

int runplan_make(const struct daemon *d, const struct suite *suite,
    struct runplan *ret, struct buf *warnings, struct err *err)
{
	struct runplan plan = {.n_items = suite->n_items + suite->n_benches};
	int r = check_items(suite, err);

	if (r == 0)
		r = metrics_check(d, suite, err);
	if (r < 0)
		return r;
	plan.items = xcalloc(plan.n_items, sizeof(char *));
	list_platforms(d, &plan);
	r = fill(d, suite, &plan, warnings, err);
	if (r < 0)
		runplan_done(&plan);
	else
		*ret = plan;
	return r;
}

int runplan_only(const struct suite *suite, const struct db_plan *only,
    struct runplan *ret, struct err *err)
{
	size_t n_cells = only->n_items * only->n_platforms;

	for (size_t i = 0; i < only->n_items; i++)
		if (runplan_find(suite, only->items[i], i) == SIZE_MAX)
			return err_set(err, ERR_INVAL, "%s: no item %s",
			    suite->name, only->items[i]);
	*ret = (struct runplan){.n_items = only->n_items,
	    .n_platforms = only->n_platforms,
	    .cells = xcalloc(n_cells + 1, 1)};
	ret->items = xcalloc(only->n_items + 1, sizeof(char *));
	ret->platforms = xcalloc(only->n_platforms + 1, sizeof(char *));
	for (size_t i = 0; i < only->n_items; i++)
		ret->items[i] = only->items[i];
	for (size_t p = 0; p < only->n_platforms; p++)
		ret->platforms[p] = only->platforms[p];
	for (size_t i = 0; i < n_cells; i++) {
		ret->cells[i] = only->cells[i];
		ret->n_jobs += only->cells[i] == 'j';
	}
	return 0;
}

void runplan_canary(
    const struct suite *suite, const struct machine *m, struct runplan *ret)
{
	*ret = (struct runplan){
	    .n_items = 1, .n_platforms = 1, .n_jobs = 1, .cells = xstrdup("j")};
	ret->items = xcalloc(1, sizeof(char *));
	ret->items[0] = suite->items[0].name;
	ret->platforms = xcalloc(1, sizeof(char *));
	ret->platforms[0] = m->platform;
}

void runplan_done(struct runplan *plan)
{
	free(plan->items);
	free(plan->platforms);
	free(plan->cells);
	*plan = (struct runplan){0};
}

static size_t count(char *const *list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

int runplan_class(struct daemon *d, const struct run *run,
    const struct suite_item *item, bool bench, const char *platform)
{
	size_t n = count(item->tags);
	scoped(free) const char **tags = xcalloc(n + 1, sizeof(char *));
	struct requirement req = {
	    .tags = tags,
	    .n_tags = n + 1,
	    .forbidden = (const char *const *)item->forbidden,
	    .n_forbidden = count(item->forbidden),
	    .platform = strcmp(platform, RUNPLAN_ANY) ? platform : NULL,
	    .machine_id = run->pin_machine,
	    .canary = run->canary,
	    .quiet = bench,
	};

	for (size_t i = 0; i < n; i++)
		tags[i] = item->tags[i];
	tags[n] = way_of(bench);
	/* The pin says all; a machine that lost its drivers is not tried. */
	if (run->canary)
		req.platform = NULL;
	return scheduler_class(d->scheduler, &req);
}
