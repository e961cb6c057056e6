/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link to the web process: it is started with one end of a socketpair and
 * the listening sockets, restarted when it ends, and never waited for.
 */
#include "orchestrator/weblink.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "web/web.h"

enum {
	QUEUE_MAX = 64 << 20,
	RESTART_MS = 1000,
	UPLOAD_MS = 600000
};

struct out {
	struct out *next;
	char *data;
	size_t len;
	size_t sent;
	int fd; /* to pass with the first byte, or -1 */
};

struct upload {
	int64_t id;
	int fd;
	int64_t opened_ms;
};

struct weblink {
	struct daemon *d;
	int listen_fd;
	int boot_fd;
	bool loopback;
	char url[100];
	char boot_url[100];
	unsigned generation;
	struct child *child;
	int sock;
	uv_poll_t *poll;
	struct buf in;
	struct out *first;
	struct out **last;
	size_t queued;
	struct map uploads;
	int64_t next_upload;
	struct loop_timer *restart;
};

/* ---- listening ------------------------------------------------------- */

static int split_address(
    const char *text, char *host, size_t size, const char **ret_port)
{
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;
	int64_t port;

	if (!colon || n == 0 || n >= size)
		return -1;
	if (text[0] == '[' && text[n - 1] == ']') {
		text++;
		n -= 2;
	}
	memcpy(host, text, n);
	host[n] = '\0';
	*ret_port = colon + 1;
	/* The resolver takes 70000 and makes 4464 of it. */
	return str_to_i64(colon + 1, 0, 65535, &port, NULL);
}

static bool is_loopback(const struct sockaddr *sa)
{
	static const uint8_t one[16] = {[15] = 1};

	if (sa->sa_family == AF_INET)
		return *(const uint8_t *)&((const struct sockaddr_in *)sa)
		            ->sin_addr == 127;
	return memcmp(&((const struct sockaddr_in6 *)sa)->sin6_addr, one,
	           sizeof(one)) == 0;
}

static int bind_one(
    const char *text, const struct addrinfo *ai, int *ret, struct err *err)
{
	scoped_val(fd_done) int fd =
	    socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (fd < 0)
		return err_errno(err, errno, "listen %s", text);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, 1024) < 0)
		return err_errno(err, errno, "listen %s", text);
	*ret = fd_take(&fd);
	return 0;
}

static void name_url(int fd, char *url, size_t size)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[64] = "";
	char port[16] = "";

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		/* A name that cannot be printed leaves the URL empty. */
		(void)getnameinfo((struct sockaddr *)&ss, len, host,
		    sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(url, size,
	    strchr(host, ':') ? "http://[%s]:%s" : "http://%s:%s", host, port);
}

static int listen_on(const char *text, int *ret, bool *ret_loopback, char *url,
    size_t url_size, struct err *err)
{
	struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
	    .ai_socktype = SOCK_STREAM};
	struct addrinfo *ai = NULL;
	char host[64];
	const char *port;
	int r;

	if (split_address(text, host, sizeof(host), &port) < 0 ||
	    getaddrinfo(host, port, &hints, &ai) != 0)
		return err_set(err, ERR_INVAL,
		    "listen %s: not an address; allowed is ADDR:PORT with a "
		    "numeric address, as 127.0.0.1:8080 or [::1]:8080",
		    text);
	r = bind_one(text, ai, ret, err);
	*ret_loopback = is_loopback(ai->ai_addr);
	freeaddrinfo(ai);
	if (r == 0)
		name_url(*ret, url, url_size);
	return r;
}

int weblink_listen(struct daemon *d, struct err *err)
{
	struct weblink *l = xcalloc(1, sizeof(*l));
	bool boot_loopback;
	int r;

	d->link = l;
	l->d = d;
	l->listen_fd = l->boot_fd = l->sock = -1;
	l->last = &l->first;
	l->in = (struct buf)BUF_INIT(WEB_FRAME_MAX + 65536);
	r = listen_on(d->opts->listen, &l->listen_fd, &l->loopback, l->url,
	    sizeof(l->url), err);
	if (r == 0)
		r = listen_on(d->opts->boot_listen, &l->boot_fd, &boot_loopback,
		    l->boot_url, sizeof(l->boot_url), err);
	return r;
}

const char *weblink_url(const struct daemon *d, bool boot)
{
	return boot ? d->link->boot_url : d->link->url;
}

/* ---- the socket ------------------------------------------------------ */

static void watch(struct weblink *l);

static void drop_out(struct weblink *l)
{
	struct out *o = l->first;

	l->first = o->next;
	if (!l->first)
		l->last = &l->first;
	l->queued -= o->len;
	fd_done(&o->fd);
	free(o->data);
	free(o);
}

