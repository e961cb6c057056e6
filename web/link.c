/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The link's thread owns the socket; other threads only append to the outgoing
 * buffer and to the list of questions, under one lock. Invariant: a question
 * in the list with done set is answered exactly once. One without done is the
 * ghost of an "open" that was too late: its descriptor still arrives, and must
 * not be taken for that of the next answer.
 */
#include "web/link.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "web/web.h"

#define OUT_MAX (32 << 20)
#define RECEIVE_BYTES 65536
#define FDS_PER_MESSAGE 16
#define FDS_MAX 1024

struct question {
	struct question *next;
	int64_t id;
	int64_t deadline_ms;
	bool wants_fd;
	void (*done)(void *arg, struct link_answer *a);
	void *arg;
};

struct link {
	struct link_options opts;
	int fd;
	int wake_fd;
	pthread_t thread;
	bool joined;
	int result;
	struct err err;
	int64_t beat_at_ms;
	struct buf in;
	int fds[FDS_MAX]; /* received, in order, for answers to come */
	size_t n_fds;

	pthread_mutex_t lock; /* over all below */
	struct question *first;
	size_t n_questions;
	int64_t next_id;
	struct buf out;
	size_t sent; /* bytes of out that are gone */
	bool ended;
	bool stop;
};

void link_answer_done(struct link_answer *a)
{
	free(a->type);
	a->type = NULL;
	buf_done(&a->body);
	fd_done(&a->fd);
}

static void answer_end(struct question *q, struct link_answer *a)
{
	if (q->done)
		q->done(q->arg, a);
	else
		link_answer_done(a);
	free(q);
}

static void answer_503(struct question *q, const char *why)
{
	struct link_answer a = {.status = 503, .body = BUF_INIT(512), .fd = -1};

	a.type = xstrdup("application/json");
	buf_printf(&a.body, "{\"error\":\"%s\"}\n", why);
	answer_end(q, &a);
}

/* ---- asking (any thread) ------------------------------------------------ */

static void wake(struct link *l)
{
	uint64_t one = 1;

	/* A full counter wakes as well. */
	if (write(l->wake_fd, &one, sizeof(one)) < 0)
		return;
}

/* With the lock held: the op with a new id into the outgoing buffer. */
static int put(struct link *l, json_t *op, const struct buf *body,
    int64_t *ret_id, struct err *err)
{
	int64_t id = l->next_id + 1;
	scoped(free) char *text = NULL;

	if (l->ended)
		return err_set(err, ERR_UNREACH, "the daemon has ended");
	if (op && json_object_set_new(op, "id", json_integer(id)) == 0)
		text = json_dumps(op, JSON_COMPACT);
	if (!text)
		return err_set(
		    err, ERR_INVAL, "the request has text that is not UTF-8");
	web_frame_put(
	    &l->out, text, body ? body->data : NULL, body ? body->len : 0);
	if (l->out.failed) {
		/* Nothing was added: the frames before it stay good. */
		l->out.failed = false;
		return err_set(
		    err, ERR_AGAIN, "too many requests wait for the daemon");
	}
	*ret_id = l->next_id = id;
	return 0;
}

static int ask_locked(
    struct link *l, json_t *op, const struct link_call *call, struct err *err)
{
	struct question *q;
	int64_t id;
	int r;

	if (l->n_questions >= LINK_PENDING_MAX)
		return err_set(
		    err, ERR_AGAIN, "too many requests wait for the daemon");
	r = put(l, op, call->body, &id, err);
	if (r < 0)
		return r;
	q = xcalloc(1, sizeof(*q));
	q->id = id;
	q->deadline_ms = clock_mono_ms() + call->timeout_ms;
	q->wants_fd =
	    str_eq(json_string_value(json_object_get(op, "op")), "open");
	q->done = call->done;
	q->arg = call->arg;
	q->next = l->first;
	l->first = q;
	l->n_questions++;
	return 0;
}

int link_ask(
    struct link *l, json_t *op, const struct link_call *call, struct err *err)
{
	int r;

	(void)pthread_mutex_lock(&l->lock);
	r = ask_locked(l, op, call, err);
	(void)pthread_mutex_unlock(&l->lock);
	if (r == 0)
		wake(l);
	return r;
}

void link_close_upload(struct link *l, int64_t upload)
{
	json_t *op = json_pack("{ss sI}", "op", "close", "upload", upload);
	int64_t id;

	(void)pthread_mutex_lock(&l->lock);
	/* If it cannot be said now the daemon drops the upload by its age. */
	(void)put(l, op, NULL, &id, NULL);
	(void)pthread_mutex_unlock(&l->lock);
	json_decref(op);
	wake(l);
}

/* ---- the thread: answers ------------------------------------------------ */

static struct question *unlink_question(struct link *l, int64_t id)
{
	struct question **at;
	struct question *q;

	(void)pthread_mutex_lock(&l->lock);
	at = &l->first;
	while (*at && (*at)->id != id)
		at = &(*at)->next;
	q = *at;
	if (q) {
		*at = q->next;
		l->n_questions--;
	}
	(void)pthread_mutex_unlock(&l->lock);
	return q;
}

