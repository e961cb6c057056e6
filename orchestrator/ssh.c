/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection, from dialling to its end.
 *
 * libssh2 is used as a codec between the socket's two buffers and the channels:
 * it is never told of the end of the socket, because it would throw away what
 * it has not handed out. The end is noticed here, when nothing moves any more.
 * Everything happens in step(), which only the loop calls; what the owner does
 * in a callback is marked and done after it.
 */
#include <errno.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "orchestrator/ssh_private.h"

enum {
	PROBE_MS = 15000, /* silent for so long: is it there? */
	DEAD_MS = 45000,
	/*
	 * Of memory in libssh2's hands: it queues whatever it has no use for,
	 * and the other end may be hostile.
	 */
	HELD_MAX = 16 << 20,
	STEP_MAX = 1 << 20, /* bytes, before others have their turn */
	GOODBYES = 100
};

static void step(struct ssh *ssh);

/* ---- libssh2's outside --------------------------------------------------- */

/*
 * Its blocks begin with this, in a list: it forgets some when keys are
 * exchanged again, and they are freed at the end.
 */
struct ssh_block {
	struct ssh_block *next;
	struct ssh_block **link; /* what points here */
	size_t size;
	max_align_t data[];
};

static struct ssh_block *block_of(void *ptr)
{
	return (struct ssh_block *)(void *)((char *)ptr -
	    offsetof(struct ssh_block, data));
}

static LIBSSH2_ALLOC_FUNC(on_alloc)
{
	struct ssh *ssh = *abstract;
	struct ssh_block *b;

	if (count > HELD_MAX || ssh->held + count > HELD_MAX)
		return NULL;
	b = calloc(1, sizeof(*b) + count);
	if (!b)
		return NULL;
	b->size = count;
	b->next = ssh->blocks;
	b->link = &ssh->blocks;
	if (b->next)
		b->next->link = &b->next;
	ssh->blocks = b;
	ssh->held += count;
	return b->data;
}

static void block_free(struct ssh *ssh, struct ssh_block *b)
{
	ssh->held -= b->size;
	/* Some of them were keys. */
	explicit_bzero(b, sizeof(*b) + b->size);
	free(b);
}

static LIBSSH2_FREE_FUNC(on_free)
{
	struct ssh *ssh = *abstract;
	struct ssh_block *b;

	if (!ptr)
		return;
	b = block_of(ptr);
	*b->link = b->next;
	if (b->next)
		b->next->link = b->link;
	block_free(ssh, b);
}

static LIBSSH2_REALLOC_FUNC(on_realloc)
{
	size_t old = ptr ? block_of(ptr)->size : 0;
	void *p = on_alloc(count, abstract);

	if (p && ptr) {
		memcpy(p, ptr, old < count ? old : count);
		on_free(ptr, abstract);
	}
	return p;
}

static LIBSSH2_RECV_FUNC(on_recv)
{
	struct ssh *ssh = *abstract;

	(void)socket;
	(void)flags;
	return ssh->socket ? ssh_socket_recv(ssh->socket, buffer, length)
	                   : -ECONNRESET;
}

static LIBSSH2_SEND_FUNC(on_send)
{
	struct ssh *ssh = *abstract;

	(void)socket;
	(void)flags;
	return ssh->socket ? ssh_socket_send(ssh->socket, buffer, length)
	                   : -ECONNRESET;
}

static enum err_kind kind_of(int r)
{
	switch (r) {
	case LIBSSH2_ERROR_SOCKET_SEND:
	case LIBSSH2_ERROR_SOCKET_RECV:
	case LIBSSH2_ERROR_SOCKET_DISCONNECT:
	case LIBSSH2_ERROR_BANNER_SEND:
		return ERR_UNREACH;
	case LIBSSH2_ERROR_TIMEOUT:
		return ERR_TIMEOUT;
	case LIBSSH2_ERROR_AUTHENTICATION_FAILED:
	case LIBSSH2_ERROR_PUBLICKEY_UNVERIFIED:
	case LIBSSH2_ERROR_CHANNEL_FAILURE:
	case LIBSSH2_ERROR_CHANNEL_REQUEST_DENIED:
		return ERR_DENIED;
	case LIBSSH2_ERROR_ALLOC:
		return ERR_LIMIT;
	default:
		return ERR_PROTO;
	}
}

