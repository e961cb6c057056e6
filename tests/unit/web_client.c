/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A client that speaks just enough HTTP to say what a real one would not. */
#include <arpa/inet.h>
#include <math.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/web_harness.h"

int client_connect(int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	return fd;
}

void client_send(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len) {
		ssize_t n = send(fd, p, len, MSG_NOSIGNAL);

		/* A server that refuses early stops reading. */
		if (n <= 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

static bool read_some(int fd, struct buf *to)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char *room = buf_room(to, 65536);
	ssize_t n;

	assert_non_null(room);
	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	n = recv(fd, room, 65536, 0);
	if (n > 0)
		buf_added(to, (size_t)n);
	return n > 0;
}

void client_read_until(int fd, struct buf *to, const char *text)
{
	while (!strstr(buf_str(to), text))
		if (!read_some(fd, to))
			fail_msg(
			    "'%s' did not come after:\n%s", text, buf_str(to));
}

void reply_done(struct reply *r)
{
	buf_done(&r->all);
}

char *reply_header(const struct reply *r, const char *name)
{
	size_t len = strlen(name);
	const char *line = strstr(buf_str(&r->all), "\r\n");

	for (; line && line + 2 < r->body; line = strstr(line + 2, "\r\n")) {
		const char *value = line + 2 + len;

		if (strncasecmp(line + 2, name, len) != 0 || *value != ':')
			continue;
		value += 1 + strspn(value + 1, " ");
		return xstrndup(value, strcspn(value, "\r"));
	}
	return NULL;
}

struct reply http_send(int port, const void *data, size_t len)
{
	struct reply r = {.all = BUF_INIT(256 << 20)};
	const char *head = NULL;
	int fd = client_connect(port);
	int64_t status = 0;
	char text[4] = "";

	client_send(fd, data, len);
	while (read_some(fd, &r.all))
		continue;
	(void)close(fd);
	head = buf_str(&r.all);
	if (str_starts(head, "HTTP/1.1 100 "))
		head = strstr(head, "\r\n\r\n") + 4;
	assert_true(str_starts(head, "HTTP/1.1 "));
	(void)snprintf(text, sizeof(text), "%.3s", head + 9);
	assert_int_equal(str_to_i64(text, 100, 599, &status, NULL), 0);
	r.status = (int)status;
	r.body = strstr(head, "\r\n\r\n");
	assert_non_null(r.body);
	r.body += 4;
	r.body_len = r.all.len - (size_t)(r.body - r.all.data);
	return r;
}

struct reply http_get(int port, const char *path, const char *headers)
{
	scoped(free) char *text =
	    xasprintf("GET %s HTTP/1.1\r\nHost: localhost\r\n"
	              "Connection: close\r\n%s\r\n",
	        path, headers);

	return http_send(port, text, strlen(text));
}

struct reply http_post(
    int port, const char *path, const char *headers, const struct buf *body)
{
	scoped_val(buf_done) struct buf all = BUF_INIT(64 << 20);

	buf_printf(&all,
	    "POST %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
	    "Content-Length: %zu\r\n%s\r\n",
	    path, body ? body->len : 0, headers);
	if (body)
		buf_add(&all, body->data, body->len);
	return http_send(port, all.data, all.len);
}

/* ---- JSON ---------------------------------------------------------------- */

json_t *harness_json(struct harness *h, const char *path, int status)
{
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(h), path, "");
	json_t *doc = json_loadb(r.body, r.body_len, 0, NULL);

	if (r.status != status || !doc)
		fail_msg("%s: %d %s", path, r.status, r.body);
	return doc;
}

const char *doc_text(const json_t *doc, const char *key)
{
	const char *s = json_string_value(json_object_get(doc, key));

	return s ? s : "(none)";
}

int64_t doc_number(const json_t *doc, const char *key)
{
	const json_t *v = json_object_get(doc, key);

	return json_is_integer(v) ? json_integer_value(v) : -1;
}

double doc_real(const json_t *doc, const char *key)
{
	const json_t *v = json_object_get(doc, key);

	return json_is_number(v) ? json_number_value(v) : (double)NAN;
}

json_t *doc_at(const json_t *doc, const char *key, size_t i)
{
	return json_array_get(json_object_get(doc, key), i);
}

size_t doc_size(const json_t *doc, const char *key)
{
	return json_array_size(json_object_get(doc, key));
}
