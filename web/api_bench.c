/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What benchmarks measured: raw values, raw outputs, and their environment. */
#include "web/render.h"
#include "web/routes.h"

/* ---- samples of a run --------------------------------------------------- */

static void one_mark(struct jw *w, const struct db_sample_mark *m)
{
	char hex[HASH_HEX + 1];

	jw_object(w, NULL);
	jw_int(w, "pair", m->pair);
	jw_int(w, "position", m->position);
	jw_bool(w, "valid", m->valid);
	jw_str(w, "why", m->why);
	jw_str(w, "raw", m->has_raw ? hash_hex(m->raw, HASH_BYTES, hex) : NULL);
	jw_object_end(w);
}

static void marks(struct jw *w, const struct db_run_sample *s)
{
	if (!s->marks) {
		jw_null(w, "marks");
		return;
	}
	jw_array(w, "marks");
	for (size_t i = 0; i < s->n_values; i++)
		one_mark(w, &s->marks[i]);
	jw_array_end(w);
}

static bool on_series(void *arg, const struct db_run_sample *s)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	jw_int(w, "job", s->job_id);
	jw_int(w, "attempt", s->attempt_id);
	jw_str(w, "item", s->item);
	jw_str(w, "machine", s->machine);
	jw_str(w, "metric", s->metric);
	jw_str(w, "unit", s->unit);
	jw_str(w, "variant", s->variant);
	jw_str(w, "guest", s->guest);
	jw_str(w, "controller", s->controller);
	jw_array(w, "values");
	for (size_t i = 0; i < s->n_values; i++)
		jw_double(w, NULL, s->values[i]);
	jw_array_end(w);
	marks(w, s);
	jw_object_end(w);
	return !w->to->failed;
}

static bool on_run(void *arg, const struct db_run *run)
{
	(void)arg;
	(void)run;
	return true;
}

static int samples_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = db_run_get(reader, id, on_run, NULL, err);
	jw_object(w, NULL);
	jw_array(w, "samples");
	if (r == 0)
		r = db_run_samples(reader, id, on_series, w, err);
	jw_array_end(w);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_samples(struct request *rq)
{
	return answer_of_id(rq, samples_render);
}

/* ---- what an attempt left behind ---------------------------------------- */

static bool on_file(void *arg, const struct db_attempt_file *f)
{
	struct jw *w = arg;
	char hex[HASH_HEX + 1];

	jw_object(w, NULL);
	jw_str(w, "name", f->name);
	jw_str(w, "sha256", hash_hex(f->sha256, HASH_BYTES, hex));
	jw_int(w, "size", f->size);
	jw_object_end(w);
	return !w->to->failed;
}

static bool on_env(void *arg, const char *key, const char *value)
{
	struct jw *w = arg;

	jw_str(w, key, value);
	return !w->to->failed;
}

static int files_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	jw_object(w, NULL);
	jw_array(w, "files");
	if (r == 0)
		r = db_attempt_files(reader, id, on_file, w, err);
	jw_array_end(w);
	jw_object(w, "env");
	if (r == 0)
		r = db_env(reader, id, on_env, w, err);
	jw_object_end(w);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_attempt_files(struct request *rq)
{
	return answer_of_id(rq, files_render);
}

/* ---- a raw output ------------------------------------------------------- */

/*
 * The store has kernels and disks of suites, too: only what an attempt names
 * as its output, or what was imported, is shown, so that a hash is no key to
 * everything.
 */
static int output_check(
    struct request *rq, const uint8_t sha256[HASH_BYTES], struct err *err)
{
	struct db_reader *reader;
	bool found = false;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = db_file_is_output(reader, sha256, &found, err);
	if (r == 0 && !found)
		r = err_set(err, ERR_NOTFOUND, "no output with this SHA-256");
	return r;
}

enum MHD_Result api_file(struct request *rq)
{
	uint8_t sha256[HASH_BYTES];
	struct err err = ERR_INIT;

	if (!hash_unhex(rq->args.text[0], sha256, HASH_BYTES))
		return answer_error(
		    rq, 400, "the file's name is not a SHA-256");
	if (output_check(rq, sha256, &err) < 0)
		return answer_err(rq, &err);
	return answer_file(rq, sha256);
}
