/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Benchmarks of a suite, and the specifications made from them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "tests/unit/bench_kit.h"

#define VARIANTS                                                      \
	"variants:\n"                                                 \
	"  single: { hypervisor: qemu, backend: tcg,\n"               \
	"            options: { thread: single }, role: baseline }\n" \
	"  multi:  { hypervisor: qemu, backend: tcg,\n"               \
	"            options: { thread: multi }, role: candidate }\n"
#define GUESTS                                                            \
	"guests:\n"                                                       \
	"  linux: { kernel: boot/vmlinuz, initrd: initrd.img, cpus: 2,\n" \
	"           memory_mib: 1024 }\n"                                 \
	"  bare: { kernel: boot/vmlinuz }\n"                              \
	"  win11: { image: win11.vdi, transport: ssh, sha256: "           \
	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef }\n"
#define DISK                                                                  \
	"  - { name: disk, workload: fio, guests: [ linux, bare ],\n"         \
	"      profiles: [ SEQ128K Q32T1 RD, rnd4k q1t1 wr ],\n"              \
	"      controllers: [ sata, nvme ], pairs: 4, runtime: 7, ramp: 2,\n" \
	"      disk_mib: 256, tags: [ kvm, \"!slow\" ], platforms: t16,\n"    \
	"      retries: 5 }\n"
#define CPU "  - { name: cpu, workload: sysbench, guests: linux }\n"

static const char full[] = VARIANTS GUESTS "benchmarks:\n" DISK CPU;

static struct suite *parse(const char *text)
{
	struct suite *s = NULL;
	struct err err = ERR_INIT;

	if (suite_parse("s.yaml", text, strlen(text), &s, &err) < 0)
		fail_msg("%s", err.msg);
	return s;
}

static void expect_error(const char *text, const char *message)
{
	scoped(suite_free) struct suite *s = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(
	    suite_parse("s.yaml", text, strlen(text), &s, &err), -ERR_INVAL);
	assert_string_equal(err.msg, message);
}

/* A suite with one benchmark of this text in line 1. */
static void bench_refused(const char *bench, const char *message)
{
	scoped(free) char *text = xasprintf(
	    "benchmarks: [ { name: b, %s } ]\n" VARIANTS GUESTS, bench);

	expect_error(text, message);
}

static const char *hash_of(void *arg, const char *path)
{
	const char *missing = arg;

	if (str_eq(path, missing))
		return NULL;
	return str_eq(path, "boot/vmlinuz") ? "aa" : "bb";
}

static json_t *spec(const struct suite *s, size_t bench, uint64_t seed)
{
	json_t *json = NULL;
	struct err err = ERR_INIT;

	if (bench_spec(s, bench, seed, hash_of, NULL, &json, &err) < 0)
		fail_msg("%s", err.msg);
	return json;
}

/* ---- suites ---------------------------------------------------------- */

static void every_key_is_read(void **state)
{
	scoped(suite_free) struct suite *s = parse(full);
	const struct suite_bench *b = s->benches;

	(void)state;
	assert_int_equal(s->n_items, 0);
	assert_int_equal(s->n_variants, 2);
	assert_int_equal(s->n_guests, 3);
	assert_int_equal(s->n_benches, 2);
	assert_string_equal(s->variants[1].name, "multi");
	assert_string_equal(s->variants[1].options[0].value, "multi");
	assert_int_equal(s->variants[1].role, SUITE_CANDIDATE);
	assert_string_equal(s->guests[0].initrd, "initrd.img");
	assert_int_equal(s->guests[1].cpus, SUITE_GUEST_CPUS);
	assert_null(s->guests[1].initrd);
	assert_string_equal(s->guests[2].transport, "ssh");
	assert_string_equal(b->item.name, "disk");
	assert_null(b->item.exec);
	assert_string_equal(b->item.tags[0], "kvm");
	assert_string_equal(b->item.forbidden[0], "slow");
	assert_string_equal(b->item.platforms[0], "t16");
	assert_int_equal(b->item.retries, 5);
	assert_false(b->item.hardware_independent);
	assert_int_equal(b->n_metrics, 2);
	assert_string_equal(b->metrics[0]->name, "disk.seq128k_q32t1.rd");
	assert_string_equal(b->metrics[1]->name, "disk.rnd4k_q1t1.wr");
	assert_string_equal(b->controllers[1], "nvme");
	assert_int_equal(b->n_guests, 2);
	assert_int_equal(b->baseline, 0);
	assert_int_equal(b->candidate, 1);
	assert_int_equal(b->step_timeout_s, SUITE_STEP_TIMEOUT_S);
	assert_int_equal(b[1].n_metrics, 2);
	assert_int_equal(b[1].pairs, SUITE_PAIRS);
	assert_null(s->ignored[0]);
}

