/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A run that somebody submits: the uploads go to a helper process, which
 * parses what is hostile; what comes back is a manifest of checked files.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/room.h"
#include "orchestrator/weblink.h"

enum {
	HELPER_MS = 110000,
	MANIFEST_MAX = 32 << 20,
	FDS_MAX = 300
};

struct submission {
	struct asker who;
	char *token; /* its name */
	char *user;
	char *name;
	char *url;
	char *config_name;
	int priority;
	char *scratch;
	char *request; /* for the helper's stdin */
	int fds[FDS_MAX];
	size_t n_fds;
	json_t *warnings;
};

static void submission_free(struct submission *s)
{
	struct err err = ERR_INIT;

	if (fs_remove_tree(s->scratch, &err) < 0)
		log_warn("submit: %s", err.msg);
	for (size_t i = 0; i < s->n_fds; i++)
		fd_done(&s->fds[i]);
	free(s->token);
	free(s->user);
	free(s->name);
	free(s->url);
	free(s->config_name);
	free(s->scratch);
	free(s->request);
	json_decref(s->warnings);
	free(s);
}
SCOPED_DEFINE(struct submission, submission_free);

static char *text_or(const json_t *h, const char *key, const char *otherwise)
{
	const char *s = json_string_value(json_object_get(h, key));

	return xstrdup(s && *s ? s : otherwise);
}

/* The number in the child of an upload's descriptor; -1 if there is none. */
static int add_fd(struct submission *s, const json_t *upload)
{
	int fd = weblink_upload_take(s->who.d, json_integer_value(upload));

	if (fd < 0 || s->n_fds == FDS_MAX) {
		fd_done(&fd);
		return -1;
	}
	s->fds[s->n_fds++] = fd;
	return (int)(2 + s->n_fds);
}

static int add_uploads(struct submission *s, const json_t *h, struct err *err)
{
	int config = add_fd(s, json_object_get(h, "config"));
	int zip = add_fd(s, json_object_get(h, "boot_files"));
	json_t *files = json_array();
	json_t *request;
	size_t i;
	json_t *part;

	json_array_foreach(json_object_get(h, "files"), i, part)(void)
	    json_array_append_new(files,
	        json_pack("{s:s? s:i}", "path",
	            json_string_value(json_object_get(part, "path")), "fd",
	            add_fd(s, json_object_get(part, "upload"))));
	request = json_pack("{s:s s:i s:s s:i s:o}", "scratch", s->scratch,
	    "config", config, "config_name", s->config_name, "zip", zip,
	    "files", files);
	s->request = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (config < 0)
		return err_set(err, ERR_INVAL,
		    "config: the project configuration is missing");
	return 0;
}

static void on_made(void *arg, int64_t run_id)
{
	struct submission *s = arg;

	audit_act(s->who.d->db, s->token, "submitted run %lld as %s \"%.200s\"",
	    (long long)run_id, s->user, s->name);
	weblink_answer_json(s->who, 201,
	    json_pack("{s:I s:O}", "id", (json_int_t)run_id, "warnings",
	        s->warnings));
	submission_free(s);
}

static void add_warnings(struct submission *s, const struct buf *lines)
{
	scoped(free) char *copy = xstrdup(buf_str(lines));
	char *save = NULL;

	for (char *l = strtok_r(copy, "\n", &save); l;
	     l = strtok_r(NULL, "\n", &save))
		(void)json_array_append_new(s->warnings, json_string(l));
}

int manifest_adopt(const char *dir, const char *scratch, const json_t *list,
    struct db_run_file *files, struct err *err)
{
	size_t i;
	json_t *f;
	int r = 0;

	json_array_foreach(list, i, f)
	{
		const char *sha =
		    json_string_value(json_object_get(f, "sha256"));
		const char *tmp = json_string_value(json_object_get(f, "tmp"));
		scoped(free) char *path =
		    xasprintf("%s/%s", scratch, tmp ? tmp : "");

		files[i].path = json_string_value(json_object_get(f, "path"));
		files[i].size = json_integer_value(json_object_get(f, "size"));
		if (!sha || !tmp || strchr(tmp, '/') || !files[i].path ||
		    !hash_unhex(sha, files[i].sha256, HASH_BYTES))
			return err_set(err, ERR_PROTO, "helper: bad manifest");
		r = db_file_adopt(dir, path, files[i].sha256, err);
		if (r < 0)
			return r;
	}
	return r;
}

