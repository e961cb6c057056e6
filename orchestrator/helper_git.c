/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The child that makes files of a push: a fresh checkout of one commit, the
 * project's build command in it, and the files that its suite names.
 *
 * Reads one JSON object on stdin, writes one on stdout: a manifest as of
 * helper_bundle.c, or an error with the step that failed and the end of what
 * its command printed. It has no secrets, and one scratch folder.
 *
 * Two processes: the one that the daemon knows only waits. If it is killed,
 * the other is told so, and ends whatever the build has started.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/fs.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/helper.h"
#include "orchestrator/helper_source.h"

enum {
	FETCH_MS = 600000, /* for all of git */
	LOG_KEEP = 64 << 10,
	LINE_MAX_BYTES = 1 << 20,
	OUTPUT_MAX = 64 << 20, /* of a command */
	LAST_LINES = 2,        /* of the log, in a message */
	LINE_SHOWN = 140,
	ROUNDS_MAX = 1000
};

struct git {
	struct loop *loop;
	struct child *child; /* NULL: no command runs */
	const char *step;    /* for people, and the daemon */
	const char *repository;
	const char *commit;
	const char *ref;
	const char *suite;
	const char *command; /* NULL: nothing is built */
	int64_t build_ms;
	int64_t fetch_until_ms;
	char *src; /* the checkout */
	char *home;
	char *env[16];
	size_t n_env;
	struct buf log; /* the end of what commands printed */
	size_t printed; /* by the one that runs */
	int r;          /* how it ended */
	struct err err;
};

/* ---- what commands leave behind ------------------------------------------ */

/* The parent of a process; 0 if it is gone. */
static int64_t parent_of(const char *pid)
{
	scoped(free) char *path = xasprintf("/proc/%s/stat", pid);
	scoped_val(buf_done) struct buf text = BUF_INIT(0);
	scoped(free) char *word = NULL;
	int64_t parent;
	char *after;

	if (fs_read(path, 4096, &text, NULL) < 0)
		return 0;
	/* A name may have blanks and brackets in it; state, then parent. */
	after = strrchr(buf_str(&text), ')');
	after = after ? strchr(after + 1, ' ') : NULL;
	after = after ? strchr(after + 1, ' ') : NULL;
	if (!after)
		return 0;
	word = xstrndup(after + 1, strcspn(after + 1, " "));
	return str_to_i64(word, 0, INT64_MAX, &parent, NULL) < 0 ? 0 : parent;
}

static bool kill_children(void)
{
	DIR *dir = opendir("/proc");
	const struct dirent *e;
	bool some = false;
	int64_t pid;

	while (dir && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]) ||
		    parent_of(e->d_name) != getpid() ||
		    str_to_i64(e->d_name, 2, INT32_MAX, &pid, NULL) < 0)
			continue;
		some = true;
		(void)kill((pid_t)pid, SIGKILL);
		/* Only our child has the number until this. */
		(void)waitpid((pid_t)pid, NULL, 0);
	}
	if (dir)
		(void)closedir(dir);
	return some;
}

/* Whose parent died becomes our child: one generation a round. */
static void kill_leftovers(void)
{
	for (int i = 0; i < ROUNDS_MAX && kill_children(); i++)
		continue;
}

static void on_term(void *arg)
{
	struct git *g = arg;

	(void)g; /* nobody waits for its answer */
	kill_leftovers();
	_exit(1);
}

/* ---- one command --------------------------------------------------------- */

static void on_line(void *arg, char *line, size_t len)
{
	struct git *g = arg;

	g->printed += len + 1;
	buf_add(&g->log, line, len);
	buf_putc(&g->log, '\n');
	if (g->log.len > (size_t)2 * LOG_KEEP)
		buf_drop(&g->log, g->log.len - LOG_KEEP);
	if (g->printed > OUTPUT_MAX && g->child)
		child_kill(g->child, SIGKILL);
}

static void on_end(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct git *g = arg;

	(void)out;
	(void)len;
	g->child = NULL;
	g->r = r;
	if (r < 0)
		(void)err_copy(&g->err, err);
	if (g->printed > OUTPUT_MAX)
		g->r = err_set(&g->err, ERR_LIMIT,
		    "printed over %d MiB, and was ended", OUTPUT_MAX >> 20);
	loop_stop(g->loop);
}

/* Runs it to its end, and what it left behind. */
static int run(struct git *g, const char *const *argv, const char *cwd,
    int64_t deadline_ms, struct err *err)
{
	struct child_options opts = {
	    .argv = argv,
	    .env = (const char *const *)g->env,
	    .cwd = cwd,
	    .output_max = LINE_MAX_BYTES,
	    .deadline_ms = deadline_ms,
	    .own_group = true,
	    .on_line = on_line,
	    .on_end = on_end,
	    .arg = g,
	};
	int r;

	g->printed = 0;
	g->r = 0;
	r = child_start(g->loop, &opts, &g->child, err);
	if (r < 0)
		return r;
	child_eof(g->child);
	while (g->child)
		loop_run(g->loop);
	kill_leftovers();
	return g->r < 0 ? err_copy(err, &g->err) : 0;
}

