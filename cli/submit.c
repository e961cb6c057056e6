/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Submitting a suite: read and checked here first, because an error with a line
 * number at once is worth more than one from the server after an upload.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/fs.h"
#include "base/str.h"
#include "bench/bench.h"
#include "cli/api.h"

#define MISSING_BYTES (128 << 10)
#define FIXED_PARTS 6 /* config, boot_files and the four fields */

/* What is sent; paths are owned, all else is borrowed. */
struct form {
	struct http_part *parts;
	size_t n;
	char **paths;
	size_t n_paths;
	int64_t bytes;
};

static void form_free(struct form *f)
{
	for (size_t i = 0; i < f->n_paths; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->parts);
	free(f);
}
SCOPED_DEFINE(struct form, form_free);
SCOPED_DEFINE(char *, suite_files_free);

static struct form *form_new(size_t n_files)
{
	struct form *f = xcalloc(1, sizeof(*f));

	f->parts = xcalloc(n_files + FIXED_PARTS, sizeof(*f->parts));
	f->paths = xcalloc(n_files + 1, sizeof(*f->paths));
	return f;
}

static void add_field(struct form *f, const char *name, const char *value)
{
	if (!value)
		return;
	f->parts[f->n++] = (struct http_part){
	    .name = name,
	    .data = value,
	    .len = strlen(value),
	};
}

/* Takes ownership of the path. */
static void add_file(
    struct form *f, const char *part, const char *filename, char *path)
{
	f->paths[f->n_paths++] = path;
	f->parts[f->n++] = (struct http_part){
	    .name = part,
	    .filename = filename,
	    .path = path,
	};
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* NULL if the path is a file that we can read, else why not. */
static const char *check_file(const char *path, int64_t *ret_size)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return "missing";
	if (!S_ISREG(st.st_mode))
		return "not a file";
	if (access(path, R_OK) < 0)
		return "not readable";
	*ret_size = st.st_size;
	return NULL;
}

static int add_zip(struct cli *cli, struct form *f, const char *zip)
{
	int64_t size = 0;
	const char *bad = check_file(zip, &size);

	if (bad)
		return cli_bad(cli, "--boot-files: %s: %s", zip, bad);
	f->bytes += size;
	add_file(f, "boot_files", base_name(zip), xstrdup(zip));
	return CLI_OK;
}

/* The folder of a path, "." for a bare name. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return xstrdup(".");
	return xstrndup(path, slash == path ? 1 : (size_t)(slash - path));
}

/* All files that the suite names; what is wrong is said of all at once. */
static int add_files(
    struct cli *cli, struct form *f, const char *suite, char *const *files)
{
	const char *given = cli->opts.value[OPT_FILES];
	scoped(free) char *dir = given ? xstrdup(given) : folder_of(suite);
	scoped_val(buf_done) struct buf bad = BUF_INIT(MISSING_BYTES);
	size_t n_bad = 0;

	for (size_t i = 0; files[i]; i++) {
		scoped(free) char *path = xasprintf("%s/%s", dir, files[i]);
		int64_t size = 0;
		const char *why = check_file(path, &size);

		if (why)
			buf_printf(&bad, "%s%s%s%s", n_bad++ ? ", " : "",
			    files[i], str_eq(why, "missing") ? "" : " ",
			    str_eq(why, "missing") ? "" : why);
		else
			add_file(f, "file", files[i], take(path));
		f->bytes += size;
	}
	if (n_bad)
		return cli_bad(cli,
		    "%s: %zu file%s missing in %s: %s%s (--files DIR names "
		    "the folder)",
		    suite, n_bad, n_bad == 1 ? " is" : "s are", dir,
		    buf_str(&bad), bad.failed ? ", ..." : "");
	return CLI_OK;
}

static int check_options(struct cli *cli)
{
	const char *priority = cli->opts.value[OPT_PRIORITY];
	struct err err = ERR_INIT;
	int64_t v;

	if (options_has(&cli->opts, OPT_FILES) &&
	    options_has(&cli->opts, OPT_BOOT_FILES))
		return cli_bad(cli,
		    "submit: --files and --boot-files exclude "
		    "each other (leave one out)");
	if (priority && str_to_i64(priority, -1000, 1000, &v, &err) < 0)
		return cli_bad(cli, "--priority: %s", err.msg);
	return CLI_OK;
}

