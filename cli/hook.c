/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What git's post-receive hook calls: a push becomes webhooks of GitHub's
 * shape, one a branch. The push has happened already, so nothing that fails
 * here may look like its failure, or hold the pusher up for long.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"
#include "cli/api.h"
#include "cli/git.h"

#define INPUT_BYTES (64 << 20)
#define COMMIT_BYTES (64 << 10) /* of its fields and message */
#define SECRET_BYTES 4096
#define PATIENCE_MS 10000 /* with a server that does not answer, in all */
#define RETRY_MS 250      /* twice as long each time, up to */
#define RETRY_MAX_MS 2000
#define SHORT_ID 7

struct hook {
	struct cli *cli;
	struct http *http;
	char *project;
	struct buf secret;
	char *folder;        /* of the repository */
	char *name;          /* of the repository */
	int64_t patience_ms; /* that is left */
	int code;            /* of the first failure */
};

/* One line of git's: what a ref was and is. */
struct update {
	const char *before;
	const char *after;
	const char *ref;
	const char *branch; /* NULL: it is none */
	bool deleted;
};

static void hook_done(struct hook *h)
{
	if (h->secret.data)
		explicit_bzero(h->secret.data, h->secret.len);
	buf_done(&h->secret);
	http_free(h->http);
	free(h->project);
	free(h->folder);
	free(h->name);
}

static void failed(struct hook *h, int code)
{
	if (h->code == CLI_OK)
		h->code = code;
}

/* ---- settings ----------------------------------------------------------- */

/* The option, or what git's configuration says. Error: NOTFOUND, and git's. */
static int setting(struct hook *h, enum option_id id, const char *key,
    const char *type, char **ret, struct err *err)
{
	const char *words[] = {"config", type, "--get", key, NULL};
	const char *given = h->cli->opts.value[id];
	int r;

	if (given) {
		*ret = xstrdup(given);
		return 0;
	}
	r = git_line(words, ret, err);
	if (r == -ERR_NOTFOUND)
		return err_set(err, ERR_NOTFOUND,
		    "neither --%s nor git's configuration key %s is there",
		    option_row(id)->name, key);
	return r;
}

static bool is_line_end(char c)
{
	return c == '\n' || c == '\r';
}

static int read_secret(struct hook *h, const char *path, struct err *err)
{
	struct stat st;
	struct buf *secret = &h->secret;
	int r;

	if (stat(path, &st) < 0)
		return err_errno(err, errno, "secret file %s", path);
	/* Several users may push into a repository: their group can read. */
	if (st.st_mode & S_IRWXO)
		return err_set(err, ERR_INVAL,
		    "secret file %s: others can read it (chmod o= %s)", path,
		    path);
	r = fs_read(path, SECRET_BYTES, secret, err);
	if (r < 0)
		return r;
	while (secret->len && is_line_end(secret->data[secret->len - 1]))
		secret->len--;
	if (!secret->len)
		return err_set(err, ERR_INVAL, "secret file %s: empty", path);
	return 0;
}

/* The name people know it by: "x" for /srv/x.git and for /home/me/x/.git. */
static char *name_of(const char *folder)
{
	scoped(free) char *path = xstrdup(folder);
	size_t len = strlen(path);
	const char *slash;

	if (str_ends(path, "/.git"))
		len -= strlen("/.git");
	else if (str_ends(path, ".git"))
		len -= strlen(".git");
	path[len] = '\0';
	slash = strrchr(path, '/');
	return xstrdup(slash ? slash + 1 : path);
}

static int open_server(struct hook *h, struct err *err)
{
	scoped(settings_free) struct settings *s = NULL;
	scoped(free) char *server = NULL;
	struct options *o = &h->cli->opts;
	int r = setting(
	    h, OPT_SERVER, "ironbench.server", "--no-type", &server, err);

	if (r < 0 && r != -ERR_NOTFOUND)
		return r;
	if (server)
		o->value[OPT_SERVER] = server;
	r = settings_read(o, SETTINGS_NO_TOKEN, &s, err);
	o->value[OPT_SERVER] = NULL; /* server ends here */
	return r < 0 ? r : http_new(take(s), &h->http, err);
}

static int hook_open(struct hook *h, struct err *err)
{
	static const char *const where[] = {
	    "rev-parse", "--absolute-git-dir", NULL};
	scoped(free) char *path = NULL;
	int r = git_line(where, &h->folder, err);

	if (r == 0)
		r = setting(h, OPT_PROJECT, "ironbench.project", "--no-type",
		    &h->project, err);
	if (r == 0)
		r = setting(h, OPT_SECRET_FILE, "ironbench.secretfile",
		    "--type=path", &path, err);
	if (r == 0)
		r = read_secret(h, path, err);
	if (r == 0)
		r = open_server(h, err);
	if (r < 0)
		return r;
	h->name = name_of(h->folder);
	return 0;
}

/* ---- what is sent ------------------------------------------------------- */

