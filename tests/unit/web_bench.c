/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples, overhead and raw outputs of a benchmark run, over HTTP. */
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "db/db.h"
#include "tests/unit/web_harness.h"

#define METRIC "disk.seq128k_q32t1.rd"
#define OUTPUT "fio said so\n"
#define PAIRS 4

static const char suite[] =
    "variants:\n"
    "  vboxdrv: { hypervisor: virtualbox, backend: vboxdrv, role: baseline }\n"
    "  kvm: { hypervisor: virtualbox, backend: kvm, role: candidate }\n"
    "guests:\n"
    "  linux: { kernel: vmlinuz, initrd: initrd }\n"
    "benchmarks:\n"
    "  - { name: disk, workload: fio, profiles: [ SEQ128K Q32T1 RD ],\n"
    "      controllers: [ sata, nvme ], guests: [ linux ], pairs: 4 }\n";

struct world {
	struct harness *h;
	int64_t run;
	int64_t attempt; /* of the first machine */
	uint8_t output[HASH_BYTES];
};

/* ---- the run ------------------------------------------------------------ */

static int64_t run_put(struct world *w, struct db_tx *tx)
{
	static const char *const items[] = {"disk", "boot"};
	static const char *const platforms[] = {"alder_lake", "kaby_lake"};
	static const struct db_plan plan = {items, 2, platforms, 2, "jjj."};
	struct db *db = harness_db(w->h);
	struct db_new_run run = {.id = db_next_run_id(db),
	    .project = "",
	    .user = "tester",
	    .name = "benchmarks",
	    .suite_text = suite,
	    .suite_len = sizeof(suite) - 1,
	    .suite_name = "project_config.yaml",
	    .plan = &plan,
	    .created_at_ms = 1000,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(db, 3),
	    .n_jobs = 3,
	    .kind = "test"};

	w->run = run.id;
	db_tx_run_new(tx, &run);
	return run.first_job;
}

/* Pair 1 of SATA is not valid; the candidate is half as fast. */
static void series_put(struct world *w, struct db_tx *tx, int64_t attempt,
    int64_t machine, const char *variant, const char *controller)
{
	bool candidate = str_eq(variant, "kvm");
	struct db_sample_mark marks[PAIRS];
	double values[PAIRS];
	struct db_sample s = {.attempt_id = attempt,
	    .machine_id = machine,
	    .metric = METRIC,
	    .unit = "MB/s",
	    .variant = variant,
	    .guest = "linux",
	    .controller = controller,
	    .values = values,
	    .n_values = PAIRS,
	    .marks = marks};

	memset(marks, 0, sizeof(marks));
	for (int i = 0; i < PAIRS; i++) {
		values[i] = (1000 + i) / (candidate ? 2. : 1.);
		marks[i].pair = i;
		marks[i].position = (i % 2 == 1) != candidate;
		marks[i].valid = i != 1 || !str_eq(controller, "sata");
		marks[i].why = marks[i].valid ? NULL : "the clock ran away";
		marks[i].has_raw = i == 0;
		memcpy(marks[i].raw, w->output, HASH_BYTES);
	}
	db_tx_sample(tx, &s);
}

static int64_t machine_put(
    struct world *w, const char *name, const char *platform)
{
	struct err err = ERR_INIT;
	int64_t id = 0;

	assert_int_equal(
	    db_machine_id(harness_db(w->h), name, platform, &id, &err), 0);
	return id;
}

static struct bench_roles roles = {"vboxdrv", "kvm"};
static const struct bench_versus versus = {&roles, 1};

static void job_put(
    struct world *w, struct db_tx *tx, int64_t job, const char *name)
{
	int64_t machine = machine_put(w, name, name);
	int64_t attempt = harness_live(w->h, tx, w->run, job, machine);
	struct db_attempt_file file = {
	    .attempt_id = attempt, .name = "fio.json", .size = 12};

