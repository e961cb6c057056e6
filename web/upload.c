/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Multipart bodies. The first error is kept, the files are dropped at once,
 * and the rest of the body is read and thrown away (libmicrohttpd takes no
 * answer before the end of it) up to a ceiling, then the connection is closed.
 */
#include "web/upload.h"

#include <errno.h>
#include <string.h>

#include "base/conf.h"
#include "base/fs.h"
#include "base/str.h"

#define POST_BUFFER 16384
#define FIELD_MAX 4096
#define PENDING_MAX (1 << 20)
#define DRAIN_MAX (64 << 20)
#define PRIORITY_MAX 1000000

enum part_kind {
	PART_CONFIG,
	PART_BOOT_FILES,
	PART_FILE
};

struct part {
	enum part_kind kind;
	char *name; /* of the file, as sent */
	int64_t size;
	int64_t upload; /* the daemon's number; 0 before it is open */
	int fd;
	struct buf pending; /* came before fd did */
};

enum field {
	FIELD_NAME,
	FIELD_URL,
	FIELD_USER,
	FIELD_PRIORITY,
	FIELD_MACHINE,
	FIELD_VARIANT,
	FIELD_GUEST,
	FIELD_CONTROLLER,
	FIELD_FORMAT,
	FIELD_COUNT,
	FIELD_NONE = FIELD_COUNT
};
static const char *const field_names[] = {"name", "url", "user", "priority",
    "machine", "variant", "guest", "controller", "format"};

/* What a form may have; all are bits. */
struct form {
	unsigned parts;
	unsigned fields;
	unsigned needed; /* of parts */
	size_t files_max;
	const char *allowed;
};
#define BIT(n) (1u << (n))
static const struct form form_submit = {
    BIT(PART_CONFIG) | BIT(PART_BOOT_FILES) | BIT(PART_FILE),
    BIT(FIELD_NAME) | BIT(FIELD_URL) | BIT(FIELD_USER) | BIT(FIELD_PRIORITY),
    BIT(PART_CONFIG), WEB_FILES_MAX,
    "config, boot_files, file, name, url, user, priority"};
static const struct form form_import = {BIT(PART_FILE),
    BIT(FIELD_NAME) | BIT(FIELD_MACHINE) | BIT(FIELD_VARIANT) |
        BIT(FIELD_GUEST) | BIT(FIELD_CONTROLLER) | BIT(FIELD_FORMAT),
    BIT(PART_FILE), 1,
    "file, name, machine, variant, guest, controller, format"};

struct upload {
	struct request *rq;
	const struct form *form;
	struct MHD_PostProcessor *post;
	struct part *parts;
	size_t n_parts;
	size_t n_files; /* of kind PART_FILE */
	bool in_part;   /* the form is inside the last of parts */
	enum field in_field;
	struct buf fields[FIELD_COUNT];
	bool seen[FIELD_COUNT];
	int64_t priority;
	int64_t total;   /* bytes of the body */
	int64_t drained; /* of it, after the error */
	struct err err;
	bool handed_over;
};

/* ---- errors ------------------------------------------------------------- */

static void parts_drop(struct upload *u)
{
	for (size_t i = 0; i < u->n_parts; i++) {
		struct part *part = &u->parts[i];

		if (part->upload && !u->handed_over)
			link_close_upload(u->rq->web->link, part->upload);
		fd_done(&part->fd);
		buf_done(&part->pending);
		free(part->name);
	}
	free(u->parts);
	u->parts = NULL;
	u->n_parts = 0;
	u->in_part = false;
}

static bool failed(const struct upload *u)
{
	return u->err.kind != 0;
}

/* ---- file parts --------------------------------------------------------- */

static int part_write(
    struct part *part, const char *data, size_t len, struct err *err)
{
	struct err io = ERR_INIT;

	if (!len)
		return 0;
	if (part->fd < 0) {
		buf_add(&part->pending, data, len);
		return part->pending.failed
		    ? err_set(
		          err, ERR_LIMIT, "%s: too much at once", part->name)
		    : 0;
	}
	if (fs_write_all(part->fd, data, len, &io) < 0) {
		(void)err_set(err, ERR_IO, "%s: %s", part->name, io.msg);
		err->code = io.code; /* a full disk has a status of its own */
		return -ERR_IO;
	}
	return 0;
}

