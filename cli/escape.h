/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes for a terminal that must not obey them: line ends and tabs stay, other
 * control bytes become ^[ and the like, what is not UTF-8 becomes \x9b. CR
 * before LF disappears. Pieces may be cut anywhere.
 */
#ifndef CLI_ESCAPE_H
#define CLI_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

#include "cli/text.h"

struct escape {
	enum text_set set;
	char kept[4]; /* the begin of a character, or a CR */
	size_t n_kept;
};

void escape_init(struct escape *e, enum text_set set);
void escape_write(struct escape *e, const char *data, size_t len, FILE *out);
/* Writes what was kept: nothing more will come. */
void escape_end(struct escape *e, FILE *out);

#endif
