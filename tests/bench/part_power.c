/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The power of many machines is asked at once, and one BMC is dead: the
 * daemon's helper beside a loop that does nothing but send a packet to each
 * BMC and receive the answer.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/bench/bmc_farm.h"
#include "tests/bench/lab.h"

enum {
	ROUNDS = 20,
	PEER_ROUNDS = 20,
	ROUND_MS = 30000,
	PEER_MS = 5000
};

SCOPED_DEFINE(json_t, json_decref);

struct asking {
	struct lab lab;
	struct process helper;
	size_t n;
	size_t dead;
	int64_t next_id;
	struct buf lines;
};

/* ---- the helper ---------------------------------------------------------- */

static int start_helper(struct asking *q, struct err *err)
{
	scoped(free) char *program =
	    xasprintf("%s/orchestrator/ironbenchd", q->lab.b->build);
	const char *const argv[] = {program, "--helper", "ipmi", NULL};

	return process_start(&q->helper, argv, OUTPUT_ONLY, err);
}

/* Asks all; the answers of all but the dead one are awaited. */
static int round_of(struct asking *q, struct samples *each, int64_t *ret_all_ns,
    struct err *err)
{
	int64_t first_id = q->next_id + 1;
	int64_t until_ms = clock_mono_ms() + ROUND_MS;
	int64_t began_ns;
	size_t left = q->n - (q->dead < q->n);
	const char *line;
	int r;

	buf_reset(&q->lines);
	for (size_t i = 0; i < q->n; i++)
		buf_printf(&q->lines,
		    "{\"id\":%" PRId64 ",\"op\":\"status\",\"host\":"
		    "\"127.0.0.1:%d\",\"user\":\"%s\",\"password\":\"%s\","
		    "\"deadline_ms\":%" PRId64 "}\n",
		    ++q->next_id, q->lab.bmc_ports[i], FARM_USER, FARM_PASSWORD,
		    until_ms);
	began_ns = clock_mono_ns();
	r = process_tell(&q->helper, buf_str(&q->lines), err);
	while (r == 0 && left) {
		scoped(json_decref) json_t *o = NULL;

		line = process_line_until(&q->helper, until_ms);
		if (!line)
			return err_set(err, ERR_TIMEOUT,
			    "power query: %zu answers are missing", left);
		o = json_loads(line, 0, NULL);
		/* What the dead one's last round left comes late. */
		if (json_integer_value(json_object_get(o, "id")) < first_id ||
		    !json_object_get(o, "power"))
			continue;
		if (each)
			samples_add(each, clock_mono_ns() - began_ns);
		left--;
	}
	*ret_all_ns = clock_mono_ns() - began_ns;
	return r;
}

static int rounds(struct asking *q, int n, struct samples *all, struct err *err)
{
	int64_t ns = 0;
	int r = 0;

	for (int i = 0; r == 0 && i < n; i++) {
		r = round_of(q, NULL, &ns, err);
		if (r == 0)
			samples_add(all, ns);
	}
	return r;
}

/* ---- the loop ------------------------------------------------------------ */

/* Get channel authentication capabilities, as any client begins. */
static const uint8_t hello[] = {0x06, 0x00, 0xff, 0x07, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 9, 0x20, 0x18, 0xc8, 0x81, 0x00, 0x38, 0x8e, 0x04, 0xb5};

static int bare_round(
    struct asking *q, int fd, int64_t *ret_ns, struct err *err)
{
	struct pollfd in = {.fd = fd, .events = POLLIN};
	int64_t until_ms = clock_mono_ms() + PEER_MS;
	int64_t began_ns = clock_mono_ns();
	size_t sent = 0;
	size_t got = 0;
	uint8_t text[256];

	/* No more under way than a socket has room for. */
	while (got < q->n) {
		struct sockaddr_in to = {.sin_family = AF_INET,
		    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

		for (; sent < q->n && sent < got + 64; sent++) {
			to.sin_port = htons((uint16_t)q->lab.bmc_ports[sent]);
			(void)sendto(fd, hello, sizeof(hello), 0,
			    (struct sockaddr *)&to, sizeof(to));
		}
		if (poll(&in, 1, 100) > 0)
			got += recv(fd, text, sizeof(text), 0) > 0;
		if (clock_mono_ms() > until_ms)
			return err_set(err, ERR_TIMEOUT,
			    "%zu of %zu bare answers", got, q->n);
	}
	*ret_ns = clock_mono_ns() - began_ns;
	return 0;
}

static int bare(struct asking *q, struct samples *to, struct err *err)
{
	scoped_val(fd_done) int fd =
	    socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int64_t ns = 0;
	int r = fd < 0 ? err_set(err, ERR_IO, "no UDP socket") : 0;

	for (int i = 0; r == 0 && i < PEER_ROUNDS; i++) {
		r = bare_round(q, fd, &ns, err);
		if (r == 0)
			samples_add(to, ns);
	}
	return r;
}

/* ---- the whole ----------------------------------------------------------- */

static int kill_one(struct asking *q, struct err *err)
{
	scoped(free) char *line = NULL;

	q->dead = q->n / 2;
	line = xasprintf("dead %zu\n", q->dead);
	return process_tell(&q->lab.farm, line, err);
}

static void report(struct bench *b, const char *what, size_t n,
    struct samples *s, double max_p99, double bare_ms)
{
	char name[96];

	(void)snprintf(name, sizeof(name), "%zu BMCs, %s", n, what);
	bench_times(b, s, NS_PER_MS,
	    &(struct row){.part = "power",
	        .name = name,
	        .unit = "ms",
	        .max_p99 = max_p99,
	        .peer = "bare UDP to each",
	        .peer_value = bare_ms});
}

static int measure(struct bench *b, struct asking *q, struct err *err)
{
	struct samples peer = {0};
	struct samples cold = {0};
	struct samples warm = {0};
	struct samples dead = {0};
	double bare_ms;
	int r = bare(q, &peer, err);

	bare_ms = (double)samples_at(&peer, 0.5) / NS_PER_MS;
	if (r == 0)
		r = rounds(q, 1, &cold, err);
	if (r == 0)
		r = rounds(q, b->small ? 2 : ROUNDS, &warm, err);
	if (r == 0)
		r = kill_one(q, err);
	if (r == 0)
		r = rounds(q, b->small ? 2 : ROUNDS, &dead, err);
	if (r == 0) {
		report(
		    b, "all answer, sessions open", q->n, &warm, 100, bare_ms);
		report(b, "one dead: the others answer", q->n, &dead, 100,
		    bare_ms);
		report(b, "first query, sessions are opened", q->n, &cold, 0,
		    bare_ms);
	}
	samples_done(&peer);
	samples_done(&cold);
	samples_done(&warm);
	samples_done(&dead);
	return r;
}

int part_power(struct bench *b, struct err *err)
{
	struct asking q = {.lines = BUF_INIT(64 << 20), .dead = SIZE_MAX};
	int r;

	q.n = (size_t)b->machines[b->n_machines - 1];
	bench_say("power: %zu BMCs", q.n);
	r = lab_start(&q.lab, b, NULL, q.n, 0, err);
	if (r < 0)
		return r;
	r = start_helper(&q, err);
	if (r == 0)
		r = measure(b, &q, err);
	process_end(&q.helper, (const int[]){SIGTERM}, 1);
	lab_end(&q.lab);
	buf_done(&q.lines);
	return r;
}
