/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Answers that a test has put into a folder, and those that never change. */
#include "tests/unit/cli_fake_api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX_BYTES (1 << 20)

const char fake_machines[] =
    "{\"machines\":[{\"name\":\"t16-1\",\"platform\":\"alder_lake_t16\","
    "\"host\":\"t16-1\",\"tags\":[\"sata\",\"nvme\"],\"health\":\"good\","
    "\"why\":\"\",\"since_at_ms\":1700000000000,\"busy\":{\"job\":418,"
    "\"run\":60617,\"item\":\"guest-hello\",\"state\":\"run\","
    "\"step\":\"serial 12 KiB\",\"since_at_ms\":1700000000000},"
    "\"power\":\"on\"},{\"name\":\"t480-2\","
    "\"platform\":\"kaby_lake_t480s\",\"host\":\"t480-2\",\"tags\":[],"
    "\"health\":\"quarantined\",\"why\":\"power: off ignored\","
    "\"since_at_ms\":1700000000000,\"busy\":null,\"power\":\"off\"}]}";

char *fake_file(const char *folder, const char *url, size_t *ret_len)
{
	char path[512];
	char *data = NULL;
	size_t n = strlen(folder);
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, url);
	for (char *p = path + n + 1; n < sizeof(path) && *p; p++)
		if (*p == '/')
			*p = '_';
	f = fopen(path, "rbe");
	if (!f)
		return NULL;
	data = malloc(FILE_MAX_BYTES);
	if (!data)
		abort();
	*ret_len = fread(data, 1, FILE_MAX_BYTES, f);
	(void)fclose(f);
	return data;
}
