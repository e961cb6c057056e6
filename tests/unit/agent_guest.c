/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a guest may say on its line, what it may not, and what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/guest.h"
#include "agent/hypervisor/hypervisor.h"
#include "agent/json.h"
#include "agent/measure.h"

struct seen {
	int ready;
	int done;
	int raws;
	bool clock_is_true;
	char name[64];
	char data[64];
	char error[256];
};

static void on_ready(void *arg)
{
	((struct seen *)arg)->ready++;
}

static void on_raw(void *arg, const struct guest_raw *raw)
{
	struct seen *s = arg;

	s->raws++;
	s->clock_is_true = guest_clock_is_true(raw);
	(void)snprintf(s->name, sizeof(s->name), "%s", raw->name);
	(void)snprintf(s->data, sizeof(s->data), "%s", raw->data);
}

static void on_done(void *arg)
{
	((struct seen *)arg)->done++;
}

static void on_error(void *arg, const char *text)
{
	struct seen *s = arg;

	(void)snprintf(s->error, sizeof(s->error), "%s", text);
}

static const struct guest_ops ops = {on_ready, on_raw, on_done, on_error};

#define HELLO_SHA \
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static void hear(struct guest *g, const char *line, int64_t host_ns)
{
	guest_feed(g, line, strlen(line), host_ns);
	guest_feed(g, "\r\n", 2, host_ns);
}

static void a_measurement_is_taken_with_its_times(void **state)
{
	struct seen s = {0};
	scoped(guest_free) struct guest *g = guest_new(&ops, &s);

	(void)state;
	hear(g, "[    0.1] Linux version", 1);
	hear(g, "IB-GUEST 1 READY", 2);
	/* The second reading of each was delayed less. */
	hear(g, "IB-TIME BEGIN 1000000000", 9400000000);
	hear(g, "IB-TIME BEGIN 1002000000", 9002000000);
	hear(g, "IB-TIME END 6002000000", 14002000000);
	hear(g, "IB-TIME END 6004000000", 14900000000);
	hear(g, "IB-RAW BEGIN fio:m:sata 5", 3);
	hear(g, "aGVs", 4);
	hear(g, "[    9.1] a message of the kernel", 5);
	hear(g, "bG8=", 6);
	hear(g, "IB-RAW END fio:m:sata " HELLO_SHA, 7);
	hear(g, "IB-GUEST DONE", 8);
	assert_string_equal(s.error, "");
	assert_int_equal(s.ready, 1);
	assert_int_equal(s.raws, 1);
	assert_int_equal(s.done, 1);
	assert_string_equal(s.name, "fio:m:sata");
	assert_string_equal(s.data, "hello");
	assert_true(s.clock_is_true);
}

static void a_slow_clock_is_seen(void **state)
{
	struct guest_raw raw = {.guest_ns = 4990000000, .host_ns = 5000000000};

	(void)state;
	assert_false(guest_clock_is_true(&raw));
	raw.guest_ns = 4995500000;
	assert_true(guest_clock_is_true(&raw));
	raw.host_ns = 0;
	assert_false(guest_clock_is_true(&raw));
}

