/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A lab's worth of machines in one process: each has a BMC on a UDP port of
 * its own and a console on a socket of its own, on this computer alone.
 *
 *     bmc_farm DIR N         consoles are DIR/I, for I from 0 to N - 1
 *
 * Says on standard output, first what there is, then what happens; times are
 * CLOCK_MONOTONIC in nanoseconds, taken when the packet was received:
 *
 *     machine I PORT         its BMC's; one line each, then
 *     ready
 *     off I NS               a power command: off, on, cycle, reset
 *     end I NS               its test has printed its last line
 *
 * Is told on standard input, and ends with it:
 *
 *     dead I                 its BMC answers no more
 *     alive I
 *     boot PORT              from now on a machine that is switched on fetches
 *                            its boot script there, and its test passes
 *     test MS                its test takes about so long; 0 at first
 *
 * User and password of every BMC are those of bmc_farm.h.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/bench/bmc.h"
#include "tests/bench/bmc_farm.h"

enum source {
	FROM_OWNER,
	FROM_BMC,
	FROM_LISTENER,
	FROM_CONSOLE,
	FROM_BOOT,
	FROM_TIMER
};

struct machine {
	struct bmc *bmc;
	bool dead;
	int bmc_fd;
	int listen_fd;
	int console_fd; /* -1: nobody reads it */
	int boot_fd;    /* -1: it is not booting */
	int timer_fd;   /* the end of its test */
};

struct farm {
	int epoll_fd;
	struct machine *machines;
	size_t n;
	int boot_port; /* 0: machines do nothing */
	int64_t test_ms;
	uint64_t random;
	struct buf in;
	struct buf out;
};

static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "bmc_farm: %s: %s\n", what, strerror(errno));
	_exit(1);
}

