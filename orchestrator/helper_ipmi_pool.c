/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Controllers that have something to do stand in one queue; threads take them
 * from its head. A controller that is in the queue or in a thread's hands is
 * taken, so it is never in two; its session belongs to who holds it.
 *
 * There is a thread for each controller that is being asked, up to a ceiling
 * that matters only when as many are silent at a time.
 */
#include "orchestrator/helper_ipmi_pool.h"

#include <assert.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	MAX_THREADS = 1024,
	MAX_CONTROLLERS = 16384,
	MAX_WAITING = 64, /* requests at one controller */
	/* One of the library's functions alone has 131 KiB of variables. */
	STACK_BYTES = 1 << 20,
	IDLE_MS = 10000,    /* then a thread ends */
	UNUSED_MS = 300000, /* then a session ends */
	BUCKETS = 4096
};

struct controller {
	char *host;
	struct ipmi_session *session; /* the holder's */
	struct pool_request *first;
	struct pool_request **last;
	int n_waiting;
	bool taken;
	bool open;       /* the session, as it was when it was let go */
	int64_t io_ms;   /* when the BMC was spoken to last */
	int64_t used_ms; /* when a request was carried out last */
	struct controller *next_ready;
	struct controller *next_in_bucket;
	struct controller *next; /* of all */
};

struct pool {
	pool_answer *answer;
	void *arg;
	pthread_attr_t attr;
	pthread_mutex_t lock; /* for all below */
	pthread_cond_t work;  /* something is ready, or the end */
	pthread_cond_t quiet; /* a thread ended */
	struct controller *ready;
	struct controller **ready_last;
	int n_ready;
	int n_idle;
	int n_threads;
	bool ending;
	struct controller *all;
	size_t n_controllers;
	struct controller *buckets[BUCKETS];
};

void pool_request_free(struct pool_request *q)
{
	if (!q)
		return;
	if (q->password)
		explicit_bzero(q->password, strlen(q->password));
	free(q->host);
	free(q->user);
	free(q->password);
	free(q);
}

/* For calls that fail only for our own bugs. */
static void must(int errno_value)
{
	assert(errno_value == 0);
}

struct pool *pool_new(pool_answer *answer, void *arg)
{
	struct pool *pool = xcalloc(1, sizeof(*pool));
	size_t stack = STACK_BYTES;
	pthread_condattr_t clock;

	if (stack < (size_t)PTHREAD_STACK_MIN)
		stack = (size_t)PTHREAD_STACK_MIN;
	pool->answer = answer;
	pool->arg = arg;
	pool->ready_last = &pool->ready;
	must(pthread_attr_init(&pool->attr));
	must(pthread_attr_setstacksize(&pool->attr, stack));
	must(pthread_attr_setdetachstate(&pool->attr, PTHREAD_CREATE_DETACHED));
	must(pthread_condattr_init(&clock));
	must(pthread_condattr_setclock(&clock, CLOCK_MONOTONIC));
	must(pthread_mutex_init(&pool->lock, NULL));
	must(pthread_cond_init(&pool->work, &clock));
	must(pthread_cond_init(&pool->quiet, &clock));
	must(pthread_condattr_destroy(&clock));
	return pool;
}

/* False when the time is over. */
static bool wait_until(struct pool *pool, pthread_cond_t *cond, int64_t at_ms)
{
	struct timespec at = {
	    .tv_sec = (time_t)(at_ms / 1000),
	    .tv_nsec = (long)(at_ms % 1000) * 1000000,
	};

	return pthread_cond_timedwait(cond, &pool->lock, &at) == 0;
}

/* The next controller with something to do; NULL: the thread is to end. */
static struct controller *take_ready(struct pool *pool)
{
	int64_t until_ms = clock_mono_ms() + IDLE_MS;
	struct controller *c;
	bool more = true;

	while (!pool->ready && !pool->ending && more) {
		pool->n_idle++;
		more = wait_until(pool, &pool->work, until_ms);
		pool->n_idle--;
	}
	c = pool->ready;
	if (!c)
		return NULL;
	pool->ready = c->next_ready;
	if (!pool->ready)
		pool->ready_last = &pool->ready;
	pool->n_ready--;
	return c;
}

static void carry_out(
    struct pool *pool, struct controller *c, const struct pool_request *q)
{
	struct ipmi_call call = {
	    .op = q->op,
	    .user = q->user,
	    .password = q->password,
	    .deadline_ms = q->deadline_ms,
	};
	struct err err = ERR_INIT;
	bool on = false;
	int r;

	if (clock_mono_ms() > q->deadline_ms)
		r = err_set(&err, ERR_TIMEOUT,
		    "bmc %s: busy until after the deadline", c->host);
	else
		r = ipmi_session_call(c->session, &call, &on, &err);
	pool->answer(pool->arg, q->id, r, on, &err);
}

/* Without a request: the session is due to be refreshed, or to end. */
static void look_after(struct controller *c, int64_t used_ms, bool ending)
{
	if (ending || clock_mono_ms() >= used_ms + UNUSED_MS)
		ipmi_session_close(c->session);
	else
		ipmi_session_refresh(c->session);
}

static void append_ready(struct pool *pool, struct controller *c)
{
	c->next_ready = NULL;
	*pool->ready_last = c;
	pool->ready_last = &c->next_ready;
	pool->n_ready++;
}

