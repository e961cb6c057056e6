/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pushes: what was delivered is found again, and what was made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/db_kit.h"

#define REF "refs/heads/main"
#define COMMIT "0123456789abcdef0123456789abcdef01234567"
#define OTHER "ffffffffffffffffffffffffffffffffffffffff"

static int setup(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	kit_init(k);
	kit_open(k);
	*state = k;
	return 0;
}

static int teardown(void **state)
{
	struct kit *k = *state;

	kit_done(k);
	free(k);
	return 0;
}

/* A run that is being resolved, with its delivery. */
static int64_t push(
    struct kit *k, const char *project, const char *guid, const char *commit)
{
	struct db_tx *tx = db_tx_new(k->db);
	int64_t id = db_next_run_id(k->db);

	db_tx_run_new(tx,
	    &(struct db_new_run){
	        .id = id,
	        .project = project,
	        .user = "somebody",
	        .name = "p main",
	        .suite_text = "",
	        .suite_name = "ci/suite.yaml",
	        .commit = commit,
	        .priority = 7,
	        .created_at_ms = 1,
	        .state = RUN_RESOLVING,
	    });
	db_tx_delivery(tx,
	    &(struct db_delivery){
	        .run_id = id,
	        .project = project,
	        .guid = guid,
	        .ref = REF,
	        .commit = commit,
	        .received_at_ms = 1,
	    });
	kit_commit(k, tx);
	return id;
}

static int64_t find(struct kit *k, const char *project, const char *guid,
    const char *ref, const char *commit)
{
	int64_t id = 0;
	int r = db_delivery_find(k->db, project, guid, ref, commit, &id, NULL);

	assert_true(r == 0 || r == -ERR_NOTFOUND);
	return r == 0 ? id : 0;
}

static void a_delivery_is_found_by_its_guid_or_its_push(void **state)
{
	struct kit *k = *state;
	int64_t id = push(k, "p", "guid-1", COMMIT);

	assert_int_equal(find(k, "p", "guid-1", REF, COMMIT), id);
	assert_int_equal(find(k, "p", "guid-2", REF, COMMIT), id);
	assert_int_equal(find(k, "p", "", REF, COMMIT), id);
	assert_int_equal(find(k, "p", "guid-1", "refs/heads/b", OTHER), id);
	assert_int_equal(find(k, "p", "guid-2", "refs/heads/b", COMMIT), 0);
	assert_int_equal(find(k, "p", "guid-2", REF, OTHER), 0);
	assert_int_equal(find(k, "q", "guid-1", REF, COMMIT), 0);
}

static void deliveries_without_a_guid_are_not_the_same(void **state)
{
	struct kit *k = *state;
	int64_t a = push(k, "p", "", COMMIT);
	int64_t b = push(k, "p", NULL, OTHER);
	int64_t c = push(k, "q", NULL, OTHER);

	assert_int_equal(find(k, "p", "", REF, COMMIT), a);
	assert_int_equal(find(k, "p", "", REF, OTHER), b);
	assert_int_equal(find(k, "q", "", REF, OTHER), c);
}

/* ---- after a restart ----------------------------------------------------- */

struct seen {
	int runs;
	int jobs;
	enum run_state state;
	char *text; /* of all that matters */
};

static void on_run(void *arg, const struct db_open_run *run)
{
	struct seen *s = arg;

	s->runs++;
	s->state = run->state;
	free(s->text);
	s->text = xasprintf("%s %s %s %s %d '%s' %zu", run->project,
	    run->ref ? run->ref : "none", run->commit, run->suite_name,
	    run->priority, run->suite_text, run->n_files);
}

static void on_job(void *arg, const struct db_open_job *job)
{
	struct seen *s = arg;

	s->jobs++;
	assert_string_equal(job->item_name, "one");
	assert_string_equal(job->platform, "any");
}

static struct seen load(struct kit *k)
{
	struct seen s = {0};