/* Text of a commit may be of any encoding: what is not UTF-8 becomes '?'. */
static void make_utf8(char *s)
{
	size_t len = strlen(s);

	while (len) {
		size_t good = str_utf8_span(s, len);

		s += good;
		len -= good;
		if (!len)
			return;
		*s++ = '?';
		len--;
	}
}

/* Cuts the first line off *at. */
static char *next_line(char **at)
{
	char *line = *at;
	char *end = line + strcspn(line, "\n");

	*at = end + (*end != '\0');
	*end = '\0';
	return line;
}

/* head_commit of a push. */
static int commit_of(const char *id, json_t **ret, struct err *err)
{
	const char *words[] = {"log", "-1", "-s", "--no-show-signature",
	    "--no-color", "--encoding=UTF-8", "--format=%H%n%cI%n%an%n%ae%n%B",
	    id, "--", NULL};
	scoped_val(buf_done) struct buf b = BUF_INIT(COMMIT_BYTES);
	scoped(free) char *text = NULL;
	char *lines[4];
	char *at;
	int r = git_ask(words, &b, err);

	if (r < 0)
		return r;
	at = text = buf_take(&b);
	make_utf8(text);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		lines[i] = next_line(&at);
	for (size_t n = strlen(at); n && at[n - 1] == '\n';)
		at[--n] = '\0';
	*ret = json_pack("{s:s s:s s:s s:{s:s s:s}}", "id", lines[0], "message",
	    at, "timestamp", lines[1], "author", "name", lines[2], "email",
	    lines[3]);
	return 0;
}

/* Who pushes, as the ways into a server tell it. */
static const char *pusher(void)
{
	static const char *const names[] = {
	    "REMOTE_USER", "GL_USER", "USER", "LOGNAME"};

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *v = getenv(names[i]);

		if (v && *v && str_is_utf8(v, strlen(v)))
			return v;
	}
	return "unknown";
}

/* The body of the webhook; the caller frees. */
static int body_of(
    const struct hook *h, const struct update *u, char **ret, struct err *err)
{
	scoped(json_decref) json_t *doc = NULL;
	json_t *commit = NULL;
	int r = u->deleted ? 0 : commit_of(u->after, &commit, err);

	if (r < 0)
		return r;
	doc = json_pack("{s:s s:s s:s s:b s:b s:{s:s s:s} s:o s:{s:s}}", "ref",
	    u->ref, "before", u->before, "after", u->after, "deleted",
	    (int)u->deleted, "forced", 0, "repository", "full_name", h->name,
	    "clone_url", h->folder, "head_commit",
	    commit ? commit : json_null(), "pusher", "name", pusher());
	*ret = doc ? json_dumps(doc, JSON_COMPACT) : NULL;
	if (!*ret)
		return err_set(err, ERR_INVAL,
		    "the branch's or the folder's name is not UTF-8");
	return 0;
}

/* ---- sending ------------------------------------------------------------ */