static int first_fd(struct link *l)
{
	int fd;

	if (!l->n_fds)
		return -1;
	fd = l->fds[0];
	l->n_fds--;
	memmove(l->fds, l->fds + 1, l->n_fds * sizeof(l->fds[0]));
	return fd;
}

static void drop_late_upload(struct link *l, const struct web_frame *frame)
{
	json_t *body = json_loadb(frame->body, frame->body_len, 0, NULL);
	json_t *upload = json_object_get(body, "upload");

	if (json_is_integer(upload))
		link_close_upload(l, json_integer_value(upload));
	json_decref(body);
}

static void on_answer(
    struct link *l, json_t *header, const struct web_frame *frame)
{
	struct question *q = unlink_question(
	    l, json_integer_value(json_object_get(header, "id")));
	struct link_answer a = {.body = BUF_INIT(WEB_FRAME_MAX), .fd = -1};
	json_int_t status =
	    json_integer_value(json_object_get(header, "status"));

	if (!q)
		return;
	a.status = status >= 200 && status <= 599 ? (int)status : 502;
	if (q->wants_fd && a.status == 200)
		a.fd = first_fd(l);
	if (!q->done && a.status == 200)
		drop_late_upload(l, frame);
	a.type = xstrdup(json_string_value(json_object_get(header, "type")));
	buf_add(&a.body, frame->body, frame->body_len);
	answer_end(q, &a);
}

static int on_frame(
    struct link *l, const struct web_frame *frame, struct err *err)
{
	json_t *header = json_loadb(frame->header, frame->header_len, 0, NULL);

	if (!json_is_object(header)) {
		json_decref(header);
		return err_set(
		    err, ERR_PROTO, "a frame's header is no JSON object");
	}
	if (json_object_get(header, "event"))
		l->opts.on_event(l->opts.arg, frame->header, frame->header_len);
	else
		on_answer(l, header, frame);
	json_decref(header);
	return 0;
}

static int on_bytes(struct link *l, struct err *err)
{
	struct buf rest = l->in;
	struct web_frame frame;
	int r;

	for (;;) {
		r = web_frame_get(&rest, &frame, err);
		if (r > 0)
			r = on_frame(l, &frame, err) < 0 ? -ERR_PROTO : 1;
		if (r <= 0)
			break;
		rest.data += frame.size;
		rest.len -= frame.size;
	}
	buf_drop(&l->in, l->in.len - rest.len);
	return r;
}

/* Keeps received descriptors; one too many is closed, its answer has none. */
static void keep_fds(struct link *l, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c;
	     c = CMSG_NXTHDR(msg, c)) {
		size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			if (l->n_fds < FDS_MAX)
				l->fds[l->n_fds++] = fd;
			else
				fd_done(&fd);
		}
	}
}

/* 1 if there was something, 0 if nothing, -ERR_UNREACH at the end. */
static int receive(struct link *l, struct err *err)
{
	_Alignas(struct cmsghdr) char
	    control[CMSG_SPACE(FDS_PER_MESSAGE * sizeof(int))];
	struct iovec iov;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t n;

	msg.msg_control = control;
	msg.msg_controllen = sizeof(control);
	iov.iov_base = buf_room(&l->in, RECEIVE_BYTES);
	iov.iov_len = RECEIVE_BYTES;
	if (!iov.iov_base)
		return err_set(err, ERR_LIMIT, "no memory for a frame");
	n = recvmsg(l->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n < 0)
		return err_errno(err, errno, "link");
	if (n == 0)
		return err_set(err, ERR_UNREACH, "the daemon closed the link");
	buf_added(&l->in, (size_t)n);
	keep_fds(l, &msg);
	return on_bytes(l, err) < 0 ? -ERR_PROTO : 1;
}

/* ---- the thread: sending, deadlines, the loop --------------------------- */

