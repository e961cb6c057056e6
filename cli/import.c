/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Importing results of other programs. The server reads them; here only the
 * beginning is looked at, so that a file of no known format is not sent.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "bench/bench.h"
#include "cli/api.h"

#define PARTS_MAX 8
#define SEND_MS (10 * 60 * 1000)

static const struct column columns[] = {
    {"import", "import", COLUMN_RIGHT, COLUMN_ALL},
    {"file", "file", COLUMN_LEFT, COLUMN_ALL},
    {"format", "format", COLUMN_LEFT, COLUMN_ALL},
    {"samples", "samples", COLUMN_RIGHT, COLUMN_ALL},
    {"ratios", "ratios", COLUMN_RIGHT, COLUMN_ALL},
    {"cases", "cases", COLUMN_RIGHT, COLUMN_ALL},
    {"verdict", "verdict", COLUMN_LEFT, COLUMN_ALL},
    {"again", "", COLUMN_LEFT, COLUMN_CSV},
};

/* ---- the file ----------------------------------------------------------- */

static int read_head(const char *path, int fd, struct buf *ret, struct err *err)
{
	char *room;
	ssize_t n = 0;

	while (ret->len < IMPORT_HEAD_MAX &&
	    (room = buf_room(ret, IMPORT_HEAD_MAX)) &&
	    (n = read(fd, room, IMPORT_HEAD_MAX)) > 0)
		buf_added(ret, (size_t)n);
	return n < 0 ? err_errno(err, errno, "%s", path) : 0;
}

/* Of a short file all is looked at; of a longer one its beginning. */
static int check_file(const char *path, const char *format, struct err *err)
{
	static const struct import_ops none;
	scoped_val(buf_done) struct buf head = BUF_INIT(4 * IMPORT_HEAD_MAX);
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	scoped(import_free) struct import *im = NULL;
	struct stat st;
	int r;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_INVAL, "%s: not a regular file", path);
	r = read_head(path, fd, &head, err);
	if (r < 0)
		return r;
	im = import_new(path, &none, NULL);
	if (format)
		r = import_force(im, format, err);
	if (r == 0)
		r = import_feed(im, buf_str(&head), head.len, err);
	if (r == 0 && st.st_size <= (off_t)head.len)
		r = import_end(im, err);
	return r;
}

/* ---- sending ------------------------------------------------------------ */

static void add_field(
    struct http_part *parts, size_t *n, const char *name, const char *value)
{
	if (value)
		parts[(*n)++] = (struct http_part){
		    .name = name, .data = value, .len = strlen(value)};
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* What is wrong with a file is said as of any local file. */
static int refused(struct cli *cli, const char *path, const struct err *err)
{
	scoped(free) char *what = NULL;

	if (err->kind == ERR_INVAL || err->kind == ERR_CONFLICT ||
	    err->kind == ERR_LIMIT)
		return str_starts(err->msg, path)
		    ? cli_bad(cli, "%s", err->msg)
		    : cli_bad(cli, "%s: %s", path, err->msg);
	what = xasprintf("import %s", path);
	return cli_refused(cli, what, NULL, err);
}

static int send_file(struct cli *cli, const char *path, json_t **ret)
{
	scoped_val(http_answer_done) struct http_answer a = HTTP_ANSWER_INIT;
	struct http_part parts[PARTS_MAX];
	size_t n = 0;
	struct http_request req = {
	    .method = "POST",
	    .path = "/api/v1/imports",
	    .parts = parts,
	    .timeout_ms = SEND_MS,
	};
	struct err err = ERR_INIT;
	int r;

	add_field(parts, &n, "name", path);
	add_field(parts, &n, "machine", cli->opts.value[OPT_MACHINE]);
	add_field(parts, &n, "variant", cli->opts.value[OPT_VARIANT]);
	add_field(parts, &n, "guest", cli->opts.value[OPT_GUEST]);
	add_field(parts, &n, "controller", cli->opts.value[OPT_CONTROLLER]);
	add_field(parts, &n, "format", cli->opts.value[OPT_AS]);
	parts[n++] = (struct http_part){
	    .name = "file", .filename = base_name(path), .path = path};
	req.n_parts = n;
	r = http_do(cli->http, &req, &a, &err);
	if (r == 0)
		r = http_object(&a.body, ret, &err);
	return r < 0 ? refused(cli, path, &err) : CLI_OK;
}

/* ---- the answer --------------------------------------------------------- */

static void add_row(struct table *t, const char *path, const json_t *answer)
{
	table_number(t, api_int(answer, "import"));
	table_text(t, path);
	table_text(t, api_text(answer, "format"));
	table_number(t, api_int(answer, "samples"));
	table_number(t, api_int(answer, "ratios"));
	table_number(t, api_int(answer, "cases"));
	table_text(t, api_text(answer, "verdict"));
	table_text(t, api_true(answer, "again") ? "true" : "false");
}

static void print_notes(struct cli *cli, const char *path, const json_t *answer)
{
	const json_t *s;
	size_t i;

	if (api_true(answer, "again"))
		cli_note(cli, "%s: imported before, nothing is doubled", path);
	json_array_foreach(api_list(answer, "machines_made"), i, s)
	{
		if (json_is_string(s))
			cli_note(cli,
			    "%s: machine %s was not known: made, without "
			    "hardware",
			    path, json_string_value(s));
	}
	json_array_foreach(api_list(answer, "warnings"), i, s)
	{
		if (json_is_string(s))
			cli_note(cli, "%s: %s", path, json_string_value(s));
	}
}

int cmd_import(struct cli *cli)
{
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	scoped(json_decref) json_t *all = json_array();
	struct err err = ERR_INIT;
	int code = CLI_OK;

	for (size_t i = 1; i < cli->opts.n_args; i++)
		if (check_file(
		        cli->opts.args[i], cli->opts.value[OPT_AS], &err) < 0)
			return cli_bad(cli, "%s", err.msg);
	for (size_t i = 1; code == CLI_OK && i < cli->opts.n_args; i++) {
		json_t *answer = NULL;

		code = send_file(cli, cli->opts.args[i], &answer);
		if (code != CLI_OK)
			break;
		print_notes(cli, cli->opts.args[i], answer);
		add_row(t, cli->opts.args[i], answer);
		(void)json_array_append_new(all, answer);
	}
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, all);
	else if (table_rows(t))
		table_print(t, &cli->out, cli->format);
	return code;
}
