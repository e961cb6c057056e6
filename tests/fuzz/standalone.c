/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A fuzz target without a fuzzer: runs the empty input and every file of its
 * corpus once, and speaks TAP. The corpus of fuzz_NAME is
 * tests/fuzz/corpus/NAME; or name files and folders on the command line. A
 * target aborts on what must not be; the input was named just before.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	INPUT_MAX = 64 << 20,
};

struct tally {
	int tests;
	int failures;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void report(struct tally *tally, bool passed, const char *what)
{
	tally->tests++;
	tally->failures += !passed;
	printf("%s %d - %s\n", passed ? "ok" : "not ok", tally->tests, what);
}

static void run_file(struct tally *tally, const char *path)
{
	scoped_val(buf_done) struct buf data = BUF_INIT(INPUT_MAX);
	struct err err = ERR_INIT;

	printf("# %s\n", path);
	if (fs_read(path, INPUT_MAX, &data, &err) < 0) {
		report(tally, false, err.msg);
		return;
	}
	(void)LLVMFuzzerTestOneInput((const uint8_t *)buf_str(&data), data.len);
	report(tally, true, path);
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static void run_folder(struct tally *tally, const char *path)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, is_visible, alphasort);

	if (n <= 0)
		report(tally, false, "the corpus has files");
	for (int i = 0; i < n; i++) {
		scoped(free) char *file =
		    xasprintf("%s/%s", path, entries[i]->d_name);

		run_file(tally, file);
		free(entries[i]);
	}
	free(entries);
}

static void run_path(struct tally *tally, const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		run_folder(tally, path);
	else
		run_file(tally, path);
}

/* The corpus of the program that runs as .../fuzz_NAME; caller frees. */
static char *own_corpus(const char *program)
{
	const char *slash = strrchr(program, '/');
	const char *name = slash ? slash + 1 : program;
	const char *source = getenv("IB_SRCDIR");

	if (str_starts(name, "fuzz_"))
		name += strlen("fuzz_");
	return xasprintf(
	    "%s/tests/fuzz/corpus/%s", source ? source : ".", name);
}

int main(int argc, char **argv)
{
	scoped(free) char *corpus = own_corpus(argv[0]);
	struct tally tally = {0, 0};

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	(void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	report(&tally, true, "the empty input");
	if (argc < 2)
		run_path(&tally, corpus);
	for (int i = 1; i < argc; i++)
		run_path(&tally, argv[i]);
	printf("1..%d\n", tally.tests);
	return tally.failures > 0;
}
