/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a guest says on its serial line, and what it is told there.
 *
 * The guest is a Linux with an init of ours. Both directions are lines of
 * ASCII that end with LF (a CR before it is dropped) on the first serial port
 * (console=ttyS0). The guest switches echo off before READY. Lines that do not
 * begin with "IB-" are messages of the kernel and are ignored, except between
 * IB-RAW BEGIN and IB-RAW END; so the guest keeps the kernel quiet from READY
 * on (dmesg -n 1).
 *
 *   guest > IB-GUEST 1 READY
 *   host  > M <name> <program> <argument> ...
 *   host  > M ...                                 one line a measurement
 *   host  > GO
 *   guest > for each measurement, in the order given:
 *             IB-TIME BEGIN <ns>                  at least once, better 3 times
 *             (runs the program; its stdout is the raw output)
 *             IB-TIME END <ns>                    the same
 *             IB-RAW BEGIN <name> <bytes>
 *             <base64>                            lines of at most 1,024 bytes
 *             IB-RAW END <name> <sha256>          of the raw bytes, in hex
 *   guest > IB-GUEST DONE                         then it powers off
 *   guest > IB-GUEST ERROR <text>                 instead of anything; then off
 *
 * <ns> is CLOCK_MONOTONIC in nanoseconds (/proc/uptime is too coarse). The line
 * is written directly after the clock was read; of several the agent takes the
 * one that was least delayed on its way.
 *
 * Words are separated by one blank and hold no blank, quote, backslash or
 * control byte, so no shell is needed and none may be used. A line has at most
 * GUEST_LINE_MAX bytes, because a guest's terminal may cut longer ones. The
 * name is fio:<metric>:<controller> or sysbench:<metric>. The devices are
 * named by their bus: @sata and @nvme in an argument stand for the guest's
 * device of that controller (/dev/sda, /dev/nvme0n1), @cpus for the number of
 * its processors; the guest replaces them. A program that exits with another
 * code than 0 is IB-GUEST ERROR <name>: exit code <n>: <last line of stderr>.
 */
#ifndef AGENT_GUEST_H
#define AGENT_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/mem.h"

#define GUEST_LINE_MAX 1000
#define GUEST_RAW_MAX (4 << 20) /* bytes of one raw output */

/* One finished measurement. Strings and data are borrowed. */
struct guest_raw {
	const char *name;
	const char *data; /* followed by a zero byte */
	size_t len;
	char sha256[65];
	int64_t guest_ns; /* how long it took by the guest's clock */
	int64_t host_ns;  /* and by the host's */
};

struct guest_ops {
	/* The guest waits for its orders. */
	void (*ready)(void *arg);
	void (*raw)(void *arg, const struct guest_raw *raw);
	void (*done)(void *arg);
	/* The guest said ERROR, or speaks nonsense; nothing follows. */
	void (*error)(void *arg, const char *text);
};

struct guest;

/* Reads the guest's side of the line. ops is borrowed. Caller frees. */
struct guest *guest_new(const struct guest_ops *ops, void *arg);
void guest_free(struct guest *g); /* NULL is allowed */
SCOPED_DEFINE(struct guest, guest_free);

/*
 * Bytes of the serial line that arrived at host_ns (monotonic). Callbacks must
 * not free g.
 */
void guest_feed(struct guest *g, const char *data, size_t len, int64_t host_ns);
/* The last line that was no protocol, for messages; "" if none. */
const char *guest_last_words(const struct guest *g);

/*
 * Whether the clocks agree: |guest / host - 1| <= 1e-3. False: the sample is
 * invalid.
 */
bool guest_clock_is_true(const struct guest_raw *raw);

/* True if a word may stand in an order. */
bool guest_word_is_safe(const char *word);

#endif