static ssize_t send_out(struct weblink *l, struct out *o)
{
	struct iovec iov = {o->data + o->sent, o->len - o->sent};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {{0}};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (o->fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &o->fd, sizeof(int));
	}
	return sendmsg(l->sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void flush(struct weblink *l)
{
	while (l->sock >= 0 && l->first) {
		struct out *o = l->first;
		ssize_t n = send_out(l, o);

		/* A broken link shows when it is read. */
		if (n < 0)
			break;
		fd_done(&o->fd);
		o->sent += (size_t)n;
		if (o->sent == o->len)
			drop_out(l);
	}
	watch(l);
}

static void put_frame(
    struct weblink *l, const char *header, const void *body, size_t len, int fd)
{
	struct buf frame = BUF_INIT(WEB_FRAME_MAX + 65536);
	struct out *o;

	web_frame_put(&frame, header, body, len);
	if (frame.failed || l->sock < 0 || l->queued + frame.len > QUEUE_MAX) {
		buf_done(&frame);
		fd_done(&fd);
		return;
	}
	o = xcalloc(1, sizeof(*o));
	o->len = frame.len;
	o->data = buf_take(&frame);
	o->fd = fd;
	*l->last = o;
	l->last = &o->next;
	l->queued += o->len;
	flush(l);
}

static void got_frame(struct weblink *l, const struct web_frame *f)
{
	json_error_t je;
	json_t *header = json_loadb(f->header, f->header_len, 0, &je);
	struct asker who = {l->d,
	    json_integer_value(json_object_get(header, "id")), l->generation,
	    f->body, f->body_len};

	if (json_is_object(header))
		api_request(who, header);
	else
		log_warn("web: a frame without a header");
	json_decref(header);
}

static void stop_child(struct weblink *l)
{
	if (l->child)
		child_kill(l->child, SIGKILL);
}

static void read_frames(struct weblink *l)
{
	struct web_frame f;
	struct err err = ERR_INIT;
	int r;

	while ((r = web_frame_get(&l->in, &f, &err)) == 1) {
		got_frame(l, &f);
		buf_drop(&l->in, f.size);
	}
	if (r < 0) {
		log_error("web: %s", err.msg);
		stop_child(l);
	}
}

static void unwatch(struct weblink *l)
{
	if (!l->poll)
		return;
	uv_poll_stop(l->poll);
	uv_close((uv_handle_t *)l->poll, (uv_close_cb)free);
	l->poll = NULL;
	fd_done(&l->sock);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct weblink *l = poll->data;
	char *room = buf_room(&l->in, 65536);
	ssize_t n;

	if (status < 0 || !room) {
		stop_child(l);
		unwatch(l);
		return;
	}
	if (events & UV_READABLE) {
		n = recv(l->sock, room, 65536, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			unwatch(l);
			return;
		}
		if (n > 0) {
			buf_added(&l->in, (size_t)n);
			read_frames(l);
		}
	}
	if (l->poll && (events & UV_WRITABLE))
		flush(l);
}

static void watch(struct weblink *l)
{
	int events = UV_READABLE | (l->first ? UV_WRITABLE : 0);

	if (l->poll)
		(void)uv_poll_start(l->poll, events, on_poll);
}

/* ---- the process ----------------------------------------------------- */

static void forget_peer(struct weblink *l)
{
	struct upload *u;
	size_t pos = 0;

	unwatch(l);
	while (l->first)
		drop_out(l);
	buf_reset(&l->in);
	while ((u = map_next(&l->uploads, &pos))) {
		fd_done(&u->fd);
		free(u);
	}
	map_done(&l->uploads);
	l->generation++;
}

static void on_web_end(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct weblink *l = arg;

	(void)r;
	(void)out;
	(void)len;
	l->child = NULL;
	forget_peer(l);
	log_error("web process ended, started again in %d ms: %s", RESTART_MS,
	    err && err->msg[0] ? err->msg : "exit code 0");
	loop_timer_at(l->restart, loop_now_ms(l->d->loop) + RESTART_MS);
}

static int start_child(struct weblink *l, int peer, struct err *err)
{
	const char *argv[] = {"/proc/self/exe", "--web", l->d->opts->dir,
	    l->d->opts->public_reads ? "public" : "private",
	    l->loopback ? "loopback" : "remote", NULL};
	int fds[] = {peer, l->listen_fd, l->boot_fd};

	return child_start(l->d->loop,
	    &(struct child_options){.argv = argv,
	        .fds = fds,
	        .n_fds = ARRAY_LEN(fds),
	        .on_end = on_web_end,
	        .arg = l},
	    &l->child, err);
}

static int start_web(struct weblink *l, struct err *err)
{
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "socketpair");
	r = start_child(l, pair[1], err);
	fd_done(&pair[1]);
	if (r < 0) {
		fd_done(&pair[0]);
		return err_prefix(err, "web process");
	}
	l->sock = pair[0];
	l->poll = xcalloc(1, sizeof(*l->poll));
	l->poll->data = l;
	r = uv_poll_init(loop_uv(l->d->loop), l->poll, l->sock);
	if (r < 0)
		return err_set(err, ERR_IO, "web link: %s", uv_strerror(r));
	watch(l);
	return 0;
}