/* ---- the checkout -------------------------------------------------------- */

static int git(struct git *g, const char *const *words, struct err *err)
{
	static const char *const first[] = {"git", "-c",
	    "core.hooksPath=", "-c", "protocol.ext.allow=never", "-c",
	    "advice.detachedHead=false", "-c", "gc.auto=0"};
	const char *argv[ARRAY_LEN(first) + 12] = {NULL};
	size_t n = 0;

	for (; n < ARRAY_LEN(first); n++)
		argv[n] = first[n];
	for (; *words && n + 1 < ARRAY_LEN(argv); words++)
		argv[n++] = *words;
	return run(g, argv, g->src, g->fetch_until_ms, err);
}

/*
 * Only that commit; or, where the server does not give it, all of the ref. Who
 * does not even list what it has cannot be reached: that may pass.
 */
static int fetch(struct git *g, struct err *err)
{
	const char *const list[] = {
	    "ls-remote", "-q", "--heads", "--", g->repository, NULL};
	int r;

	const char *const one[] = {"fetch", "-q", "--depth=1", "--no-tags",
	    "--no-recurse-submodules", "--", g->repository, g->commit, NULL};
	const char *const all[] = {"fetch", "-q", "--no-tags",
	    "--no-recurse-submodules", "--", g->repository, g->ref, NULL};

	if (git(g, one, NULL) == 0)
		return 0;
	r = git(g, all, err);
	if (r == 0 || git(g, list, NULL) == 0)
		return r;
	return -(err->kind = ERR_UNREACH);
}

static int checkout(struct git *g, struct err *err)
{
	const char *const init[] = {"init", "-q", "--template=", NULL};
	const char *const co[] = {
	    "checkout", "-q", "--detach", g->commit, "--", NULL};
	int r = git(g, init, err);

	if (r == 0)
		r = fetch(g, err);
	if (r == 0)
		r = git(g, co, err);
	return r;
}

/* ---- the build ----------------------------------------------------------- */

static size_t line_len(const struct buf *log, const char *line)
{
	const char *end = buf_str(log) + log->len;
	const char *nl = memchr(line, '\n', (size_t)(end - line));

	return (size_t)((nl ? nl : end) - line);
}

static void add_line(const struct buf *log, const char *line, struct buf *to)
{
	size_t len = line_len(log, line);

	buf_printf(
	    to, ": %.*s", (int)(len < LINE_SHOWN ? len : LINE_SHOWN), line);
}

/* The first line that speaks of an error; NULL if none does. */
static const char *error_line(const struct buf *log)
{
	const char *line = strcasestr(buf_str(log), "error");

	while (line && line > log->data && line[-1] != '\n')
		line--;
	return line;
}

/* What is worth reading of a log: where it began, and how it ended. */
static void gist(const struct buf *log, struct buf *to)
{
	const char *text = buf_str(log);
	const char *end = text + log->len;
	const char *last[LAST_LINES];
	const char *error = error_line(log);
	int n = 0;

	while (end > text && n < LAST_LINES) {
		const char *nl = memrchr(text, '\n', (size_t)(end - text));
		const char *line = nl ? nl + 1 : text;

		if (strspn(line, " \t\r") < (size_t)(end - line))
			last[n++] = line;
		end = nl ? nl : text;
	}
	if (error && n && error < last[n - 1])
		add_line(log, error, to);
	while (n-- > 0)
		add_line(log, last[n], to);
}

static int build(struct git *g, struct err *err)
{
	const char *const argv[] = {"/bin/sh", "-c",
	    "exec /bin/sh -c \"$1\" 2>&1", "sh", g->command, NULL};
	scoped_val(buf_done) struct buf words = BUF_INIT(4096);
	int r;

	g->log.len = 0;
	r = run(g, argv, g->src, loop_now_ms(g->loop) + g->build_ms, err);
	if (r == 0)
		return 0;
	gist(&g->log, &words);
	if (r == -ERR_IO && err->code)
		return err_set(
		    err, ERR_IO, "exit code %d%s", err->code, buf_str(&words));
	if (r == -ERR_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "over %lld s%s",
		    (long long)g->build_ms / 1000, buf_str(&words));
	return r;
}

/* ---- the whole ----------------------------------------------------------- */

static void limit(__rlimit_resource_t what, rlim_t value)
{
	struct rlimit l = {value, value};

	/* A limit that is lower already is as good. */
	(void)setrlimit(what, &l);
}

static void add_env(struct git *g, char *text)
{
	/* The last one stays NULL. */
	if (g->n_env + 1 < ARRAY_LEN(g->env))
		g->env[g->n_env++] = text;
}

