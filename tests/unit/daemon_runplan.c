/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From a suite and a lab to the matrix of a run; and the runs of canaries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "orchestrator/runplan.h"

#define BOOTS                                                      \
	"power: { driver: ipmi, host: h, user: u, password: p }, " \
	"console: { driver: socket, path: x }, boot: { driver: ipxe, mac: "

static const char lab_text[] =
    "machines:\n"
    "  - { name: a1, platform: a, tags: [ red ], " BOOTS
    "52-54-00-00-00-01 } }\n"
    "  - { name: a2, platform: a, tags: [ blue ], " BOOTS
    "52-54-00-00-00-02 } }\n"
    "  - { name: b1, platform: b, tags: [ blue ], " BOOTS
    "52-54-00-00-00-03 } }\n"
    "  - { name: c1, platform: c, tags: [ red, blue ] }\n";

static char dir[] = "/tmp/ib-plan-XXXXXX";

/* A daemon with a lab in memory, and nothing that acts. */
struct kit {
	struct daemon d;
	struct daemon_options opts;
	struct lab *lab;
};

static int make_lab(struct kit *k)
{
	struct power_shared shared = {.dir = "."};
	scoped(free) char *path = xasprintf("%s/lab.yaml", dir);

	if (fs_write_atomic(path, lab_text, strlen(lab_text), 0600, NULL) < 0)
		return -1;
	return lab_load(path, &shared, &k->lab, NULL);
}

static void add_machines(struct kit *k)
{
	struct daemon *d = &k->d;

	d->n_machines = k->lab->n_machines;
	d->machines = xcalloc(d->n_machines, sizeof(*d->machines));
	for (size_t i = 0; i < d->n_machines; i++) {
		struct machine *m = xcalloc(1, sizeof(*m));

		m->id = (int64_t)i + 1;
		m->facts = &k->lab->machines[i];
		m->name = m->facts->name;
		m->platform = m->facts->platform;
		d->machines[i] = m;
		map_put(&d->machines_by_id, m->id, m);
	}
}

static int set_up(void **state)
{
	struct kit *k = xcalloc(1, sizeof(*k));

	if (!strstr(dir, "XXXXXX") || !mkdtemp(dir) || make_lab(k) < 0)
		return -1;
	k->opts.dir = dir;
	k->d.opts = &k->opts;
	k->d.loop = loop_new();
	k->d.draining = true; /* nothing is to be started */
	k->d.scheduler = scheduler_new();
	k->d.fleet = fleet_new();
	add_machines(k);
	*state = k;
	return 0;
}

static int tear_down(void **state)
{
	struct kit *k = *state;

	for (size_t i = 0; i < k->d.n_machines; i++)
		free(k->d.machines[i]);
	free(k->d.machines);
	map_done(&k->d.machines_by_id);
	scheduler_free(k->d.scheduler);
	fleet_free(k->d.fleet);
	loop_free(k->d.loop);
	lab_unref(k->lab);
	free(k);
	return fs_remove_tree(dir, NULL);
}

static void put_plan(const struct runplan *plan, struct buf *to)
{
	for (size_t p = 0; p < plan->n_platforms; p++)
		buf_printf(to, "%s%s", p ? " " : "", plan->platforms[p]);
	for (size_t i = 0; i < plan->n_items; i++) {
		buf_printf(to, "\n%s ", plan->items[i]);
		buf_add(
		    to, plan->cells + i * plan->n_platforms, plan->n_platforms);
	}
}

/* The matrix of a suite as text: the platforms, then a line for each item. */
static void expect_plan(struct kit *k, const char *suite_text,
    const char *matrix, int64_t n_jobs, const char *warnings)
{
	scoped(suite_free) struct suite *suite = NULL;
	scoped_val(runplan_done) struct runplan plan = {0};
	scoped_val(buf_done) struct buf said = BUF_INIT(65536);
	scoped_val(buf_done) struct buf got = BUF_INIT(65536);
	struct err err = ERR_INIT;

	if (suite_parse("s", suite_text, strlen(suite_text), &suite, &err) <
	        0 ||
	    runplan_make(&k->d, suite, &plan, &said, &err) < 0)
		fail_msg("%s", err.msg);
	put_plan(&plan, &got);
	assert_string_equal(buf_str(&got), matrix);
	assert_int_equal(plan.n_jobs, n_jobs);
	assert_string_equal(buf_str(&said), warnings);
}

static void an_item_meets_every_platform_that_boots(void **state)
{
	expect_plan(*state, "boot_items: [ { name: i, exec: x } ]\n",
	    "a b\ni jj", 2, "");
}

