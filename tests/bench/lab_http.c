/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests of a benchmark to its daemon, over one connection that stays. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hash.h"
#include "tests/bench/lab.h"
#include "tests/bench/lab_private.h"

enum {
	ANSWER_MAX = 64 << 20,
	REQUEST_S = 60,
	CANCEL_MS = 120000,
	POLL_MS = 2, /* at first, then less and less often */
	POLL_MAX_MS = 200
};

SCOPED_DEFINE(json_t, json_decref);
SCOPED_DEFINE(struct curl_slist, curl_slist_free_all);
SCOPED_DEFINE(curl_mime, curl_mime_free);

void answer_done(struct answer *a)
{
	buf_done(&a->body);
}

static size_t on_body(const char *data, size_t size, size_t n, void *arg)
{
	buf_add(arg, data, size * n);
	return size * n;
}

static struct curl_slist *add_header(struct curl_slist *list, const char *text)
{
	struct curl_slist *longer = curl_slist_append(list, text);

	if (!longer)
		abort();
	return longer;
}

/* Performs what was set up; forgets the options, keeps the connection. */
static int perform(struct lab *lab, const char *path,
    struct curl_slist *headers, struct answer *ret, struct err *err)
{
	scoped(free) char *url = xasprintf("%s%s", lab->url, path);
	CURLcode code;

	buf_reset(&ret->body);
	ret->body.max = ANSWER_MAX;
	(void)curl_easy_setopt(lab->curl, CURLOPT_URL, url);
	(void)curl_easy_setopt(lab->curl, CURLOPT_HTTPHEADER, headers);
	(void)curl_easy_setopt(lab->curl, CURLOPT_WRITEFUNCTION, on_body);
	(void)curl_easy_setopt(lab->curl, CURLOPT_WRITEDATA, &ret->body);
	(void)curl_easy_setopt(lab->curl, CURLOPT_TIMEOUT, (long)REQUEST_S);
	(void)curl_easy_setopt(lab->curl, CURLOPT_NOPROXY, "*");
	ret->began_ns = clock_mono_ns();
	code = curl_easy_perform(lab->curl);
	ret->ended_ns = clock_mono_ns();
	(void)curl_easy_getinfo(
	    lab->curl, CURLINFO_RESPONSE_CODE, &ret->status);
	curl_easy_reset(lab->curl);
	if (code == CURLE_OK)
		return 0;
	return err_set(
	    err, ERR_UNREACH, "%s: %s", path, curl_easy_strerror(code));
}

static struct curl_slist *with_token(const struct lab *lab)
{
	scoped(free) char *line =
	    xasprintf("Authorization: Bearer %s", lab->token);

	/* Else the client waits for the server's leave to send a body. */
	return add_header(add_header(NULL, line), "Expect:");
}

int lab_http(struct lab *lab, const char *path, const char *body,
    struct answer *ret, struct err *err)
{
	scoped(curl_slist_free_all) struct curl_slist *headers =
	    with_token(lab);

	if (body) {
		headers = add_header(headers, "Content-Type: application/json");
		(void)curl_easy_setopt(lab->curl, CURLOPT_POSTFIELDS, body);
	}
	return perform(lab, path, headers, ret, err);
}

/* The run that an answer names by key; an answer of another status is bad. */
static int run_of(const struct answer *a, long status, const char *key,
    int64_t *ret, struct err *err)
{
	scoped(json_decref) json_t *o =
	    json_loadb(buf_str(&a->body), a->body.len, 0, NULL);

	*ret = json_integer_value(json_object_get(o, key));
	if (a->status == status && *ret > 0)
		return 0;
	return err_set(
	    err, ERR_PROTO, "status %ld: %.200s", a->status, buf_str(&a->body));
}

/* ---- pushes -------------------------------------------------------------- */

static struct curl_slist *push_headers(const char *body, const char *guid)
{
	uint8_t mac[HASH_BYTES];
	char hex[HASH_HEX + 1];
	scoped(free) char *delivery = xasprintf("X-GitHub-Delivery: %s", guid);
	scoped(free) char *signature = NULL;
	struct curl_slist *list;

	hash_hmac(LAB_SECRET, strlen(LAB_SECRET), body, strlen(body), mac);
	signature = xasprintf(
	    "X-Hub-Signature-256: sha256=%s", hash_hex(mac, sizeof(mac), hex));
	list = add_header(NULL, "Content-Type: application/json");
	list = add_header(list, "X-GitHub-Event: push");
	list = add_header(list, delivery);
	list = add_header(list, signature);
	return add_header(list, "Expect:");
}