static void kernels_of_guests_are_files_of_the_suite(void **state)
{
	scoped(suite_free) struct suite *s = parse(full);
	char **files = suite_files(s);

	(void)state;
	assert_string_equal(files[0], "boot/vmlinuz");
	assert_string_equal(files[1], "initrd.img");
	assert_null(files[2]);
	suite_files_free(files);
}

static void a_step_has_time_for_its_workload(void **state)
{
	scoped(suite_free) struct suite *s = parse(VARIANTS GUESTS
	    "benchmarks: [ { name: d, workload: fio, guests: linux,\n"
	    "  profiles: [ SEQ1M Q8T1 RD, SEQ1M Q8T1 WR ],\n"
	    "  controllers: [ sata, nvme ], runtime: 199, ramp: 1 } ]\n");

	(void)state;
	assert_int_equal(s->benches[0].step_timeout_s, 2 * (4 * 200 + 180));
	bench_refused("workload: sysbench, guests: linux, step_timeout: 100",
	    "s.yaml:1:61: step_timeout: found 100; booting and measuring take "
	    "190 seconds, and it must be at most 604800");
}

static void one_of_several_candidates_is_chosen(void **state)
{
	scoped(suite_free) struct suite *s = parse(VARIANTS
	    "  kvm: { hypervisor: qemu, backend: kvm, role: candidate "
	    "}\n" GUESTS "benchmarks: [ { name: c, workload: sysbench, guests: "
	    "bare,\n  threads: 1, variants: [ kvm, single ] } ]\n");

	(void)state;
	assert_int_equal(s->benches[0].baseline, 0);
	assert_int_equal(s->benches[0].candidate, 2);
	assert_int_equal(s->benches[0].n_metrics, 1);
	expect_error("variants: { a: { hypervisor: q, backend: t, role: "
	             "baseline } }\n" GUESTS
	             "benchmarks: [ { name: c, workload: sysbench, guests: "
	             "bare } ]\n",
	    "s.yaml:7:15: variants: has 1 of role baseline and 0 of role "
	    "candidate; must have one of each");
}

static void bad_variants_and_guests_are_refused(void **state)
{
	(void)state;
	expect_error("variants: { a: { backend: b, role: baseline } }\n"
	             "boot_items: [ { name: x, exec: y } ]",
	    "s.yaml:1:13: hypervisor: missing; must be text");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "variants: { a: { hypervisor: h, backend: b, role: c } }",
	    "s.yaml:2:45: role: found 'c'; allowed: baseline, candidate");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "variants: { \"a b\": { hypervisor: h } }",
	    "s.yaml:2:13: name: found 'a b'; must be letters, digits and "
	    "._-+:@/");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "variants: { a: { hypervisor: h, backend: b, role: "
	             "baseline, options: { cpu: \"a,b\" } } }",
	    "s.yaml:2:72: cpu: found 'a,b'; must be letters, digits and "
	    "._-+:@/");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "guests: { g: { cpus: 1 } }",
	    "s.yaml:2:11: g: must have either kernel or image");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "guests: { g: { kernel: ../x } }",
	    "s.yaml:2:16: kernel: found '../x'; must have 1 to 100 characters "
	    "and begin with neither dash nor dot");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "guests: { g: { kernel: a/../x } }",
	    "s.yaml:2:16: kernel: unsafe path 'a/../x'; must be relative and "
	    "stay in the bundle");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "guests: { g: { image: i } }",
	    "s.yaml:2:11: g: must have image and sha256 together");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "guests: { g: { image: i, sha256: abc } }",
	    "s.yaml:2:26: sha256: found 'abc'; must be 64 hexadecimal digits");
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "guests: { g: { kernel: i, cpus: 0 } }",
	    "s.yaml:2:27: cpus: found '0'; must be a whole number from 1 to "
	    "256");
}

