/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A hypervisor that talks QMP and plays its guest on stdin and stdout. */
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/agent_hypervisor.h"

enum {
	EXACT_MS = 100,
	EXACT_TIMES = 40
};
#define RATE 839.34 /* events a second of every boot that is not noisy */

static void say(const char *text)
{
	(void)fs_write_all(STDOUT_FILENO, text, strlen(text), NULL);
}

static const char *value_of(char **argv, const char *key)
{
	for (; *argv; argv++)
		if (strcmp(*argv, key) == 0)
			return argv[1];
	return "";
}

static void answer_control(int fd, bool kvm, int cpus)
{
	const char *greeting = "{\"QMP\":{\"version\":{\"qemu\":{\"micro\":1,"
	                       "\"minor\":2,\"major\":7}}}}\n";
	char line[4096];
	ssize_t n;

	(void)fs_write_all(fd, greeting, strlen(greeting), NULL);
	while ((n = read(fd, line, sizeof(line) - 1)) > 0) {
		scoped(free) char *one = NULL;

		line[n] = '\0';
		if (strstr(line, "query-kvm"))
			one = xasprintf("{\"return\":{\"enabled\":%s,"
			                "\"present\":true}}\n",
			    kvm ? "true" : "false");
		else if (strstr(line, "query-cpus-fast"))
			one = xasprintf("{\"return\":[{\"thread-id\":9},"
			                "{\"thread-id\":%d}]}\n",
			    cpus);
		else
			one = xstrdup("{\"return\":{}}\n");
		(void)fs_write_all(fd, one, strlen(one), NULL);
		if (strstr(line, "query-cpus-fast"))
			return;
	}
}

static void wait_ms(int ms)
{
	(void)poll(NULL, 0, ms);
}

/* Of several the agent takes the one that came through at once. */
static void say_times(const char *what, bool exact)
{
	for (int i = 0; i < (exact ? EXACT_TIMES : 1); i++) {
		scoped(free) char *line = xasprintf(
		    "IB-TIME %s %" PRId64 "\n", what, clock_mono_ns());

		say(line);
		if (exact)
			wait_ms(1);
	}
}

/* printf's format, with the rate. */
static const char report_format[] =
    "sysbench 1.0.20 (using system LuaJIT 2.1.0-beta3)\n\n"
    "Running the test with following options:\nNumber of threads: 1\n"
    "Initializing random number generator from current time\n\n\n"
    "Prime numbers limit: 10000\n\nInitializing worker threads...\n\n"
    "Threads started!\n\nCPU speed:\n    events per second:   %.2f\n\n"
    "General statistics:\n"
    "    total time:                          1.0005s\n"
    "    total number of events:              840\n\n"
    "Latency (ms):\n         min:                                    1.10\n"
    "         avg:                                    1.19\n"
    "         max:                                    2.30\n"
    "         95th percentile:                        1.30\n"
    "         sum:                                  999.00\n\n"
    "Threads fairness:\n    events (avg/stddev):           840.0000/0.00\n"
    "    execution time (avg/stddev):   0.9990/0.00\n\n";

/* One line of base64; the caller frees it. */
static char *base64(const char *text, size_t len)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789+/";
	struct buf b = BUF_INIT(65536);

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 |
			    (i + k < len ? (unsigned char)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			buf_putc(&b,
			    i + k > len ? '='
			                : digits[bits >> (18 - 6 * k) & 63]);
	}
	return buf_take(&b);
}

/* Which boot of this folder it is, from 1. */
static int count_boot(void)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(64);
	scoped(free) char *text = NULL;
	int n = 1;

	if (fs_read("boots", 63, &b, NULL) == 0)
		n += (int)strtol(buf_str(&b), NULL, 10);
	text = xasprintf("%d\n", n);
	(void)fs_write_atomic("boots", text, strlen(text), 0600, NULL);
	return n;
}

/* The number behind a word in the mode; -1 without it. */
static int number_behind(const char *mode, const char *word)
{
	const char *at = strstr(mode, word);

	return at ? (int)strtol(at + strlen(word), NULL, 10) : -1;
}

static bool dies_now(const char *mode, int boot)
{
	int from = number_behind(mode, "dies-from-");

	return boot == number_behind(mode, "dies-at-") ||
	    (from >= 0 && boot >= from);
}

