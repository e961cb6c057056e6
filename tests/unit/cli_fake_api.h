/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the stand-in server share. */
#ifndef TESTS_UNIT_CLI_FAKE_API_H
#define TESTS_UNIT_CLI_FAKE_API_H

#include <stddef.h>

/*
 * The file of a folder that is named like a URL, with '_' for each '/'; NULL
 * if there is none. Caller frees.
 */
char *fake_file(const char *folder, const char *url, size_t *ret_len);

extern const char fake_machines[]; /* JSON */

#endif