static int make_run(
    struct submission *s, const json_t *manifest, struct err *err)
{
	const json_t *list = json_object_get(manifest, "files");
	const json_t *suite = json_object_get(manifest, "suite");
	size_t n = json_array_size(list);
	scoped(free) struct db_run_file *files = xcalloc(n, sizeof(*files));
	scoped_val(buf_done) struct buf lines = BUF_INIT(1 << 20);
	int r;

	if (!json_is_string(suite))
		return err_set(err, ERR_PROTO, "helper bundle: no suite");
	s->warnings = json_incref(json_object_get(manifest, "ignored"));
	if (!s->warnings)
		s->warnings = json_array();
	r = manifest_adopt(s->who.d->opts->dir, s->scratch, list, files, err);
	if (r < 0)
		return r;
	r = run_make(s->who.d,
	    &(struct run_request){
	        .project = "",
	        .user = s->user,
	        .name = s->name,
	        .link = s->url,
	        .priority = s->priority,
	        .suite_name = s->config_name,
	        .suite_text = json_string_value(suite),
	        .suite_len = json_string_length(suite),
	        .files = files,
	        .n_files = n,
	    },
	    &lines, on_made, s, err);
	if (r == 0)
		add_warnings(s, &lines);
	return r;
}

int manifest_kind(const json_t *manifest)
{
	const char *kind = json_string_value(json_object_get(manifest, "kind"));

	for (int k = ERR_INVAL; kind && k <= ERR_IO; k++)
		if (strcmp(kind, err_name(k)) == 0)
			return k;
	return ERR_INVAL;
}

static void on_bundle(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct submission *s = arg;
	struct err mine = ERR_INIT;
	json_error_t je;
	json_t *manifest = r < 0 ? NULL : json_loadb(out, len, 0, &je);
	const char *refused =
	    json_string_value(json_object_get(manifest, "error"));

	if (r < 0)
		err_copy(&mine, err);
	else if (!manifest)
		r = err_set(&mine, ERR_PROTO, "helper bundle: %s", je.text);
	else if (refused)
		r = err_set(&mine, (enum err_kind)manifest_kind(manifest), "%s",
		    refused);
	else
		r = make_run(s, manifest, &mine);
	json_decref(manifest);
	if (r < 0) {
		weblink_answer_error(
		    s->who, weblink_status_of(r), "%s", mine.msg);
		submission_free(s);
	}
}

static int start_helper(struct submission *s, struct err *err)
{
	static const char *const argv[] = {
	    "/proc/self/exe", "--helper", "bundle", NULL};
	struct daemon *d = s->who.d;
	struct child *child;
	int r = child_start(d->loop,
	    &(struct child_options){
	        .argv = argv,
	        .fds = s->fds,
	        .n_fds = s->n_fds,
	        .output_max = MANIFEST_MAX,
	        .deadline_ms = loop_now_ms(d->loop) + HELPER_MS,
	        .on_end = on_bundle,
	        .arg = s,
	    },
	    &child, err);

	if (r < 0)
		return r;
	child_write(child, s->request, strlen(s->request));
	child_eof(child);
	return 0;
}

static int prepare(struct submission *s, const json_t *h, struct err *err)
{
	int64_t priority = json_integer_value(json_object_get(h, "priority"));
	int r;

	if (priority < -1000 || priority > 1000)
		return err_set(err, ERR_INVAL,
		    "priority: %lld; allowed is -1000 to 1000",
		    (long long)priority);
	s->priority = (int)priority;
	r = fs_mkdirs(s->scratch, 0700, err);
	if (r == 0)
		r = add_uploads(s, h, err);
	return r;
}

void submit_request(struct asker who, const json_t *h, const char *user)
{
	scoped(submission_free) struct submission *s = xcalloc(1, sizeof(*s));
	struct err err = ERR_INIT;
	uint8_t salt[8];
	char hex[2 * sizeof(salt) + 1];
	int r;

	hash_random(salt, sizeof(salt));
	s->who = who;
	s->token = xstrdup(user);
	s->user = text_or(h, "user", user);
	s->config_name = text_or(h, "config_name", "project_config.yaml");
	s->name = text_or(h, "name", s->config_name);
	s->url = text_or(h, "url", NULL);
	s->scratch = xasprintf("%s/tmp/submit-%s", who.d->opts->dir,
	    hash_hex(salt, sizeof(salt), hex));
	(void)room_look(who.d); /* what it finds is in the next answer */
	r = room_check(who.d, &err);
	if (r == 0)
		r = prepare(s, h, &err);
	if (r == 0)
		r = start_helper(s, &err);
	if (r < 0) {
		weblink_answer_error(who, weblink_status_of(r), "%s", err.msg);
		return;
	}
	/* on_bundle() or on_made() frees it. */
	(void)take(s);
}