int ssh_error(struct ssh *ssh, int r, const char *what, struct err *err)
{
	char *words = NULL;
	int got;

	(void)libssh2_session_last_error(ssh->session, &words, NULL, 0);
	got = err_set(err, kind_of(r), "%s: %s: %s", ssh->name, what,
	    words && *words ? words : "failed");
	if (err)
		err->code = r;
	return got;
}

/* ---- phases -------------------------------------------------------------- */

static void on_socket(void *arg)
{
	step(arg);
}

static void on_dialled(
    void *arg, struct ssh_socket *socket, const struct err *err)
{
	struct ssh *ssh = arg;

	ssh->socket = socket;
	ssh->dialled = true;
	ssh->dial_err = *err;
	if (socket)
		ssh_socket_set_cb(socket, on_socket, ssh);
	ssh_kick(ssh);
}

static void session_end(struct ssh *ssh)
{
	struct ssh_block *b;

	if (!ssh->session)
		return;
	/* Without a socket nothing is waited for, so this does not repeat. */
	for (int i = 0; i < GOODBYES; i++)
		if (libssh2_session_free(ssh->session) != LIBSSH2_ERROR_EAGAIN)
			break;
	ssh->session = NULL;
	b = take(ssh->blocks);
	while (b) {
		struct ssh_block *next = b->next;

		block_free(ssh, b);
		b = next;
	}
}

/* Ends what there is of a connection; channels must be ended or freed after. */
static void disconnect(struct ssh *ssh)
{
	if (ssh->session && ssh->socket && ssh->phase >= SSH_AUTH)
		/* It is polite only; the buffer takes it or does not. */
		(void)libssh2_session_disconnect(ssh->session, "bye");
	ssh_dial_free(ssh->dial);
	ssh->dial = NULL;
	ssh->dialled = false;
	ssh_socket_close(ssh->socket);
	ssh->socket = NULL;
	ssh_key_wipe(&ssh->key);
	session_end(ssh);
}

static int begin_session(struct ssh *ssh, struct err *err)
{
	ssh->session =
	    libssh2_session_init_ex(on_alloc, on_free, on_realloc, ssh);
	if (!ssh->session)
		return err_set(err, ERR_LIMIT, "%s: no memory", ssh->name);
	libssh2_session_set_blocking(ssh->session, 0);
	(void)libssh2_session_callback_set(
	    ssh->session, LIBSSH2_CALLBACK_RECV, (void *)on_recv);
	(void)libssh2_session_callback_set(
	    ssh->session, LIBSSH2_CALLBACK_SEND, (void *)on_send);
	/* Fails if it knows none of them; the handshake then says so. */
	(void)libssh2_session_method_pref(ssh->session, LIBSSH2_METHOD_HOSTKEY,
	    ssh_key_methods(ssh_kind_now(ssh)));
	ssh->phase = SSH_HANDSHAKE;
	return 0;
}

static int dial(struct ssh *ssh, struct err *err)
{
	if (!ssh->dial)
		ssh->dial = ssh_dial_new(
		    ssh->loop, ssh->opts.host, ssh->opts.port, on_dialled, ssh);
	if (!ssh->dialled)
		return 1;
	ssh_dial_free(ssh->dial);
	ssh->dial = NULL;
	ssh->dialled = false;
	if (!ssh->socket) {
		(void)err_copy(err, &ssh->dial_err);
		/* Whatever the kernel calls it, the machine is not there. */
		if (!err_is_temporary(err->kind))
			err->kind = ERR_UNREACH;
		return err_prefix(err, "%s", ssh->name);
	}
	return begin_session(ssh, err);
}

