/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream that stays open: libcurl's multi interface, driven by its reader. */
#include <string.h>

#include "cli/http.h"
#include "cli/http_private.h"

#define REFUSAL_BYTES 65536 /* of an error's body */

struct http_stream {
	const struct http *http;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	void (*on_data)(void *arg, const char *data, size_t len);
	void *arg;
	struct buf refusal; /* body of an answer that is not 200 */
	char errbuf[CURL_ERROR_SIZE];
};

static size_t on_body(char *data, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	long status = 0;

	(void)size; /* always 1 */
	/* Cannot fail: the status line came before the body. */
	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status == 200)
		s->on_data(s->arg, data, n);
	else
		buf_add(&s->refusal, data, n); /* sticks; then no reason */
	return n;
}

static size_t on_header(char *line, size_t size, size_t n, void *arg)
{
	struct http_stream *s = arg;
	long status = 0;

	(void)size; /* always 1 */
	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	/* The empty line behind the headers. */
	if (status == 200 && n && (*line == '\r' || *line == '\n'))
		s->on_data(s->arg, "", 0);
	return n;
}

static void add_header(struct http_stream *s, const char *line)
{
	struct curl_slist *more = curl_slist_append(s->headers, line);

	if (!more)
		abort();
	s->headers = more;
}

int http_stream_open(struct http *h, const char *path, const char *last_id,
    void (*on_data)(void *arg, const char *data, size_t len), void *arg,
    struct http_stream **ret, struct err *err)
{
	scoped(http_stream_free) struct http_stream *s = xcalloc(1, sizeof(*s));
	int running;

	s->http = h;
	s->on_data = on_data;
	s->arg = arg;
	s->refusal.max = REFUSAL_BYTES;
	s->multi = curl_multi_init();
	s->easy = curl_easy_init();
	if (!s->multi || !s->easy)
		return err_set(err, ERR_IO, "libcurl does not start");
	for (const struct curl_slist *l = h->headers; l; l = l->next)
		add_header(s, l->data);
	add_header(s, "Accept: text/event-stream");
	if (last_id && *last_id) {
		scoped(free) char *line =
		    xasprintf("Last-Event-ID: %s", last_id);

		add_header(s, line);
	}
	http_prepare(h, s->easy, path, s->errbuf);
	curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
	curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
	curl_easy_setopt(s->easy, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(s->easy, CURLOPT_HEADERDATA, s);
	/* The first step sends the request; there is nothing to wait for yet.
	 */
	if (curl_multi_add_handle(s->multi, s->easy) != CURLM_OK ||
	    curl_multi_perform(s->multi, &running) != CURLM_OK)
		return err_set(err, ERR_IO, "libcurl does not start");
	*ret = take(s);
	return 0;
}

/* -ERR_* if the transfer is over. */
static int ended(struct http_stream *s, struct err *err)
{
	const CURLMsg *msg;
	long status = 0;
	int left;

	msg = curl_multi_info_read(s->multi, &left);
	if (!msg || msg->msg != CURLMSG_DONE)
		return 0;
	if (msg->data.result != CURLE_OK)
		return http_curl_error(
		    s->http, s->easy, msg->data.result, s->errbuf, err);
	/* Cannot fail after a transfer that succeeded. */
	(void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status != 200)
		return http_status_error(status, &s->refusal, err);
	return err_set(err, ERR_UNREACH, "%s: the server ended the stream",
	    http_server(s->http));
}

int http_stream_wait(struct http_stream *s, int ms, int fd, struct err *err)
{
	struct curl_waitfd extra = {fd, CURL_WAIT_POLLIN, 0};
	int running = 0;

	if (curl_multi_poll(s->multi, fd < 0 ? NULL : &extra, fd < 0 ? 0 : 1,
	        ms, NULL) != CURLM_OK ||
	    curl_multi_perform(s->multi, &running) != CURLM_OK)
		return err_set(err, ERR_IO, "libcurl failed");
	return running ? 0 : ended(s, err);
}

void http_stream_free(struct http_stream *s)
{
	if (!s)
		return;
	if (s->multi && s->easy)
		/* Cannot fail for a handle that is in it or in none. */
		(void)curl_multi_remove_handle(s->multi, s->easy);
	curl_easy_cleanup(s->easy);
	if (s->multi)
		(void)curl_multi_cleanup(s->multi); /* nothing to be done */
	curl_slist_free_all(s->headers);
	buf_done(&s->refusal);
	free(s);
}
