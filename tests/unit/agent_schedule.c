/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Specifications, and which boots they ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/guest.h"
#include "agent/json.h"
#include "agent/measure.h"
#include "agent/schedule.h"
#include "base/str.h"

#define HELLO_SHA                          \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e" \
	"1b161e5c1fa7425e73043362938b9824"

/* ---- the specification ----------------------------------------------- */

static const char fio_spec[] =
    "{\"v\":1,\"item\":\"d\",\"variants\":[{\"name\":\"a b\",\"role\":"
    "\"baseline\",\"hypervisor\":\"qemu\",\"backend\":\"tcg\",\"options\":"
    "{\"thread\":\"single\"}},{\"name\":\"c\",\"role\":\"candidate\","
    "\"hypervisor\":\"qemu\",\"backend\":\"kvm\"}],\"guests\":[{\"name\":"
    "\"l\",\"kernel\":{\"sha256\":\"" HELLO_SHA "\"},\"cpus\":2,"
    "\"memory_mib\":64,\"boot_timeout_s\":9},{\"name\":\"k\",\"kernel\":"
    "{\"sha256\":\"" HELLO_SHA "\"},\"cpus\":1,\"memory_mib\":64,"
    "\"boot_timeout_s\":9}],\"controllers\":[\"sata\",\"nvme\"],"
    "\"disk_mib\":4,\"workload\":{\"name\":\"fio\",\"profiles\":[{\"metric\":"
    "\"m1\",\"rw\":\"read\",\"bs\":4096,\"iodepth\":1,\"numjobs\":1}],"
    "\"runtime_s\":5,\"ramp_s\":1},\"blocks\":[\"BC\",\"CB\"],"
    "\"orphan_s\":1,\"step_timeout_s\":9}";

static struct spec *read_spec(const char *text, struct err *err)
{
	scoped(json_decref) json_t *json = json_loads(text, 0, NULL);
	struct spec *s = NULL;

	assert_non_null(json);
	return spec_read(json, &s, err) == 0 ? s : NULL;
}

/* The step ends well; what is noted. */
static void pass(struct schedule *s, const char *want)
{
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);

	assert_int_equal(schedule_passed(s, &note, NULL), 0);
	assert_string_equal(buf_str(&note), want);
}

static void steps_follow_the_blocks_guest_by_guest(void **state)
{
	struct err err = ERR_INIT;
	scoped(spec_free) struct spec *s = read_spec(fio_spec, &err);
	static const char want[] = "BCCBBCCB";
	scoped(schedule_free) struct schedule *sch = NULL;
	struct spec_step step;

	(void)state;
	assert_non_null(s);
	sch = schedule_new(s);
	assert_int_equal(schedule_steps(sch), 8);
	for (int i = 0; i < 8; i++) {
		assert_true(schedule_step(sch, &step));
		assert_int_equal(step.n, i + 1);
		assert_int_equal(step.letter, want[i]);
		assert_ptr_equal(step.variant, &s->variants[want[i] == 'C']);
		assert_ptr_equal(step.guest, &s->guests[i / 4]);
		assert_int_equal(step.pair, i / 2 % 2);
		assert_int_equal(step.position, i % 2);
		pass(sch, "");
	}
	assert_false(schedule_step(sch, &step));
	assert_int_equal(schedule_steps(sch), 8);
}

static void a_wrong_value_of_a_specification_is_refused(void **state)
{
	static const char *const swaps[][2] = {{"\"v\":1", "\"v\":2"},
	    {"\"read\"", "\"erase\""}, {"\"m1\"", "\"m 1\""},
	    {"\"m1\"", "\"$(m)\""}, {"\"CB\"", "\"CC\""},
	    {"\"nvme\"", "\"sata\""}, {"\"nvme\"", "\"ufs\""},
	    {"\"candidate\"", "\"other\""}, {"\"cpus\":1", "\"cpus\":0"},
	    {"\"single\"", "\"triple\""}, {"\"disk_mib\":4", "\"disk_mib\":0"},
	    {"\"runtime_s\":5", "\"runtime_s\":\"5\""},
	    {HELLO_SHA "\"},\"cpus\":2", "../../etc/passwd\"},\"cpus\":2"}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(swaps); i++) {
		const char *at = strstr(fio_spec, swaps[i][0]);
		struct err err = ERR_INIT;
		scoped(free) char *text =
		    xasprintf("%.*s%s%s", (int)(at - fio_spec), fio_spec,
		        swaps[i][1], at + strlen(swaps[i][0]));

		if (read_spec(text, &err))
			fail_msg("accepted %s", swaps[i][1]);
		assert_int_equal(err.kind, ERR_INVAL);
	}
}

