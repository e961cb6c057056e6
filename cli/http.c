/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Requests by libcurl. Its codes and HTTP's become our kinds here and nowhere
 * else; the token is in one header and in no message.
 */
#include "cli/http.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "cli/http_private.h"
#include "cli/interrupt.h"

#define CONNECT_MS 10000L
#define ANSWER_MS 60000L   /* of a small request */
#define STALL_SECONDS 180L /* of an upload: the server may unpack meanwhile */

/* libcurl's own global state, once for the program. */
static int curl_ready(struct err *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, ERR_IO, "libcurl does not start");
	return 0;
}

static struct curl_slist *with(struct curl_slist *list, const char *line)
{
	struct curl_slist *more = curl_slist_append(list, line);

	if (!more)
		abort();
	return more;
}

int http_new(struct settings *s, struct http **ret, struct err *err)
{
	scoped(http_free) struct http *h = xcalloc(1, sizeof(*h));
	int r;

	h->settings = s;
	r = curl_ready(err);
	if (r < 0)
		return r;
	h->easy = curl_easy_init();
	if (!h->easy)
		return err_set(err, ERR_IO, "libcurl does not start");
	if (s->token) {
		scoped(free) char *line =
		    xasprintf("Authorization: Bearer %s", s->token);

		h->headers = with(h->headers, line);
		explicit_bzero(line, strlen(line));
	}
	*ret = take(h);
	return 0;
}

void http_free(struct http *h)
{
	if (!h)
		return;
	curl_easy_cleanup(h->easy);
	curl_slist_free_all(h->headers);
	settings_free(h->settings);
	free(h);
}

void http_answer_done(struct http_answer *a)
{
	buf_done(&a->body);
}

const char *http_server(const struct http *h)
{
	return h->settings->server;
}

void http_escape(struct buf *to, const char *s)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
	                            "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                            "0123456789-._~";

	for (; *s; s++) {
		if (strchr(plain, *s))
			buf_putc(to, *s);
		else
			buf_printf(to, "%%%02X", (unsigned char)*s);
	}
}

static bool is_loopback(const char *server)
{
	static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]"};
	const char *host = strstr(server, "://") + 3;

	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		size_t n = strlen(hosts[i]);

		if (!strncmp(host, hosts[i], n) && strchr(":/", host[n]))
			return true;
	}
	return false;
}

static int on_progress(void *arg, curl_off_t down_total, curl_off_t down,
    curl_off_t up_total, curl_off_t up)
{
	(void)arg;
	(void)down_total;
	(void)down;
	(void)up_total;
	(void)up;
	return interrupt_came();
}

/*
 * Options are set without looking at the answers: each of them fails only for
 * a libcurl built without what Debian's has.
 */
void http_prepare(
    const struct http *h, CURL *easy, const char *path, char *errbuf)
{
	scoped(free) char *url = xasprintf("%s%s", h->settings->server, path);

	errbuf[0] = '\0';
	curl_easy_setopt(easy, CURLOPT_URL, url);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, errbuf);
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(easy, CURLOPT_USERAGENT, "ironbench/" PACKAGE_VERSION);
	curl_easy_setopt(easy, CURLOPT_HTTPHEADER, h->headers);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress);
	/* A proxy for the outside cannot reach our own computer. */
	if (is_loopback(h->settings->server))
		curl_easy_setopt(easy, CURLOPT_PROXY, "");
}

int http_curl_error(const struct http *h, CURL *easy, CURLcode code,
    const char *errbuf, struct err *err)
{
	const char *why = *errbuf ? errbuf : curl_easy_strerror(code);
	enum err_kind kind = ERR_PROTO;
	long number = 0;

	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PARTIAL_FILE:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
		kind = ERR_UNREACH;
		break;
	case CURLE_OPERATION_TIMEDOUT:
		kind = ERR_TIMEOUT;
		break;
	case CURLE_READ_ERROR:
		kind = ERR_IO;
		why = "a file could not be read to its end";
		break;
	case CURLE_URL_MALFORMAT:
		kind = ERR_INVAL;
		break;
	default:
		break;
	}
	/* The system's word is shorter than libcurl's. */
	if (code == CURLE_COULDNT_CONNECT &&
	    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &number) == CURLE_OK &&
	    number)
		why = strerror((int)number);
	(void)err_set(err, kind, "%s: %s", h->settings->server, why);
	if (err)
		err->code = (int)code;
	return -(int)kind;
}

