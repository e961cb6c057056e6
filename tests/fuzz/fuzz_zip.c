/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Uploaded archives: the whole helper is run on each, as its own process
 * would be. It says what it found or why it refuses, writes into its scratch
 * folder only, and what it says is there is there.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/helper.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char config[] =
    "boot_items:\n"
    "  - { name: a, exec: kernel.elf, load: [ sub/module.txt ] }\n";

static char scratch[64];

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void remove_scratch(void)
{
	/* What is left is in /tmp. */
	(void)fs_remove_tree(scratch, NULL);
}

static void set_up(void)
{
	if (*scratch)
		return;
	hash_init();
	(void)snprintf(scratch, sizeof(scratch), "%s/ib-fuzz-zip-%ld",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp",
	    (long)getpid());
	(void)atexit(remove_scratch);
}

static int file_of(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	require(fs_write_all(fd, data, size, NULL) == 0);
	require(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

static void check_file(const json_t *f)
{
	const char *name = json_string_value(json_object_get(f, "tmp"));
	scoped(free) char *path = NULL;
	struct stat st;

	require(name && !strchr(name, '/'));
	path = xasprintf("%s/%s", scratch, name);
	require(lstat(path, &st) == 0 && S_ISREG(st.st_mode));
	require(st.st_size == json_integer_value(json_object_get(f, "size")));
	require(fs_path_is_safe(json_string_value(json_object_get(f, "path"))));
}

static void check_answer(const char *text, size_t len)
{
	json_t *answer = json_loadb(text, len, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));
	const json_t *files = json_object_get(answer, "files");
	const json_t *f;
	size_t i;

	require(json_is_object(answer));
	if (error)
		require(*error && !strchr(error, '\n'));
	else
		require(json_array_size(files) == 2);
	json_array_foreach(files, i, f) check_file(f);
	json_decref(answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped_val(fd_done) int suite = file_of(config, strlen(config));
	scoped_val(fd_done) int zip = file_of(data, size);
	scoped(free) char *request = NULL;
	scoped(free) char *text = NULL;
	FILE *old_in = stdin;
	FILE *old_out = stdout;
	size_t len = 0;

	set_up();
	remove_scratch();
	require(fs_mkdirs(scratch, 0700, NULL) == 0);
	request = xasprintf("{\"scratch\":\"%s\",\"config\":%d,\"zip\":%d}",
	    scratch, suite, zip);
	stdin = fmemopen(request, strlen(request), "r");
	stdout = open_memstream(&text, &len);
	require(stdin && stdout && helper_bundle_main() == 0);
	(void)fclose(stdin);
	(void)fclose(stdout);
	stdin = old_in;
	stdout = old_out;
	check_answer(text, len);
	return 0;
}