static void orders_fit_in_a_line_and_need_no_shell(void **state)
{
	scoped(spec_free) struct spec *s = read_spec(fio_spec, NULL);
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	char *save = NULL;

	(void)state;
	measure_orders(s, &b);
	assert_int_equal(measure_count(s), 2);
	assert_non_null(strstr(buf_str(&b), "M fio:m1:sata fio "));
	assert_non_null(strstr(buf_str(&b), "M fio:m1:nvme fio "));
	assert_non_null(strstr(buf_str(&b), "--filename=@nvme "));
	assert_string_equal(b.data + b.len - 4, "\nGO\n");
	for (char *line = strtok_r(b.data, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		char *save_word = NULL;

		assert_true(strlen(line) <= GUEST_LINE_MAX);
		for (char *word = strtok_r(line, " ", &save_word); word;
		     word = strtok_r(NULL, " ", &save_word))
			assert_true(guest_word_is_safe(word));
	}
}

/* ---- plans ----------------------------------------------------------- */

/* Of up to 12 pairs, or as the text says. */
static struct spec *plan(const char *pairs)
{
	const char *at = strstr(fio_spec, "\"blocks\":[\"BC\",\"CB\"]");
	struct err err = ERR_INIT;
	scoped(free) char *text =
	    xasprintf("%.*s\"seed\":5,\"pairs\":{%s}%s", (int)(at - fio_spec),
	        fio_spec, pairs, at + strlen("\"blocks\":[\"BC\",\"CB\"]"));
	struct spec *s = read_spec(text, &err);

	if (!s)
		fail_msg("%s", err.msg);
	return s;
}

/* What a boot of the letter measures on sata and nvme. */
struct lab {
	double spread; /* of sata, as a ratio less 1 */
	int n;
};

static void measure(struct lab *lab, struct schedule *s, char letter)
{
	double away = lab->n++ / 2 % 2 ? lab->spread : -lab->spread;

	schedule_value(s, 0, letter == 'C' ? 100 * (1 + away) : 100);
	schedule_value(s, 1, 50);
}

/* Goes on to the end of a guest; returns its pairs. */
static int measure_guest(
    struct lab *lab, struct schedule *s, struct buf *note, struct err *err)
{
	struct spec_step first;
	struct spec_step step;
	int pairs = 0;

	assert_true(schedule_step(s, &first));
	while (schedule_step(s, &step) && step.guest == first.guest) {
		assert_true(step.n <= schedule_steps(s));
		pairs = step.pair + 1;
		measure(lab, s, step.letter);
		if (schedule_passed(s, note, err) < 0)
			break;
	}
	return pairs;
}

static void a_quiet_guest_is_narrow_with_the_least_pairs(void **state)
{
	scoped(spec_free) struct spec *sp =
	    plan("\"margin\":0.01,\"least\":6,\"most\":12");
	scoped(schedule_free) struct schedule *s = schedule_new(sp);
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);
	struct lab lab = {.0001, 0};

	(void)state;
	assert_int_equal(schedule_steps(s), 24);
	assert_int_equal(measure_guest(&lab, s, &note, NULL), 6);
	assert_string_equal(buf_str(&note), "l: narrow after 6 pairs");
	/* The next guest is judged by itself. */
	buf_reset(&note);
	lab.spread = .2;
	assert_int_equal(measure_guest(&lab, s, &note, NULL), 12);
	assert_true(str_starts(
	    buf_str(&note), "k: cap of 12 reached: m1 sata is known to +-"));
	assert_true(str_ends(buf_str(&note), " % of 1 %"));
	assert_int_equal(schedule_steps(s), 36);
}

static void one_noisy_value_is_enough_to_go_on(void **state)
{
	scoped(spec_free) struct spec *sp =
	    plan("\"margin\":0.03,\"least\":6,\"most\":400");
	scoped(schedule_free) struct schedule *s = schedule_new(sp);
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);
	struct lab lab = {.06, 0};
	int pairs = measure_guest(&lab, s, &note, NULL);
	scoped(free) char *want = xasprintf("l: narrow after %d pairs", pairs);

	(void)state;
	/* n is about (t sd / margin)^2, and one block for safety. */
	assert_in_range(pairs, 16, 26);
	assert_int_equal(pairs % 2, 0);
	assert_string_equal(buf_str(&note), want);
}

static void fail_once(struct schedule *s)
{
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);

	assert_int_equal(schedule_failed(s, &note, NULL), 0);
}

static void a_failed_boot_takes_its_pair_and_one_of_the_opposite_order(
    void **state)
{
	scoped(spec_free) struct spec *sp =
	    plan("\"margin\":0.01,\"least\":6,\"most\":12");
	scoped(schedule_free) struct schedule *s = schedule_new(sp);
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);
	struct spec_step step;
	struct lab lab = {.0001, 0};

	(void)state;
	assert_true(schedule_step(s, &step));
	measure(&lab, s, step.letter);
	fail_once(s);
	/* The rest of the pair would be of no use. */
	assert_true(schedule_step(s, &step));
	assert_int_equal(step.pair, 1);
	assert_int_equal(step.position, 0);
	assert_int_equal(step.n, 2);
	/* Six that count: without the failed one and its partner. */
	assert_int_equal(measure_guest(&lab, s, &note, NULL), 8);
	assert_string_equal(buf_str(&note), "l: narrow after 8 pairs");
}