/* Called with the lock, which is let go meanwhile. */
static void serve(struct pool *pool, struct controller *c)
{
	struct pool_request *q = c->first;
	int64_t used_ms = c->used_ms;
	bool ending = pool->ending;

	if (q) {
		c->first = q->next;
		if (!c->first)
			c->last = &c->first;
		c->n_waiting--;
	}
	must(pthread_mutex_unlock(&pool->lock));
	/* At the end nobody waits for an answer, or wants the command. */
	if (q && !ending)
		carry_out(pool, c, q);
	else
		look_after(c, used_ms, ending);
	must(pthread_mutex_lock(&pool->lock));
	c->io_ms = clock_mono_ms();
	c->open = ipmi_session_is_open(c->session);
	if (q)
		c->used_ms = c->io_ms;
	/* At the end, sessions that were in use are closed as well. */
	c->taken = c->first || (pool->ending && c->open);
	if (c->taken)
		append_ready(pool, c);
	pool_request_free(q);
}

static void *thread_main(void *arg)
{
	struct pool *pool = arg;
	struct controller *c;

	must(pthread_mutex_lock(&pool->lock));
	while ((c = take_ready(pool)) != NULL)
		serve(pool, c);
	pool->n_threads--;
	must(pthread_cond_signal(&pool->quiet));
	must(pthread_mutex_unlock(&pool->lock));
	return NULL;
}

/* Puts a controller that is not taken into the queue. */
static void make_ready(struct pool *pool, struct controller *c)
{
	pthread_t thread;

	c->taken = true;
	append_ready(pool, c);
	if (pool->n_ready <= pool->n_idle) {
		must(pthread_cond_signal(&pool->work));
		return;
	}
	if (pool->n_threads >= MAX_THREADS)
		return;
	/* If the system has none to give, those we have must do. */
	if (pthread_create(&thread, &pool->attr, thread_main, pool) == 0)
		pool->n_threads++;
}

static struct controller **bucket(struct pool *pool, const char *host)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (; *host; host++)
		h = (h ^ (uint8_t)*host) * 16777619u;
	return &pool->buckets[h % BUCKETS];
}

/* NULL if there are too many. */
static struct controller *controller_get(struct pool *pool, const char *host)
{
	struct controller **b = bucket(pool, host);
	struct controller *c;

	for (c = *b; c; c = c->next_in_bucket)
		if (strcmp(c->host, host) == 0)
			return c;
	if (pool->n_controllers == MAX_CONTROLLERS)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	c->host = xstrdup(host);
	c->session = ipmi_session_new(host);
	c->last = &c->first;
	c->next_in_bucket = *b;
	*b = c;
	c->next = pool->all;
	pool->all = c;
	pool->n_controllers++;
	return c;
}

static int put_locked(
    struct pool *pool, struct pool_request *q, struct err *err)
{
	struct controller *c = controller_get(pool, q->host);

	if (!c)
		return err_set(err, ERR_LIMIT, "bmc %s: over %d controllers",
		    q->host, MAX_CONTROLLERS);
	if (c->n_waiting == MAX_WAITING)
		return err_set(err, ERR_AGAIN, "bmc %s: %d requests wait",
		    q->host, MAX_WAITING);
	q->next = NULL;
	*c->last = q;
	c->last = &q->next;
	c->n_waiting++;
	if (!c->taken)
		make_ready(pool, c);
	return 0;
}

int pool_put(struct pool *pool, struct pool_request *q, struct err *err)
{
	int r;

	must(pthread_mutex_lock(&pool->lock));
	r = put_locked(pool, q, err);
	must(pthread_mutex_unlock(&pool->lock));
	return r;
}

void pool_tick(struct pool *pool)
{
	int64_t now_ms = clock_mono_ms();

	must(pthread_mutex_lock(&pool->lock));
	for (struct controller *c = pool->all; c; c = c->next)
		if (!c->taken && c->open &&
		    now_ms >= c->io_ms + IPMI_REFRESH_MS)
			make_ready(pool, c);
	must(pthread_mutex_unlock(&pool->lock));
}

static void controller_free(struct controller *c)
{
	struct pool_request *q;

	while ((q = c->first) != NULL) {
		c->first = q->next;
		pool_request_free(q);
	}
	ipmi_session_free(c->session);
	free(c->host);
	free(c);
}

bool pool_free(struct pool *pool, int64_t wait_ms)
{
	int64_t until_ms = clock_mono_ms() + wait_ms;
	struct controller *c;
	bool more = true;
	bool all_ended;

	must(pthread_mutex_lock(&pool->lock));
	pool->ending = true;
	for (c = pool->all; c; c = c->next)
		if (!c->taken && c->open)
			make_ready(pool, c);
	must(pthread_cond_broadcast(&pool->work));
	while (pool->n_threads && more)
		more = wait_until(pool, &pool->quiet, until_ms);
	all_ended = pool->n_threads == 0;
	must(pthread_mutex_unlock(&pool->lock));
	if (!all_ended)
		return false;
	while ((c = pool->all) != NULL) {
		pool->all = c->next;
		controller_free(c);
	}
	must(pthread_attr_destroy(&pool->attr));
	must(pthread_cond_destroy(&pool->work));
	must(pthread_cond_destroy(&pool->quiet));
	must(pthread_mutex_destroy(&pool->lock));
	free(pool);
	return true;
}