static void measure(const char *order, double rate, bool exact)
{
	char hex[HASH_HEX + 1];
	uint8_t hash[HASH_BYTES];
	scoped(free) char *report = xasprintf(report_format, rate);
	scoped(free) char *name = xstrndup(order, strcspn(order, " "));
	scoped(free) char *raw = base64(report, strlen(report));
	scoped(free) char *lines = NULL;

	hash_sha256(report, strlen(report), hash);
	/* The clocks agree to a thousandth only if it takes long enough. */
	say_times("BEGIN", exact);
	wait_ms(exact ? EXACT_MS : 20);
	say_times("END", exact);
	lines = xasprintf("IB-RAW BEGIN %s %zu\n%s\nIB-RAW END %s %s\n", name,
	    strlen(report), raw, name, hash_hex(hash, sizeof(hash), hex));
	say(lines);
}

/* The agent dies with the second measurement half done. */
static void measure_half(const char *order)
{
	static int n;

	measure(order, RATE, false);
	if (++n == 1)
		return;
	say_times("BEGIN", false);
	wait_ms(600000);
}

static void be_guest(const char *mode)
{
	int boot = count_boot();
	double rate = strstr(mode, "noisy") && boot % 3 ? RATE / 2 : RATE;
	char *line = NULL;
	size_t cap = 0;

	say("booting\r\n");
	if (strstr(mode, "panic"))
		return;
	if (strstr(mode, "hang"))
		wait_ms(600000);
	say("IB-GUEST 1 READY\r\n");
	if (strstr(mode, "error")) {
		say("IB-GUEST ERROR no such tool\n");
		return;
	}
	if (strstr(mode, "slow"))
		wait_ms(600000);
	while (getline(&line, &cap, stdin) > 0 && strcmp(line, "GO\n") != 0)
		if (str_starts(line, "M ") && strstr(mode, "endless"))
			measure_half(line + 2);
		else if (str_starts(line, "M ")) {
			measure(line + 2, rate, strstr(mode, "exact"));
			if (dies_now(mode, boot))
				_exit(3);
		}
	free(line);
	say("IB-GUEST DONE\n");
}

/* Under KVM it does what the file kvm-trial in the agent's folder says. */
static int be_trial(bool kvm)
{
	scoped_val(buf_done) struct buf mode = BUF_INIT(64);

	if (!kvm)
		wait_ms(300);
	else if (fs_read("kvm-trial", 64, &mode, NULL) < 0 ||
	    strcmp(buf_str(&mode), "slow") == 0)
		wait_ms(600000);
	say("SOTEST END\n");
	return 0;
}

static void note_pid(const char *path)
{
	scoped(free) char *text = xasprintf("%ld\n", (long)getpid());

	(void)fs_write_atomic(path, text, strlen(text), 0600, NULL);
}

/* It does not know it where the file "no-version" is. */
static int tell_version(void)
{
	if (access("no-version", F_OK) == 0)
		return 1;
	say("QEMU emulator version 7.2.1 (stand-in)\nCopyright\n");
	return 0;
}

/* A process that leaves the session, as a service of a hypervisor does. */
static void have_child(void)
{
	if (fork() != 0)
		return;
	(void)setsid();
	note_pid("grandchild.pid");
	wait_ms(600000);
	_exit(0);
}

int agent_hypervisor(char **argv)
{
	scoped_val(buf_done) struct buf mode = BUF_INIT(4096);
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	bool kvm = strstr(value_of(argv, "-accel"), "kvm") != NULL;
	bool single = strstr(value_of(argv, "-accel"), "single") != NULL;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argv[1] && strcmp(argv[1], "--version") == 0)
		return tell_version();
	if (str_ends(value_of(argv, "-kernel"), "/trial.elf32"))
		return be_trial(kvm);
	if (fs_read(value_of(argv, "-kernel"), 4096, &mode, NULL) < 0 ||
	    strstr(buf_str(&mode), "nohost"))
		return 1;
	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s", "work/qmp");
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 1) < 0)
		return 1;
	note_pid("hypervisor.pid");
	if (strstr(buf_str(&mode), "brood"))
		have_child();
	/* What our death signal would end, the next agent must end. */
	if (strstr(buf_str(&mode), "endless")) {
		(void)prctl(PR_SET_PDEATHSIG, 0);
		(void)signal(SIGPIPE, SIG_IGN);
	}
	answer_control(accept(fd, NULL, NULL), kvm, single ? 9 : 10);
	be_guest(buf_str(&mode));
	return strstr(buf_str(&mode), "crash") ? 3 : 0;
}