/* The other kind of host key is asked for on a new connection. */
static int again(struct ssh *ssh)
{
	disconnect(ssh);
	ssh->tries++;
	ssh->phase = SSH_DIAL;
	ssh_kick(ssh);
	return 1;
}

static int handshake(struct ssh *ssh, struct err *err)
{
	int r =
	    libssh2_session_handshake(ssh->session, ssh_socket_fd(ssh->socket));

	if (r == LIBSSH2_ERROR_EAGAIN)
		return 1;
	if (r == LIBSSH2_ERROR_KEX_FAILURE ||
	    r == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE ||
	    r == LIBSSH2_ERROR_METHOD_NONE) {
		(void)ssh_error(ssh, r, "handshake", err);
		r = ssh_no_host_key(ssh, err);
	} else if (r < 0) {
		return ssh_error(ssh, r, "handshake", err);
	} else {
		r = ssh_check_host_key(ssh, err);
	}
	if (r > 0)
		return again(ssh);
	if (r == 0)
		ssh->phase = SSH_AUTH;
	return r;
}

static int authenticate(struct ssh *ssh, struct err *err)
{
	int r = ssh_authenticate(ssh, err);

	if (r != 0)
		return r;
	ssh->phase = SSH_UP;
	libssh2_keepalive_config(ssh->session, 1, 2);
	ssh->ops->on_up(ssh->arg);
	return 0;
}

static int serve(struct ssh *ssh, struct err *err)
{
	bool moved = true;
	int r = 0;

	while (r == 0 && moved && ssh->moved < STEP_MAX && !ssh->closed) {
		moved = false;
		r = ssh_channels_step(ssh, &moved, err);
		ssh_socket_flush(ssh->socket);
	}
	ssh->kicked |= moved;
	return r < 0 ? r : 1;
}

/* 0: a phase is done; 1: nothing more to do now. */
static int advance(struct ssh *ssh, struct err *err)
{
	switch (ssh->phase) {
	case SSH_DIAL:
		return dial(ssh, err);
	case SSH_HANDSHAKE:
		return handshake(ssh, err);
	case SSH_AUTH:
		return authenticate(ssh, err);
	case SSH_UP:
		return serve(ssh, err);
	case SSH_DOWN:
		/* Commands that were asked for meanwhile. */
		ssh_channels_end(ssh, &ssh->down);
		break;
	}
	return 1;
}

/* ---- time and ends ------------------------------------------------------- */

static int check_time(struct ssh *ssh, struct err *err)
{
	static const char *const doing[] = {
	    "connecting", "the handshake", "the login"};
	int64_t now_ms = clock_mono_ms();
	int64_t heard_ms;

	if (ssh->phase < SSH_UP) {
		if (now_ms < ssh->deadline_ms)
			return 0;
		return err_set(err, ERR_TIMEOUT, "%s: %s took too long",
		    ssh->name, doing[ssh->phase]);
	}
	heard_ms = ssh_socket_heard_ms(ssh->socket);
	if (now_ms >= heard_ms + DEAD_MS)
		return err_set(err, ERR_TIMEOUT, "%s: silent for %d s",
		    ssh->name, DEAD_MS / 1000);
	if (now_ms >= heard_ms + PROBE_MS &&
	    now_ms >= ssh->probed_ms + PROBE_MS) {
		int next_s;

		/*
		 * libssh2 keeps each answer until the end, so it is asked for
		 * only when nothing else comes.
		 */
		ssh->probed_ms = now_ms;
		(void)libssh2_keepalive_send(ssh->session, &next_s);
	}
	return 0;
}

