/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything durable: rows, files by hash, console logs.
 *
 * Writing (struct db, one process, one thread of its own): the loop fills a
 * struct db_tx with operations and posts it. All posted transactions of the
 * moment are one commit (group commit, no timer); while it is written the next
 * one fills. The callback of a transaction runs on the loop thread, from
 * db_dispatch(), when it is durable: effects (power commands, answers, events)
 * wait for that. Either all operations of a struct db_tx are durable or none.
 *
 * Reading (struct db_reader, any process, one per thread): bounded queries
 * that pass rows to a callback; strings are borrowed until it returns. A
 * callback that returns false ends the query early. A query must not call
 * itself with the same reader from its callback; it ends with TIMEOUT after
 * 250 ms, callbacks included.
 *
 * Callers see no SQL, rows or handles. Order kept: file, fsync, then row.
 */
#ifndef DB_DB_H
#define DB_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"
#include "bench/bench.h"
#include "scheduler/scheduler.h"

/* ---- opening ------------------------------------------------------------ */

struct db;
struct db_tx;

struct db_ops {
	/*
	 * From the writer thread, until db_close() returns: db_dispatch() has
	 * something to do.
	 */
	void (*wake)(void *arg);
	/*
	 * From db_dispatch(), on the loop: commits fail (disk full) since the
	 * last call; err is NULL when they work again. Nothing is lost: the
	 * batch is kept and tried again every second. Also from db_close(), if
	 * something had to be dropped.
	 */
	void (*health)(void *arg, const struct err *err);
	/*
	 * From db_open(), may be NULL: the file is brought up to this schema,
	 * at the beginning of each step and every 5 s of it. written_bytes: so
	 * far, in DIR/ironbench.db-wal. A past of millions of jobs takes
	 * minutes.
	 */
	void (*migrating)(
	    void *arg, int schema, int64_t took_ms, int64_t written_bytes);
	void *arg;
};

/*
 * Opens the state folder: makes it if missing, locks it (CONFLICT "in use by
 * process N" if another daemon has it), opens and migrates the database
 * (INVAL if it is newer than this program; nothing touched) and starts the
 * writer. db_check() only says whether that would work, and changes nothing.
 */
int db_open(const char *dir, const struct db_ops *ops, struct db **ret,
    struct err *err);
int db_check(const char *dir, struct err *err);
/*
 * Commits what is posted, waits, closes. Callbacks do not run any more. If the
 * disk does not take it, it is dropped after one more try and health is told:
 * nobody was promised anything.
 */
void db_close(struct db *db);
/* Runs the callbacks of durable transactions, in the order of posting. */
void db_dispatch(struct db *db);
/* Transactions posted and not yet durable. */
size_t db_pending(const struct db *db);

/*
 * Ids, given without a gap from memory; they are durable with the rows that
 * use them. Fence: epoch << 32 | counter, never given twice, even after a
 * backup was restored (wire.md).
 */
int64_t db_next_run_id(struct db *db);
int64_t db_next_job_ids(struct db *db, int64_t n); /* the first of n */
int64_t db_next_attempt_id(struct db *db);
int64_t db_next_fence(struct db *db);

/* ---- writing ------------------------------------------------------------ */

struct db_tx *db_tx_new(struct db *db);
/* Posts and takes ownership. done (may be NULL) runs when durable. */
void db_tx_post(struct db_tx *tx, void (*done)(void *arg), void *arg);
/* Drops a transaction that was not posted. */
void db_tx_free(struct db_tx *tx);
SCOPED_DEFINE(struct db_tx, db_tx_free);

/* Everything handed to db_tx_*() is copied. */

enum run_state {
	RUN_RESOLVING = 0,
	RUN_OPEN = 1,
	RUN_DONE = 2
};

struct db_run_file {
	const char *path; /* in the bundle */
	uint8_t sha256[HASH_BYTES];
	int64_t size;
};

/*
 * A plan says what each job of a run is: items (matrix rows) x platforms
 * (columns, "any" last if there is one), one char per cell, row by row:
 * 'j' a job (they count up from first_job in this order), '*' runs elsewhere
 * as its item's job in column any, '.' no such cell.
 */
struct db_plan {
	const char *const *items;
	size_t n_items;
	const char *const *platforms;
	size_t n_platforms;
	const char *cells; /* n_items * n_platforms chars */
};