static void bad_benchmarks_are_refused(void **state)
{
	(void)state;
	bench_refused("guests: linux",
	    "s.yaml:1:15: workload: missing; allowed: fio, sysbench");
	bench_refused("workload: geekbench6",
	    "s.yaml:1:26: workload: found 'geekbench6'; allowed: fio, "
	    "sysbench");
	bench_refused("workload: fio, guests: linux, controllers: sata",
	    "s.yaml:1:15: profiles: missing; must be a list of profiles");
	bench_refused("workload: fio, profiles: CPU 1",
	    "s.yaml:1:41: profiles: found 'CPU 1'; must be one of SEQ1M Q8T1 "
	    "RD, SEQ1M Q8T1 WR, SEQ1M Q1T1 RD, SEQ1M Q1T1 WR, SEQ128K Q32T1 "
	    "RD, SEQ128K Q32T1 WR, RND4K Q32T16 RD, RND4K Q32T16 WR, RND4K "
	    "Q32T1 RD, RND4K Q32T1 WR, RND4K Q1T1 RD, RND4K Q1T1 WR");
	bench_refused("workload: fio, profiles: [ SEQ1M Q8T1 RD, "
	              "disk.seq1m_q8t1.rd ]",
	    "s.yaml:1:68: profiles: 'SEQ1M Q8T1 RD' is given twice");
	bench_refused("workload: fio, profiles: SEQ1M Q8T1 RD",
	    "s.yaml:1:15: controllers: missing; must be a list of sata and "
	    "nvme");
	bench_refused(
	    "workload: fio, profiles: SEQ1M Q8T1 RD, controllers: ide",
	    "s.yaml:1:66: controllers: found 'ide'; must be sata or nvme");
	bench_refused("workload: sysbench, threads: 2",
	    "s.yaml:1:46: threads: found '2'; must be 1 or all");
	bench_refused("workload: sysbench",
	    "s.yaml:1:15: guests: missing; must be a list of guests");
	bench_refused("workload: sysbench, guests: mac",
	    "s.yaml:1:46: guests: found 'mac'; must be one of the suite's "
	    "guests");
	bench_refused("workload: sysbench, guests: win11",
	    "s.yaml:1:46: guests: 'win11' boots an image, which no benchmark "
	    "can use yet; must have a kernel");
	bench_refused("workload: sysbench, guests: linux, variants: x",
	    "s.yaml:1:61: variants: found 'x'; must be one of the suite's "
	    "variants");
	bench_refused("workload: sysbench, guests: linux, pairs: 0",
	    "s.yaml:1:61: pairs: found '0'; must be a whole number from 1 to "
	    "1000");
	expect_error("benchmarks: [ x ]",
	    "s.yaml:1:15: benchmark: found 'x'; must be a map");
	expect_error("boot_items: [ { name: b, exec: y } ]\n" VARIANTS GUESTS
	             "benchmarks: [ { name: b, workload: sysbench, guests: "
	             "bare } ]",
	    "s.yaml:12:17: name: 'b' is the name of another item; must be "
	    "unique");
}