static void tags_and_platforms_choose(void **state)
{
	expect_plan(*state,
	    "boot_items:\n"
	    "  - { name: red, exec: x, tags: [ red ] }\n"
	    "  - { name: blue, exec: x, tags: [ blue ] }\n"
	    "  - { name: not, exec: x, tags: [ \"!blue\" ] }\n"
	    "  - { name: only, exec: x, platforms: [ b, z ] }\n",
	    "a b\nred j.\nblue jj\nnot j.\nonly .j", 5, "");
}

static void an_independent_item_is_one_job_in_column_any(void **state)
{
	expect_plan(*state,
	    "boot_items:\n"
	    "  - { name: i, exec: x, hardware_independent: true }\n"
	    "  - { name: r, exec: x, hardware_independent: true, "
	    "tags: [ red ] }\n",
	    "a b any\ni **j\nr *.j", 2, "");
}

static void an_item_nobody_fits_waits_in_column_any(void **state)
{
	expect_plan(*state,
	    "boot_items:\n"
	    "  - { name: i, exec: x, platforms: [ a ] }\n"
	    "  - { name: g, exec: x, tags: [ green ] }\n"
	    "  - { name: c, exec: x, platforms: [ c ] }\n",
	    "a any\ni j.\ng .j\nc .j", 3,
	    "g: no machine of the lab can run it today; it waits\n"
	    "c: no machine of the lab can run it today; it waits\n");
}

static void two_tags_of_two_machines_are_nobodys(void **state)
{
	expect_plan(*state,
	    "boot_items: [ { name: i, exec: x, tags: [ red, blue ] } ]\n",
	    "any\ni j", 1,
	    "i: no machine of the lab can run it today; it waits\n");
}

static void a_machine_that_left_counts_no_more(void **state)
{
	struct kit *k = *state;

	k->d.machines[2]->facts = NULL;
	expect_plan(
	    k, "boot_items: [ { name: i, exec: x } ]\n", "a\ni j", 1, "");
}

static void refused(struct kit *k, const char *text, const char *message)
{
	scoped(suite_free) struct suite *suite = NULL;
	struct runplan plan = {0};
	struct err err = ERR_INIT;

	assert_int_equal(suite_parse("s", text, strlen(text), &suite, NULL), 0);
	assert_int_equal(
	    runplan_make(&k->d, suite, &plan, NULL, &err), -ERR_INVAL);
	assert_string_equal(err.msg, message);
	assert_null(plan.cells);
}

static void what_makes_no_sense_is_refused(void **state)
{
	refused(*state,
	    "boot_items: [ { name: i, exec: x, platforms: [ a ], "
	    "hardware_independent: true } ]\n",
	    "s: i: hardware_independent and platforms exclude each other");
}

/* ---- some jobs only ------------------------------------------------------ */

static const char three_items[] =
    "boot_items:\n"
    "  - { name: one, exec: x }\n"
    "  - { name: two, exec: x }\n"
    "  - { name: three, exec: x, hardware_independent: true }\n";

static void some_jobs_are_planned_where_they_were(void **state)
{
	static const char *const items[] = {"two", "three"};
	static const char *const platforms[] = {"gone", "any"};
	static const struct db_plan only = {items, 2, platforms, 2, "j..j"};
	static const char *const strange[] = {"two", "four"};
	static const struct db_plan bad = {strange, 2, platforms, 2, "j..j"};
	scoped(suite_free) struct suite *suite = NULL;
	scoped_val(runplan_done) struct runplan plan = {0};
	scoped_val(buf_done) struct buf got = BUF_INIT(65536);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    suite_parse("s", three_items, strlen(three_items), &suite, NULL),
	    0);
	assert_int_equal(runplan_only(suite, &bad, &plan, &err), -ERR_INVAL);
	assert_string_equal(err.msg, "s: no item four");
	assert_int_equal(runplan_only(suite, &only, &plan, NULL), 0);
	put_plan(&plan, &got);
	assert_string_equal(buf_str(&got), "gone any\ntwo j.\nthree .j");
	assert_int_equal(plan.n_jobs, 2);
	assert_int_equal(runplan_find(suite, "two", 1), 1);
	assert_int_equal(runplan_find(suite, "two", 0), 1);
	assert_true(runplan_find(suite, "four", 0) == SIZE_MAX);
}

/* ---- canaries ------------------------------------------------------------ */

static void wake(void *arg)
{
	struct kit *k = arg;

	loop_wake_send(k->d.db_wake);
}

static void woken(void *arg)
{
	struct kit *k = arg;

	db_dispatch(k->d.db);
	if (!db_pending(k->d.db))
		loop_stop(k->d.loop);
}

/* Whether the class of a canary fits the machine of its name. */
static bool leases_canary(
    struct kit *k, int i, const char *const *tags, size_t n_tags)
{
	struct run run = {.canary = true, .pin_machine = i + 1};
	char name[] = "canary";
	struct suite_item item = {.name = name};
	struct machine *m = k->d.machines[i];
	struct lease lease;