static void add_fields(const struct cli *cli, struct form *f)
{
	const char *user = cli->opts.value[OPT_USER];

	add_field(f, "name", cli->opts.value[OPT_NAME]);
	add_field(f, "url", cli->opts.value[OPT_URL]);
	add_field(f, "user", user ? user : getenv("USER"));
	add_field(f, "priority", cli->opts.value[OPT_PRIORITY]);
}

static int send_form(struct cli *cli, const struct form *f, json_t **ret)
{
	scoped_val(http_answer_done) struct http_answer a = HTTP_ANSWER_INIT;
	scoped(free) char *what = xasprintf("submit %s", cli->opts.args[1]);
	struct http_request req = {
	    .method = "POST",
	    .path = "/api/v1/runs",
	    .parts = f->parts,
	    .n_parts = f->n,
	};
	struct err err = ERR_INIT;
	int r = http_do(cli->http, &req, &a, &err);

	if (r == 0)
		r = http_object(&a.body, ret, &err);
	if (r == -ERR_IO && !a.status)
		return cli_bad(cli, "%s: %s", what, err.msg);
	return r < 0 ? cli_refused(cli, what, NULL, &err) : CLI_OK;
}

static void report(struct cli *cli, const struct form *f, const json_t *answer)
{
	static const struct column column = {
	    "id", "RUN", COLUMN_LEFT, COLUMN_ALL};
	int64_t run = api_int(answer, "id");
	scoped(table_free) struct table *t = table_new(&column, 1);
	scoped(free) char *id = xasprintf("%" PRId64, run);
	scoped_val(buf_done) struct buf size = BUF_INIT(64);
	const json_t *warning;
	size_t i;

	json_array_foreach(api_list(answer, "warnings"), i, warning)
	{
		cli_note(cli, "%s",
		    json_string_value(warning) ? json_string_value(warning)
		                               : "");
	}
	text_size(&size, f->bytes);
	table_number(t, run);
	if (cli->format == FORMAT_JSON)
		print_json(&cli->out, answer);
	else if (cli->format == FORMAT_CSV)
		table_print(t, &cli->out, FORMAT_CSV);
	else
		term_line(&cli->out, id);
	(void)fflush(cli->out.file); /* looked at in cli_main() */
	if (!options_has(&cli->opts, OPT_WATCH))
		cli_note(cli,
		    "%zu file%s, %s sent; follow it with \"ironbench watch "
		    "%" PRId64 "\"",
		    f->n_paths, f->n_paths == 1 ? "" : "s", buf_str(&size),
		    run);
}

/* Reads and checks the suite; what has no effect is told. */
static int read_suite(
    struct cli *cli, const char *path, struct buf *ret_text, struct suite **ret)
{
	struct err err = ERR_INIT;

	if (fs_read(path, CONF_MAX_BYTES, ret_text, &err) < 0 ||
	    suite_parse(path, buf_str(ret_text), ret_text->len, ret, &err) < 0)
		return cli_bad(cli, "%s", err.msg);
	return CLI_OK;
}

static int fill(struct cli *cli, struct form *f, const char *path,
    const struct buf *text, char *const *files)
{
	const char *zip = cli->opts.value[OPT_BOOT_FILES];

	f->bytes = (int64_t)text->len;
	f->parts[f->n++] = (struct http_part){
	    .name = "config",
	    .filename = base_name(path),
	    .data = buf_str(text),
	    .len = text->len,
	};
	add_fields(cli, f);
	return zip ? add_zip(cli, f, zip) : add_files(cli, f, path, files);
}

int cmd_submit(struct cli *cli)
{
	const char *path = cli->opts.args[1];
	scoped_val(buf_done) struct buf text = BUF_INIT(CONF_MAX_BYTES);
	scoped(suite_free) struct suite *suite = NULL;
	scoped(suite_files_free) char **files = NULL;
	scoped(form_free) struct form *f = NULL;
	scoped(json_decref) json_t *answer = NULL;
	size_t n = 0;
	int code = check_options(cli);

	if (code == CLI_OK)
		code = read_suite(cli, path, &text, &suite);
	if (code != CLI_OK)
		return code;
	files = suite_files(suite);
	while (files[n])
		n++;
	f = form_new(n);
	code = fill(cli, f, path, &text, files);
	if (code == CLI_OK)
		code = send_form(cli, f, &answer);
	if (code != CLI_OK)
		return code;
	report(cli, f, answer);
	if (options_has(&cli->opts, OPT_WATCH))
		return watch_run(cli, api_int(answer, "id"), &cli->errs);
	return CLI_OK;
}