int lab_push(struct lab *lab, const char *branch, struct answer *ret,
    int64_t *ret_run, struct err *err)
{
	scoped(free) char *body = NULL;
	scoped(free) char *guid = xasprintf("push-%zu", lab->next_commit);
	scoped(curl_slist_free_all) struct curl_slist *headers = NULL;
	int r;

	if (lab->next_commit == lab->n_commits)
		return err_set(err, ERR_LIMIT, "no commit is left to push");
	body = xasprintf("{\"ref\":\"refs/heads/%s\",\"after\":\"%s\","
	                 "\"pusher\":{\"name\":\"somebody\"}}",
	    branch, lab->commits[lab->next_commit++]);
	headers = push_headers(body, guid);
	(void)curl_easy_setopt(lab->curl, CURLOPT_POSTFIELDS, body);
	r = perform(lab, "/hooks/farm", headers, ret, err);
	return r == 0 ? run_of(ret, 202, "run", ret_run, err) : r;
}

/* ---- uploads ------------------------------------------------------------- */

static void add_part(
    curl_mime *mime, const char *name, const char *file, const char *data)
{
	curl_mimepart *part = curl_mime_addpart(mime);

	(void)curl_mime_name(part, name);
	if (file)
		(void)curl_mime_filename(part, file);
	if (curl_mime_data(part, data, CURL_ZERO_TERMINATED) != CURLE_OK)
		abort();
}

int lab_upload(struct lab *lab, const char *suite, struct answer *ret,
    int64_t *ret_run, struct err *err)
{
	scoped(curl_slist_free_all) struct curl_slist *headers =
	    with_token(lab);
	scoped(curl_mime_free) curl_mime *mime = curl_mime_init(lab->curl);
	scoped(free) char *kernel =
	    xasprintf("kernel %" PRId64, clock_mono_ns());
	int r;

	add_part(mime, "name", NULL, "bench");
	add_part(mime, "config", "suite.yaml", suite);
	add_part(mime, "file", "kernel.elf32", kernel);
	(void)curl_easy_setopt(lab->curl, CURLOPT_MIMEPOST, mime);
	r = perform(lab, "/api/v1/runs", headers, ret, err);
	return r == 0 ? run_of(ret, 201, "id", ret_run, err) : r;
}

/* ---- the end of a run ---------------------------------------------------- */

static int is_done(struct lab *lab, int64_t run, bool *ret, struct err *err)
{
	scoped(free) char *path = xasprintf("/api/v1/runs/%" PRId64, run);
	scoped_val(answer_done) struct answer a = {0};
	int r = lab_http(lab, path, NULL, &a, err);

	*ret = r == 0 && strstr(buf_str(&a.body), "\"state\":\"done\"");
	return r;
}

static bool never(const struct lab *lab)
{
	(void)lab;
	return false;
}

/* Farm and daemon are read meanwhile: a full pipe would stop them. */
int lab_wait_done(struct lab *lab, int64_t run, int64_t max_ms, struct err *err)
{
	int64_t until_ms = clock_mono_ms() + max_ms;
	int64_t wait_ms = POLL_MS;
	bool done = false;
	int r = is_done(lab, run, &done, err);

	while (r == 0 && !done) {
		if (clock_mono_ms() >= until_ms)
			return err_set(err, ERR_TIMEOUT,
			    "run %" PRId64 " is not done after %" PRId64 " ms",
			    run, max_ms);
		(void)lab_read(lab, never, wait_ms);
		wait_ms += wait_ms < POLL_MAX_MS ? wait_ms / 2 : 0;
		r = is_done(lab, run, &done, err);
	}
	return r;
}

int lab_cancel(struct lab *lab, int64_t run, struct err *err)
{
	scoped(free) char *path =
	    xasprintf("/api/v1/runs/%" PRId64 "/cancel", run);
	scoped_val(answer_done) struct answer a = {0};
	int r = lab_http(lab, path, "", &a, err);

	if (r == 0 && a.status != 200)
		r = err_set(err, ERR_PROTO, "cancel: status %ld: %.200s",
		    a.status, buf_str(&a.body));
	return r == 0 ? lab_wait_done(lab, run, CANCEL_MS, err) : r;
}