static enum err_kind kind_of(long status)
{
	static const struct {
		long status;
		enum err_kind kind;
	} kinds[] = {
	    {400, ERR_INVAL},
	    {401, ERR_DENIED},
	    {403, ERR_DENIED},
	    {404, ERR_NOTFOUND},
	    {409, ERR_CONFLICT},
	    {413, ERR_LIMIT},
	    {416, ERR_LIMIT},
	    {422, ERR_INVAL},
	    {429, ERR_AGAIN},
	    {500, ERR_IO},
	    {502, ERR_AGAIN},
	    {503, ERR_AGAIN},
	    {504, ERR_AGAIN},
	    {507, ERR_LIMIT},
	};

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (kinds[i].status == status)
			return kinds[i].kind;
	return ERR_PROTO;
}

int http_status_error(long status, const struct buf *body, struct err *err)
{
	scoped(json_decref) json_t *doc =
	    json_loadb(buf_str(body), body->len, 0, NULL);
	const char *said = json_string_value(json_object_get(doc, "error"));
	enum err_kind kind = kind_of(status);

	if (said && *said)
		(void)err_set(err, kind, "%s", said);
	else
		(void)err_set(
		    err, kind, "the server answered %ld, no reason", status);
	if (err)
		err->code = (int)status;
	return -(int)kind;
}

/* One request while it runs. */
struct transfer {
	CURL *easy;
	const struct http_request *req;
	struct http_answer *answer;
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	long status = 0;

	(void)size; /* always 1 */
	/* Cannot fail: the status line came before the body. */
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (t->req->on_data && status / 100 == 2) {
		t->answer->status = status;
		t->req->on_data(t->req->arg, data, n);
		return n;
	}
	buf_add(&t->answer->body, data, n);
	return t->answer->body.failed ? 0 : n;
}

/* The value of a header line without blanks around it, if it has that name. */
static bool header_is(
    const char *line, size_t len, const char *name, char *to, size_t size)
{
	size_t skip = strlen(name);

	if (len <= skip || line[skip] != ':' || strncasecmp(line, name, skip))
		return false;
	for (skip++; skip < len && line[skip] == ' ';)
		skip++;
	while (len > skip && (unsigned char)line[len - 1] <= ' ')
		len--;
	len = len - skip < size ? len - skip : size - 1;
	memcpy(to, line + skip, len);
	to[len] = '\0';
	return true;
}

/* B of "bytes A-B/TOTAL", or -1. */
static int64_t last_of(char *range)
{
	char *dash = strchr(range, '-');
	char *slash = dash ? strchr(dash, '/') : NULL;
	int64_t last;

	if (!slash)
		return -1;
	*slash = '\0';
	return str_to_i64(dash + 1, 0, INT64_MAX, &last, NULL) < 0 ? -1 : last;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct transfer *t = arg;
	struct http_answer *a = t->answer;
	char v[64];

	(void)size; /* always 1 */
	if (header_is(line, n, "X-Log-Open", v, sizeof(v)))
		a->log_open = str_eq(v, "1");
	if (header_is(line, n, "X-Log-Gap", v, sizeof(v)))
		memcpy(a->log_gap, v, sizeof(v));
	if (header_is(line, n, "Content-Range", v, sizeof(v)))
		a->last = last_of(v);
	return n;
}

static void add_part(curl_mime *form, const struct http_part *p)
{
	curl_mimepart *part = curl_mime_addpart(form);

	if (!part || curl_mime_name(part, p->name) != CURLE_OK)
		abort();
	/* A file that is gone since we looked is CURLE_READ_ERROR later. */
	if (p->path)
		(void)curl_mime_filedata(part, p->path);
	else if (curl_mime_data(part, p->data, p->len) != CURLE_OK)
		abort();
	/* After filedata, which would set the name of the local file. */
	if (p->filename && curl_mime_filename(part, p->filename) != CURLE_OK)
		abort();
}

static curl_mime *form_of(CURL *easy, const struct http_request *req)
{
	curl_mime *form = curl_mime_init(easy);

	if (!form)
		abort();
	for (size_t i = 0; i < req->n_parts; i++)
		add_part(form, &req->parts[i]);
	return form;
}