	scheduler_machine_put(k->d.scheduler,
	    &(struct machine_facts){.id = m->id,
	        .name = m->name,
	        .platform = m->platform,
	        .tags = tags,
	        .n_tags = n_tags,
	        .host = m->name});
	scheduler_machine_health(k->d.scheduler, m->id, HEALTH_SUSPECT, "test");
	scheduler_push(k->d.scheduler,
	    &(struct waiting_job){.id = i + 1,
	        .class_id =
	            runplan_class(&k->d, &run, &item, false, m->platform)});
	return scheduler_next(k->d.scheduler, &lease);
}

static void a_canary_waits_until_its_machine_can_boot(void **state)
{
	static const char *const boot[] = {LAB_TAG_BOOT};

	assert_true(leases_canary(*state, 0, boot, 1));
	assert_false(leases_canary(*state, 1, NULL, 0));
}

static void a_suspect_machine_without_a_canary_gets_one(void **state)
{
	struct kit *k = *state;
	struct db_ops ops = {.wake = wake, .arg = k};
	size_t pos = 0;
	const struct run *run;

	k->d.db_wake = loop_wake_new(k->d.loop, woken, k);
	assert_int_equal(db_open(dir, &ops, &k->d.db, NULL), 0);
	fleet_health_set(k->d.fleet, 2, HEALTH_SUSPECT);
	fleet_health_set(k->d.fleet, 3, HEALTH_QUARANTINED);
	run_missing_canaries(&k->d);
	run_missing_canaries(&k->d);
	assert_int_equal(k->d.runs.len, 1);
	run = map_next(&k->d.runs, &pos);
	assert_true(run->canary);
	assert_int_equal(run->pin_machine, 2);
	assert_string_equal(run->name, "canary a2");
	loop_run(k->d.loop);
	runs_free(&k->d);
	db_close(k->d.db);
	loop_wake_free(k->d.db_wake);
}

/* The items and platforms of the jobs in memory, in order of their ids. */
static void expect_jobs(struct kit *k, const char *want)
{
	scoped_val(buf_done) struct buf got = BUF_INIT(65536);
	size_t n = 0;

	for (int64_t id = 1; n < k->d.jobs.len && id < 100; id++) {
		const struct live_job *lj = map_find(&k->d.jobs, id);

		if (!lj)
			continue;
		n++;
		buf_printf(
		    &got, "%s on %s\n", job_item(lj)->name, lj->platform);
	}
	assert_string_equal(buf_str(&got), want);
}

static void some_jobs_are_the_same_after_a_restart(void **state)
{
	static const char *const items[] = {"two", "three"};
	static const char *const platforms[] = {"b", "any"};
	static const struct db_plan only = {items, 2, platforms, 2, "j..j"};
	struct kit *k = *state;
	struct db_ops ops = {.wake = wake, .arg = k};
	struct run_request req = {.project = "",
	    .user = "somebody",
	    .name = "again",
	    .suite_name = "s",
	    .suite_text = three_items,
	    .suite_len = strlen(three_items),
	    .only = &only};
	struct err err = ERR_INIT;

	k->d.db_wake = loop_wake_new(k->d.loop, woken, k);
	assert_int_equal(db_open(dir, &ops, &k->d.db, NULL), 0);
	if (run_make(&k->d, &req, NULL, NULL, NULL, &err) < 0)
		fail_msg("%s", err.msg);
	expect_jobs(k, "two on b\nthree on any\n");
	loop_run(k->d.loop);
	runs_free(&k->d);
	scheduler_free(k->d.scheduler);
	k->d.scheduler = scheduler_new();
	assert_int_equal(run_load(&k->d, NULL), 0);
	expect_jobs(k, "two on b\nthree on any\n");
	runs_free(&k->d);
	db_close(k->d.db);
	loop_wake_free(k->d.db_wake);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up_again, tear_down)

static int set_up_again(void **state)
{
	(void)memcpy(dir, "/tmp/ib-plan-XXXXXX", sizeof(dir));
	return set_up(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(an_item_meets_every_platform_that_boots),
	    TEST(tags_and_platforms_choose),
	    TEST(an_independent_item_is_one_job_in_column_any),
	    TEST(an_item_nobody_fits_waits_in_column_any),
	    TEST(two_tags_of_two_machines_are_nobodys),
	    TEST(a_machine_that_left_counts_no_more),
	    TEST(what_makes_no_sense_is_refused),
	    TEST(some_jobs_are_planned_where_they_were),
	    TEST(some_jobs_are_the_same_after_a_restart),
	    TEST(a_canary_waits_until_its_machine_can_boot),
	    TEST(a_suspect_machine_without_a_canary_gets_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
