/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small table of addresses that showed a wrong token. */
#include "web/throttle.h"

#include <stdio.h>
#include <string.h>

void throttle_init(struct throttle *t)
{
	memset(t, 0, sizeof(*t));
	(void)pthread_mutex_init(&t->lock, NULL); /* cannot fail on Linux */
}

void throttle_done(struct throttle *t)
{
	(void)pthread_mutex_destroy(&t->lock);
}

/* The slot of an address whose time is not over, or NULL. */
static struct throttle_slot *find(
    struct throttle *t, const char *remote, int64_t now_ms)
{
	for (int i = 0; i < THROTTLE_SLOTS; i++)
		if (strcmp(t->slots[i].remote, remote) == 0 &&
		    now_ms - t->slots[i].since_ms < THROTTLE_MS)
			return &t->slots[i];
	return NULL;
}

static struct throttle_slot *oldest(struct throttle *t)
{
	struct throttle_slot *found = &t->slots[0];

	for (int i = 0; i < THROTTLE_SLOTS; i++) {
		if (!*t->slots[i].remote)
			return &t->slots[i];
		if (t->slots[i].since_ms < found->since_ms)
			found = &t->slots[i];
	}
	return found;
}

bool throttle_allows(struct throttle *t, const char *remote, int64_t now_ms)
{
	const struct throttle_slot *slot;
	bool allows;

	(void)pthread_mutex_lock(&t->lock);
	slot = find(t, remote, now_ms);
	allows = !slot || slot->failures < THROTTLE_FAILURES;
	(void)pthread_mutex_unlock(&t->lock);
	return allows;
}

void throttle_failed(struct throttle *t, const char *remote, int64_t now_ms)
{
	struct throttle_slot *slot;

	(void)pthread_mutex_lock(&t->lock);
	slot = find(t, remote, now_ms);
	if (!slot) {
		slot = oldest(t);
		slot->since_ms = now_ms;
		slot->failures = 0;
		(void)snprintf(
		    slot->remote, sizeof(slot->remote), "%s", remote);
	}
	slot->failures++;
	(void)pthread_mutex_unlock(&t->lock);
}
