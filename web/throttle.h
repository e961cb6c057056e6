/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who tries tokens: at most THROTTLE_FAILURES wrong ones from an address within
 * THROTTLE_MS. The addresses that tried last are remembered. Any thread.
 */
#ifndef WEB_THROTTLE_H
#define WEB_THROTTLE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	THROTTLE_FAILURES = 10,
	THROTTLE_MS = 60000,
	THROTTLE_SLOTS = 64
};

struct throttle {
	pthread_mutex_t lock;
	struct throttle_slot {
		char remote[64]; /* "": free */
		int64_t since_ms;
		int failures; /* since then */
	} slots[THROTTLE_SLOTS];
};

void throttle_init(struct throttle *t);
void throttle_done(struct throttle *t);
/* now_ms is monotonic. */
bool throttle_allows(struct throttle *t, const char *remote, int64_t now_ms);
void throttle_failed(struct throttle *t, const char *remote, int64_t now_ms);

#endif
