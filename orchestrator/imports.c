/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of results that somebody imports: a helper process reads it, what
 * comes back is stored as a whole. Order kept: file, then rows, then answer.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "orchestrator/helper_import.h"
#include "orchestrator/room.h"
#include "orchestrator/weblink.h"

SCOPED_DEFINE(json_t, json_decref);

enum {
	HELPER_MS = 110000,
	ANSWER_BYTES = 32 << 20,
	VALUES_BYTES = 16 << 20,
	MACHINES_MAX = 1000
};

/* The names that are given with the file. */
static const char *const fields[] = {
    "machine", "variant", "guest", "controller", "format"};

struct import_job {
	struct asker who;
	char *user; /* name of the token */
	char *name; /* of the file */
	char *scratch;
	char *request;
	int fd;
	json_t *manifest;
	json_t *made; /* machines */
	uint8_t key[HASH_BYTES];
	bool again;
};

static void job_free(struct import_job *j)
{
	struct err err = ERR_INIT;

	if (j->scratch && fs_remove_tree(j->scratch, &err) < 0)
		log_warn("import: %s", err.msg);
	fd_done(&j->fd);
	free(j->user);
	free(j->name);
	free(j->scratch);
	free(j->request);
	json_decref(j->manifest);
	json_decref(j->made);
	free(j);
}
SCOPED_DEFINE(struct import_job, job_free);

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

static double number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

static size_t count(const struct import_job *j, const char *list)
{
	return json_array_size(json_object_get(j->manifest, list));
}

/* ---- rows ---------------------------------------------------------------- */

/* What db_tx_import() is given; borrows from the manifest. */
struct rows {
	struct db_import_sample *samples;
	struct db_import_ratio *ratios;
	struct db_import_case *cases;
	struct buf values;
};

static void rows_done(struct rows *rows)
{
	free(rows->samples);
	free(rows->ratios);
	free(rows->cases);
	buf_done(&rows->values);
}

/* Error: PROTO (the helper's values are not as many as it says). */
static int sample_read(const json_t *o, const struct rows *rows, size_t *at,
    struct db_import_sample *ret, struct err *err)
{
	size_t bytes;

	*ret = (struct db_import_sample){
	    .metric = text(o, "metric"),
	    .label = text(o, "label"),
	    .unit = text(o, "unit"),
	    .machine = text(o, "machine"),
	    .variant = text(o, "variant"),
	    .guest = text(o, "guest"),
	    .controller = text(o, "controller"),
	    .direction =
	        (int)json_integer_value(json_object_get(o, "direction")),
	    .kind = (int)json_integer_value(json_object_get(o, "kind")),
	    .n = json_integer_value(json_object_get(o, "n")),
	    .mean = number(o, "mean"),
	    .m2 = number(o, "m2"),
	    .low = number(o, "low"),
	    .high = number(o, "high"),
	};
	if (ret->kind != IMPORT_SAMPLE)
		return 0;
	if (ret->n <= 0 || (uint64_t)ret->n > VALUES_BYTES ||
	    (bytes = (size_t)ret->n * sizeof(double)) > rows->values.len - *at)
		return err_set(err, ERR_PROTO, "helper import: values missing");
	/* Allocated, and whole values from its start: aligned. */
	ret->values = (const void *)(rows->values.data + *at);
	*at += bytes;
	return 0;
}

static int samples_read(
    const struct import_job *j, struct rows *rows, struct err *err)
{
	scoped(free) char *path =
	    xasprintf("%s/%s", j->scratch, HELPER_IMPORT_VALUES);
	size_t at = 0;
	size_t i;
	json_t *o;
	int r = fs_read(path, VALUES_BYTES, &rows->values, err);

	rows->samples = xcalloc(count(j, "samples"), sizeof(*rows->samples));
	json_array_foreach(json_object_get(j->manifest, "samples"), i, o)
	{
		if (r == 0)
			r = sample_read(o, rows, &at, &rows->samples[i], err);
	}
	return r;
}

static void ratios_read(const struct import_job *j, struct rows *rows)
{
	size_t i;
	json_t *o;

	rows->ratios = xcalloc(count(j, "ratios"), sizeof(*rows->ratios));
	json_array_foreach(json_object_get(j->manifest, "ratios"), i, o)
	{
		rows->ratios[i] = (struct db_import_ratio){
		    .metric = text(o, "metric"),
		    .direction = (int)json_integer_value(
		        json_object_get(o, "direction")),
		    .machine = text(o, "machine"),
		    .guest = text(o, "guest"),
		    .controller = text(o, "controller"),
		    .baseline = text(o, "baseline"),
		    .candidate = text(o, "candidate"),
		    .overhead = number(o, "overhead"),
		    .printed = text(o, "printed"),
		};
	}
}