static void what_a_guest_may_not_say_is_its_error(void **state)
{
	static const char *const bad[][4] = {
	    {"IB-GUEST DONE"},
	    {"IB-GUEST 2 READY"},
	    {"IB-GUEST 1 READY", "IB-GUEST 1 READY"},
	    {"IB-GUEST 1 READY", "IB-RAW BEGIN x 5"},
	    {"IB-GUEST 1 READY", "IB-TIME BEGIN x"},
	    {"IB-GUEST 1 READY", "IB-TIME MIDDLE 5"},
	    {"IB-GUEST 1 READY", "IB-TIME BEGIN 1", "IB-TIME END 2",
	        "IB-RAW BEGIN x 99999999999"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct seen s = {0};
		scoped(guest_free) struct guest *g = guest_new(&ops, &s);

		for (int k = 0; k < 4 && bad[i][k]; k++)
			hear(g, bad[i][k], 1);
		assert_string_not_equal(s.error, "");
		hear(g, "IB-GUEST DONE", 2);
		assert_int_equal(s.done, 0);
	}
}

static void damaged_output_is_an_error(void **state)
{
	static const char *const lines[] = {"aGVsbG8h", "aGVsbA=="};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		struct seen s = {0};
		scoped(guest_free) struct guest *g = guest_new(&ops, &s);

		hear(g, "IB-GUEST 1 READY", 1);
		hear(g, "IB-TIME BEGIN 1", 1);
		hear(g, "IB-TIME END 2", 2);
		hear(g, "IB-RAW BEGIN x 5", 3);
		hear(g, lines[i], 4);
		hear(g, "IB-RAW END x " HELLO_SHA, 5);
		assert_string_not_equal(s.error, "");
		assert_int_equal(s.raws, 0);
	}
}

static void a_word_needs_no_shell(void **state)
{
	(void)state;
	assert_true(guest_word_is_safe("--filename=/dev/sda1,@sata:x_y.z"));
	assert_false(guest_word_is_safe(""));
	assert_false(guest_word_is_safe("a b"));
	assert_false(guest_word_is_safe("$(x)"));
	assert_false(guest_word_is_safe("a;b"));
	assert_false(guest_word_is_safe("a\xc3\xa4"));
}

/* ---- the proof ------------------------------------------------------- */

static int prove(const struct vm_config *c, const char *kvm, const char *cpus)
{
	const char *lines[] = {"{\"QMP\":{\"version\":{\"qemu\":{\"micro\":9,"
	                       "\"minor\":2,\"major\":7}}}}",
	    "{\"return\":{}}", kvm, "{\"event\":\"RESUME\"}", cpus};
	struct proof p = {0};
	int r = 0;

	for (size_t i = 0; i < ARRAY_LEN(lines) && r == 0; i++) {
		scoped_val(buf_done) struct buf reply = BUF_INIT(4096);
		scoped_val(buf_done) struct buf evidence = BUF_INIT(4096);

		r = hypervisor_qemu.prove(
		    c, &p, lines[i], strlen(lines[i]), &reply, &evidence, NULL);
	}
	return r;
}

static void qemu_proves_its_backend_and_its_threads(void **state)
{
	static const char off[] = "{\"return\":{\"enabled\":false}}";
	static const char on[] = "{\"return\":{\"enabled\":true}}";
	static const char one[] =
	    "{\"return\":[{\"thread-id\":7},{\"thread-id\":7}]}";
	static const char two[] =
	    "{\"return\":[{\"thread-id\":7},{\"thread-id\":8}]}";
	struct spec_variant v = {
	    .name = "v", .backend = "tcg", .thread = THREAD_SINGLE};
	struct vm_config c = {.variant = &v};

	(void)state;
	assert_int_equal(prove(&c, off, one), 1);
	assert_int_equal(prove(&c, off, two), -ERR_CONFLICT);
	assert_int_equal(prove(&c, on, one), -ERR_CONFLICT);
	v.thread = THREAD_MULTI;
	assert_int_equal(prove(&c, off, two), 1);
	assert_int_equal(prove(&c, off, one), -ERR_CONFLICT);
	v = (struct spec_variant){.name = "v", .backend = "kvm"};
	assert_int_equal(prove(&c, on, two), 1);
	assert_int_equal(prove(&c, off, two), -ERR_CONFLICT);
	assert_int_equal(prove(&c, "{\"error\":{}}", two), -ERR_PROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_measurement_is_taken_with_its_times),
	    cmocka_unit_test(a_slow_clock_is_seen),
	    cmocka_unit_test(what_a_guest_may_not_say_is_its_error),
	    cmocka_unit_test(damaged_output_is_an_error),
	    cmocka_unit_test(a_word_needs_no_shell),
	    cmocka_unit_test(qemu_proves_its_backend_and_its_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
