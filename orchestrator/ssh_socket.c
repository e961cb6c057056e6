/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A TCP connection on uv_poll.
 *
 * The memory lives until libuv has let go of the handle; from close on s->cb is
 * NULL and nobody is called.
 */
#include "orchestrator/ssh_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"

enum {
	CHUNK = 16384,
	IN_MAX = 32768,
	/* Over what can come of ordinary use: see SSH_SOCKET_BUSY. */
	OUT_MAX = 4 << 20,
	KEEP_MAX = 65536, /* an empty buffer of more gives its memory back */
	UNACKED_MS = 20000
};

struct ssh_socket {
	uv_poll_t poll;
	int fd;
	bool connected;
	bool over;
	int error; /* errno */
	struct buf in;
	struct buf out;
	int64_t heard_ms;
	int polled; /* events that uv_poll waits for */
	void (*cb)(void *arg);
	void *arg;
};

static void on_closed(uv_handle_t *handle)
{
	struct ssh_socket *s = handle->data;

	buf_done(&s->in);
	buf_done(&s->out);
	free(s);
}

static void end(struct ssh_socket *s, int error)
{
	s->over = true;
	if (!s->error)
		s->error = error;
}

/* Without these the connection works too, only slower to go or to fail. */
static void set_options(int fd)
{
	int on = 1;
	int unacked_ms = UNACKED_MS;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(
	    fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked_ms, sizeof(unacked_ms));
}

/*
 * The kernel falls back to delayed ACKs by itself, so this is said after each
 * reading. sshd without TCP_NODELAY waits 40 ms for an ACK in its login.
 */
static void ack_at_once(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof(on));
}

static void receive(struct ssh_socket *s)
{
	while (!s->over && s->in.len < IN_MAX) {
		char *room = buf_room(&s->in, CHUNK);
		ssize_t n = recv(s->fd, room, CHUNK, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			break;
		if (n <= 0) {
			end(s, n < 0 ? errno : 0);
			break;
		}
		buf_added(&s->in, (size_t)n);
	}
	s->heard_ms = clock_mono_ms();
	ack_at_once(s->fd);
}

static void give_back(struct buf *b)
{
	if (b->len == 0 && b->cap > KEEP_MAX)
		buf_done(b);
}

static void send_waiting(struct ssh_socket *s)
{
	size_t sent = 0;

	while (sent < s->out.len) {
		ssize_t n = send(
		    s->fd, s->out.data + sent, s->out.len - sent, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			/* What came before the end is still to be read. */
			if (errno != EAGAIN && errno != EWOULDBLOCK) {
				s->error = errno;
				buf_reset(&s->out);
				return;
			}
			break;
		}
		sent += (size_t)n;
	}
	if (sent)
		buf_drop(&s->out, sent);
	give_back(&s->out);
}

static void on_poll(uv_poll_t *handle, int status, int events);

static void poll_again(struct ssh_socket *s)
{
	int want = 0;

	if (!s->connected && !s->over)
		want = UV_WRITABLE;
	else if (!s->over)
		want = (s->in.len < IN_MAX ? UV_READABLE : 0) |
		    (s->out.len ? UV_WRITABLE : 0);
	if (want == s->polled)
		return;
	s->polled = want;
	/* Neither fails for a handle that is not closing. */
	if (want)
		(void)uv_poll_start(&s->poll, want, on_poll);
	else
		(void)uv_poll_stop(&s->poll);
}

static void finish_connect(struct ssh_socket *s)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		end(s, error);
	else
		s->connected = true;
	s->heard_ms = clock_mono_ms();
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
	struct ssh_socket *s = handle->data;

	if (!s->cb)
		return;
	if (!s->connected)
		finish_connect(s);
	if (s->connected && (status < 0 || (events & UV_READABLE)))
		receive(s);
	if (s->connected && !s->over && (events & UV_WRITABLE))
		send_waiting(s);
	poll_again(s);
	s->cb(s->arg);
}

int ssh_socket_open(struct loop *loop, const struct sockaddr *addr,
    socklen_t addr_len, void (*cb)(void *arg), void *arg,
    struct ssh_socket **ret)
{
	scoped_val(fd_done) int fd = socket(
	    addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct ssh_socket *s;
	int r;

	if (fd < 0)
		return -errno;
	set_options(fd);
	if (connect(fd, addr, addr_len) < 0 && errno != EINPROGRESS)
		return -errno;
	s = xcalloc(1, sizeof(*s));
	r = uv_poll_init(loop_uv(loop), &s->poll, fd);
	if (r < 0) {
		free(s);
		return r; /* libuv's codes are errnos, negative */
	}
	s->poll.data = s;
	s->fd = fd_take(&fd);
	s->in = (struct buf)BUF_INIT(IN_MAX + CHUNK);
	s->out = (struct buf)BUF_INIT(OUT_MAX);
	s->heard_ms = clock_mono_ms();
	s->cb = cb;
	s->arg = arg;
	poll_again(s);
	*ret = s;
	return 0;
}

void ssh_socket_set_cb(struct ssh_socket *s, void (*cb)(void *arg), void *arg)
{
	s->cb = cb;
	s->arg = arg;
}

void ssh_socket_close(struct ssh_socket *s)
{
	if (!s)
		return;
	if (s->connected && !s->over)
		send_waiting(s);
	s->cb = NULL;
	uv_close((uv_handle_t *)&s->poll, on_closed);
	(void)close(s->fd);
}

bool ssh_socket_is_connected(const struct ssh_socket *s)
{
	return s->connected;
}

bool ssh_socket_is_over(const struct ssh_socket *s)
{
	return s->over;
}

int ssh_socket_errno(const struct ssh_socket *s)
{
	return s->error;
}

int ssh_socket_fd(const struct ssh_socket *s)
{
	return s->fd;
}

int64_t ssh_socket_heard_ms(const struct ssh_socket *s)
{
	return s->in.len < IN_MAX ? s->heard_ms : clock_mono_ms();
}

ssize_t ssh_socket_recv(struct ssh_socket *s, void *to, size_t len)
{
	size_t n = len < s->in.len ? len : s->in.len;

	if (!n)
		return -EAGAIN;
	memcpy(to, s->in.data, n);
	buf_drop(&s->in, n);
	poll_again(s);
	return (ssize_t)n;
}

ssize_t ssh_socket_send(struct ssh_socket *s, const void *data, size_t len)
{
	buf_add(&s->out, data, len);
	if (s->out.failed)
		return -ENOBUFS;
	return (ssize_t)len;
}

size_t ssh_socket_waiting(const struct ssh_socket *s)
{
	return s->out.len;
}

void ssh_socket_flush(struct ssh_socket *s)
{
	if (s->connected && !s->over)
		send_waiting(s);
	poll_again(s);
}
