/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is measured and what it means: suites, guest tests, formats.
 *
 * Pure: no clock, no I/O but reading text that is handed in.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
/* The parts of this header; other folders include it alone. */
#include "bench/case.h"
#include "bench/cell.h"
#include "bench/changes.h"
#include "bench/compare.h"
#include "bench/history.h"
#include "bench/import.h"
#include "bench/measure.h"
#include "bench/metric.h"
#include "bench/order.h"
#include "bench/plan.h"
#include "bench/ratio.h"
#include "bench/spec.h"
#include "bench/table.h"

/* ---- how a guest test ends ------------------------------------------- */

enum test_end {
	TEST_RUNNING,
	TEST_PASS,
	TEST_FAIL,    /* failed cases, wrong counts, no END */
	TEST_TIMEOUT, /* no BEGIN in time, silence, total time */
	TEST_PANIC,   /* SOTEST PANIC or a panic pattern */
	TEST_RESET,   /* the machine was reset by itself, or a second BEGIN */
};

/* "running", "pass", "fail", "timeout", "panic", "reset". */
const char *test_end_name(enum test_end end);

/* ---- suites (project_config.yaml, a superset of SoTest's) ------------ */

struct suite_item {
	char *name;
	char *exec;  /* relative path and arguments, as written */
	char **load; /* modules or initrd with arguments; NULL-terminated */
	char **extra_files; /* further files of the bundle; NULL-terminated */
	char **tags;        /* a machine needs all of these; NULL-terminated */
	char **forbidden;   /* and none of these (written "!tag") */
	char **platforms;   /* only on these; empty: on every platform */
	bool hardware_independent; /* one job, on any machine */
	int64_t boot_timeout_ms;   /* power-on to BEGIN; boot_item_timeout */
	int64_t timeout_ms;        /* power-on to the end; `timeout` */
	int64_t silence_ms;        /* between two lines after BEGIN */
	enum test_end expect; /* TEST_PASS unless the suite says otherwise */
	int retries;          /* errors of the lab before the job ends */
};

/* What is compared: a hypervisor and how it is run. */
enum suite_role {
	SUITE_BASELINE,
	SUITE_CANDIDATE
};

struct suite_option {
	char *key;
	char *value;
};

struct suite_variant {
	char *name;
	char *hypervisor;
	char *backend;
	struct suite_option *options;
	size_t n_options;
	enum suite_role role;
};

struct suite_guest {
	char *name;
	char *kernel; /* path in the bundle, or NULL: it boots an image */
	char *initrd; /* path in the bundle, or NULL */
	char *image;  /* not of the bundle, known by its SHA-256; or NULL */
	char *sha256;
	char *transport; /* how an image is talked to, or NULL */
	int cpus;
	int memory_mib;
	int boot_timeout_s;
};

/*
 * A benchmark is an item, too: one job on each platform that fits it. Of item,
 * only name, tags, forbidden, platforms and retries have a meaning; exec is
 * NULL and the other lists are empty.
 */
struct suite_bench {
	struct suite_item item;
	enum bench_workload workload;
	const struct bench_metric **metrics; /* the rows are static */
	size_t n_metrics;
	char **controllers; /* of fio: "sata", "nvme"; NULL-terminated */
	size_t *guests;     /* places in the suite's guests */
	size_t n_guests;
	size_t baseline; /* places in the suite's variants */
	size_t candidate;
	/*
	 * A placebo: a job of its own that measures the baseline against itself
	 * (the candidate, under the name "BASELINE#placebo"). It is no
	 * overhead, but the noise of the machine.
	 */
	bool placebo;
	size_t of;    /* place of the benchmark as the suite has it; its own */
	int pairs;    /* of VM boots, for each guest; of a plan: at most */
	bool planned; /* as many as the plan asks for */
	struct bench_plan plan;
	int runtime_s;
	int ramp_s;         /* of fio */
	int disk_mib;       /* of fio */
	int step_timeout_s; /* one VM boot with its workload */
};

/* A metric that is not built in, for the numbers of guest tests and imports. */
struct suite_metric {
	char *name; /* dotted; of a guest test "guest_test." and its own name */
	char *unit;
	enum bench_direction direction;
	double margin;
};

struct suite {
	char *name; /* of the file, for messages */
	struct suite_item *items;
	size_t n_items;
	struct suite_variant *variants; /* in the file's order, as the rest */
	size_t n_variants;
	struct suite_guest *guests;
	size_t n_guests;
	struct suite_bench *benches;
	size_t n_benches;
	struct suite_metric *metrics;
	size_t n_metrics;
	char **panic_patterns; /* substrings of a line; NULL-terminated */
	char **ignored;        /* keys known but without effect yet, with
	                          their position; NULL-terminated */
};