static void bad_plans_are_refused(void **state)
{
#define PLAN(what) "workload: sysbench, guests: linux, pairs: { " what " }"
	(void)state;
	bench_refused(PLAN("margin: 0"),
	    "s.yaml:1:70: margin: found '0'; must be from 0.05% to 50%, as 1% "
	    "or .01");
	bench_refused(PLAN("margin: 1 %"),
	    "s.yaml:1:70: margin: found '1 %'; must be from 0.05% to 50%, as "
	    "1% or .01");
	bench_refused(PLAN("margin: 51%"),
	    "s.yaml:1:70: margin: found '51%'; must be from 0.05% to 50%, as "
	    "1% or .01");
	bench_refused(PLAN("least: 4"),
	    "s.yaml:1:70: least: found '4'; must be a whole number from 6 to "
	    "1000");
	bench_refused(PLAN("least: 7"),
	    "s.yaml:1:70: least: found 7; must be even: pairs come in blocks "
	    "of 2");
	bench_refused(PLAN("least: 12, most: 10"),
	    "s.yaml:1:81: most: found '10'; must be a whole number from 12 to "
	    "1000");
	bench_refused(PLAN("max: 10"),
	    "s.yaml:1:70: pairs: unknown key 'max'; allowed: margin, least, "
	    "most");
	bench_refused("workload: sysbench, guests: linux, pairs: [ 4 ]",
	    "s.yaml:1:61: pairs: found a list; must be a whole number from 1 "
	    "to 1000");
}

static void a_plan_has_the_margin_of_its_metrics(void **state)
{
	scoped(suite_free) struct suite *s = parse(VARIANTS GUESTS
	    "benchmarks:\n"
	    "  - { name: a, workload: sysbench, guests: linux, pairs: {} }\n"
	    "  - { name: b, workload: fio, guests: [ linux, bare ],\n"
	    "      profiles: SEQ1M Q8T1 RD, controllers: sata,\n"
	    "      pairs: { least: 50 } }\n"
	    "  - { name: c, workload: sysbench, guests: linux,\n"
	    "      pairs: { margin: .5%, least: 8, most: 10 } }\n");
	const struct suite_bench *b = s->benches;

	(void)state;
	assert_true(b[0].planned);
	assert_true(b[0].plan.margin == .01);
	assert_int_equal(b[0].plan.least, 6);
	assert_int_equal(b[0].plan.most, 40);
	assert_true(b[1].plan.margin == .03);
	/* A cap below what is needed at least would be none. */
	assert_int_equal(b[1].plan.most, 50);
	assert_int_equal(suite_bench_boots(&b[1]), 200);
	assert_true(b[2].plan.margin == .005);
	assert_int_equal(b[2].plan.most, 10);
	assert_int_equal(b[2].pairs, 10);
}

static void a_suite_says_what_its_own_numbers_mean(void **state)
{
	scoped(suite_free) struct suite *s =
	    parse("metrics:\n"
	          "  guest_test.switch_1: { unit: ns, direction: lower }\n"
	          "  my.io: { unit: MiB/s, direction: higher, margin: 5% }\n"
	          "boot_items: [ { name: x, exec: y } ]\n");

	(void)state;
	assert_int_equal(s->n_metrics, 2);
	assert_string_equal(s->metrics[0].name, "guest_test.switch_1");
	assert_string_equal(s->metrics[0].unit, "ns");
	assert_int_equal(s->metrics[0].direction, BENCH_LOWER);
	assert_true(s->metrics[0].margin == .02);
	assert_int_equal(s->metrics[1].direction, BENCH_HIGHER);
	assert_true(s->metrics[1].margin == .05);
}

/* A suite with this text as its metrics, in line 1. */
static void metric_refused(const char *metric, const char *message)
{
	scoped(free) char *text = xasprintf(
	    "metrics: { %s }\nboot_items: [ { name: x, exec: y } ]\n", metric);

	expect_error(text, message);
}