static void watch(struct farm *f, int fd, enum source source, size_t i)
{
	struct epoll_event e = {
	    .events = EPOLLIN, .data.u64 = (uint64_t)source << 32 | i};

	if (epoll_ctl(f->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		die("epoll_ctl");
}

/* ---- what happens -------------------------------------------------------- */

static void tell(struct farm *f, const char *what, size_t i, int64_t at_ns)
{
	buf_printf(&f->out, "%s %zu %" PRId64 "\n", what, i, at_ns);
}

static void flush(struct farm *f)
{
	if (f->out.len &&
	    fs_write_all(STDOUT_FILENO, f->out.data, f->out.len, NULL) < 0)
		die("write");
	buf_reset(&f->out);
}

/* Asks for the boot script; the rest follows with the answer. */
static void boot(struct farm *f, size_t i)
{
	struct machine *m = &f->machines[i];
	struct sockaddr_in to = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)f->boot_port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	char mac[FARM_MAC_LEN + 1];
	char request[128];
	int n;

	fd_done(&m->boot_fd);
	m->boot_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* On loopback it takes no time, or fails at once. */
	if (m->boot_fd < 0 ||
	    connect(m->boot_fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect to the boot server");
	n = snprintf(request, sizeof(request),
	    "GET /boot/%s HTTP/1.1\r\nHost: 127.0.0.1\r\n"
	    "Connection: close\r\n\r\n",
	    farm_mac(i, mac));
	if (write(m->boot_fd, request, (size_t)n) != n)
		die("request to the boot server");
	watch(f, m->boot_fd, FROM_BOOT, i);
}

/* Between a half and one and a half of the usual, so that no two are alike. */
static int64_t length_of_test(struct farm *f)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return f->test_ms / 2 +
	    (int64_t)(f->random % (uint64_t)(f->test_ms + 1));
}

static void begin_test(struct farm *f, size_t i)
{
	int64_t ms = length_of_test(f);
	struct itimerspec t = {
	    .it_value = {
	        .tv_sec = ms / 1000,
	        .tv_nsec = ms % 1000 * 1000000 + 1, /* 0 would stop it */
	    }};

	if (timerfd_settime(f->machines[i].timer_fd, 0, &t, NULL) < 0)
		die("timerfd_settime");
}

static void on_timer(struct farm *f, size_t i)
{
	static const char test[] = "SOTEST VERSION 1 BEGIN 1\n"
	                           "SOTEST SUCCESS \"it_runs\"\n"
	                           "SOTEST END\n";
	struct machine *m = &f->machines[i];
	uint64_t times;

	if (read(m->timer_fd, &times, sizeof(times)) != sizeof(times) ||
	    !bmc_is_on(m->bmc))
		return;
	/* Without a reader its words are lost, as with a serial line. */
	if (m->console_fd >= 0)
		(void)send(m->console_fd, test, strlen(test), MSG_NOSIGNAL);
	tell(f, "end", i, clock_mono_ns());
}

static void on_boot(struct farm *f, size_t i)
{
	struct machine *m = &f->machines[i];
	char text[4096];

	if (read(m->boot_fd, text, sizeof(text)) > 0)
		return;
	fd_done(&m->boot_fd);
	begin_test(f, i);
}

static void on_packet(struct farm *f, size_t i)
{
	static const char *const names[] = {[BMC_OFF] = "off",
	    [BMC_ON] = "on",
	    [BMC_CYCLE] = "cycle",
	    [BMC_RESET] = "reset"};
	struct machine *m = &f->machines[i];
	uint8_t in[BMC_PACKET_MAX + 1];
	uint8_t out[BMC_PACKET_MAX];
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	enum bmc_did did;
	ssize_t n = recvfrom(
	    m->bmc_fd, in, sizeof(in), 0, (struct sockaddr *)&from, &from_len);
	int64_t at_ns = clock_mono_ns();
	size_t len;

	if (n <= 0 || m->dead)
		return;
	len = bmc_packet(m->bmc, in, (size_t)n, out, &did);
	/* Who does not take its answer asks again. */
	if (len)
		(void)sendto(
		    m->bmc_fd, out, len, 0, (struct sockaddr *)&from, from_len);
	if (did == BMC_NOTHING)
		return;
	tell(f, names[did], i, at_ns);
	fd_done(&m->boot_fd);
	if (f->boot_port && did != BMC_OFF)
		boot(f, i);
}

static void on_caller(struct farm *f, size_t i)
{
	struct machine *m = &f->machines[i];

	fd_done(&m->console_fd);
	m->console_fd = accept4(m->listen_fd, NULL, NULL, SOCK_CLOEXEC);
	if (m->console_fd >= 0)
		watch(f, m->console_fd, FROM_CONSOLE, i);
}

static void on_console(struct farm *f, size_t i)
{
	char text[256];

	if (read(f->machines[i].console_fd, text, sizeof(text)) <= 0)
		fd_done(&f->machines[i].console_fd);
}

/* ---- its owner ----------------------------------------------------------- */

static void take_line(struct farm *f, const char *line)
{
	const char *space = strchr(line, ' ');
	int64_t v = -1;

	if (!space || str_to_i64(space + 1, 0, UINT16_MAX, &v, NULL) < 0) {
		(void)fprintf(stderr, "bmc_farm: not understood: %s\n", line);
		_exit(2);
	}
	if (str_starts(line, "boot "))
		f->boot_port = (int)v;
	else if (str_starts(line, "test "))
		f->test_ms = v;
	else if ((size_t)v < f->n)
		f->machines[v].dead = str_starts(line, "dead ");
}

static bool on_owner(struct farm *f)
{
	char *room = buf_room(&f->in, 4096);
	ssize_t n = room ? read(STDIN_FILENO, room, 4096) : 0;
	char *eol;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	buf_added(&f->in, (size_t)n);
	while ((eol = memchr(f->in.data, '\n', f->in.len)) != NULL) {
		*eol = '\0';
		take_line(f, f->in.data);
		buf_drop(&f->in, (size_t)(eol + 1 - f->in.data));
	}
	return true;
}

/* ---- making it ----------------------------------------------------------- */

static int open_bmc(size_t i)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(at);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &len) < 0)
		die("UDP port of a BMC");
	(void)printf("machine %zu %d\n", i, ntohs(at.sin_port));
	return fd;
}