	w->attempt = w->attempt ? w->attempt : attempt;
	memcpy(file.sha256, w->output, HASH_BYTES);
	series_put(w, tx, attempt, machine, "vboxdrv", "sata");
	series_put(w, tx, attempt, machine, "kvm", "sata");
	if (str_eq(name, "t16-1")) {
		series_put(w, tx, attempt, machine, "vboxdrv", "nvme");
		series_put(w, tx, attempt, machine, "kvm", "nvme");
	}
	db_tx_attempt_file(tx, &file);
	db_tx_env(tx, attempt, "governor", "performance");
	db_tx_points(tx, attempt, &versus);
}

/* A guest test's number: its name and direction are its own. */
static void boot_put(struct world *w, struct db_tx *tx, int64_t job)
{
	static const double values[] = {17};
	int64_t machine = machine_put(w, "t16-1", "alder_lake");
	struct db_sample s = {.machine_id = machine,
	    .metric = "boot.cycles",
	    .unit = "cycles",
	    .variant = "",
	    .guest = "",
	    .controller = "",
	    .values = values,
	    .n_values = 1};

	s.attempt_id = harness_live(w->h, tx, w->run, job, machine);
	db_tx_sample(tx, &s);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct db_tx *tx;
	int64_t job;

	w->h = harness_new(READS_OPEN);
	harness_store(w->h, OUTPUT, w->output);
	tx = db_tx_new(harness_db(w->h));
	job = run_put(w, tx);
	job_put(w, tx, job, "t16-1");
	job_put(w, tx, job + 1, "t480-1");
	boot_put(w, tx, job + 2);
	harness_commit(w->h, tx);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	harness_free(w->h);
	free(w);
	return 0;
}

/* ---- asking ------------------------------------------------------------- */

static json_t *of_run(struct world *w, const char *below, int status)
{
	scoped(free) char *path =
	    xasprintf("/api/v1/runs/%" PRId64 "%s", w->run, below);

	return harness_json(w->h, path, status);
}

static void number_is(json_t *doc, const char *key, double want)
{
	double have = json_number_value(json_object_get(doc, key));

	if (!(fabs(have - want) < 1e-9))
		fail_msg("%s: %.17g is not %.17g", key, have, want);
}

/* ---- tests -------------------------------------------------------------- */

static void samples_have_their_marks(void **state)
{
	struct world *w = *state;
	json_t *doc = of_run(w, "/samples", 200);
	json_t *list = json_object_get(doc, "samples");
	json_t *s = json_array_get(list, 2);
	char hex[HASH_HEX + 1];

	/* By controller: two of NVMe, two of SATA; two more; the boot item. */
	assert_int_equal(json_array_size(list), 7);
	assert_string_equal(doc_text(s, "item"), "disk");
	assert_string_equal(doc_text(s, "machine"), "t16-1");
	assert_string_equal(doc_text(s, "variant"), "kvm");
	assert_string_equal(doc_text(s, "controller"), "sata");
	assert_int_equal(json_array_size(json_object_get(s, "values")), PAIRS);
	assert_string_equal(doc_text(doc_at(s, "marks", 0), "raw"),
	    hash_hex(w->output, HASH_BYTES, hex));
	assert_true(
	    json_is_null(json_object_get(doc_at(s, "marks", 0), "why")));
	assert_true(
	    json_is_null(json_object_get(doc_at(s, "marks", 1), "raw")));
	assert_true(
	    json_is_false(json_object_get(doc_at(s, "marks", 1), "valid")));
	assert_string_equal(
	    doc_text(doc_at(s, "marks", 1), "why"), "the clock ran away");
	number_is(doc_at(s, "marks", 2), "pair", 2);
	s = json_array_get(list, 6);
	assert_true(json_is_null(json_object_get(s, "marks")));
	json_decref(doc);
}