static void cases_read(const struct import_job *j, struct rows *rows)
{
	size_t i;
	json_t *o;

	rows->cases = xcalloc(count(j, "cases"), sizeof(*rows->cases));
	json_array_foreach(json_object_get(j->manifest, "cases"), i, o)
	{
		rows->cases[i] = (struct db_import_case){
		    .name = text(o, "name"),
		    .result =
		        (int)json_integer_value(json_object_get(o, "result")),
		    .text = text(o, "text"),
		};
	}
}

/* ---- machines ------------------------------------------------------------ */

/* Each name once; unknown ones are those that will be made. */
static int check_machine(
    struct import_job *j, json_t *seen, const char *name, struct err *err)
{
	int64_t id = 0;
	int r;

	if (json_object_get(seen, name))
		return 0;
	if (json_object_size(seen) == MACHINES_MAX)
		return err_set(err, ERR_LIMIT, "%s: over %d machines", j->name,
		    MACHINES_MAX);
	(void)json_object_set_new(seen, name, json_true());
	r = db_machine_named(j->who.d->db, name, &id, err);
	if (r == -ERR_NOTFOUND)
		return json_array_append_new(j->made, json_string(name));
	return r < 0 ? err_prefix(err, "%s", j->name) : 0;
}

static int check_machines(
    struct import_job *j, const struct rows *rows, struct err *err)
{
	json_t *seen = json_object();
	int r = 0;

	for (size_t i = 0; r == 0 && i < count(j, "samples"); i++)
		r = check_machine(j, seen, rows->samples[i].machine, err);
	for (size_t i = 0; r == 0 && i < count(j, "ratios"); i++)
		r = check_machine(j, seen, rows->ratios[i].machine, err);
	json_decref(seen);
	return r;
}

/* ---- storing ------------------------------------------------------------- */

/* The hash of the bytes and of all names that were given with them. */
static void make_key(struct import_job *j, const uint8_t sha256[HASH_BYTES],
    const json_t *request)
{
	struct hash *h = hash_new();

	hash_add(h, sha256, HASH_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const char *s = text(request, fields[i]);

		hash_add(h, s, strlen(s) + 1);
	}
	hash_end(h, j->key);
}

static void answer(struct import_job *j, int64_t id)
{
	const char *unit = json_string_value(
	    json_object_get(json_object_get(j->manifest, "facts"), "verdict"));

	weblink_answer_json(j->who, j->again ? 200 : 201,
	    json_pack("{s:I s:s s:s s:I s:I s:I s:s? s:O s:O s:b}", "import",
	        (json_int_t)id, "format", text(j->manifest, "format"), "title",
	        text(j->manifest, "title"), "samples",
	        (json_int_t)count(j, "samples"), "ratios",
	        (json_int_t)count(j, "ratios"), "cases",
	        (json_int_t)count(j, "cases"), "verdict", unit, "machines_made",
	        j->made, "warnings", json_object_get(j->manifest, "warnings"),
	        "again", j->again));
	job_free(j);
}

static void on_stored(void *arg)
{
	struct import_job *j = arg;
	struct err err = ERR_INIT;
	int64_t id = 0;
	int r = db_import_find(j->who.d->db, j->key, &id, &err);

	if (r == 0) {
		answer(j, id);
		return;
	}
	weblink_answer_error(j->who, weblink_status_of(r), "%s", err.msg);
	job_free(j);
}

static void post(struct import_job *j, const struct rows *rows,
    const struct db_run_file *file, const char *facts)
{
	struct db_tx *tx = db_tx_new(j->who.d->db);
	struct db_import im = {
	    .at_ms = clock_wall_ms(),
	    .who = j->user,
	    .name = j->name,
	    .size = file->size,
	    .format = text(j->manifest, "format"),
	    .facts = facts,
	    .samples = rows->samples,
	    .n_samples = count(j, "samples"),
	    .ratios = rows->ratios,
	    .n_ratios = count(j, "ratios"),
	    .cases = rows->cases,
	    .n_cases = count(j, "cases"),
	};
	scoped(free) char *what =
	    xasprintf("imported %.200s as %s", j->name, im.format);

	memcpy(im.key, j->key, HASH_BYTES);
	memcpy(im.sha256, file->sha256, HASH_BYTES);
	db_tx_import(tx, &im);
	db_tx_audit(tx, im.at_ms, j->user, what);
	db_tx_post(tx, on_stored, j);
}

/* True in *ret_again if there is nothing to store. */
static int find_again(struct import_job *j, const struct db_run_file *file,
    int64_t *ret_id, struct err *err)
{
	scoped(json_decref) json_t *request = json_loads(j->request, 0, NULL);
	int r;

	make_key(j, file->sha256, request);
	r = db_import_find(j->who.d->db, j->key, ret_id, err);
	j->again = r == 0;
	return r == -ERR_NOTFOUND ? 0 : r;
}

