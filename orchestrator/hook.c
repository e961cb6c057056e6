/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhooks: a forge, or `ironbench hook`, says that something was pushed.
 *
 * Invariants: nothing of a request is looked at before its signature is
 * verified over the raw bytes; who has no secret cannot tell a project that is
 * there from one that is not; an accepted push is durable before it is
 * answered.
 */
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/weblink.h"

#define SIGNATURE "sha256="
#define BRANCHES "refs/heads/"
#define NO_COMMIT "0000000000000000000000000000000000000000"

enum {
	BODY_MAX = 1 << 20,
	COMMIT_DIGITS = 40,
	REF_MAX = 255,
	GUID_MAX = 100,
	TEXT_MAX = 200 /* of a name or a link */
};

/* ---- whose it is --------------------------------------------------------- */

bool hook_verify(
    const char *secret, const void *body, size_t len, const char *signature)
{
	/* Without a secret the work is the same, and the answer no. */
	const char *key = secret ? secret : "no project has this secret";
	uint8_t want[HASH_BYTES];
	uint8_t got[HASH_BYTES] = {0};
	bool formed = str_starts(signature, SIGNATURE) &&
	    hash_unhex(signature + strlen(SIGNATURE), got, sizeof(got));
	bool same;

	hash_hmac(key, strlen(key), body, len, want);
	same = hash_equal(want, got, sizeof(want));
	return same && formed && secret;
}

/* ---- what it says -------------------------------------------------------- */

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	at = c ? strchr(digits, c) : NULL;
	return at ? (int)(at - digits) : -1;
}

/* Undoes application/x-www-form-urlencoded. False: it is not that. */
static bool form_decode(const char *text, size_t len, struct buf *to)
{
	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high = i + 2 < len ? hex_digit(text[i + 1]) : -1;
			int low = i + 2 < len ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		} else if (c == '+') {
			c = ' ';
		}
		buf_putc(to, c);
	}
	return !to->failed;
}

/* The value of payload= in a form; false if there is none. */
static bool form_payload(const char *body, size_t len, struct buf *to)
{
	static const char key[] = "payload=";
	const char *end = body + len;

	while (body < end) {
		const char *amp = memchr(body, '&', (size_t)(end - body));
		size_t n = (size_t)((amp ? amp : end) - body);

		if (n >= strlen(key) && memcmp(body, key, strlen(key)) == 0)
			return form_decode(
			    body + strlen(key), n - strlen(key), to);
		body += n + 1;
	}
	return false;
}

int hook_payload(const char *content_type, const char *body, size_t len,
    json_t **ret, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(BODY_MAX);
	json_error_t je;

	if (str_starts(content_type, "application/x-www-form-urlencoded")) {
		if (!form_payload(body, len, &text))
			return err_set(
			    err, ERR_INVAL, "the form has no good payload=");
		body = buf_str(&text);
		len = text.len;
	}
	*ret = json_loadb(body, len, 0, &je);
	if (!json_is_object(*ret)) {
		json_decref(take(*ret));
		return err_set(err, ERR_INVAL, "the body is no JSON object");
	}
	return 0;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* As git wants it, and nothing that a refspec would read otherwise. */
static bool ref_is_good(const char *ref)
{
	size_t n = strlen(ref);

	if (n > REF_MAX || !str_starts(ref, "refs/") || !fs_path_is_safe(ref))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)ref[i] <= ' ' || ref[i] == 0x7f ||
		    strchr("~^:?*[\\", ref[i]))
			return false;
	return !strstr(ref, "..") && !strstr(ref, "@{");
}

static bool commit_is_good(const char *commit)
{
	uint8_t sha[COMMIT_DIGITS / 2];

	return hash_unhex(commit, sha, sizeof(sha));
}

/* ---- what follows -------------------------------------------------------- */