static void bad_metrics_are_refused(void **state)
{
	static const char *const names[] = {
	    "io", "My.io", ".io", "my.", "my..io", "\"my io.x\""};

	(void)state;
	metric_refused("my.io: { unit: s }",
	    "s.yaml:1:12: direction: missing; allowed: higher, lower");
	metric_refused("my.io: { unit: s, direction: up }",
	    "s.yaml:1:30: direction: found 'up'; allowed: higher, lower");
	metric_refused("my.io: { direction: lower }",
	    "s.yaml:1:12: unit: missing; must be text");
	metric_refused("my.io: { unit: s, direction: lower, margin: 0 }",
	    "s.yaml:1:48: margin: found '0'; must be from 0.05% to 50%, as 1% "
	    "or .01");
	metric_refused("boot.time: { unit: s, direction: lower }",
	    "s.yaml:1:12: name: 'boot.time' is built in; must be another");
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		scoped(free) char *text =
		    xasprintf("metrics: { %s: { unit: s, direction: lower } }\n"
		              "boot_items: [ { name: x, exec: y } ]\n",
		        names[i]);
		struct suite *s = NULL;
		struct err err = ERR_INIT;

		assert_int_equal(
		    suite_parse("s.yaml", text, strlen(text), &s, &err),
		    -ERR_INVAL);
		assert_true(str_starts(err.msg, "s.yaml:1:12: name: found '"));
	}
}

static void placebos_are_further_jobs_behind_all_others(void **state)
{
	scoped(suite_free) struct suite *s = parse(VARIANTS GUESTS
	    "benchmarks:\n"
	    "  - { name: a, workload: sysbench, guests: linux, placebos: 2 }\n"
	    "  - { name: b, workload: sysbench, guests: bare, pairs: 3 }\n"
	    "  - { name: c, workload: sysbench, guests: linux, placebos: 1,\n"
	    "      tags: kvm, pairs: 7 }\n");
	const struct suite_bench *b = s->benches;

	(void)state;
	assert_int_equal(s->n_benches, 6);
	assert_string_equal(b[1].item.name, "b");
	assert_false(b[2].placebo);
	assert_string_equal(b[3].item.name, "a placebo");
	assert_string_equal(b[4].item.name, "a placebo 2");
	assert_string_equal(b[5].item.name, "c placebo");
	assert_true(b[5].placebo);
	assert_int_equal(b[5].candidate, b[5].baseline);
	assert_int_equal(b[5].pairs, 7);
	assert_string_equal(b[5].item.tags[0], "kvm");
	bench_refused("workload: sysbench, guests: linux, placebos: 9",
	    "s.yaml:1:61: placebos: found '9'; must be a whole number from 0 "
	    "to 8");
	expect_error(VARIANTS GUESTS
	    "benchmarks: [ { name: a placebo, workload: sysbench, guests: "
	    "bare },\n  { name: a, workload: sysbench, guests: bare,\n"
	    "  placebos: 1 } ]\n",
	    "s.yaml:12:5: name: 'a placebo' is the name of another item; must "
	    "be unique");
	/* No variant of a suite has the name of a placebo. */
	expect_error("boot_items: [ { name: x, exec: y } ]\n"
	             "variants: { \"a#placebo\": { hypervisor: h } }",
	    "s.yaml:2:13: name: found 'a#placebo'; must be letters, digits "
	    "and ._-+:@/");
}

static void a_key_of_the_other_workload_is_refused(void **state)
{
	scoped(suite_free) struct suite *s = NULL;
	static const char text[] =
	    "benchmarks: [ { name: b, workload: sysbench, disk_mib: 5 } ]";
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    suite_parse("s.yaml", text, strlen(text), &s, &err), -ERR_INVAL);
	assert_non_null(strstr(err.msg, "benchmark: unknown key 'disk_mib'"));
}