static int store(struct import_job *j, struct err *err)
{
	scoped_val(rows_done) struct rows rows = {
	    NULL, NULL, NULL, BUF_INIT(VALUES_BYTES)};
	scoped(free) char *facts =
	    json_dumps(json_object_get(j->manifest, "facts"), JSON_COMPACT);
	struct db_run_file file = {0};
	int64_t id = 0;
	int r;

	if (count(j, "files") != 1 || !facts)
		return err_set(err, ERR_PROTO, "helper import: bad answer");
	r = samples_read(j, &rows, err);
	if (r < 0)
		return r;
	ratios_read(j, &rows);
	cases_read(j, &rows);
	r = check_machines(j, &rows, err);
	if (r == 0)
		r = manifest_adopt(j->who.d->opts->dir, j->scratch,
		    json_object_get(j->manifest, "files"), &file, err);
	if (r == 0)
		r = find_again(j, &file, &id, err);
	if (r < 0)
		return r;
	if (j->again)
		answer(j, id);
	else
		post(j, &rows, &file, facts);
	return 0;
}

/* ---- the helper ---------------------------------------------------------- */

static void on_read(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct import_job *j = arg;
	struct err mine = ERR_INIT;
	const char *refused;

	if (r == 0)
		j->manifest = json_loadb(out, len, 0, NULL);
	refused = json_string_value(json_object_get(j->manifest, "error"));
	if (r < 0)
		(void)err_copy(&mine, err);
	else if (!j->manifest)
		r = err_set(&mine, ERR_PROTO,
		    "%s: it could not be read: the helper died", j->name);
	else if (refused)
		r = err_set(&mine, (enum err_kind)manifest_kind(j->manifest),
		    "%s", refused);
	else
		r = store(j, &mine);
	if (r == 0)
		return;
	/* A damaged file is not the server's fault. */
	weblink_answer_error(j->who,
	    refused && r == -ERR_PROTO ? 400 : weblink_status_of(r), "%s",
	    mine.msg);
	job_free(j);
}

static int start_helper(struct import_job *j, struct err *err)
{
	static const char *const argv[] = {
	    "/proc/self/exe", "--helper", "import", NULL};
	struct daemon *d = j->who.d;
	struct child *child;
	int r = child_start(d->loop,
	    &(struct child_options){
	        .argv = argv,
	        .fds = &j->fd,
	        .n_fds = 1,
	        .output_max = ANSWER_BYTES,
	        .deadline_ms = loop_now_ms(d->loop) + HELPER_MS,
	        .on_end = on_read,
	        .arg = j,
	    },
	    &child, err);

	if (r < 0)
		return r;
	child_write(child, j->request, strlen(j->request));
	child_eof(child);
	return 0;
}

/* The descriptor is number 3 in the child. */
static void make_request(struct import_job *j, const json_t *h)
{
	scoped(json_decref) json_t *request = json_pack(
	    "{s:s s:s s:i}", "scratch", j->scratch, "name", j->name, "file", 3);

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		(void)json_object_set_new(
		    request, fields[i], json_string(text(h, fields[i])));
	j->request = json_dumps(request, JSON_COMPACT);
}

void import_request(struct asker who, const json_t *h, const char *user)
{
	scoped(job_free) struct import_job *j = xcalloc(1, sizeof(*j));
	struct err err = ERR_INIT;
	uint8_t salt[8];
	char hex[2 * sizeof(salt) + 1];
	int r;

	hash_random(salt, sizeof(salt));
	j->who = who;
	j->user = xstrdup(user);
	j->name = xstrdup(*text(h, "name") ? text(h, "name") : "file");
	j->made = json_array();
	j->scratch = xasprintf("%s/tmp/import-%s", who.d->opts->dir,
	    hash_hex(salt, sizeof(salt), hex));
	j->fd = weblink_upload_take(
	    who.d, json_integer_value(json_object_get(h, "file")));
	make_request(j, h);
	(void)room_look(who.d); /* what it finds is in the next answer */
	r = room_check(who.d, &err);
	if (r == 0 && (j->fd < 0 || !j->request))
		r = err_set(&err, ERR_INVAL, "file: the file is missing");
	if (r == 0)
		r = fs_mkdirs(j->scratch, 0700, &err);
	if (r == 0)
		r = start_helper(j, &err);
	if (r < 0) {
		weblink_answer_error(who, weblink_status_of(r), "%s", err.msg);
		return;
	}
	/* on_read() or on_stored() frees it. */
	(void)take(j);
}