static void ignored(struct asker who, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void ignored(struct asker who, const char *fmt, ...)
{
	char why[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	/* A cut may fall inside a character, which JSON cannot carry. */
	str_tidy(why);
	weblink_answer_json(who, 200, json_pack("{s:s}", "ignored", why));
}

struct accepted {
	struct asker who;
	int64_t run_id;
};

static void on_stored(void *arg, int64_t run_id)
{
	struct accepted *a = arg;

	weblink_answer_json(
	    a->who, 202, json_pack("{s:I}", "run", (json_int_t)run_id));
	free(a);
}

static void on_replay(void *arg)
{
	struct accepted *a = arg;

	weblink_answer_json(a->who, 200,
	    json_pack("{s:I s:b}", "run", (json_int_t)a->run_id, "replay", 1));
	free(a);
}

/* The run of an earlier delivery of this push; 0: none. */
static int find_earlier(
    struct daemon *d, const struct push *push, int64_t *ret, struct err *err)
{
	int r;

	*ret = resolve_find(d, push);
	if (*ret)
		return 0;
	r = db_delivery_find(d->db, push->project, push->guid, push->ref,
	    push->commit, ret, err);
	return r == -ERR_NOTFOUND ? 0 : r;
}

static void take_push(struct asker who, const struct push *push)
{
	struct accepted *a = xcalloc(1, sizeof(*a));
	struct err err = ERR_INIT;
	int64_t earlier = 0;
	int r = find_earlier(who.d, push, &earlier, &err);

	a->who = who;
	a->run_id = earlier;
	if (r == 0 && earlier)
		/* Behind all that is not durable yet: it may be among that. */
		db_tx_post(db_tx_new(who.d->db), on_replay, a);
	else if (r == 0)
		r = resolve_push(who.d, push, on_stored, a, &err);
	if (r < 0) {
		weblink_answer_error(who, 503, "%s", err.msg);
		free(a);
	}
}

/* At most max bytes of the first line of somebody's text. */
static char *short_text(const char *text, size_t max)
{
	size_t n = strcspn(text, "\r\n");
	char *s;

	if (n > max)
		n = max;
	s = xstrndup(text, str_utf8_span(text, n));
	str_tidy(s);
	return s;
}

/* Caller frees. */
static char *pusher_of(const json_t *body)
{
	static const char *const keys[] = {"name", "login"};
	const json_t *pusher = json_object_get(body, "pusher");

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		scoped(free) char *name =
		    short_text(text_of(pusher, keys[i]), TEXT_MAX);

		if (*name)
			return take(name);
	}
	return xstrdup("push");
}

static void start_run(struct asker who, const json_t *h, const json_t *body,
    const struct lab_project *project, const struct lab_branch *rule)
{
	const char *branch = text_of(body, "ref") + strlen(BRANCHES);
	const char *url = text_of(json_object_get(body, "head_commit"), "url");
	scoped(free) char *name = xasprintf("%s %s", project->name, branch);
	scoped(free) char *user = pusher_of(body);
	scoped(free) char *link = short_text(url, TEXT_MAX);
	scoped(free) char *guid = short_text(text_of(h, "delivery"), GUID_MAX);
	struct push push = {
	    .project = project->name,
	    .guid = guid,
	    .ref = text_of(body, "ref"),
	    .commit = text_of(body, "after"),
	    .suite = rule->suite,
	    .name = name,
	    .user = user,
	    .priority = rule->priority,
	};

	if (str_starts(link, "https://") || str_starts(link, "http://"))
		push.link = link;
	hash_sha256(who.body, who.body_len, push.body_sha256);
	take_push(who, &push);
}

static void on_push(struct asker who, const json_t *h, const json_t *body,
    const struct lab_project *project)
{
	const char *ref = text_of(body, "ref");
	const char *after = text_of(body, "after");
	const struct lab_branch *rule;

	if (!ref_is_good(ref) || !commit_is_good(after)) {
		weblink_answer_error(who, 400,
		    "ref and after: a push names a ref and a commit of 40 "
		    "digits");
		return;
	}
	if (strcmp(after, NO_COMMIT) == 0) {
		ignored(who, "%s was deleted", ref);
		return;
	}
	if (!str_starts(ref, BRANCHES)) {
		ignored(who, "%s is no branch", ref);
		return;
	}
	rule = project_branch(project, ref + strlen(BRANCHES));
	if (rule)
		start_run(who, h, body, project, rule);
	else
		ignored(who, "no branch of the lab file fits %s", ref);
}

void hook_request(struct asker who, const json_t *h)
{
	const struct lab_project *project =
	    project_find(who.d->lab, text_of(h, "project"));
	const char *event = text_of(h, "event");
	struct err err = ERR_INIT;
	json_t *body = NULL;
	int r;

	if (!hook_verify(project ? project->secret : NULL, who.body,
	        who.body_len, text_of(h, "signature"))) {
		log_debug("hook: refused remote=%s", text_of(h, "remote"));
		weblink_answer_error(who, 401,
		    "no such project, or its secret did not sign this");
		return;
	}
	if (strcmp(event, "push") != 0) {
		ignored(who, "event '%.40s'", event);
		return;
	}
	r = hook_payload(
	    text_of(h, "content_type"), who.body, who.body_len, &body, &err);
	if (r < 0)
		weblink_answer_error(who, 400, "%s", err.msg);
	else if (who.d->db_failing)
		weblink_answer_error(who, 503, "database: %s", who.d->problem);
	else
		on_push(who, h, body, project);
	json_decref(body);
}