struct db_new_run {
	int64_t id;
	const char *project; /* "" if none */
	const char *user;
	const char *name;
	const char *suite_text; /* as submitted; stored once per hash */
	size_t suite_len;
	const char *suite_name; /* file name, for messages */
	const struct db_plan *plan;
	const char *commit; /* 40 hex digits, or NULL */
	const char *link;   /* or NULL */
	int priority;
	int64_t created_at_ms;
	enum run_state state;
	int64_t first_job; /* of db_next_job_ids() */
	int64_t n_jobs;
	const struct db_run_file *files;
	size_t n_files;
	const char *kind;    /* "test", "canary" */
	int64_t pin_machine; /* of a canary; 0: none */
	int64_t rerun_of;    /* the run whose failed jobs it repeats; 0: none */
};

/*
 * Run, its jobs (QUEUED), plan, names and counters. An open run without jobs
 * is done at once.
 */
void db_tx_run_new(struct db_tx *tx, const struct db_new_run *run);

/* A webhook's delivery; in the transaction of its run. */
struct db_delivery {
	int64_t run_id;
	const char *project;
	const char *guid;   /* of the delivery; NULL or "" if it had none */
	const char *ref;    /* refs/heads/... */
	const char *commit; /* 40 hex digits */
	int64_t received_at_ms;
	uint8_t body_sha256[HASH_BYTES]; /* of the raw request */
};
void db_tx_delivery(struct db_tx *tx, const struct db_delivery *delivery);
/*
 * The run of a delivery that came before: the same guid, or the same push.
 * Only what is durable is found. Error: NOTFOUND.
 */
int db_delivery_find(struct db *db, const char *project, const char *guid,
    const char *ref, const char *commit, int64_t *ret, struct err *err);

/* What a run of state RUN_RESOLVING turned out to be. */
struct db_run_resolved {
	int64_t run_id;
	const char *suite_name;
	const char *suite_text;
	size_t suite_len;
	const struct db_plan *plan;
	int64_t first_job;
	int64_t n_jobs; /* at least one */
	const struct db_run_file *files;
	size_t n_files;
};
/* RUN_RESOLVING -> RUN_OPEN with its jobs (QUEUED), files and suite. */
void db_tx_run_resolve(struct db_tx *tx, const struct db_run_resolved *run);

/*
 * One event of a job: event row, job row, attempt row and the run's counters.
 * The attempt begins with LEASE, gets its verdict and the event's text as
 * evidence by COLLECTED or ABORT, and ends with DONE or REQUEUE, because only
 * then has the machine left the job: one unfinished attempt per machine is a
 * rule of the schema. before and after are the job around job_apply(). When
 * the last job of a run is DONE the run ends in the same transaction, and its
 * history is packed.
 */
struct db_job_change {
	int64_t run_id;
	const struct job *before;
	const struct job *after;
	const struct job_event *event;
	int64_t fence; /* LEASE: of the attempt; else 0 */
};
void db_tx_job_event(struct db_tx *tx, const struct db_job_change *change);

struct db_case {
	const char *name;
	int result;       /* enum case_result of bench/ */
	const char *text; /* of a failure; "" if none */
	int64_t offset;   /* in the attempt's log; kept for failures only */
};
/*
 * The cases of the attempt that decided the job, which is its last one
 * (replaces earlier ones; LEASE drops those of an attempt before).
 */
void db_tx_cases(struct db_tx *tx, int64_t job_id, int64_t attempt_id,
    const struct db_case *cases, size_t n);

/* Where a value stands in the design of its attempt, and what it is worth. */
struct db_sample_mark {
	int pair;     /* from 0 */
	int position; /* in the pair: 0 first, 1 second */
	bool valid;
	const char *why; /* not valid: why; else NULL */
	bool has_raw;
	uint8_t raw[HASH_BYTES]; /* the output it was read from */
};
struct db_sample {
	int64_t attempt_id;
	int64_t machine_id;
	const char *metric; /* dotted name */
	const char *unit;
	const char *variant; /* "" outside comparisons */
	const char *guest;   /* "" on bare metal */
	const char *controller;
	const double *values;
	size_t n_values;
	const struct db_sample_mark *marks; /* one per value; NULL: no design */
};
/*
 * One row per series and attempt. At least one value; the same series and
 * attempt again replaces them.
 */
void db_tx_sample(struct db_tx *tx, const struct db_sample *sample);