static int flush(struct link *l, struct err *err)
{
	ssize_t n = 0;
	int e = 0;

	(void)pthread_mutex_lock(&l->lock);
	if (l->sent < l->out.len)
		n = send(l->fd, l->out.data + l->sent, l->out.len - l->sent,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		e = errno;
	else
		l->sent += (size_t)n;
	/* In big steps, so that a slow daemon costs no quadratic copying. */
	if (l->sent == l->out.len || l->sent > OUT_MAX / 4) {
		buf_drop(&l->out, l->sent);
		l->sent = 0;
	}
	(void)pthread_mutex_unlock(&l->lock);
	if (e && e != EAGAIN && e != EINTR)
		return err_errno(err, e, "link");
	return 0;
}

static struct question *ghost_of(const struct question *q)
{
	struct question *ghost = xcalloc(1, sizeof(*ghost));

	ghost->id = q->id;
	ghost->deadline_ms = INT64_MAX;
	ghost->wants_fd = true;
	return ghost;
}

/* Takes what is over its deadline out of the list; all if now is the end. */
static struct question *take_expired(struct link *l, int64_t now_ms)
{
	struct question *expired = NULL;
	struct question **at = &l->first;

	while (*at) {
		struct question *q = *at;

		if (q->deadline_ms > now_ms) {
			at = &q->next;
			continue;
		}
		*at = q->next;
		l->n_questions--;
		if (q->wants_fd && now_ms != INT64_MAX) {
			struct question *ghost = ghost_of(q);

			ghost->next = *at;
			*at = ghost;
			at = &ghost->next;
			l->n_questions++;
		}
		q->next = expired;
		expired = q;
	}
	return expired;
}

static void expire(struct link *l, int64_t now_ms, const char *why)
{
	struct question *q;
	struct question *next;

	(void)pthread_mutex_lock(&l->lock);
	q = take_expired(l, now_ms);
	(void)pthread_mutex_unlock(&l->lock);
	for (; q; q = next) {
		next = q->next;
		answer_503(q, why);
	}
}

/* What to wait for: milliseconds, and whether there is something to send. */
static int wait_ms(struct link *l, bool *ret_send, bool *ret_stop)
{
	int64_t now_ms = clock_mono_ms();
	int64_t at_ms = l->beat_at_ms;

	(void)pthread_mutex_lock(&l->lock);
	for (const struct question *q = l->first; q; q = q->next)
		if (q->deadline_ms < at_ms)
			at_ms = q->deadline_ms;
	*ret_send = l->sent < l->out.len;
	*ret_stop = l->stop;
	(void)pthread_mutex_unlock(&l->lock);
	return at_ms <= now_ms ? 0 : (int)(at_ms - now_ms);
}

static void on_time(struct link *l)
{
	int64_t now_ms = clock_mono_ms();

	expire(l, now_ms, "the daemon does not answer");
	if (now_ms >= l->beat_at_ms) {
		l->beat_at_ms = now_ms + LINK_BEAT_MS;
		l->opts.on_beat(l->opts.arg);
	}
}

static int step(struct link *l, struct err *err)
{
	struct pollfd fds[2] = {
	    {.fd = l->fd, .events = POLLIN},
	    {.fd = l->wake_fd, .events = POLLIN},
	};
	bool send_more;
	bool stop;
	uint64_t count;
	int timeout_ms = wait_ms(l, &send_more, &stop);
	int r = 0;

	if (stop)
		return err_set(err, ERR_UNREACH, "the link was closed");
	if (send_more)
		fds[0].events |= POLLOUT;
	if (poll(fds, ARRAY_LEN(fds), timeout_ms) < 0 && errno != EINTR)
		return err_errno(err, errno, "poll");
	/* The counter only wakes; what it counts is of no interest. */
	if (fds[1].revents && read(l->wake_fd, &count, sizeof(count)) < 0)
		count = 0;
	if (fds[0].revents & ~POLLOUT)
		r = receive(l, err);
	if (r >= 0)
		r = flush(l, err);
	on_time(l);
	return r;
}

static void *run(void *arg)
{
	struct link *l = arg;

	while (l->result >= 0)
		l->result = step(l, &l->err);
	(void)pthread_mutex_lock(&l->lock);
	l->ended = true;
	(void)pthread_mutex_unlock(&l->lock);
	/* A callback may ask again, but nothing is accepted any more. */
	expire(l, INT64_MAX, "the daemon has ended");
	return NULL;
}

/* ---- life --------------------------------------------------------------- */

int link_new(
    const struct link_options *opts, struct link **ret, struct err *err)
{
	scoped(link_free) struct link *l = xcalloc(1, sizeof(*l));
	int r;

	l->opts = *opts;
	l->fd = opts->fd;
	l->joined = true;
	l->in.max = WEB_FRAME_MAX + RECEIVE_BYTES;
	l->out.max = OUT_MAX;
	l->beat_at_ms = clock_mono_ms() + LINK_BEAT_MS;
	(void)pthread_mutex_init(&l->lock, NULL);
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->wake_fd < 0)
		return err_errno(err, errno, "eventfd");
	r = pthread_create(&l->thread, NULL, run, l);
	if (r)
		return err_errno(err, r, "thread of the link");
	l->joined = false;
	*ret = take(l);
	return 0;
}

int link_wait(struct link *l, struct err *err)
{
	if (!l->joined)
		(void)pthread_join(l->thread, NULL);
	l->joined = true;
	if (l->result == -ERR_UNREACH)
		return 0;
	return err_copy(err, &l->err);
}

void link_stop(struct link *l)
{
	struct err ignored = ERR_INIT;

	(void)pthread_mutex_lock(&l->lock);
	l->stop = true;
	(void)pthread_mutex_unlock(&l->lock);
	if (l->joined)
		return;
	wake(l);
	/* Whoever stops it does not ask how it ended. */
	(void)link_wait(l, &ignored);
}

void link_free(struct link *l)
{
	if (!l)
		return;
	link_stop(l);
	while (l->n_fds)
		fd_done(&l->fds[--l->n_fds]);
	/* Ghosts are all that is left. */
	while (l->first) {
		struct question *q = l->first;

		l->first = q->next;
		free(q);
	}
	fd_done(&l->fd);
	fd_done(&l->wake_fd);
	buf_done(&l->in);
	buf_done(&l->out);
	(void)pthread_mutex_destroy(&l->lock);
	free(l);
}