	kit_close(k);
	kit_open(k);
	assert_int_equal(db_load_open(k->db, on_run, on_job, &s, NULL), 0);
	return s;
}

static void a_resolving_run_is_there_after_a_restart(void **state)
{
	struct kit *k = *state;
	int64_t id = push(k, "p", "guid-1", COMMIT);
	struct seen s = load(k);

	assert_int_equal(s.runs, 1);
	assert_int_equal(s.jobs, 0);
	assert_int_equal(s.state, RUN_RESOLVING);
	assert_string_equal(
	    s.text, "p " REF " " COMMIT " ci/suite.yaml 7 '' 0");
	free(s.text);
	assert_int_equal(find(k, "p", "guid-1", REF, COMMIT), id);
	kit_check(k);
}

static int64_t resolve(struct kit *k, struct db_tx *tx, int64_t run_id)
{
	const char *items[] = {"one"};
	const char *platforms[] = {"any"};
	struct db_plan plan = {items, 1, platforms, 1, "j"};
	struct db_run_file file = {"kernel", {1, 2}, 5};
	int64_t first = db_next_job_ids(k->db, 1);

	db_tx_run_resolve(tx,
	    &(struct db_run_resolved){
	        .run_id = run_id,
	        .suite_name = "ci/suite.yaml",
	        .suite_text = "boot_items: []\n",
	        .suite_len = 15,
	        .plan = &plan,
	        .first_job = first,
	        .n_jobs = 1,
	        .files = &file,
	        .n_files = 1,
	    });
	return first;
}

static void a_resolved_run_is_a_run_like_others(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx = db_tx_new(k->db);
	struct seen s;

	(void)push(k, "p", "guid-1", COMMIT);
	(void)push(k, "p", "guid-2", OTHER);
	(void)resolve(k, tx, 2);
	kit_commit(k, tx);
	kit_check(k);
	s = load(k);
	assert_int_equal(s.runs, 2);
	assert_int_equal(s.jobs, 1);
	assert_int_equal(s.state, RUN_OPEN);
	assert_string_equal(
	    s.text, "p " REF " " OTHER " ci/suite.yaml 7 'boot_items: []\n' 1");
	free(s.text);
	assert_int_equal(
	    kit_sql(k, "SELECT n_waiting FROM run WHERE id = 2"), 1);
	kit_check(k);
}

/* As the daemon tells that a build failed: all in one transaction. */
static void a_run_can_be_resolved_and_end_at_once(void **state)
{
	struct kit *k = *state;
	struct db_tx *tx;
	struct job job = {0};
	struct kit_run run = {.n_jobs = 1, .jobs = &job};
	int64_t machine = kit_machine(k, 1);

	run.id = push(k, "p", "guid-1", COMMIT);
	tx = db_tx_new(k->db);
	run.first_job = job.id = resolve(k, tx, run.id);
	kit_lease(k, tx, &run, 0, machine);
	kit_verdict(k, tx, &run, 0, JOB_EV_ABORT,
	    (struct verdict){OUTCOME_ERROR, LAYER_HARNESS, false, false, false},
	    "build: exit code 2");
	kit_event(k, tx, &run, 0, JOB_EV_DONE, NULL);
	kit_commit(k, tx);
	kit_check(k);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM run WHERE state = 2 AND "
	                     "n_error = 1 AND n_total = 1"),
	    1);
	assert_int_equal(kit_sql(k,
	                     "SELECT count(*) FROM attempt a JOIN evidence "
	                     "e ON e.id = a.evidence_id WHERE e.text = "
	                     "'build: exit code 2' AND took_ms > 0"),
	    1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(a_delivery_is_found_by_its_guid_or_its_push),
	    TEST(deliveries_without_a_guid_are_not_the_same),
	    TEST(a_resolving_run_is_there_after_a_restart),
	    TEST(a_resolved_run_is_a_run_like_others),
	    TEST(a_run_can_be_resolved_and_end_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
