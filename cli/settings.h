/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which server, and which token: the command line before the environment
 * before the configuration file, for each of the two on its own.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include "base/err.h"
#include "base/mem.h"
#include "cli/options.h"

struct settings {
	char *server; /* without a slash at its end */
	char *token;  /* NULL: none */
};

/*
 * Errors: NOTFOUND, INVAL (a bad key or value, or a token file that others can
 * read), IO.
 */
enum settings_need {
	SETTINGS_TOKEN, /* if there is one */
	SETTINGS_NO_TOKEN
};
int settings_read(const struct options *o, enum settings_need need,
    struct settings **ret, struct err *err);
/* Wipes the token. */
void settings_free(struct settings *s);
SCOPED_DEFINE(struct settings, settings_free);

#endif