/* ---- specifications -------------------------------------------------- */

static void a_disk_specification_says_what_the_suite_says(void **state)
{
	static const char want[] =
	    "{\"v\": 1, \"item\": \"disk\", \"seed\": 3, \"variants\": ["
	    "{\"name\": \"single\", \"role\": \"baseline\", \"hypervisor\": "
	    "\"qemu\", \"backend\": \"tcg\", \"options\": {\"thread\": "
	    "\"single\"}}, {\"name\": \"multi\", \"role\": \"candidate\", "
	    "\"hypervisor\": \"qemu\", \"backend\": \"tcg\", \"options\": "
	    "{\"thread\": \"multi\"}}], \"guests\": [{\"name\": \"linux\", "
	    "\"kernel\": {\"sha256\": \"aa\", \"name\": \"vmlinuz\"}, "
	    "\"initrd\": {\"sha256\": \"bb\", \"name\": \"initrd.img\"}, "
	    "\"cpus\": 2, \"memory_mib\": 1024, \"boot_timeout_s\": 180}, "
	    "{\"name\": \"bare\", \"kernel\": {\"sha256\": \"aa\", \"name\": "
	    "\"vmlinuz\"}, \"cpus\": 2, \"memory_mib\": 1024, "
	    "\"boot_timeout_s\": 180}], \"workload\": {\"name\": \"fio\", "
	    "\"profiles\": [{\"metric\": \"disk.seq128k_q32t1.rd\", \"rw\": "
	    "\"read\", \"bs\": 131072, \"iodepth\": 32, \"numjobs\": 1}, "
	    "{\"metric\": \"disk.rnd4k_q1t1.wr\", \"rw\": \"randwrite\", "
	    "\"bs\": 4096, \"iodepth\": 1, \"numjobs\": 1}], \"runtime_s\": 7, "
	    "\"ramp_s\": 2}, \"controllers\": [\"sata\", \"nvme\"], "
	    "\"disk_mib\": 256, \"blocks\": []";
	scoped(suite_free) struct suite *s = parse(full);
	scoped(json_decref) json_t *got = spec(s, 0, 3);
	json_t *blocks = json_object_get(got, "blocks");
	enum bench_pair order[4];
	scoped(free) char *text = NULL;

	(void)state;
	bench_order(4, 3, order);
	assert_int_equal(json_array_size(blocks), 4);
	for (size_t i = 0; i < 4; i++)
		assert_string_equal(
		    json_string_value(json_array_get(blocks, i)),
		    bench_pair_name(order[i]));
	json_array_clear(blocks);
	text = json_dumps(got, 0);
	assert_memory_equal(text, want, sizeof(want) - 1);
	assert_string_equal(text + sizeof(want) - 1,
	    ", \"orphan_s\": 600, \"step_timeout_s\": 600}");
}

static void a_plan_stands_in_the_place_of_blocks(void **state)
{
	scoped(suite_free) struct suite *s = parse(VARIANTS GUESTS
	    "benchmarks: [ { name: a, workload: sysbench, guests: linux,\n"
	    "  pairs: { margin: 1%, most: 12 } } ]\n");
	scoped(json_decref) json_t *got = spec(s, 0, 3);
	scoped(free) char *pairs =
	    json_dumps(json_object_get(got, "pairs"), JSON_REAL_PRECISION(3));

	(void)state;
	assert_string_equal(
	    pairs, "{\"margin\": 0.01, \"least\": 6, \"most\": 12}");
	assert_null(json_object_get(got, "blocks"));
	assert_int_equal(json_integer_value(json_object_get(got, "seed")), 3);
}