static void mime_free(curl_mime *form)
{
	curl_mime_free(form);
}
SCOPED_DEFINE(curl_mime, mime_free);

static void slist_free(struct curl_slist *list)
{
	curl_slist_free_all(list);
}
SCOPED_DEFINE(struct curl_slist, slist_free);

static struct curl_slist *json_headers(
    const struct http *h, const struct http_request *req)
{
	struct curl_slist *all = with(NULL, "Content-Type: application/json");

	for (const struct curl_slist *l = h->headers; l; l = l->next)
		all = with(all, l->data);
	for (size_t i = 0; req->headers && req->headers[i]; i++)
		all = with(all, req->headers[i]);
	return all;
}

/* As in http_prepare(), setting options does not fail. */
static void describe(
    CURL *easy, struct transfer *t, curl_mime *form, struct curl_slist *headers)
{
	const struct http_request *req = t->req;

	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	if (req->range)
		curl_easy_setopt(easy, CURLOPT_RANGE, req->range);
	if (form) {
		curl_easy_setopt(easy, CURLOPT_MIMEPOST, form);
	} else if (str_eq(req->method, "POST")) {
		if (req->body)
			curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(
		    easy, CURLOPT_POSTFIELDS, req->body ? req->body : "");
	}
	/* What may be long is watched for standing still instead. */
	if (form || req->on_data) {
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
		curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, STALL_SECONDS);
	} else {
		curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS,
		    req->timeout_ms ? (long)req->timeout_ms : ANSWER_MS);
	}
}

int http_do(struct http *h, const struct http_request *req,
    struct http_answer *ret, struct err *err)
{
	scoped(slist_free) struct curl_slist *headers = json_headers(h, req);
	scoped(mime_free) curl_mime *form = NULL;
	struct transfer t = {h->easy, req, ret};
	char errbuf[CURL_ERROR_SIZE];
	CURLcode code;

	buf_reset(&ret->body);
	ret->log_open = false;
	ret->log_gap[0] = '\0';
	ret->last = -1;
	curl_easy_reset(h->easy);
	http_prepare(h, h->easy, req->path, errbuf);
	if (req->parts)
		form = form_of(h->easy, req);
	describe(h->easy, &t, form, headers);
	code = curl_easy_perform(h->easy);
	if (ret->body.failed)
		return err_set(err, ERR_LIMIT, "%s: an answer over %u MiB",
		    h->settings->server, HTTP_BODY_MAX >> 20);
	if (code != CURLE_OK)
		return http_curl_error(h, h->easy, code, errbuf, err);
	/* Cannot fail after a transfer that succeeded. */
	(void)curl_easy_getinfo(h->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	if (ret->status / 100 != 2)
		return http_status_error(ret->status, &ret->body, err);
	return 0;
}

int http_object(const struct buf *body, json_t **ret, struct err *err)
{
	json_error_t je;
	scoped(json_decref) json_t *doc =
	    json_loadb(buf_str(body), body->len, JSON_REJECT_DUPLICATES, &je);

	if (!doc)
		return err_set(err, ERR_PROTO,
		    "the server's answer is not JSON: %s", je.text);
	if (!json_is_object(doc))
		return err_set(
		    err, ERR_PROTO, "the server's answer is not a JSON object");
	*ret = take(doc);
	return 0;
}

static int ask(struct http *h, const struct http_request *req, json_t **ret,
    struct err *err)
{
	scoped_val(http_answer_done) struct http_answer a = HTTP_ANSWER_INIT;
	int r = http_do(h, req, &a, err);

	return r < 0 ? r : http_object(&a.body, ret, err);
}

int http_get(struct http *h, const char *path, json_t **ret, struct err *err)
{
	struct http_request req = {.method = "GET", .path = path};

	return ask(h, &req, ret, err);
}

int http_post(struct http *h, const char *path, const json_t *body,
    json_t **ret, struct err *err)
{
	scoped(free) char *text = body ? json_dumps(body, 0) : NULL;
	struct http_request req = {
	    .method = "POST",
	    .path = path,
	    .body = text,
	};

	return ask(h, &req, ret, err);
}