static int parts_flush(struct upload *u, struct err *err)
{
	for (size_t i = 0; i < u->n_parts; i++) {
		struct part *part = &u->parts[i];
		int r;

		if (part->fd < 0 || !part->pending.len)
			continue;
		r = part_write(
		    part, part->pending.data, part->pending.len, err);
		if (r < 0)
			return r;
		buf_done(&part->pending);
	}
	return 0;
}

static int part_add(struct upload *u, enum part_kind kind, const char *filename,
    struct err *err)
{
	struct part *part;

	if (kind == PART_FILE && ++u->n_files > u->form->files_max)
		return err_set(
		    err, ERR_LIMIT, "over %zu files", u->form->files_max);
	for (size_t i = 0; i < u->n_parts && kind != PART_FILE; i++)
		if (u->parts[i].kind == kind)
			return err_set(err, ERR_INVAL,
			    "config and boot_files are given once");
	/* Only a bundle has paths. */
	if (kind == PART_FILE && u->form == &form_submit &&
	    (!filename || !fs_path_is_safe(filename)))
		return err_set(err, ERR_INVAL,
		    "file '%.200s': its filename is not a relative path "
		    "inside the bundle",
		    filename ? filename : "");
	u->parts = xrealloc(u->parts, u->n_parts + 1, sizeof(u->parts[0]));
	part = &u->parts[u->n_parts++];
	memset(part, 0, sizeof(*part));
	part->kind = kind;
	part->fd = -1;
	part->pending.max = PENDING_MAX;
	part->name = xstrdup(filename ? filename : "");
	return 0;
}

static int part_data(
    struct upload *u, const char *data, size_t len, struct err *err)
{
	struct part *part = &u->parts[u->n_parts - 1];

	part->size += (int64_t)len;
	if (part->size > WEB_UPLOAD_MAX ||
	    (part->kind == PART_CONFIG && part->size > CONF_MAX_BYTES))
		return err_set(
		    err, ERR_LIMIT, "%s: the file is too large", part->name);
	return part_write(part, data, len, err);
}

/* ---- the form ----------------------------------------------------------- */

static const char *const part_names[] = {"config", "boot_files", "file"};

static bool part_kind_of(
    const struct form *form, const char *key, enum part_kind *ret)
{
	for (size_t i = 0; i < ARRAY_LEN(part_names); i++) {
		if (!(form->parts & BIT(i)) || !str_eq(key, part_names[i]))
			continue;
		*ret = (enum part_kind)i;
		return true;
	}
	return false;
}

/*
 * The parser may report the beginning of a part twice, first without data. A
 * second part that is told apart by nothing then continues an empty one.
 */
static bool same_part(
    const struct upload *u, enum part_kind kind, const char *filename)
{
	const struct part *last;

	if (!u->in_part)
		return false;
	last = &u->parts[u->n_parts - 1];
	return !last->size && last->kind == kind &&
	    str_eq(last->name, filename ? filename : "");
}

static int entry_begin(
    struct upload *u, const char *key, const char *filename, struct err *err)
{
	enum part_kind kind;

	if (part_kind_of(u->form, key, &kind)) {
		if (same_part(u, kind, filename))
			return 0;
		u->in_field = FIELD_NONE;
		u->in_part = false;
		if (part_add(u, kind, filename, err) < 0)
			return -err->kind;
		u->in_part = true;
		return 0;
	}
	u->in_part = false;
	for (int i = 0; i < FIELD_COUNT; i++) {
		if (!(u->form->fields & BIT(i)) || !str_eq(key, field_names[i]))
			continue;
		if (u->seen[i] &&
		    (u->in_field != (enum field)i || u->fields[i].len))
			return err_set(
			    err, ERR_INVAL, "%s: given more than once", key);
		u->seen[i] = true;
		u->in_field = (enum field)i;
		return 0;
	}
	return err_set(err, ERR_INVAL, "unknown part '%.60s'; allowed: %s", key,
	    u->form->allowed);
}

static int entry_data(
    struct upload *u, const char *data, size_t len, struct err *err)
{
	struct buf *field;

	if (u->in_part)
		return part_data(u, data, len, err);
	if (u->in_field == FIELD_NONE)
		return err_set(err, ERR_INVAL, "the form is malformed");
	field = &u->fields[u->in_field];
	buf_add(field, data, len);
	if (field->failed)
		return err_set(err, ERR_LIMIT, "%s: over %d bytes",
		    field_names[u->in_field], FIELD_MAX);
	return 0;
}