static void on_restart(void *arg)
{
	struct weblink *l = arg;
	struct err err = ERR_INIT;

	if (start_web(l, &err) < 0) {
		log_error("%s", err.msg);
		loop_timer_at(l->restart, loop_now_ms(l->d->loop) + RESTART_MS);
	}
}

int weblink_start(struct daemon *d, struct err *err)
{
	d->link->restart = loop_timer_new(d->loop, on_restart, d->link);
	return start_web(d->link, err);
}

void weblink_free(struct weblink *l)
{
	if (!l)
		return;
	child_abandon(l->child);
	forget_peer(l);
	loop_timer_free(l->restart);
	buf_done(&l->in);
	fd_done(&l->listen_fd);
	fd_done(&l->boot_fd);
	free(l);
}

/* ---- answers and events ---------------------------------------------- */

static void answer(struct asker who, int status, const char *type,
    const void *body, size_t len, int fd)
{
	struct weblink *l = who.d->link;
	json_t *h;
	char *text;

	if (!l || who.generation != l->generation) {
		fd_done(&fd);
		return;
	}
	h = json_pack("{s:I s:i s:s}", "id", (json_int_t)who.id, "status",
	    status, "type", type);
	text = json_dumps(h, JSON_COMPACT);
	put_frame(l, text, body, len, fd);
	free(text);
	json_decref(h);
}

void weblink_answer(struct asker who, int status, const char *type,
    const void *body, size_t len)
{
	answer(who, status, type, body, len, -1);
}

void weblink_answer_json(struct asker who, int status, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	weblink_answer(who, status, "application/json", text, strlen(text));
	free(text);
	json_decref(body);
}

void weblink_answer_error(struct asker who, int status, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* A cut may fall inside a character, which JSON cannot carry. */
	str_tidy(text);
	weblink_answer_json(who, status, json_pack("{s:s}", "error", text));
}

int weblink_status_of(int kind)
{
	switch (kind < 0 ? -kind : kind) {
	case ERR_INVAL:
		return 400;
	case ERR_DENIED:
		return 403;
	case ERR_NOTFOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_LIMIT:
		return 413;
	case ERR_AGAIN:
	case ERR_UNREACH:
	case ERR_TIMEOUT:
		return 503;
	case ERR_IO:
		return 507;
	default:
		return 500;
	}
}

void weblink_event(struct daemon *d, json_t *event)
{
	char *text;

	if (d->link && d->link->sock >= 0) {
		(void)json_object_set_new(
		    event, "seq", json_integer(++d->event_seq));
		(void)json_object_set_new(
		    event, "epoch", json_string(d->epoch));
		text = json_dumps(event, JSON_COMPACT);
		put_frame(d->link, text, NULL, 0, -1);
		free(text);
	}
	json_decref(event);
}

/* ---- uploads --------------------------------------------------------- */

static void expire_uploads(struct weblink *l)
{
	int64_t now = clock_mono_ms();
	struct upload *u;
	struct upload *old;

	do {
		size_t pos = 0;

		old = NULL;
		while (!old && (u = map_next(&l->uploads, &pos)))
			if (now - u->opened_ms > UPLOAD_MS)
				old = u;
		if (old) {
			map_take(&l->uploads, old->id);
			fd_done(&old->fd);
			free(old);
		}
	} while (old);
}

void weblink_upload_open(struct asker who)
{
	struct weblink *l = who.d->link;
	scoped(free) char *tmp = xasprintf("%s/tmp", who.d->opts->dir);
	struct upload *u;
	char body[40];
	int mine;
	int theirs;

	expire_uploads(l);
	/* A former run may not have needed the folder: make it now. */
	if (mkdir(tmp, 0700) < 0 && errno != EEXIST) {
		weblink_answer_error(who, 507, "%s: %s", tmp, strerror(errno));
		return;
	}
	mine = open(tmp, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	theirs = mine < 0 ? -1 : fcntl(mine, F_DUPFD_CLOEXEC, 0);
	if (theirs < 0) {
		weblink_answer_error(who, 507, "%s: %s", tmp, strerror(errno));
		fd_done(&mine);
		return;
	}
	u = xcalloc(1, sizeof(*u));
	*u = (struct upload){++l->next_upload, mine, clock_mono_ms()};
	map_put(&l->uploads, u->id, u);
	(void)snprintf(
	    body, sizeof(body), "{\"upload\":%lld}", (long long)u->id);
	answer(who, 200, "application/json", body, strlen(body), theirs);
}

int weblink_upload_take(struct daemon *d, int64_t upload)
{
	struct upload *u = upload ? map_take(&d->link->uploads, upload) : NULL;
	int fd = u ? u->fd : -1;

	free(u);
	return fd;
}
