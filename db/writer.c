/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Group commit: everything posted while one batch is written is the next one.
 *
 * Invariants: a callback runs only after its batch is durable, in the order
 * of posting. A batch that fails is kept as it is and tried every second; an
 * operation that the schema refuses is a bug of ours, and going on would make
 * it durable that something did not happen: abort. Console logs are durable
 * before the rows that were made from them.
 */
#include "db/writer.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "db/db.h"
#include "db/log_sync.h"
#include "db/stmt.h"
#include "db/store.h"

#ifdef IB_FAULTS
#define RETRY_MS 5 /* hundreds of failures in one test */
#else
#define RETRY_MS 1000
#endif
#define CHECKPOINT_BYTES (4 << 20)
#define TRUNCATE_BYTES (64 << 20)

struct list {
	struct db_tx *first;
	struct db_tx **last;
};

struct writer {
	struct db *db;
	pthread_t thread;
	pthread_mutex_t lock; /* of all below */
	pthread_cond_t cond;  /* something posted, or stopping */
	struct list posted;
	struct list durable;
	size_t pending;
	bool stopping;
	bool failing;      /* the last commit failed */
	bool told_failing; /* what ops.health was told */
	struct err why;
	/* The writer's thread only. */
	int64_t checkpointed_at; /* log size then */
};

static void list_init(struct list *l)
{
	l->first = NULL;
	l->last = &l->first;
}

static void list_add(struct list *l, struct db_tx *tx)
{
	tx->next = NULL;
	*l->last = tx;
	l->last = &tx->next;
}

static struct db_tx *list_take(struct list *l)
{
	struct db_tx *first = l->first;

	list_init(l);
	return first;
}

/* The default kind of mutex fails for bugs only. */
static void lock(pthread_mutex_t *m)
{
	if (pthread_mutex_lock(m) != 0)
		abort();
}

static void unlock(pthread_mutex_t *m)
{
	if (pthread_mutex_unlock(m) != 0)
		abort();
}

/* ---- one batch ---------------------------------------------------------- */

static bool is_of_the_disk(int r)
{
	return r == -ERR_IO || r == -ERR_AGAIN || r == -ERR_LIMIT;
}

static void bug(const struct op *op, const struct err *err)
{
	(void)fprintf(stderr, "ironbench db: %s %" PRId64 ": %s\n", op->name,
	    op->id, err->msg);
	abort();
}

static int run_ops(struct conn *c, const struct db_tx *batch, struct err *err)
{
	int r = 0;

	for (const struct db_tx *tx = batch; tx && r == 0; tx = tx->next) {
		for (const struct op *op = tx->ops; op; op = op->next) {
			r = op->run(c, op->arg, err);
			if (r < 0 && !is_of_the_disk(r))
				bug(op, err);
			if (r < 0)
				break;
		}
	}
	return r;
}

static int commit(struct conn *c, const struct db_tx *batch, struct err *err)
{
	int r = conn_begin(c, err);

	if (r < 0)
		return r;
	r = run_ops(c, batch, err);
	if (r < 0) {
		conn_rollback(c);
		return r;
	}
	return conn_commit(c, err);
}

/*
 * Between batches, because SQLite would do it inside a commit that somebody
 * waits for. A reader may keep the log from starting anew: then only every
 * further 4 MB are worth the next try.
 */
static void checkpoint(struct writer *w)
{
	int64_t size = conn_wal_bytes(w->db->conn);

	if (size < w->checkpointed_at)
		w->checkpointed_at = 0;
	if (size - w->checkpointed_at < CHECKPOINT_BYTES)
		return;
	conn_checkpoint(w->db->conn, size > TRUNCATE_BYTES);
	w->checkpointed_at = size;
}

static int write_batch(
    struct writer *w, const struct db_tx *batch, struct err *err)
{
	int r = log_sync_batch(batch, err);

	if (r < 0)
		return r;
	lock(&w->db->conn_lock);
	r = commit(w->db->conn, batch, err);
	unlock(&w->db->conn_lock);
	return r;
}

/* ---- the thread --------------------------------------------------------- */

static void wake_loop(struct writer *w)
{
	if (w->db->ops.wake)
		w->db->ops.wake(w->db->ops.arg);
}

static struct timespec retry_time(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* always there */
	t.tv_nsec += RETRY_MS % 1000 * 1000000;
	t.tv_sec += RETRY_MS / 1000 + t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	return t;
}