static void overhead_is_a_table_a_metric(void **state)
{
	struct world *w = *state;
	json_t *doc = of_run(w, "/overhead", 200);
	json_t *table = doc_at(doc, "tables", 0);
	json_t *cell = doc_at(doc_at(table, "rows", 0), "cells", 1);

	number_is(doc, "run", (double)w->run);
	assert_int_equal(json_array_size(json_object_get(doc, "tables")), 1);
	assert_int_equal(json_array_size(json_object_get(doc, "notes")), 0);
	assert_string_equal(doc_text(table, "metric"), METRIC);
	assert_string_equal(doc_text(table, "unit"), "MB/s");
	assert_string_equal(doc_text(table, "direction"), "higher");
	assert_string_equal(doc_text(table, "baseline"), "vboxdrv");
	assert_string_equal(doc_text(table, "candidate"), "kvm");
	number_is(table, "margin", .03);
	assert_true(str_ends(doc_text(table, "definition"),
	    "n = 2 to 4 pairs a cell, 95 % intervals, BH q = .05"));
	assert_string_equal(
	    doc_text(doc_at(table, "columns", 0), "controller"), "nvme");
	assert_string_equal(
	    doc_text(doc_at(table, "rows", 0), "machine"), "t16-1");
	number_is(cell, "overhead", 2);
	number_is(cell, "n", 2); /* a broken pair, and one of the other order */
	number_is(cell, "baseline_mean", sqrt(1002. * 1003));
	assert_string_equal(doc_text(cell, "method"), "paired");
	assert_string_equal(doc_text(cell, "verdict"), "worse");
	number_is(doc_at(doc_at(table, "rows", 0), "cells", 0), "n", PAIRS);
	assert_true(json_is_null(doc_at(doc_at(table, "rows", 1), "cells", 0)));
	cell = doc_at(table, "geomean", 0);
	number_is(cell, "k", 1);
	number_is(cell, "m", 2);
	number_is(cell, "overhead", 2);
	assert_true(json_is_null(json_object_get(cell, "interval")));
	json_decref(doc);
}

static void one_metric_can_be_asked_for(void **state)
{
	struct world *w = *state;
	json_t *doc = of_run(w, "/overhead?metric=" METRIC, 200);

	assert_int_equal(json_array_size(json_object_get(doc, "tables")), 1);
	json_decref(doc);
	json_decref(of_run(w, "/overhead?metric=sysbench.cpu_1", 404));
	json_decref(of_run(w, "/overhead?what=1", 400));
	doc = of_run(w, "/overhead?metric=boot.cycles", 400);
	assert_string_equal(doc_text(doc, "error"),
	    "metric boot.cycles: not known, nor is its direction");
	json_decref(doc);
}

static void all_runs_have_the_tables_of_their_runs(void **state)
{
	struct world *w = *state;
	json_t *doc =
	    harness_json(w->h, "/api/v1/overhead?metric=" METRIC, 200);
	json_t *table = doc_at(doc, "tables", 0);
	json_t *cell = doc_at(doc_at(table, "rows", 0), "cells", 1);

	assert_true(json_is_null(json_object_get(doc, "run")));
	number_is(cell, "overhead", 2);
	number_is(cell, "n", 2);
	assert_string_equal(doc_text(cell, "method"), "paired");
	json_decref(doc);
	doc = harness_json(
	    w->h, "/api/v1/overhead?baseline=kvm&candidate=vboxdrv", 200);
	table = doc_at(doc, "tables", 0);
	number_is(doc_at(doc_at(table, "rows", 0), "cells", 1), "overhead", .5);
	json_decref(doc);
	doc = harness_json(w->h, "/api/v1/overhead?since=99999999999999", 200);
	assert_int_equal(json_array_size(json_object_get(doc, "tables")), 0);
	json_decref(doc);
	doc = harness_json(w->h, "/api/v1/overhead?by=machine,frog", 400);
	assert_string_equal(doc_text(doc, "error"),
	    "by: frog is none of machine, guest, controller");
	json_decref(doc);
	json_decref(harness_json(w->h, "/api/v1/overhead?baseline=kvm", 400));
	json_decref(harness_json(w->h, "/api/v1/overhead?metric=none", 404));
	json_decref(harness_json(w->h, "/api/v1/overhead?run=999999", 404));
}

