/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/mem.h"
#include "orchestrator/boot.h"

#define HASH_PATH \
	"abababababababababababababababababababababababababababababababab"

static uint8_t some_hash[HASH_BYTES];

static int set_up(void **state)
{
	(void)state;
	memset(some_hash, 0xab, sizeof(some_hash));
	return 0;
}

static int script_of(struct boot_spec spec, struct buf *ret, struct err *err)
{
	spec.nonce = "00ff00ff";
	return boot_script_ipxe(&spec, ret, err);
}

static int script_with_args(const char *args, struct err *err)
{
	scoped_val(buf_done) struct buf script = BUF_INIT(65536);

	return script_of(
	    (struct boot_spec){.exec = {"dir/kernel.elf32", args, some_hash}},
	    &script, err);
}

static void script_loads_kernel_and_modules_from_relative_urls(void **state)
{
	scoped_val(buf_done) struct buf script = BUF_INIT(65536);
	const struct boot_entry load[] = {
	    {"mods/one.bin", "", some_hash},
	    {"two words%.bin", "greeting=hello  two=2", some_hash},
	};
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    script_of((struct boot_spec){.exec = {"dir/kernel.elf32",
	                                     " --serial\t0x3f8 ", some_hash},
	                  .load = load,
	                  .n_load = 2},
	        &script, &err),
	    0);
	assert_int_equal(strncmp(buf_str(&script), "#!ipxe\n", 7), 0);
	assert_non_null(strstr(buf_str(&script),
	    "\nkernel /files/00ff00ff/" HASH_PATH
	    "/kernel.elf32 --serial 0x3f8 || goto again\n"
	    "module /files/00ff00ff/" HASH_PATH "/one.bin || goto again\n"
	    "module /files/00ff00ff/" HASH_PATH
	    "/two%20words%25.bin greeting=hello two=2 || goto again\n"
	    "boot || goto failed\n"));
	assert_non_null(
	    strstr(buf_str(&script), "echo ironbench: boot failed\n"));
	assert_null(strstr(buf_str(&script), "http"));
}

static void arguments_ipxe_would_change_are_refused(void **state)
{
	static const char *const bad[] = {"a\nb", "a\rb", "a\x1b[0m",
	    "${net0/mac}", "a${b", "a || b", "|| shell", "a && b", "a #b", "#",
	    "\x7f"};
	static const char *const good[] = {
	    "", "a||b", "a#b", "$a", "a&&", "{}", "--serial=0x3f8,115200n8"};
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(script_with_args(bad[i], &err), -ERR_INVAL);
	assert_non_null(strstr(err.msg, "dir/kernel.elf32"));
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_int_equal(script_with_args(good[i], &err), 0);
}

static void multiboot_arguments_ipxe_would_cut_off_are_refused(void **state)
{
	scoped_val(buf_done) struct buf script = BUF_INIT(65536);
	struct boot_entry load[9];
	struct boot_spec spec = {
	    .exec = {"kernel", "", some_hash}, .load = load, .n_load = 9};
	struct err err = ERR_INIT;
	char args[600];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(load); i++)
		load[i] = (struct boot_entry){"module", "", some_hash};
	assert_int_equal(script_of(spec, &script, &err), 0);
	spec.multiboot = true;
	assert_int_equal(script_of(spec, &script, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "8 modules"));

	memset(args, 'x', sizeof(args) - 1);
	args[sizeof(args) - 1] = '\0';
	spec.exec.args = args;
	spec.n_load = 0;
	assert_int_equal(script_of(spec, &script, &err), -ERR_LIMIT);
	assert_non_null(strstr(err.msg, "512"));
	args[300] = '\0';
	assert_int_equal(script_of(spec, &script, &err), 0);
	spec.n_load = 1;
	assert_int_equal(script_of(spec, &script, &err), -ERR_LIMIT);
}

static void script_over_its_ceiling_is_an_error(void **state)
{
	scoped_val(buf_done) struct buf script = BUF_INIT(100);
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    script_of((struct boot_spec){.exec = {"kernel", "", some_hash}},
	        &script, &err),
	    -ERR_LIMIT);
}