static void a_value_that_is_not_valid_fails_its_pair_of_this_cell(void **state)
{
	scoped(spec_free) struct spec *sp =
	    plan("\"margin\":0.01,\"least\":6,\"most\":12");
	scoped(schedule_free) struct schedule *s = schedule_new(sp);
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);
	struct lab lab = {.0001, 0};

	(void)state;
	schedule_value(s, 1, 50);
	pass(s, "");
	assert_int_equal(measure_guest(&lab, s, &note, NULL), 8);
}

static void three_failures_in_a_row_end_it(void **state)
{
	scoped(spec_free) struct spec *sp =
	    plan("\"margin\":0.01,\"least\":6,\"most\":12");
	scoped(schedule_free) struct schedule *s = schedule_new(sp);
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);
	struct err err = ERR_INIT;

	(void)state;
	fail_once(s);
	fail_once(s);
	pass(s, "");
	fail_once(s);
	fail_once(s);
	assert_int_equal(schedule_failed(s, &note, &err), -ERR_AGAIN);
	assert_string_equal(err.msg, "3 boots in a row failed");
}

static void too_few_good_pairs_at_the_cap_are_an_error(void **state)
{
	scoped(spec_free) struct spec *sp =
	    plan("\"margin\":0.01,\"least\":6,\"most\":8");
	scoped(schedule_free) struct schedule *s = schedule_new(sp);
	scoped_val(buf_done) struct buf note = BUF_INIT(1000);
	struct err err = ERR_INIT;
	struct lab lab = {.0001, 0};
	char first = sp->pairs[0][0];
	struct spec_step step;

	(void)state;
	/* Two of the same order, in two blocks: each costs a partner. */
	for (int failed = 0; failed < 2;) {
		assert_true(schedule_step(s, &step));
		if (!step.position && step.letter == first &&
		    step.pair / 2 >= 2 * failed) {
			fail_once(s);
			failed++;
		} else {
			measure(&lab, s, step.letter);
			pass(s, "");
		}
	}
	assert_int_equal(measure_guest(&lab, s, &note, &err), 8);
	assert_string_equal(
	    err.msg, "l: 4 good pairs of 8; at least 6 are needed");
	assert_string_equal(buf_str(&note), "");
}

static void a_plan_that_is_none_is_refused(void **state)
{
	static const char *const plans[] = {"\"least\":6,\"most\":12",
	    "\"margin\":0,\"least\":6,\"most\":12",
	    "\"margin\":0.01,\"least\":4,\"most\":12",
	    "\"margin\":0.01,\"least\":6,\"most\":13",
	    "\"margin\":0.01,\"least\":12,\"most\":6",
	    "\"margin\":0.01,\"least\":6,\"most\":2000",
	    "\"margin\":0.01,\"least\":6"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(plans); i++) {
		struct err err = ERR_INIT;
		const char *at = strstr(fio_spec, "\"orphan_s\"");
		const char *blocks = strstr(fio_spec, "\"blocks\"");
		scoped(free) char *text =
		    xasprintf("%.*s\"seed\":1,\"pairs\":{%s},%s",
		        (int)(blocks - fio_spec), fio_spec, plans[i], at);
		scoped(free) char *both =
		    xasprintf("%.*s\"seed\":1,\"pairs\":{\"margin\":0.01,"
		              "\"least\":6,\"most\":12},%s",
		        (int)(blocks - fio_spec), fio_spec, blocks);

		if (read_spec(text, &err))
			fail_msg("accepted %s", plans[i]);
		assert_true(str_starts(err.msg, "specification: "));
		assert_null(read_spec(both, &err));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(steps_follow_the_blocks_guest_by_guest),
	    cmocka_unit_test(a_wrong_value_of_a_specification_is_refused),
	    cmocka_unit_test(orders_fit_in_a_line_and_need_no_shell),
	    cmocka_unit_test(a_quiet_guest_is_narrow_with_the_least_pairs),
	    cmocka_unit_test(one_noisy_value_is_enough_to_go_on),
	    cmocka_unit_test(
	        a_failed_boot_takes_its_pair_and_one_of_the_opposite_order),
	    cmocka_unit_test(
	        a_value_that_is_not_valid_fails_its_pair_of_this_cell),
	    cmocka_unit_test(three_failures_in_a_row_end_it),
	    cmocka_unit_test(too_few_good_pairs_at_the_cap_are_an_error),
	    cmocka_unit_test(a_plan_that_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
