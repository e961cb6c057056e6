/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The projects section of the lab file. */
#include "orchestrator/project.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/str.h"
#include "orchestrator/lab.h"

enum {
	SECRET_MAX = 4096,
	PRIORITY_MAX = 1000,
	TIMEOUT_S = 3600,
	TIMEOUT_MAX_S = 86400
};

static const char *const project_keys[] = {
    "name", "repository", "secret_file", "branches", "files", "token_file"};
static const char *const branch_keys[] = {"suite", "priority"};
static const char *const files_keys[] = {"build", "repository"};
static const char *const build_keys[] = {"command", "on", "timeout"};

void project_done(struct lab_project *p)
{
	free(p->name);
	free(p->repository);
	if (p->secret)
		explicit_bzero(p->secret, strlen(p->secret));
	free(p->secret);
	free(p->branches);
	*p = (struct lab_project){0};
}

/* ---- the secret ---------------------------------------------------------- */

static void wipe(struct buf *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	buf_done(b);
}

static int check_mode(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return err_errno(err, errno, "%s", path);
	if (st.st_mode & 077)
		return err_set(err, ERR_DENIED,
		    "%s: mode %04o; others must not be able to read a secret: "
		    "0600",
		    path, st.st_mode & 07777U);
	return 0;
}

static int read_secret(const char *path, char **ret, struct err *err)
{
	scoped_val(wipe) struct buf text = BUF_INIT(0);
	int r = check_mode(path, err);

	if (r == 0)
		r = fs_read(path, SECRET_MAX, &text, err);
	if (r < 0)
		return r;
	/* What an editor ends a line with is no part of it. */
	while (text.len && strchr("\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (text.len == 0 || strlen(text.data) != text.len)
		return err_set(err, ERR_INVAL, "%s: not a secret: %s", path,
		    text.len ? "it has a zero byte" : "it is empty");
	*ret = xstrdup(text.data);
	return 0;
}

static int parse_secret(const struct conf_node *node, const char *dir,
    struct lab_project *p, struct err *err)
{
	struct err why = ERR_INIT;
	scoped(free) char *path = NULL;
	const char *text = NULL;
	int r = conf_str(node, "secret_file", CONF_OPTIONAL, &text, err);

	if (r < 0 || !text)
		return r;
	path = text[0] == '/' ? xstrdup(text) : xasprintf("%s/%s", dir, text);
	if (read_secret(path, &p->secret, &why) == 0)
		return 0;
	return conf_error(
	    conf_get(node, "secret_file"), err, "secret_file: %s", why.msg);
}

/* ---- where it is --------------------------------------------------------- */

/* "https://..." and "host:path" are for git; all else is a path of ours. */
static bool is_remote(const char *text)
{
	size_t n = strcspn(text, "/:");

	return text[n] == ':';
}

static int parse_repository(const struct conf_node *node, const char *dir,
    struct lab_project *p, struct err *err)
{
	const char *text = NULL;
	int r = conf_str(node, "repository", CONF_OPTIONAL, &text, err);

	if (r < 0 || !text)
		return r;
	/* An option, or a transport that is a command: "ext::sh -c ...". */
	if (text[0] == '-' || text[0] == '\0' || strstr(text, "::"))
		return conf_error(conf_get(node, "repository"), err,
		    "repository: '%.100s'; allowed is a URL or a path", text);
	if (is_remote(text) || text[0] == '/')
		p->repository = xstrdup(text);
	else
		p->repository = xasprintf("%s/%s", dir, text);
	return 0;
}

/* ---- what a push starts -------------------------------------------------- */

static int parse_branch(const struct conf_node *map, size_t i,
    struct lab_branch *b, struct err *err)
{
	const struct conf_node *node = conf_at(map, i);
	int64_t priority = 0;
	int r = conf_only(
	    node, "a branch", branch_keys, ARRAY_LEN(branch_keys), err);

	b->pattern = conf_key(map, i);
	if (r == 0)
		r = conf_str(node, "suite", CONF_REQUIRED, &b->suite, err);
	if (r == 0 && !fs_path_is_safe(b->suite))
		r = conf_error(conf_get(node, "suite"), err,
		    "suite: '%.100s'; allowed is a relative path inside the "
		    "repository",
		    b->suite);
	if (r == 0)
		r = conf_int(node, "priority", CONF_OPTIONAL, -PRIORITY_MAX,
		    PRIORITY_MAX, &priority, err);
	b->priority = (int)priority;
	return r;
}

static int parse_branches(
    const struct conf_node *node, struct lab_project *p, struct err *err)
{
	const struct conf_node *map = NULL;
	int r = conf_map(node, "branches", CONF_OPTIONAL, &map, err);

	if (r < 0 || !map)
		return r;
	if (!p->repository || !p->secret)
		return conf_error(map, err,
		    "branches: nothing can start them; repository and "
		    "secret_file are needed");
	p->branches = xcalloc(conf_len(map), sizeof(*p->branches));
	for (; r == 0 && p->n_branches < conf_len(map); p->n_branches++)
		r = parse_branch(
		    map, p->n_branches, &p->branches[p->n_branches], err);
	return r;
}

/* ---- where its files come from ------------------------------------------- */

static int parse_build(
    const struct conf_node *build, struct lab_project *p, struct err *err)
{
	static const char *const places[] = {"daemon"};
	int64_t timeout_s = TIMEOUT_S;
	int place = 0;
	int r = conf_only(
	    build, "files: build", build_keys, ARRAY_LEN(build_keys), err);

	if (r == 0)
		r = conf_str(build, "command", CONF_REQUIRED, &p->build, err);
	if (r == 0)
		r = conf_enum(build, "on", CONF_OPTIONAL, places,
		    ARRAY_LEN(places), &place, err);
	if (r == 0)
		r = conf_int(build, "timeout", CONF_OPTIONAL, 1, TIMEOUT_MAX_S,
		    &timeout_s, err);
	p->build_timeout_ms = timeout_s * 1000;
	return r;
}

static int parse_files(
    const struct conf_node *node, struct lab_project *p, struct err *err)
{
	const struct conf_node *files = NULL;
	const struct conf_node *build = NULL;
	const struct conf_node *plain = NULL;
	int r = conf_map(node, "files", CONF_OPTIONAL, &files, err);

	if (r < 0 || !files)
		return r;
	r = conf_only(files, "files", files_keys, ARRAY_LEN(files_keys), err);
	if (r == 0)
		r = conf_map(files, "build", CONF_OPTIONAL, &build, err);
	if (r == 0)
		r = conf_map(files, "repository", CONF_OPTIONAL, &plain, err);
	if (r == 0 && plain)
		r = conf_only(plain, "files: repository", NULL, 0, err);
	if (r == 0 && !build == !plain)
		r = conf_error(files, err,
		    "files: %s; allowed is one of build and repository",
		    build ? "both are there" : "none is there");
	return r == 0 && build ? parse_build(build, p, err) : r;
}

int project_parse(const struct conf_node *node, const char *dir,
    struct lab_project *p, struct err *err)
{
	const char *text = NULL;
	int r = conf_only(
	    node, "a project", project_keys, ARRAY_LEN(project_keys), err);

	if (r == 0)
		r = parse_repository(node, dir, p, err);
	if (r == 0)
		r = parse_secret(node, dir, p, err);
	if (r == 0)
		r = conf_str(node, "token_file", CONF_OPTIONAL, &text, err);
	if (r == 0)
		r = parse_branches(node, p, err);
	if (r == 0)
		r = parse_files(node, p, err);
	return r;
}

/* ---- looking up ---------------------------------------------------------- */

const struct lab_project *project_find(const struct lab *lab, const char *name)
{
	for (size_t i = 0; i < lab->n_projects; i++)
		if (str_eq(lab->projects[i].name, name))
			return &lab->projects[i];
	return NULL;
}

const struct lab_branch *project_branch(
    const struct lab_project *p, const char *branch)
{
	for (size_t i = 0; i < p->n_branches; i++)
		if (str_glob(p->branches[i].pattern, branch))
			return &p->branches[i];
	return NULL;
}