static enum MHD_Result on_entry(void *arg, enum MHD_ValueKind kind,
    const char *key, const char *filename, const char *type,
    const char *encoding, const char *data, uint64_t offset, size_t len)
{
	struct upload *u = arg;
	int r = 0;

	(void)kind;
	(void)type;
	(void)encoding;
	if (!offset)
		r = entry_begin(u, key ? key : "", filename, &u->err);
	if (r == 0)
		r = entry_data(u, data, len, &u->err);
	return r < 0 ? MHD_NO : MHD_YES;
}

/* ---- files from the daemon (the link's thread, request suspended) -------- */

static struct part *part_without_file(struct upload *u)
{
	for (size_t i = 0; i < u->n_parts; i++)
		if (!u->parts[i].upload)
			return &u->parts[i];
	return NULL;
}

static void on_open(void *arg, struct link_answer *a);

static int open_next(struct upload *u, struct err *err)
{
	struct link_call call = {
	    .timeout_ms = WEB_DEADLINE_MS, .done = on_open, .arg = u};
	json_t *op = json_pack("{ss}", "op", "open");
	int r = link_ask(u->rq->web->link, op, &call, err);

	json_decref(op);
	return r;
}

static int opened(struct part *part, struct link_answer *a, struct err *err)
{
	json_t *doc =
	    json_loadb(a->body.data ? a->body.data : "", a->body.len, 0, NULL);
	json_int_t upload = json_integer_value(json_object_get(doc, "upload"));

	json_decref(doc);
	if (a->status != 200) {
		(void)err_set(err, a->status == 507 ? ERR_IO : ERR_AGAIN,
		    "the daemon opens no file for the upload");
		err->code = a->status == 507 ? ENOSPC : 0;
		return -err->kind;
	}
	if (upload <= 0 || a->fd < 0)
		return err_set(
		    err, ERR_IO, "the daemon's answer to an upload is broken");
	part->upload = upload;
	part->fd = fd_take(&a->fd);
	return 0;
}

static void on_open(void *arg, struct link_answer *a)
{
	struct upload *u = arg;
	int r = opened(part_without_file(u), a, &u->err);

	link_answer_done(a);
	if (r == 0 && part_without_file(u))
		r = open_next(u, &u->err);
	if (r < 0 || !part_without_file(u))
		MHD_resume_connection(u->rq->conn);
}

/* ---- the body ----------------------------------------------------------- */

int upload_new(struct request *rq, struct upload **ret, struct err *err)
{
	struct upload *u = xcalloc(1, sizeof(*u));

	u->rq = rq;
	u->form = rq->route->body == BODY_IMPORT ? &form_import : &form_submit;
	u->in_field = FIELD_NONE;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		u->fields[i].max = FIELD_MAX;
	u->post = MHD_create_post_processor(rq->conn, POST_BUFFER, on_entry, u);
	if (!u->post) {
		upload_free(u);
		return err_set(
		    err, ERR_INVAL, "the body is not multipart/form-data");
	}
	*ret = u;
	return 0;
}

static void consume(struct upload *u, const char *data, size_t len)
{
	u->total += (int64_t)len;
	if (u->total > WEB_UPLOAD_MAX + FORM_OVERHEAD)
		(void)err_set(&u->err, ERR_LIMIT, "the body is too large");
	else if (parts_flush(u, &u->err) == 0 &&
	    MHD_post_process(u->post, data, len) != MHD_YES && !failed(u))
		(void)err_set(&u->err, ERR_INVAL, "the form is malformed");
}

enum MHD_Result upload_data(struct request *rq, const char *data, size_t *len)
{
	struct upload *u = rq->upload;
	size_t n = *len;

	*len = 0;
	if (!failed(u))
		consume(u, data, n);
	if (failed(u)) {
		parts_drop(u);
		u->drained += (int64_t)n;
		return u->drained > DRAIN_MAX ? MHD_NO : MHD_YES;
	}
	if (part_without_file(u)) {
		MHD_suspend_connection(rq->conn);
		if (open_next(u, &u->err) < 0)
			MHD_resume_connection(rq->conn);
	}
	return MHD_YES;
}