static void paths_without_a_name_are_refused(void **state)
{
	static const char *const bad[] = {"", "a/", "a/..", "."};
	scoped_val(buf_done) struct buf script = BUF_INIT(65536);
	struct err err = ERR_INIT;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(
		    script_of(
		        (struct boot_spec){.exec = {bad[i], "", some_hash}},
		        &script, &err),
		    -ERR_INVAL);
}

static void idle_script_switches_off(void **state)
{
	scoped_val(buf_done) struct buf script = BUF_INIT(65536);

	(void)state;
	boot_script_idle(&script);
	assert_int_equal(strncmp(buf_str(&script), "#!ipxe\n", 7), 0);
	assert_non_null(strstr(buf_str(&script), "\npoweroff || exit\n"));
}

static void multiboot_header_is_found_where_it_may_be(void **state)
{
	static const unsigned char header[12] = {
	    0x02, 0xb0, 0xad, 0x1b, 0x03, 0, 0, 0, 0xfb, 0x4f, 0x52, 0xe4};
	unsigned char file[8300] = {0};

	(void)state;
	assert_false(boot_is_multiboot(file, sizeof(file)));
	memcpy(file + 4096, header, sizeof(header));
	assert_true(boot_is_multiboot(file, sizeof(file)));
	assert_false(boot_is_multiboot(file, 4096 + 8));
	file[4096 + 8]++;
	assert_false(boot_is_multiboot(file, sizeof(file)));
	memcpy(file + 8188, header, sizeof(header));
	assert_false(boot_is_multiboot(file, sizeof(file)));
}

static void mac_is_read_in_both_forms(void **state)
{
	static const char *const bad[] = {"", "52:54:00:12:34", "525400123456",
	    "52:54:00:12:34:5g", "52:54-00:12:34:56", "52:54:00:12:34:56 ",
	    "52.54.00.12.34.56"};
	char mac[18];

	(void)state;
	assert_true(boot_mac("52-54-00-AA-BB-CC", mac));
	assert_string_equal(mac, "52:54:00:aa:bb:cc");
	assert_true(boot_mac("52:54:00:aA:bb:Cc", mac));
	assert_string_equal(mac, "52:54:00:aa:bb:cc");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(boot_mac(bad[i], mac));
}

static int check(const char *text, char **ret_mac, struct err *err)
{
	scoped(conf_free) struct conf *conf = NULL;

	assert_int_equal(
	    conf_parse("lab.yaml", text, strlen(text), &conf, err), 0);
	return boot_check(conf_root(conf), ret_mac, err);
}

static void section_is_checked_with_its_position(void **state)
{
	scoped(free) char *mac = NULL;
	char *none = NULL;
	struct err err = ERR_INIT;

	(void)state;
	assert_int_equal(
	    check("driver: ipxe\nmac: 52-54-00-00-00-0F\n", &mac, &err), 0);
	assert_string_equal(mac, "52:54:00:00:00:0f");
	assert_int_equal(check("driver: none\n", &none, &err), 0);
	assert_null(none);
	assert_int_equal(boot_check(NULL, &none, &err), 0);
	assert_null(none);
	assert_int_equal(
	    check("driver: ipxe\nmac: nonsense\n", NULL, &err), -ERR_INVAL);
	assert_non_null(strstr(err.msg, "lab.yaml:2:"));
	assert_int_equal(check("driver: ipxe\n", NULL, &err), -ERR_INVAL);
	assert_int_equal(check("driver: floppy\n", NULL, &err), -ERR_INVAL);
	assert_int_equal(
	    check("driver: none\nmac: 52-54-00-00-00-0F\n", NULL, &err),
	    -ERR_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(
	        script_loads_kernel_and_modules_from_relative_urls),
	    cmocka_unit_test(arguments_ipxe_would_change_are_refused),
	    cmocka_unit_test(
	        multiboot_arguments_ipxe_would_cut_off_are_refused),
	    cmocka_unit_test(script_over_its_ceiling_is_an_error),
	    cmocka_unit_test(paths_without_a_name_are_refused),
	    cmocka_unit_test(idle_script_switches_off),
	    cmocka_unit_test(multiboot_header_is_found_where_it_may_be),
	    cmocka_unit_test(mac_is_read_in_both_forms),
	    cmocka_unit_test(section_is_checked_with_its_position),
	};

	return cmocka_run_group_tests_name("machine_boot", tests, set_up, NULL);
}