static int open_console(const char *dir, size_t i)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s/%zu", dir, i);

	if (n < 0 || (size_t)n >= sizeof(at.sun_path))
		errno = ENAMETOOLONG;
	else if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    listen(fd, 8) == 0)
		return fd;
	die(dir);
}

static void make(struct farm *f, const char *dir)
{
	f->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (f->epoll_fd < 0)
		die("epoll_create1");
	watch(f, STDIN_FILENO, FROM_OWNER, 0);
	f->machines = xcalloc(f->n, sizeof(*f->machines));
	for (size_t i = 0; i < f->n; i++) {
		f->machines[i] = (struct machine){
		    .bmc = bmc_new(FARM_USER, FARM_PASSWORD),
		    .bmc_fd = open_bmc(i),
		    .listen_fd = open_console(dir, i),
		    .console_fd = -1,
		    .boot_fd = -1,
		    .timer_fd = timerfd_create(
		        CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK),
		};
		watch(f, f->machines[i].bmc_fd, FROM_BMC, i);
		watch(f, f->machines[i].listen_fd, FROM_LISTENER, i);
		watch(f, f->machines[i].timer_fd, FROM_TIMER, i);
	}
	(void)puts("ready");
	if (fflush(stdout) != 0)
		die("write");
}

/* False when its owner is gone. */
static bool take_event(struct farm *f, const struct epoll_event *e)
{
	static void (*const take[])(struct farm *, size_t) = {
	    [FROM_BMC] = on_packet,
	    [FROM_LISTENER] = on_caller,
	    [FROM_CONSOLE] = on_console,
	    [FROM_BOOT] = on_boot,
	    [FROM_TIMER] = on_timer,
	};
	size_t i = (size_t)(e->data.u64 & UINT32_MAX);
	enum source source = (enum source)(e->data.u64 >> 32);

	if (source == FROM_OWNER)
		return on_owner(f);
	/* One before it in the same batch may have closed the descriptor. */
	if ((source == FROM_CONSOLE && f->machines[i].console_fd < 0) ||
	    (source == FROM_BOOT && f->machines[i].boot_fd < 0))
		return true;
	take[source](f, i);
	return true;
}

static void serve(struct farm *f)
{
	struct epoll_event events[256];
	bool more = true;

	while (more) {
		int n;

		flush(f);
		n = epoll_wait(f->epoll_fd, events, (int)ARRAY_LEN(events), -1);
		for (int i = 0; i < n && more; i++)
			more = take_event(f, &events[i]);
	}
}

static void free_all(struct farm *f)
{
	for (size_t i = 0; i < f->n; i++) {
		bmc_free(f->machines[i].bmc);
		fd_done(&f->machines[i].bmc_fd);
		fd_done(&f->machines[i].listen_fd);
		fd_done(&f->machines[i].console_fd);
		fd_done(&f->machines[i].boot_fd);
		fd_done(&f->machines[i].timer_fd);
	}
	free(f->machines);
	buf_done(&f->in);
	buf_done(&f->out);
	fd_done(&f->epoll_fd);
}

int main(int argc, char **argv)
{
	struct farm f = {.epoll_fd = -1,
	    .random = 88172645463325252,
	    .in = BUF_INIT(65536),
	    .out = BUF_INIT(1 << 20)};
	struct rlimit limit;
	int64_t n = 0;

	if (argc != 3 || str_to_i64(argv[2], 1, 10000, &n, NULL) < 0) {
		(void)fputs("usage: bmc_farm DIR N (1 to 10000)\n", stderr);
		return 2;
	}
	/* Five descriptors a machine; too few of them are found out below. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	if (!bmc_setup()) {
		(void)fputs("bmc_farm: libgcrypt does not start\n", stderr);
		return 1;
	}
	f.n = (size_t)n;
	make(&f, argv[1]);
	serve(&f);
	free_all(&f);
	return 0;
}