/* A random UUID (RFC 4122, version 4). */
static void uuid_make(char ret[37])
{
	uint8_t b[16];
	char hex[33];

	hash_random(b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	hash_hex(b, sizeof(b), hex);
	(void)snprintf(ret, 37, "%.8s-%.4s-%.4s-%.4s-%s", hex, hex + 8,
	    hex + 12, hex + 16, hex + 20);
}

/*
 * Asks again while the server cannot be reached or has no time. That costs
 * patience, of which all branches of a push have the same.
 */
static int post_patiently(struct hook *h, struct http_request *req,
    struct http_answer *answer, struct err *err)
{
	int wait_ms = RETRY_MS;

	if (h->patience_ms <= 0)
		return err_set(err, ERR_TIMEOUT,
		    "not sent, since the server does not answer");
	for (;;) {
		int64_t began_ms = clock_mono_ms();
		int r;

		req->timeout_ms = h->patience_ms;
		r = http_do(h->http, req, answer, err);
		if (r == 0 || !err_is_temporary(r))
			return r;
		h->patience_ms -= clock_mono_ms() - began_ms;
		if (h->patience_ms <= wait_ms) {
			h->patience_ms = 0;
			return r;
		}
		(void)poll(NULL, 0, wait_ms);
		h->patience_ms -= wait_ms;
		if (wait_ms < RETRY_MAX_MS)
			wait_ms *= 2;
	}
}

static int post(struct hook *h, const char *body, json_t **ret, struct err *err)
{
	scoped_val(http_answer_done) struct http_answer a = HTTP_ANSWER_INIT;
	scoped_val(buf_done) struct buf path = BUF_INIT(8192);
	char delivery[64] = "X-GitHub-Delivery: ";
	char signature[128] = "X-Hub-Signature-256: sha256=";
	const char *const headers[] = {
	    "X-GitHub-Event: push", delivery, signature, NULL};
	struct http_request req = {
	    .method = "POST", .body = body, .headers = headers};
	uint8_t mac[HASH_BYTES];
	int r;

	buf_puts(&path, "/hooks/");
	http_escape(&path, h->project);
	req.path = buf_str(&path);
	/* The same for every attempt: what came twice starts one run. */
	uuid_make(delivery + strlen(delivery));
	hash_hmac(h->secret.data, h->secret.len, body, strlen(body), mac);
	hash_hex(mac, sizeof(mac), signature + strlen(signature));
	r = post_patiently(h, &req, &a, err);
	return r < 0 ? r : http_object(&a.body, ret, err);
}

/* ---- a push ------------------------------------------------------------- */

static void tell(struct hook *h, const char *what, const json_t *answer)
{
	scoped(free) char *line = NULL;
	int64_t run = api_int(answer, "run");
	const char *ignored = api_text(answer, "ignored");

	if (run > 0)
		line = xasprintf("ironbench: run %" PRId64
		                 " for %s %s/runs/%" PRId64,
		    run, what, http_server(h->http), run);
	else
		line = xasprintf("ironbench: no run for %s%s%s", what,
		    *ignored ? ": " : "", ignored);
	term_line(&h->cli->out, line);
	(void)fflush(h->cli->out.file); /* looked at in cli_main() */
}

static void handle(struct hook *h, const struct update *u)
{
	scoped(free) char *what = u->deleted
	    ? xasprintf("%s (deleted)", u->branch)
	    : xasprintf("%s %.*s", u->branch, SHORT_ID, u->after);
	scoped(json_decref) json_t *answer = NULL;
	scoped(free) char *body = NULL;
	struct err err = ERR_INIT;

	if (body_of(h, u, &body, &err) < 0) {
		cli_complain(h->cli, "%s: %s", what, err.msg);
		failed(h, CLI_USAGE);
	} else if (post(h, body, &answer, &err) < 0) {
		cli_complain(h->cli, "%s: %s%s", what, err.msg,
		    err.kind == ERR_DENIED
		        ? " (--project and --secret-file are as in lab.yaml?)"
		        : "");
		failed(h, err.kind == ERR_DENIED ? CLI_DENIED : CLI_SERVER);
	} else {
		tell(h, what, answer);
	}
}

/* Of the id of an object at s, by SHA-1 or SHA-256; 0: there is none. */
static size_t id_length(const char *s)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n == 40 || n == 64 ? n : 0;
}

/* Cuts the line into its three words; a bad one stays whole. */
static bool update_read(char *line, struct update *ret)
{
	static const char heads[] = "refs/heads/";
	size_t n = id_length(line);
	char *after;
	char *ref;

	if (!n || line[n] != ' ')
		return false;
	after = line + n + 1;
	if (id_length(after) != n || after[n] != ' ' || !after[n + 1])
		return false;
	ref = after + n + 1;
	after[-1] = '\0';
	ref[-1] = '\0';
	*ret = (struct update){.before = line, .after = after, .ref = ref};
	if (str_starts(ref, heads))
		ret->branch = ref + strlen(heads);
	ret->deleted = after[strspn(after, "0")] == '\0';
	return true;
}

static void handle_all(struct hook *h, char *input)
{
	while (*input) {
		char *line = next_line(&input);
		struct update u;

		if (!update_read(line, &u)) {
			cli_complain(h->cli,
			    "hook: '%.200s' is not what git gives to a "
			    "post-receive hook",
			    line);
			failed(h, CLI_USAGE);
		} else if (u.branch) {
			handle(h, &u);
		}
	}
}

/* All of it, since git is not to find a closed pipe. */
static int read_input(struct buf *to, struct err *err)
{
	ssize_t n;

	do {
		char *room = buf_room(to, 65536);

		if (!room)
			return err_set(err, ERR_LIMIT,
			    "standard input: over %d bytes", INPUT_BYTES);
		n = read(STDIN_FILENO, room, 65536);
		if (n < 0)
			return err_errno(err, errno, "standard input");
		buf_added(to, (size_t)n);
	} while (n);
	return 0;
}

int cmd_hook(struct cli *cli)
{
	scoped_val(hook_done) struct hook h = {.cli = cli,
	    .secret = BUF_INIT(SECRET_BYTES),
	    .patience_ms = PATIENCE_MS};
	scoped_val(buf_done) struct buf input = BUF_INIT(INPUT_BYTES);
	scoped(free) char *text = NULL;
	struct err err = ERR_INIT;

	if (isatty(STDIN_FILENO))
		return cli_bad(cli,
		    "hook: standard input is a terminal (git's post-receive "
		    "hook calls it)");
	hash_init();
	if (read_input(&input, &err) < 0 || hook_open(&h, &err) < 0) {
		cli_complain(cli, "hook: %s", err.msg);
		failed(&h, CLI_USAGE);
	} else {
		text = buf_take(&input);
		handle_all(&h, text);
	}
	return options_has(&cli->opts, OPT_STRICT) ? h.code : CLI_OK;
}