#define SUITE_BOOT_TIMEOUT_S 120 /* SoTest's documented default */
#define SUITE_TIMEOUT_S 3600     /* ours: SoTest documents none */
#define SUITE_SILENCE_S 120      /* ours: SoTest documents none */
#define SUITE_RETRIES 2
#define SUITE_ITEMS_MAX 10000
#define SUITE_BENCHES_MAX 1000
#define SUITE_VARIANTS_MAX 64
#define SUITE_GUESTS_MAX 64
#define SUITE_METRICS_MAX 200
#define SUITE_PAIRS_MAX 1000
#define SUITE_PLACEBOS_MAX 8  /* further jobs of a benchmark */
#define SUITE_BOOTS_MAX 10000 /* VM boots of one benchmark */
#define SUITE_PAIRS 4
#define SUITE_RUNTIME_S 5
#define SUITE_RAMP_S 1
#define SUITE_DISK_MIB 512
#define SUITE_GUEST_CPUS 2
#define SUITE_GUEST_MEMORY_MIB 1024
#define SUITE_GUEST_BOOT_S 180
#define SUITE_STEP_TIMEOUT_S 600 /* more if the workload alone needs more */

/*
 * Reads a project configuration. Every key of SoTest's, in both spellings, is
 * known; keys that nobody knows are refused with file:line:column. Names of
 * items and benchmarks are unique together; paths are relative and safe.
 * Errors: INVAL, LIMIT.
 */
int suite_parse(const char *name, const char *text, size_t len,
    struct suite **ret, struct err *err);
void suite_free(struct suite *s);
SCOPED_DEFINE(struct suite, suite_free);

/* VM boots of one job of it; of a plan: at most. */
int64_t suite_bench_boots(const struct suite_bench *b);

/*
 * The relative paths a suite needs, each once, in order of appearance, as a
 * NULL-terminated list (free with suite_files_free()).
 */
char **suite_files(const struct suite *s);
void suite_files_free(char **files);

/* The path at the start of an exec or load entry: up to the first blank. */
char *suite_path(const char *entry); /* caller frees */
/* What follows it, without the blank; "" if nothing. Borrowed from entry. */
const char *suite_args(const char *entry);

/*
 * Replaces @{name} by var(arg, name), which returns NULL for an unknown name.
 * Errors: INVAL (unknown variable, unclosed @{), LIMIT.
 */
int suite_substitute(const char *text,
    const char *(*var)(void *arg, const char *name), void *arg, struct buf *ret,
    struct err *err);

/* ---- SOTEST over a serial line --------------------------------------- */

struct sotest_case {
	const char *name; /* never NULL; "" if the line had none and no
	                     "test case:" line came before */
	enum case_result result;
	const char *text; /* for a failure: its assertion line, or "" */
	int64_t offset;   /* in the log, of the line that decided it */
};

struct sotest_number {
	const char *name;
	const char *unit;
	double value;
	int64_t offset;
};

struct guest_test_options {
	int64_t boot_timeout_ms;
	int64_t timeout_ms;
	int64_t silence_ms;
	const char *const *panic_patterns; /* NULL-terminated; borrowed */
	/* Called while feeding; strings are borrowed until it returns. */
	void (*on_case)(void *arg, const struct sotest_case *c);
	void (*on_number)(void *arg, const struct sotest_number *n);
	void (*on_begin)(void *arg, int64_t cases);
	void *arg;
};

/* Why it ended, beside enum test_end. */
enum test_reason {
	REASON_NONE,
	REASON_CASES, /* failed cases */
	REASON_COUNT, /* cases != successes + skips at END */
	REASON_BEGIN_TWICE,
	REASON_NO_BEGIN, /* none within the boot timeout */
	REASON_SILENCE,
	REASON_TOTAL, /* total timeout */
	REASON_PANIC,
	REASON_RESET,
	REASON_EOF, /* the stream ended without END */
};

struct guest_test_result {
	enum test_end end;
	enum test_reason reason;
	bool begun;    /* BEGIN was seen */
	int64_t cases; /* what BEGIN announced */
	int64_t successes;
	int64_t fails;
	int64_t skips;
	int64_t offset; /* in the log, of the deciding line (or its end) */
	char text[240]; /* one line for a person: what decided it */
};

/*
 * A guest test on a serial line: SOTEST protocol version 1 with its three
 * timers. Times are monotonic milliseconds of the caller's clock.
 *
 * Verdict: pass if and only if END came, fails == 0, successes + skips ==
 * cases and no panic pattern matched. Protocol lines may have suffixes but no
 * prefixes; CRLF and LF end a line; other lines are ignored, though they count
 * against silence.
 */
struct guest_test;

struct guest_test *guest_test_new(const struct guest_test_options *opts);
void guest_test_free(struct guest_test *t);
SCOPED_DEFINE(struct guest_test, guest_test_free);

/* The machine was switched on now: the boot and total timers start. */
void guest_test_start(struct guest_test *t, int64_t now_ms);
/*
 * Bytes of the console, in order. Ignored once it is over. Lines are read
 * even if a deadline has passed: only guest_test_tick() ends by time.
 */
void guest_test_feed(
    struct guest_test *t, const char *data, size_t len, int64_t now_ms);
/* The machine was reset by itself (it asked for its boot script again). */
void guest_test_reset(struct guest_test *t, int64_t now_ms);
/* The stream ended and nothing more will come. */
void guest_test_eof(struct guest_test *t, int64_t now_ms);
/* When guest_test_tick() must be called at the latest; INT64_MAX if over. */
int64_t guest_test_deadline(const struct guest_test *t);
void guest_test_tick(struct guest_test *t, int64_t now_ms);
/* The state so far; .end is TEST_RUNNING until it is over. Borrowed. */
const struct guest_test_result *guest_test_result(const struct guest_test *t);

#endif