/*
 * The samples of an attempt count: it is the last one of its job, and passes.
 * Their sums enter the histories and tables over many runs. After the samples
 * and facts of the attempt, and after those of all earlier attempts of its
 * machine. versus: what it compared; NULL: nothing. The same attempt again
 * gives the same.
 */
void db_tx_points(
    struct db_tx *tx, int64_t attempt_id, const struct bench_versus *versus);

/*
 * The machine by name: its stable id (from 1), made when new. Blocks; start-up
 * only.
 */
int db_machine_id(struct db *db, const char *name, const char *platform,
    int64_t *ret, struct err *err);
/* Health of a machine, with history. */
void db_tx_machine_health(struct db_tx *tx, int64_t machine_id,
    enum health health, const char *why, int64_t at_ms);

/* Tokens: only the SHA-256 is stored. Scopes are a bit set. */
enum token_scope {
	SCOPE_READ = 1,
	SCOPE_SUBMIT = 2,
	SCOPE_OPERATE = 4,
	SCOPE_ADMIN = 8,
};
/* Errors (blocking): CONFLICT (name taken), NOTFOUND. */
int db_token_add(struct db *db, const char *name,
    const uint8_t sha256[HASH_BYTES], unsigned scopes, int64_t at_ms,
    struct err *err);
int db_token_revoke(
    struct db *db, const char *name, int64_t at_ms, struct err *err);
struct db_token {
	const char *name;
	unsigned scopes;
	int64_t created_at_ms;
	int64_t revoked_at_ms; /* 0: valid */
	const uint8_t *sha256;
};
int db_tokens(struct db *db, bool (*row)(void *arg, const struct db_token *t),
    void *arg, struct err *err);
/* Who did what: one line per act of a person. */
void db_tx_audit(
    struct db_tx *tx, int64_t at_ms, const char *who, const char *what);

/* ---- attempts that an agent carries out --------------------------------- */

/* The specification that the agent is given; stored before it is sent. */
void db_tx_agent_spec(struct db_tx *tx, int64_t attempt_id, const char *spec);
/* Boot id of the machine, when the link came up. */
void db_tx_agent_boot(
    struct db_tx *tx, int64_t attempt_id, const char *boot_id);
/*
 * An event of the agent as its line, and the state of the link after it (text
 * of wire_resume_format()). Each s is given once: a second one is a bug. When
 * the attempt ends (DONE, REQUEUE) its events are packed and the rows deleted:
 * one that is posted after that is a bug as well.
 */
struct db_agent_event {
	int64_t attempt_id;
	int64_t s;
	const char *line; /* without its newline */
	size_t len;
	const char *resume;
};
void db_tx_agent_event(struct db_tx *tx, const struct db_agent_event *ev);
/*
 * A raw output that was fetched and is in DIR/files. Idempotent; a name may
 * come with several hashes, and all are kept.
 */
struct db_attempt_file {
	int64_t attempt_id;
	const char *name;
	uint8_t sha256[HASH_BYTES];
	int64_t size;
};
void db_tx_attempt_file(struct db_tx *tx, const struct db_attempt_file *file);
/* A fact of the environment. Replaces the key's earlier value. */
void db_tx_env(
    struct db_tx *tx, int64_t attempt_id, const char *key, const char *value);

/*
 * What is durable of an unfinished attempt: head once (spec and boot_id NULL
 * if not stored yet, resume NULL before the first event), then its events in
 * order (a line has no zero byte behind it). Blocks; at start-up. Nothing is
 * called for an attempt that is unknown or has ended.
 */
int db_load_agent(struct db *db, int64_t attempt_id,
    void (*head)(
        void *arg, const char *spec, const char *boot_id, const char *resume),
    void (*event)(void *arg, int64_t s, const char *line, size_t len),
    void *arg, struct err *err);

/* ---- after a restart ---------------------------------------------------- */

struct db_open_job {
	int64_t run_id;
	int item; /* index in the run's plan */
	const char *item_name;
	const char *platform; /* "any" for an independent item */
	struct job job;       /* replayed from its events, equal to its row */
	int64_t fence;        /* of its unfinished attempt, else 0 */
	int64_t log_bytes;    /* durable console bytes of that attempt */
};
struct db_open_run {
	int64_t id;
	const char *project;
	const char *user;
	const char *name;
	const char *suite_name;
	const char *suite_text;
	size_t suite_len;
	const char *commit;
	const char *ref; /* that was pushed; NULL if it was not by a push */
	const char *kind;
	int64_t pin_machine;
	int priority;
	enum run_state state; /* resolving: suite_name is its path, no text */
	const struct db_run_file *files;
	size_t n_files;
};
/*
 * Every unfinished run, each followed by its unfinished jobs, in order of id.
 * A row that its events do not reproduce is an error (PROTO) that names it.
 */
