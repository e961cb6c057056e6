/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is new in a run, and how a job did in the runs before. */
#include "base/clock.h"
#include "web/render.h"
#include "web/routes.h"

/* ---- a run -------------------------------------------------------------- */

/* Changes come in the order of kinds: their arrays follow each other. */
struct changes {
	struct jw *w;
	int kind; /* whose array is open */
};

static const char *const kinds[] = {
    [DB_CHANGE_BROKEN] = "broken",
    [DB_CHANGE_FIXED] = "fixed",
    [DB_CHANGE_LAB] = "lab",
};

/* Closes arrays until that of the kind is open. */
static void kind_begin(struct changes *c, int kind)
{
	while (c->kind < kind) {
		jw_array_end(c->w);
		jw_array(c->w, kinds[++c->kind]);
	}
}

static void before_render(struct jw *w, const struct db_change_job *job)
{
	if (!job->id) {
		jw_null(w, "before");
		return;
	}
	jw_object(w, "before");
	jw_int(w, "job", job->id);
	jw_str(w, "sign", job_sign(job->state, &job->verdict));
	jw_object_end(w);
}

static bool on_change(void *arg, const struct db_change *c)
{
	struct changes *all = arg;
	struct jw *w = all->w;

	kind_begin(all, (int)c->kind);
	jw_object(w, NULL);
	jw_str(w, "item", c->item);
	jw_str(w, "platform", c->platform);
	jw_int(w, "job", c->job.id);
	jw_str(w, "sign", job_sign(c->job.state, &c->job.verdict));
	jw_str(w, "text", c->text);
	if (c->offset >= 0)
		jw_int(w, "offset", c->offset);
	else
		jw_null(w, "offset");
	before_render(w, &c->before);
	jw_object_end(w);
	return !w->to->failed;
}

static int changes_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	struct changes all = {w, DB_CHANGE_BROKEN};
	struct db_changes sums = {0};
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	jw_object(w, NULL);
	jw_int(w, "run", id);
	jw_array(w, kinds[DB_CHANGE_BROKEN]);
	if (r == 0)
		r = db_changes(
		    reader, id, clock_wall_ms(), on_change, &all, &sums, err);
	kind_begin(&all, DB_CHANGE_LAB);
	jw_array_end(w);
	jw_int(w, "left_out", sums.left_out);
	if (sums.against)
		jw_int(w, "against", sums.against);
	else
		jw_null(w, "against");
	if (sums.left_ms >= 0)
		jw_int(w, "left_ms", sums.left_ms);
	else
		jw_null(w, "left_ms");
	jw_object_end(w);
	return r;
}

enum MHD_Result api_changes(struct request *rq)
{
	return answer_of_id(rq, changes_render);
}

/* ---- a job -------------------------------------------------------------- */

static bool on_past(void *arg, const struct db_past_job *job)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	jw_int(w, "run", job->run_id);
	jw_int(w, "job", job->job_id);
	jw_str(w, "sign", job_sign(job->state, &job->verdict));
	jw_str(w, "outcome", outcome_name(job->verdict.outcome));
	jw_str(w, "commit", job->commit);
	jw_int(w, "created_at_ms", job->created_at_ms);
	jw_object_end(w);
	return !w->to->failed;
}

static int history_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	jw_object(w, NULL);
	jw_array(w, "history");
	if (r == 0)
		r = db_job_past(reader, id, on_past, w, err);
	jw_array_end(w);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_job_history(struct request *rq)
{
	return answer_of_id(rq, history_render);
}
