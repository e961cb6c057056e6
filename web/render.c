/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows as JSON, in the words of scheduler/. */
#include "web/render.h"

#include "bench/bench.h"

static const char *run_state_name(enum run_state state)
{
	switch (state) {
	case RUN_RESOLVING:
		return "resolving";
	case RUN_OPEN:
		return "open";
	default:
		return "done";
	}
}

const char *render_status(const struct db_run *run)
{
	/* A run without jobs yet has not failed to run anything. */
	if (run->state != RUN_DONE)
		return "unfinished";
	return run_sotest_status(run->counts);
}

static void counts(struct jw *w, const struct db_run *run)
{
	static const char *const names[] = {
	    [BUCKET_WAITING] = "waiting",
	    [BUCKET_RUNNING] = "running",
	    [BUCKET_PASSED] = "passed",
	    [BUCKET_FAILED] = "failed",
	    [BUCKET_ERROR] = "error",
	    [BUCKET_DISABLED] = "disabled",
	};

	jw_object(w, "jobs");
	jw_int(w, "total", run->n_jobs);
	for (size_t i = 0; i < BUCKET_COUNT; i++)
		jw_int(w, names[i], run->counts[i]);
	jw_int(w, "skips", run->n_skips);
	jw_object_end(w);
}

void render_run_fields(struct jw *w, const struct db_run *run)
{
	jw_int(w, "id", run->id);
	jw_str(w, "project", run->project);
	jw_str(w, "user", run->user);
	jw_str(w, "name", run->name);
	jw_str(w, "suite", run->suite_name);
	jw_str(w, "commit", run->commit);
	jw_str(w, "link", run->link);
	jw_str(w, "kind", run->kind);
	jw_int(w, "priority", run->priority);
	jw_int(w, "created_at_ms", run->created_at_ms);
	if (run->ended_at_ms)
		jw_int(w, "ended_at_ms", run->ended_at_ms);
	else
		jw_null(w, "ended_at_ms");
	if (run->rerun_of)
		jw_int(w, "rerun_of", run->rerun_of);
	else
		jw_null(w, "rerun_of");
	jw_str(w, "state", run_state_name(run->state));
	jw_str(w, "status", render_status(run));
	counts(w, run);
}

void render_run(struct jw *w, const struct db_run *run)
{
	jw_object(w, NULL);
	render_run_fields(w, run);
	jw_object_end(w);
}

void render_verdict(struct jw *w, const struct verdict *v)
{
	jw_str(w, "outcome", outcome_name(v->outcome));
	jw_str(w, "layer", layer_name(v->layer));
	jw_bool(w, "expected", v->expected);
	jw_bool(w, "skips", v->skips);
}

const char *render_case_result(int result)
{
	switch (result) {
	case CASE_PASS:
		return "pass";
	case CASE_SKIP:
		return "skip";
	default:
		return "fail";
	}
}