/* Waits a second; false if the writer is being stopped. */
static bool wait_to_retry(struct writer *w, const struct err *err)
{
	struct timespec until = retry_time();
	bool stopping;

	lock(&w->lock);
	w->failing = true;
	w->why = *err;
	unlock(&w->lock);
	wake_loop(w);
	lock(&w->lock);
	while (!w->stopping &&
	    pthread_cond_timedwait(&w->cond, &w->lock, &until) == 0)
		; /* woken by a post: the time is not over */
	stopping = w->stopping;
	unlock(&w->lock);
	return !stopping;
}

/* Nobody was told that these happened. */
static void drop(struct db_tx *batch)
{
	struct db_tx *next;

	for (struct db_tx *tx = batch; tx; tx = next) {
		next = tx->next;
		db_tx_free(tx);
	}
}

static void hand_over(struct writer *w, struct db_tx *batch)
{
	struct db_tx *next;

	lock(&w->lock);
	w->failing = false;
	for (struct db_tx *tx = batch; tx; tx = next) {
		next = tx->next;
		list_add(&w->durable, tx);
		w->pending--;
	}
	unlock(&w->lock);
	wake_loop(w);
}

/* Waits for work; NULL when stopping and nothing is left. */
static struct db_tx *next_batch(struct writer *w)
{
	struct db_tx *batch;

	lock(&w->lock);
	while (!w->posted.first && !w->stopping)
		if (pthread_cond_wait(&w->cond, &w->lock) != 0)
			abort();
	batch = list_take(&w->posted);
	unlock(&w->lock);
	return batch;
}

static void *run(void *arg)
{
	struct writer *w = arg;
	struct err err = ERR_INIT;
	struct db_tx *batch;

	while ((batch = next_batch(w))) {
		while (write_batch(w, batch, &err) < 0) {
			if (!wait_to_retry(w, &err)) {
				drop(batch);
				return NULL;
			}
		}
		hand_over(w, batch);
		lock(&w->db->conn_lock);
		checkpoint(w);
		unlock(&w->db->conn_lock);
	}
	return NULL;
}

/* ---- the loop's side ---------------------------------------------------- */

static void init_cond(pthread_cond_t *cond)
{
	pthread_condattr_t attr;

	if (pthread_condattr_init(&attr) != 0 ||
	    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) != 0 ||
	    pthread_cond_init(cond, &attr) != 0)
		abort();
	(void)pthread_condattr_destroy(&attr); /* holds nothing on Linux */
}

int writer_start(struct db *db, struct writer **ret, struct err *err)
{
	struct writer *w = xcalloc(1, sizeof(*w));
	int e;

	w->db = db;
	list_init(&w->posted);
	list_init(&w->durable);
	if (pthread_mutex_init(&w->lock, NULL) != 0)
		abort();
	init_cond(&w->cond);
	e = pthread_create(&w->thread, NULL, run, w);
	if (e) {
		free(w);
		return err_errno(err, e, "database: thread");
	}
	*ret = w;
	return 0;
}

void writer_stop(struct writer *w)
{
	if (!w)
		return;
	lock(&w->lock);
	w->stopping = true;
	(void)pthread_cond_signal(&w->cond); /* never fails */
	unlock(&w->lock);
	if (pthread_join(w->thread, NULL) != 0)
		abort();
	/* Somebody should know what is lost. */
	if (w->failing && w->db->ops.health)
		w->db->ops.health(w->db->ops.arg, &w->why);
	drop(w->posted.first);
	drop(w->durable.first);
	(void)pthread_cond_destroy(&w->cond);  /* nobody waits */
	(void)pthread_mutex_destroy(&w->lock); /* nobody has it */
	free(w);
}

void writer_post(struct writer *w, struct db_tx *tx)
{
	lock(&w->lock);
	list_add(&w->posted, tx);
	w->pending++;
	(void)pthread_cond_signal(&w->cond); /* never fails */
	unlock(&w->lock);
}

void writer_dispatch(struct writer *w)
{
	struct db_tx *next;
	struct db_tx *done;
	struct err why;
	bool failing;
	bool tell;

	lock(&w->lock);
	done = list_take(&w->durable);
	failing = w->failing;
	tell = failing != w->told_failing;
	w->told_failing = failing;
	why = w->why;
	unlock(&w->lock);
	if (tell && w->db->ops.health)
		w->db->ops.health(w->db->ops.arg, failing ? &why : NULL);
	for (struct db_tx *tx = done; tx; tx = next) {
		next = tx->next;
		if (tx->done)
			tx->done(tx->done_arg);
		db_tx_free(tx);
	}
}

size_t writer_pending(struct writer *w)
{
	size_t n;

	lock(&w->lock);
	n = w->pending;
	unlock(&w->lock);
	return n;
}