/* All that git and the build know of the world. */
static void set_env(struct git *g)
{
	const char *path = getenv("PATH");

	add_env(g,
	    xasprintf("PATH=%s",
	        path && *path ? path : "/usr/local/bin:/usr/bin:/bin"));
	add_env(g, xasprintf("HOME=%s", g->home));
	add_env(g, xasprintf("TMPDIR=%s", g->home));
	add_env(g, xstrdup("LANG=C.UTF-8"));
	add_env(g, xstrdup("GIT_TERMINAL_PROMPT=0"));
	add_env(g, xstrdup("GIT_CONFIG_NOSYSTEM=1"));
	add_env(g, xstrdup("GIT_CONFIG_GLOBAL=/dev/null"));
	add_env(g, xstrdup("GIT_ALLOW_PROTOCOL=file:git:http:https:ssh"));
	add_env(g, xstrdup("GIT_SSH_COMMAND=ssh -oBatchMode=yes"));
	add_env(g, xasprintf("IRONBENCH_COMMIT=%s", g->commit));
	add_env(g, xasprintf("IRONBENCH_REF=%s", g->ref));
}

static int fill(
    struct git *g, struct bundle *b, struct buf *suite, struct err *err)
{
	int r = fs_mkdirs(g->src, 0700, err);

	if (r == 0)
		r = fs_mkdirs(g->home, 0700, err);
	if (r == 0)
		r = checkout(g, err);
	if (r < 0)
		return r;
	if (g->command) {
		g->step = "build";
		r = build(g, err);
		if (r < 0)
			return r;
	}
	/* From here on it is files of theirs that we read ourselves. */
	helper_limits();
	g->step = "files";
	return bundle_from_folder(b, g->src, g->suite, suite, err);
}

/* What programs print need not be UTF-8. */
static json_t *log_json(struct buf *log)
{
	size_t at = 0;

	while (at < log->len) {
		at += str_utf8_span(log->data + at, log->len - at);
		if (at < log->len)
			log->data[at++] = '?';
	}
	for (at = 0; at < log->len; at++)
		if (log->data[at] == '\0')
			log->data[at] = '?';
	return json_stringn(buf_str(log), log->len);
}

static void answer(struct git *g, const char *scratch)
{
	scoped_val(buf_done) struct buf suite = BUF_INIT(SOURCE_CONFIG_MAX);
	struct bundle b = {
	    .scratch = scratch, .files = json_array(), .ignored = json_array()};
	struct err err = ERR_INIT;
	int r = fill(g, &b, &suite, &err);

	/* The daemon removes the rest, on its loop: leave it little. */
	(void)fs_remove_tree(g->src, NULL);
	(void)fs_remove_tree(g->home, NULL);
	if (r < 0)
		helper_print(json_pack("{s:s s:s s:s s:o}", "error", err.msg,
		    "kind", err_name(r), "step", g->step, "log",
		    log_json(&g->log)));
	else
		helper_print(json_pack("{s:s# s:O s:O}", "suite",
		    buf_str(&suite), (int)suite.len, "files", b.files,
		    "ignored", b.ignored));
	bundle_done(&b);
}

/* A folder of this computer is meant from here, not from the checkout. */
static char *repository_of(const char *text)
{
	char *path = text && text[strcspn(text, "/:")] != ':'
	    ? realpath(text, NULL)
	    : NULL;

	return path ? path : xstrdup(text);
}

static int work(void)
{
	struct git g = {.log = BUF_INIT(4 << 20), .step = "checkout"};
	json_error_t je;
	json_t *q = json_loadf(stdin, 0, &je);
	const char *scratch = json_string_value(json_object_get(q, "scratch"));
	scoped(free) char *repository =
	    repository_of(json_string_value(json_object_get(q, "repository")));
	const char *command = json_string_value(json_object_get(q, "command"));

	g.repository = repository;
	g.commit = json_string_value(json_object_get(q, "commit"));
	g.ref = json_string_value(json_object_get(q, "ref"));
	g.suite = json_string_value(json_object_get(q, "suite"));
	g.command = command && *command ? command : NULL;
	g.build_ms = json_integer_value(json_object_get(q, "build_ms"));
	if (!scratch || !repository || !g.commit || !g.ref || !g.suite) {
		helper_print(json_pack("{s:s s:s s:s}", "error",
		    "helper git: bad request", "kind", "PROTO", "step",
		    "checkout"));
		json_decref(q);
		return 0;
	}
	g.loop = loop_new();
	g.fetch_until_ms = loop_now_ms(g.loop) + FETCH_MS;
	loop_signals(g.loop, on_term, NULL, &g);
	g.src = xasprintf("%s/src", scratch);
	g.home = xasprintf("%s/home", scratch);
	set_env(&g);
	answer(&g, scratch);
	for (size_t i = 0; i < g.n_env; i++)
		free(g.env[i]);
	free(g.src);
	free(g.home);
	buf_done(&g.log);
	loop_free(g.loop);
	json_decref(q);
	return 0;
}

int helper_git_main(void)
{
	pid_t worker;
	int status = 0;

	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, 86400);
	limit(RLIMIT_FSIZE, 8LL << 30);
	/* Whoever cannot be asked for this goes on without it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	worker = fork();
	if (worker < 0)
		return 1;
	if (worker == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		(void)prctl(PR_SET_CHILD_SUBREAPER, 1);
		return work();
	}
	while (waitpid(worker, &status, 0) < 0 && errno == EINTR)
		continue;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
