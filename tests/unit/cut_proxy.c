/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TCP proxy that cuts; a process of its own, ended by its id. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/ssh_kit.h"

enum {
	PAIRS_MAX = 64,
	CHUNK = 16384
};

/* Two ends; what one says is in the other's `out`. */
struct end {
	int fd;
	size_t len;
	char out[CHUNK];
};

struct pair {
	bool used;
	int64_t left; /* bytes before the cut */
	struct end ends[2];
};

struct proxy {
	int listen_fd;
	int signal_fd;
	int target_port;
	int64_t cut_bytes;
	bool frozen;
	struct pair pairs[PAIRS_MAX];
};

static void cut(struct pair *p)
{
	(void)close(p->ends[0].fd);
	(void)close(p->ends[1].fd);
	p->used = false;
}

static void set_up_socket(int fd)
{
	int on = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static void accept_one(struct proxy *x)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons((uint16_t)x->target_port)};
	int fd = accept4(x->listen_fd, NULL, NULL, SOCK_NONBLOCK);
	int other;

	if (fd < 0)
		return;
	other = socket(AF_INET, SOCK_STREAM, 0);
	for (int i = 0; i < PAIRS_MAX; i++) {
		struct pair *p = &x->pairs[i];

		if (p->used)
			continue;
		if (connect(other, (struct sockaddr *)&to, sizeof(to)) < 0)
			break;
		set_up_socket(fd);
		set_up_socket(other);
		p->used = true;
		p->left = x->cut_bytes ? x->cut_bytes : INT64_MAX;
		p->ends[0] = (struct end){.fd = fd};
		p->ends[1] = (struct end){.fd = other};
		return;
	}
	(void)close(fd);
	(void)close(other);
}

static void on_signal(struct proxy *x)
{
	struct signalfd_siginfo si;

	if (read(x->signal_fd, &si, sizeof(si)) != (ssize_t)sizeof(si))
		return;
	if (si.ssi_signo == SIGUSR2)
		x->frozen = !x->frozen;
	for (int i = 0; si.ssi_signo == SIGUSR1 && i < PAIRS_MAX; i++)
		if (x->pairs[i].used)
			cut(&x->pairs[i]);
}

/* False when the connection is at its end, or at its cut. */
static bool move(struct pair *p, int from, short in_events, short out_events)
{
	struct end *src = &p->ends[from];
	struct end *dst = &p->ends[!from];

	if ((in_events & (POLLIN | POLLHUP | POLLERR)) && !dst->len) {
		size_t want = p->left < CHUNK ? (size_t)p->left : (size_t)CHUNK;
		ssize_t n = recv(src->fd, dst->out, want, MSG_DONTWAIT);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		dst->len = n > 0 ? (size_t)n : 0;
		p->left -= (int64_t)dst->len;
		out_events |= POLLOUT;
	}
	if (dst->len && (out_events & POLLOUT)) {
		ssize_t n = send(
		    dst->fd, dst->out, dst->len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN)
			return false;
		if (n > 0) {
			dst->len -= (size_t)n;
			memmove(dst->out, dst->out + n, dst->len);
		}
	}
	return p->left > 0;
}

static void serve_once(struct proxy *x)
{
	struct pollfd p[2 + 2 * PAIRS_MAX];
	nfds_t n = 2 + 2 * PAIRS_MAX;

	p[0] = (struct pollfd){.fd = x->listen_fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = x->signal_fd, .events = POLLIN};
	for (int i = 0; i < PAIRS_MAX; i++) {
		struct pair *pair = &x->pairs[i];

		for (int k = 0; k < 2; k++)
			p[2 + 2 * i + k] = (struct pollfd){
			    .fd = pair->used && !x->frozen ? pair->ends[k].fd
			                                   : -1,
			    .events =
			        (short)((pair->ends[!k].len ? 0 : POLLIN) |
			            (pair->ends[k].len ? POLLOUT : 0))};
	}
	if (poll(p, n, -1) < 0)
		return;
	for (int i = 0; i < PAIRS_MAX; i++) {
		short a = p[2 + 2 * i].revents;
		short b = p[3 + 2 * i].revents;

		if (x->pairs[i].used && !x->frozen && (a || b) &&
		    (!move(&x->pairs[i], 0, a, b) ||
		        !move(&x->pairs[i], 1, b, a)))
			cut(&x->pairs[i]);
	}
	if (p[1].revents)
		on_signal(x);
	if (p[0].revents)
		accept_one(x);
}

static void serve(int listen_fd, int target_port, int64_t cut_bytes)
{
	struct proxy *x = calloc(1, sizeof(*x));
	sigset_t set;

	if (!x)
		_exit(1);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGUSR2);
	x->signal_fd = signalfd(-1, &set, SFD_CLOEXEC);
	x->listen_fd = listen_fd;
	x->target_port = target_port;
	x->cut_bytes = cut_bytes;
	for (;;)
		serve_once(x);
}

void cut_proxy_start(struct cut_proxy *p, int target_port, int64_t cut_bytes)
{
	int fd = kit_listen(&p->port);
	pid_t parent = getpid();
	sigset_t set;
	sigset_t old;

	/* Blocked before the fork: a signal may come before signalfd(). */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigaddset(&set, SIGUSR2);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	p->pid = fork();
	assert_true(p->pid >= 0);
	if (p->pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() == parent)
			serve(fd, target_port, cut_bytes);
		_exit(1);
	}
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)close(fd);
}

void cut_proxy_cut(const struct cut_proxy *p)
{
	assert_int_equal(kill(p->pid, SIGUSR1), 0);
}

void cut_proxy_freeze(const struct cut_proxy *p)
{
	assert_int_equal(kill(p->pid, SIGUSR2), 0);
}

void cut_proxy_stop(struct cut_proxy *p)
{
	if (p->pid > 0) {
		(void)kill(p->pid, SIGKILL);
		(void)waitpid(p->pid, NULL, 0);
	}
	p->pid = 0;
}