static int needed_check(const struct upload *u, struct err *err)
{
	unsigned there = 0;

	for (size_t i = 0; i < u->n_parts; i++) {
		there |= BIT(u->parts[i].kind);
		if (!str_is_utf8(u->parts[i].name, strlen(u->parts[i].name)))
			return err_set(
			    err, ERR_INVAL, "a part's name is not UTF-8");
	}
	for (size_t i = 0; i < ARRAY_LEN(part_names); i++)
		if (u->form->needed & ~there & BIT(i))
			return err_set(err, ERR_INVAL,
			    "the file part '%s' is missing", part_names[i]);
	return 0;
}

static int fields_check(struct upload *u, struct err *err)
{
	const char *priority = buf_str(&u->fields[FIELD_PRIORITY]);

	for (size_t i = 0; i < FIELD_COUNT; i++) {
		const struct buf *f = &u->fields[i];

		if (strlen(buf_str(f)) != f->len ||
		    !str_is_utf8(buf_str(f), f->len))
			return err_set(err, ERR_INVAL,
			    "%s: it is not UTF-8 text", field_names[i]);
	}
	if (*priority &&
	    str_to_i64(
	        priority, -PRIORITY_MAX, PRIORITY_MAX, &u->priority, err) < 0) {
		(void)err_prefix(err, "priority");
		return -ERR_INVAL;
	}
	return needed_check(u, err);
}

int upload_end(struct request *rq, struct err *err)
{
	struct upload *u = rq->upload;
	enum MHD_Result whole = MHD_destroy_post_processor(u->post);

	u->post = NULL;
	if (!failed(u) && whole != MHD_YES)
		(void)err_set(&u->err, ERR_INVAL, "the form is cut short");
	if (!failed(u) && parts_flush(u, &u->err) == 0)
		(void)fields_check(u, &u->err); /* it sets u->err */
	if (!failed(u))
		return 0;
	parts_drop(u);
	return err_copy(err, &u->err);
}

static json_t *import_op(struct request *rq)
{
	struct upload *u = rq->upload;
	struct part *part = &u->parts[0];
	const char *name = buf_str(&u->fields[FIELD_NAME]);

	fd_done(&part->fd);
	return json_pack("{ss ss sI ss ss ss ss ss ss}", "op", "import",
	    "token", rq->token, "file", (json_int_t)part->upload, "name",
	    *name ? name : part->name, "machine",
	    buf_str(&u->fields[FIELD_MACHINE]), "variant",
	    buf_str(&u->fields[FIELD_VARIANT]), "guest",
	    buf_str(&u->fields[FIELD_GUEST]), "controller",
	    buf_str(&u->fields[FIELD_CONTROLLER]), "format",
	    buf_str(&u->fields[FIELD_FORMAT]));
}

static json_t *submit_op(struct request *rq)
{
	struct upload *u = rq->upload;
	json_t *files = json_array();
	json_t *op = json_pack("{ss ss ss ss ss ss sI so}", "op", "submit",
	    "token", rq->token, "remote", rq->remote, "name",
	    buf_str(&u->fields[FIELD_NAME]), "url",
	    buf_str(&u->fields[FIELD_URL]), "user",
	    buf_str(&u->fields[FIELD_USER]), "priority",
	    (json_int_t)u->priority, "files", files);

	for (size_t i = 0; op && i < u->n_parts; i++) {
		struct part *part = &u->parts[i];
		json_t *number = json_integer(part->upload);

		/* The daemon reads what we wrote; we are done with it. */
		fd_done(&part->fd);
		if (part->kind == PART_FILE) {
			json_array_append_new(files,
			    json_pack("{ss so}", "path", part->name, "upload",
			        number));
			continue;
		}
		if (part->kind == PART_CONFIG)
			json_object_set_new(op, "config_name",
			    json_string(*part->name ? part->name
			                            : "project_config.yaml"));
		json_object_set_new(op,
		    part->kind == PART_CONFIG ? "config" : "boot_files",
		    number);
	}
	return op;
}

json_t *upload_op(struct request *rq)
{
	return rq->route->body == BODY_IMPORT ? import_op(rq) : submit_op(rq);
}

void upload_handed_over(struct upload *u)
{
	u->handed_over = true;
}

void upload_free(struct upload *u)
{
	if (!u)
		return;
	if (u->post)
		MHD_destroy_post_processor(u->post);
	parts_drop(u);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		buf_done(&u->fields[i]);
	free(u);
}
