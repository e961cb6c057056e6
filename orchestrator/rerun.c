/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The same suite and files again: all of it on the lab as it is now, or only
 * the jobs of the old run that failed, each on its own platform.
 */
#include <inttypes.h>
#include <string.h>

#include "base/str.h"
#include "orchestrator/weblink.h"

struct rerun {
	struct asker who;
	const char *user;
	int64_t old;
	bool only_failed;
	/* Of only_failed: the plan of the old run, without what is left out. */
	char **items;
	size_t n_items;
	char **platforms;
	size_t n_platforms;
	char *cells;
	size_t at; /* in them: the next job is there or behind */
	int64_t n_jobs;
	struct err err;
	int r;
};

static void list_free(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void rerun_done(struct rerun *rerun)
{
	list_free(rerun->items, rerun->n_items);
	list_free(rerun->platforms, rerun->n_platforms);
	free(rerun->cells);
}

/* ---- which jobs failed --------------------------------------------------- */

static char **list_copy(const char *const *list, size_t n)
{
	char **copy = xcalloc(n + 1, sizeof(copy[0]));

	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

static void on_plan(void *arg, const struct db_plan *plan)
{
	struct rerun *rerun = arg;
	size_t n = plan->n_items * plan->n_platforms;

	rerun->items = list_copy(plan->items, plan->n_items);
	rerun->n_items = plan->n_items;
	rerun->platforms = list_copy(plan->platforms, plan->n_platforms);
	rerun->n_platforms = plan->n_platforms;
	rerun->cells = xcalloc(n + 1, 1);
	for (size_t i = 0; i < n; i++)
		rerun->cells[i] = plan->cells[i] == 'j' ? 'j' : '.';
}

/* Jobs come in the order of their cells. */
static bool on_cell(void *arg, const struct db_cell *cell)
{
	struct rerun *rerun = arg;
	size_t n = rerun->n_items * rerun->n_platforms;
	struct job job = {.state = cell->state, .verdict = cell->verdict};
	enum job_bucket bucket = job_bucket(&job);

	while (rerun->at < n && rerun->cells[rerun->at] != 'j')
		rerun->at++;
	if (rerun->at == n)
		return false;
	if (bucket == BUCKET_FAILED || bucket == BUCKET_ERROR)
		rerun->n_jobs++;
	else
		rerun->cells[rerun->at] = '.';
	rerun->at++;
	return true;
}

static bool row_has_jobs(const struct rerun *rerun, size_t i)
{
	return memchr(rerun->cells + i * rerun->n_platforms, 'j',
	           rerun->n_platforms) != NULL;
}

static bool column_has_jobs(const struct rerun *rerun, size_t p)
{
	for (size_t i = 0; i < rerun->n_items; i++)
		if (rerun->cells[i * rerun->n_platforms + p] == 'j')
			return true;
	return false;
}

static void keep(char **list, size_t *kept, size_t i, bool is_kept)
{
	if (is_kept)
		list[(*kept)++] = list[i];
	else
		free(list[i]);
}

/* Rows and columns without jobs are left out. */
static void narrow(struct rerun *rerun)
{
	size_t n = rerun->n_platforms;
	scoped(free) bool *columns = xcalloc(n + 1, sizeof(columns[0]));
	size_t rows_kept = 0;
	size_t kept = 0;
	size_t at = 0;

	for (size_t p = 0; p < n; p++)
		columns[p] = column_has_jobs(rerun, p);
	for (size_t i = 0; i < rerun->n_items; i++) {
		bool has = row_has_jobs(rerun, i);

		for (size_t p = 0; p < n; p++)
			if (has && columns[p])
				rerun->cells[at++] = rerun->cells[i * n + p];
		keep(rerun->items, &rows_kept, i, has);
	}
	for (size_t p = 0; p < n; p++)
		keep(rerun->platforms, &kept, p, columns[p]);
	rerun->n_items = rows_kept;
	rerun->n_platforms = kept;
}

static int find_failed(
    struct rerun *rerun, struct db_reader *reader, struct err *err)
{
	int r = db_matrix(reader, rerun->old, on_plan, on_cell, rerun, err);

	if (r < 0)
		return r;
	if (!rerun->n_jobs)
		return err_set(err, ERR_CONFLICT,
		    "run %" PRId64 ": no job of it failed", rerun->old);
	narrow(rerun);
	return 0;
}

/* ---- the new run --------------------------------------------------------- */

static void on_made(void *arg, int64_t run_id)
{
	struct asker *who = arg;

	weblink_answer_json(
	    *who, 201, json_pack("{s:I}", "id", (json_int_t)run_id));
	free(who);
}

static int make(
    const struct rerun *rerun, const struct db_source *s, struct err *err)
{
	scoped(free) struct asker *copy = xcalloc(1, sizeof(*copy));
	struct db_plan only = {(const char *const *)rerun->items,
	    rerun->n_items, (const char *const *)rerun->platforms,
	    rerun->n_platforms, rerun->cells};
	int r;

	*copy = rerun->who;
	r = run_make(rerun->who.d,
	    &(struct run_request){
	        .project = s->project,
	        .user = rerun->user,
	        .name = s->name,
	        .link = s->link,
	        .commit = s->commit,
	        .priority = s->priority,
	        .suite_name = s->suite_name,
	        .suite_text = s->suite_text,
	        .suite_len = s->suite_len,
	        .files = s->files,
	        .n_files = s->n_files,
	        .only = rerun->only_failed ? &only : NULL,
	        .rerun_of = rerun->only_failed ? rerun->old : 0,
	    },
	    NULL, on_made, copy, err);
	if (r == 0)
		(void)take(copy); /* on_made() frees it */
	return r;
}

/* A suite came with its run, or with the commit that a push made known. */
static int no_suite(const struct rerun *rerun, struct err *err)
{
	const struct run *run = map_find(&rerun->who.d->runs, rerun->old);

	if (run && run->resolve)
		return err_set(err, ERR_CONFLICT,
		    "run %" PRId64 ": its suite has not come yet, as its files "
		    "are still being made",
		    rerun->old);
	return err_set(err, ERR_CONFLICT,
	    "run %" PRId64 ": its suite never came, as its build did not end "
	    "well; push a commit that builds",
	    rerun->old);
}

static bool on_source(void *arg, const struct db_source *s)
{
	struct rerun *rerun = arg;

	if (strcmp(s->kind, "test") != 0)
		rerun->r = err_set(&rerun->err, ERR_INVAL,
		    "a %s run is not run again by hand", s->kind);
	else if (!s->suite_len)
		rerun->r = no_suite(rerun, &rerun->err);
	else
		rerun->r = make(rerun, s, &rerun->err);
	return true;
}

static int again(struct rerun *rerun, struct err *err)
{
	scoped(db_reader_close) struct db_reader *reader = NULL;
	int r = db_reader_open(rerun->who.d->opts->dir, &reader, err);

	if (r == 0 && rerun->only_failed)
		r = find_failed(rerun, reader, err);
	if (r == 0)
		r = db_run_source(reader, rerun->old, on_source, rerun, err);
	return r < 0 ? r : rerun->r;
}

void rerun_request(struct asker who, const json_t *h, const char *user)
{
	scoped_val(rerun_done) struct rerun rerun = {.who = who,
	    .user = user,
	    .old = json_integer_value(json_object_get(h, "run")),
	    .only_failed = str_eq(
	        json_string_value(json_object_get(h, "only")), "failed")};
	int r = again(&rerun, &rerun.err);

	if (r < 0)
		weblink_answer_error(
		    who, weblink_status_of(r), "%s", rerun.err.msg);
	else
		audit_act(who.d->db, user, "rerun of %srun %lld",
		    rerun.only_failed ? "what failed in " : "",
		    (long long)rerun.old);
}
