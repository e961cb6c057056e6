/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an imported file says of itself, for a history. */
#ifndef DB_IMPORT_FACTS_H
#define DB_IMPORT_FACTS_H

#include <stdint.h>

struct import_facts {
	int64_t at_ms;
	char *environment; /* "os=..\ntool.fio=..\n" of what is known */
};

/*
 * json: the facts of an import (import.facts). at_ms is their date, or
 * imported_at_ms if there is none, it is none of the formats of the files that
 * are imported, or it cannot be: before 2000, or after the import. A date
 * without a zone is taken for UTC.
 */
void import_facts_read(
    const char *json, int64_t imported_at_ms, struct import_facts *ret);
void import_facts_done(struct import_facts *f);

#endif