static void a_placebo_measures_the_baseline_under_two_names(void **state)
{
	scoped(suite_free) struct suite *s = parse(VARIANTS GUESTS
	    "benchmarks: [ { name: a, workload: sysbench, guests: linux,\n"
	    "  placebos: 1 } ]\n");
	scoped(json_decref) json_t *got = spec(s, 1, 3);
	scoped(free) char *variants =
	    json_dumps(json_object_get(got, "variants"), 0);

	(void)state;
	assert_string_equal(variants,
	    "[{\"name\": \"single\", \"role\": \"baseline\", "
	    "\"hypervisor\": \"qemu\", \"backend\": \"tcg\", "
	    "\"options\": {\"thread\": \"single\"}}, "
	    "{\"name\": \"single#placebo\", \"role\": \"candidate\", "
	    "\"hypervisor\": \"qemu\", \"backend\": \"tcg\", "
	    "\"options\": {\"thread\": \"single\"}}]");
}

static void a_processor_specification_has_threads_and_no_disks(void **state)
{
	scoped(suite_free) struct suite *s = parse(full);
	scoped(json_decref) json_t *got = spec(s, 1, 0);
	const json_t *w = json_object_get(got, "workload");
	const json_t *p = json_object_get(w, "profiles");

	(void)state;
	assert_null(json_object_get(got, "controllers"));
	assert_null(json_object_get(got, "disk_mib"));
	assert_null(json_object_get(w, "ramp_s"));
	assert_int_equal(json_array_size(p), 2);
	assert_int_equal(json_integer_value(
	                     json_object_get(json_array_get(p, 0), "threads")),
	    1);
	assert_int_equal(json_integer_value(
	                     json_object_get(json_array_get(p, 1), "threads")),
	    0);
}

static void the_same_seed_makes_the_same_specification(void **state)
{
	scoped(suite_free) struct suite *s = parse(full);
	scoped(json_decref) json_t *a = spec(s, 0, INT64_MAX);
	scoped(json_decref) json_t *b = spec(s, 0, INT64_MAX);

	(void)state;
	assert_true(json_equal(a, b));
}

static void a_missing_file_and_a_large_seed_are_refused(void **state)
{
	static char initrd[] = "initrd.img";
	scoped(suite_free) struct suite *s = parse(full);
	json_t *json = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    bench_spec(s, 0, 1, hash_of, initrd, &json, &err), -ERR_NOTFOUND);
	assert_string_equal(
	    err.msg, "s.yaml: disk: initrd.img is not in the bundle");
	assert_int_equal(
	    bench_spec(s, 0, UINT64_C(1) << 63, hash_of, NULL, &json, &err),
	    -ERR_INVAL);
	assert_null(json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(every_key_is_read),
	    cmocka_unit_test(kernels_of_guests_are_files_of_the_suite),
	    cmocka_unit_test(a_step_has_time_for_its_workload),
	    cmocka_unit_test(one_of_several_candidates_is_chosen),
	    cmocka_unit_test(bad_variants_and_guests_are_refused),
	    cmocka_unit_test(bad_benchmarks_are_refused),
	    cmocka_unit_test(bad_plans_are_refused),
	    cmocka_unit_test(a_plan_has_the_margin_of_its_metrics),
	    cmocka_unit_test(a_plan_stands_in_the_place_of_blocks),
	    cmocka_unit_test(a_suite_says_what_its_own_numbers_mean),
	    cmocka_unit_test(bad_metrics_are_refused),
	    cmocka_unit_test(placebos_are_further_jobs_behind_all_others),
	    cmocka_unit_test(a_placebo_measures_the_baseline_under_two_names),
	    cmocka_unit_test(a_key_of_the_other_workload_is_refused),
	    cmocka_unit_test(a_disk_specification_says_what_the_suite_says),
	    cmocka_unit_test(
	        a_processor_specification_has_threads_and_no_disks),
	    cmocka_unit_test(the_same_seed_makes_the_same_specification),
	    cmocka_unit_test(a_missing_file_and_a_large_seed_are_refused),
	};

	return cmocka_run_group_tests_name("bench_spec", tests, NULL, NULL);
}