static void a_suite_that_cannot_be_read_is_a_note(void **state)
{
	struct world *w = *state;
	scoped(free) char *path =
	    xasprintf("/api/v1/runs/%" PRId64 "/overhead", harness_run(w->h));
	json_t *doc = harness_json(w->h, path, 200);

	assert_int_equal(json_array_size(json_object_get(doc, "tables")), 0);
	/* Its suite has no items, which is refused. */
	assert_true(str_starts(json_string_value(doc_at(doc, "notes", 0)),
	    "the suite cannot be read any more: project_config.yaml:1:1: "));
	json_decref(doc);
	json_decref(harness_json(w->h, "/api/v1/runs/999999/overhead", 404));
	json_decref(harness_json(w->h, "/api/v1/runs/999999/samples", 404));
}

static void an_attempt_tells_its_files_and_environment(void **state)
{
	struct world *w = *state;
	scoped(free) char *path =
	    xasprintf("/api/v1/attempts/%" PRId64 "/files", w->attempt);
	json_t *doc = harness_json(w->h, path, 200);
	json_t *file = doc_at(doc, "files", 0);
	char hex[HASH_HEX + 1];

	assert_string_equal(doc_text(file, "name"), "fio.json");
	assert_string_equal(
	    doc_text(file, "sha256"), hash_hex(w->output, HASH_BYTES, hex));
	number_is(file, "size", 12);
	assert_string_equal(
	    doc_text(json_object_get(doc, "env"), "governor"), "performance");
	json_decref(doc);
}

static void a_raw_output_is_served_by_its_hash(void **state)
{
	struct world *w = *state;
	char hex[HASH_HEX + 1];
	scoped(free) char *path =
	    xasprintf("/api/v1/files/%s", hash_hex(w->output, HASH_BYTES, hex));
	scoped_val(reply_done) struct reply r =
	    http_get(harness_port(w->h), path, "");
	scoped(free) char *type = reply_header(&r, "Content-Type");

	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, OUTPUT);
	assert_string_equal(type, "application/octet-stream");
}

/* The harness has stored it, but no attempt names it. */
static void a_file_that_is_no_output_is_not_shown(void **state)
{
	struct world *w = *state;
	scoped(free) char *path =
	    xasprintf("/api/v1/files/%s", harness_sha256(w->h));

	json_decref(harness_json(w->h, path, 404));
	json_decref(harness_json(w->h, "/api/v1/files/..%2Fstate.db", 400));
	json_decref(harness_json(w->h, "/api/v1/files/12", 400));
}

/* Last: there are two runs then. */
static void pairs_of_all_runs_are_pooled(void **state)
{
	struct world *w = *state;
	struct db_tx *tx = db_tx_new(harness_db(w->h));
	int64_t job = run_put(w, tx);
	json_t *doc;
	json_t *cells;

	job_put(w, tx, job, "t16-1");
	job_put(w, tx, job + 1, "t480-1");
	boot_put(w, tx, job + 2);
	harness_commit(w->h, tx);
	doc = harness_json(w->h, "/api/v1/overhead", 200);
	cells = json_object_get(
	    doc_at(doc_at(doc, "tables", 0), "rows", 0), "cells");
	number_is(json_array_get(cells, 0), "n", 2 * PAIRS);
	number_is(json_array_get(cells, 1), "n", 4);
	number_is(json_array_get(cells, 1), "overhead", 2);
	json_decref(doc);
	doc = harness_json(w->h, "/api/v1/overhead?by=machine", 200);
	cells = json_object_get(
	    doc_at(doc_at(doc, "tables", 0), "rows", 0), "cells");
	assert_int_equal(json_array_size(cells), 1);
	assert_string_equal(
	    doc_text(json_array_get(cells, 0), "method"), "pooled");
	json_decref(doc);
}

#define TEST(f) cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(samples_have_their_marks),
	    TEST(overhead_is_a_table_a_metric),
	    TEST(one_metric_can_be_asked_for),
	    TEST(all_runs_have_the_tables_of_their_runs),
	    TEST(a_suite_that_cannot_be_read_is_a_note),
	    TEST(an_attempt_tells_its_files_and_environment),
	    TEST(a_raw_output_is_served_by_its_hash),
	    TEST(a_file_that_is_no_output_is_not_shown),
	    TEST(pairs_of_all_runs_are_pooled),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
