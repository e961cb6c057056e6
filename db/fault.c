/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Counts fallible calls and fails one of them. It has globals, which nothing
 * else may have: it exists in builds for tests only, and a fault point must
 * not need an argument that product code would carry around for it.
 */
#include "db/fault.h"

#ifdef IB_FAULTS

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char armed[32];
static int64_t fail_at;
static int calls;
static bool started;

static void arm(const char *point, size_t len, int64_t n)
{
	if (len >= sizeof(armed))
		len = sizeof(armed) - 1;
	memcpy(armed, point, len);
	armed[len] = '\0';
	fail_at = n;
	calls = 0;
	started = true;
}

/* IB_TEST_FAULT=point:n, for programs that a test starts. */
static void start(void)
{
	const char *env = getenv("IB_TEST_FAULT");
	const char *colon = env ? strchr(env, ':') : NULL;
	int64_t n = 0;

	started = true;
	if (colon && str_to_i64(colon + 1, 0, 1 << 30, &n, NULL) == 0)
		arm(env, (size_t)(colon - env), n);
}

void fault_arm(const char *point, int n)
{
	(void)pthread_mutex_lock(&lock); /* cannot fail: no error checks */
	arm(point, strlen(point), n);
	(void)pthread_mutex_unlock(&lock);
}

int fault_reached(void)
{
	int n;

	(void)pthread_mutex_lock(&lock);
	n = calls;
	(void)pthread_mutex_unlock(&lock);
	return n;
}

bool fault_hit(const char *point)
{
	bool hit = false;

	(void)pthread_mutex_lock(&lock);
	if (!started)
		start();
	if (str_eq(armed, "any") || str_eq(armed, point))
		hit = ++calls == fail_at;
	(void)pthread_mutex_unlock(&lock);
	return hit;
}

#else

/* ISO C forbids an empty translation unit. */
extern int fault_is_not_built;

#endif
