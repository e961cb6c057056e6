/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One try of a boot item on one machine: shared by drive.c and attempt*.c. */
#ifndef ORCHESTRATOR_ATTEMPT_H
#define ORCHESTRATOR_ATTEMPT_H

#include "orchestrator/daemon.h"

#define ATTEMPT_CONSOLE_MS 10000 /* to connect the console */
#define ATTEMPT_POWER_MS 40000   /* to switch and read back */
#define ATTEMPT_SILENCE_MS 5000  /* of console before the power is read */

struct attempt_number {
	char *name;
	char *unit;
	double value;
};

struct attempt {
	struct daemon *d;
	struct live_job *lj;
	struct machine *m; /* NULL: the machine left the lab */
	char nonce[33];
	struct agent_run *agent; /* of a benchmark, or NULL */
	struct db_log *log;      /* of a boot item, as the test */
	bool log_broken;         /* it could not be written any more */
	int64_t log_base; /* log offset of the first byte the test is fed */
	struct guest_test *test;
	struct loop_timer *timer;
	void (*on_timer)(struct attempt *a);
	bool preparing; /* waits for its console */
	bool on_sent;   /* power-on was ordered */
	bool asked;     /* the machine asked for its boot script */
	bool over;      /* its verdict is posted */
	bool judging;   /* the test is over; the power is being read */
	bool cleaning;
	bool power_busy;
	int64_t begun_ms; /* monotonic */
	int64_t last_byte_ms;
	size_t failed_at; /* how much of BOOT_FAILED the console just said */
	struct db_case *cases;
	size_t n_cases;
	struct attempt_number *numbers;
	size_t n_numbers;
	struct buf script; /* while it waits to be durable */
	void (*script_done)(void *arg, const char *script, size_t len);
	void *script_arg;
};

struct attempt *attempt_new(struct daemon *d, struct live_job *lj);
void attempt_free(struct attempt *a);

/* ---- attempt.c: power, console, script, cleanup ---------------------- */

/* From power-off: also after a crash of the daemon. */
void attempt_prepare(struct attempt *a);
/* The machine asks for its script: the first time, or again. */
void attempt_asked(struct attempt *a,
    void (*done)(void *arg, const char *script, size_t len), void *arg);
/* Ends it with a verdict; only the first one counts. text: evidence. */
void attempt_end(struct attempt *a, struct verdict verdict, const char *text);
/* The same as an error of a layer. */
void attempt_error(struct attempt *a, enum layer layer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The lab cannot say: error/harness, queued again, nobody blamed. */
void attempt_gap(struct attempt *a, const char *text);
/* The same, because its console's log could not be written or synced. */
void attempt_unwritten(struct attempt *a, const struct err *why);
/* Powers off, closes, and leaves the machine. Idempotent. */
void attempt_cleanup(struct attempt *a);
/* Cleanup is over: the job is done, or waits again; the attempt is freed. */
void attempt_leave(struct attempt *a);

/* ---- attempt_test.c: console and verdict ----------------------------- */

/* The guest test of the attempt's item. */
struct guest_test *attempt_test_new(struct attempt *a);
/* Opens the log and the console. -ERR_* if the log cannot be opened. */
int attempt_open_console(struct attempt *a, struct err *err);
/* The machine is being switched on: the test's clocks start. */
void attempt_test_start(struct attempt *a);
/* (Re)arms the timer for the test's deadline or the next look at the power. */
void attempt_arm(struct attempt *a);
/* Looks whether the test is over, and judges it if so. */
void attempt_look(struct attempt *a);
/* Puts cases and samples into the transaction. */
void attempt_put_results(struct attempt *a, struct db_tx *tx);

/* ---- attempt_agent.c: a benchmark, by an agent over SSH -------------- */

struct agent_run;

/* What is durable of it, after a restart; before anything else. */
int attempt_agent_load(struct attempt *a, struct err *err);
void attempt_agent_prepare(struct attempt *a);
/* RUN and COLLECT after a restart: the agent went on meanwhile. */
void attempt_agent_resume(struct attempt *a);
/* The agent ends what it does, and forgets. */
void attempt_agent_cleanup(struct attempt *a);
void attempt_agent_put_results(struct agent_run *run, struct db_tx *tx);
void attempt_agent_describe(const struct agent_run *run, struct buf *to);
void attempt_agent_free(struct agent_run *run); /* NULL is allowed */
/* There is room again: fetches the raw output that did not fit. */
void attempt_raw_again(struct agent_run *run);

#endif