int db_load_open(struct db *db,
    void (*on_run)(void *arg, const struct db_open_run *run),
    void (*on_job)(void *arg, const struct db_open_job *job), void *arg,
    struct err *err);
/* Last health of every machine. */
int db_load_health(struct db *db,
    void (*row)(void *arg, int64_t machine_id, enum health health,
        const char *why, int64_t at_ms),
    void *arg, struct err *err);

/* ---- files by hash ------------------------------------------------------ */

/*
 * Moves a synced file into DIR/files/xx/yyyy... (rename, fsync of the folder).
 * An existing one is kept and the new one removed. Blocks for the fsync.
 */
int db_file_adopt(const char *dir, const char *path,
    const uint8_t sha256[HASH_BYTES], struct err *err);
/* Where a file is, or would be; caller frees. */
char *db_file_path(const char *dir, const uint8_t sha256[HASH_BYTES]);
/* Opens a stored file for reading. Error: NOTFOUND. */
int db_file_open(const char *dir, const uint8_t sha256[HASH_BYTES], int *ret_fd,
    int64_t *ret_size, struct err *err);

/* ---- console logs ------------------------------------------------------- */

/*
 * The console of an attempt: bytes with arrival times, compressed in frames of
 * 64 KiB, readable by others while it grows. Offsets count the bytes that
 * arrived. At most 64 MiB are kept: the first 32 and the last 32, with a
 * marked gap between them.
 */
struct db_log;

#define DB_LOG_HEAD_MAX (32 << 20)
#define DB_LOG_TAIL_MAX (32 << 20)

/*
 * Begins, or after a crash goes on with (cut to the last good frame). Nothing
 * of it is durable before the first sync.
 */
int db_log_open(
    const char *dir, int64_t attempt_id, struct db_log **ret, struct err *err);
/* Visible to readers when it returns, durable only after db_log_sync(). */
int db_log_append(struct db_log *log, const char *data, size_t len,
    int64_t at_ms, struct err *err);
/* fdatasync of all that was appended. Blocks: not for a loop. */
int db_log_sync(struct db_log *log, struct err *err);
/*
 * The same by the writer, before the transaction is committed: a verdict is
 * never newer on disk than the log that it was read from. As with a commit,
 * what fails is tried again until it works, and ops.health is told. The log
 * may be written and closed meanwhile. Error: LIMIT (no descriptor is left).
 */
int db_tx_log_sync(struct db_tx *tx, struct db_log *log, struct err *err);
/* So much was appended since it was synced last that it is time to. */
bool db_log_wants_sync(const struct db_log *log);
/* Bytes that arrived so far: the offset of the next one. */
int64_t db_log_size(const struct db_log *log);
/*
 * Compresses what is still raw, syncs and frees, in any case. Blocks. NULL is
 * allowed.
 */
int db_log_close(struct db_log *log, struct err *err);
/* The same with its waiting left to the writer. */
void db_tx_log_close(struct db_tx *tx, struct db_log *log);

struct db_log_info {
	int64_t size;     /* bytes that arrived */
	int64_t gap_from; /* [gap_from, gap_to) is not kept; equal: no gap */
	int64_t gap_to;
	bool open; /* still being written, or its writer died and did not
	              open it again */
};
/* Error: NOTFOUND (no console was captured). */
int db_log_stat(const char *dir, int64_t attempt_id, struct db_log_info *ret,
    struct err *err);
/*
 * Passes bytes [from, to) in pieces, without those in the gap; at_ms is the
 * arrival time of the piece's first byte. Any part may be asked for without
 * reading what is before it.
 */
int db_log_read(const char *dir, int64_t attempt_id, int64_t from, int64_t to,
    bool (*piece)(
        void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms),
    void *arg, struct err *err);

/* ---- reading ------------------------------------------------------------ */

#include "db/import.h" /* last: they use what stands above */
#include "db/read.h"
#include "db/read_cells.h"
#include "db/read_metric.h"
#include "db/read_noise.h"
#include "db/read_series.h"

#endif