/* Nothing moves any more and the socket has nothing more: that is the end. */
static int check_socket(struct ssh *ssh, struct err *err)
{
	int e;

	if (!ssh->socket || ssh->kicked)
		return 0;
	if (!ssh_socket_is_over(ssh->socket))
		return 0;
	e = ssh_socket_errno(ssh->socket);
	if (e) {
		(void)err_errno(err, e, "%s", ssh->name);
		if (!err_is_temporary(err->kind))
			err->kind = ERR_UNREACH;
		return -err->kind;
	}
	return err_set(err, ERR_UNREACH, "%s: closed by the other end%s",
	    ssh->name, ssh->phase == SSH_UP ? "" : " before the login");
}

static void arm(struct ssh *ssh)
{
	int64_t at_ms = ssh->deadline_ms;

	if (ssh->phase == SSH_DOWN && !ssh->kicked)
		return;
	if (ssh->phase == SSH_UP) {
		int64_t heard_ms = ssh_socket_heard_ms(ssh->socket);

		at_ms = heard_ms + PROBE_MS;
		if (ssh->probed_ms + PROBE_MS > at_ms)
			at_ms = ssh->probed_ms + PROBE_MS;
		if (heard_ms + DEAD_MS < at_ms)
			at_ms = heard_ms + DEAD_MS;
	}
	if (ssh->kicked)
		at_ms = clock_mono_ms();
	loop_timer_at(ssh->timer, at_ms);
}

static void destroy(struct ssh *ssh)
{
	disconnect(ssh);
	ssh_channels_free(ssh);
	loop_timer_free(ssh->timer);
	ssh_options_done(&ssh->opts);
	free(ssh->name);
	free(ssh);
}

static void lost(struct ssh *ssh, const struct err *err)
{
	disconnect(ssh);
	ssh->phase = SSH_DOWN;
	ssh->down = *err;
	ssh->kicked = false;
	loop_timer_stop(ssh->timer);
	ssh_channels_end(ssh, err);
	if (!ssh->closed)
		ssh->ops->on_down(ssh->arg, err);
}

static void step(struct ssh *ssh)
{
	struct err err = ERR_INIT;
	int r = 0;

	ssh->in_step = true;
	ssh->kicked = false;
	ssh->moved = 0;
	while (r == 0 && !ssh->closed)
		r = advance(ssh, &err);
	if (r > 0 && ssh->socket)
		ssh_socket_flush(ssh->socket);
	if (r > 0 && !ssh->closed && ssh->phase != SSH_DOWN)
		r = check_socket(ssh, &err);
	if (r >= 0 && !ssh->closed && ssh->phase != SSH_DOWN)
		r = check_time(ssh, &err);
	if (r < 0 && !ssh->closed)
		lost(ssh, &err);
	ssh->in_step = false;
	if (ssh->closed)
		destroy(ssh);
	else
		arm(ssh);
}

static void on_timer(void *arg)
{
	step(arg);
}

void ssh_kick(struct ssh *ssh)
{
	ssh->kicked = true;
	if (!ssh->in_step)
		loop_timer_at(ssh->timer, clock_mono_ms());
}

struct ssh *ssh_open(struct loop *loop, const struct ssh_options *opts,
    int64_t deadline_ms, const struct ssh_ops *ops, void *arg)
{
	struct ssh *ssh = xcalloc(1, sizeof(*ssh));

	ssh->loop = loop;
	ssh->timer = loop_timer_new(loop, on_timer, ssh);
	ssh_options_copy(&ssh->opts, opts);
	ssh->name =
	    xasprintf("ssh %s@%s:%d", opts->user, opts->host, (int)opts->port);
	ssh->deadline_ms = deadline_ms;
	ssh->ops = ops;
	ssh->arg = arg;
	ssh_kick(ssh);
	return ssh;
}

void ssh_close(struct ssh *ssh)
{
	if (!ssh)
		return;
	ssh->closed = true;
	if (!ssh->in_step)
		destroy(ssh);
}

bool ssh_is_up(const struct ssh *ssh)
{
	return ssh->phase == SSH_UP;
}

enum ssh_key_kind ssh_key_kind(const struct ssh *ssh)
{
	return ssh_kind_now(ssh);
}
