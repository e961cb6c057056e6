/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows as the JSON objects of doc/api.md that stand in more than one answer. */
#ifndef WEB_RENDER_H
#define WEB_RENDER_H

#include "db/db.h"
#include "web/json.h"

/* One of SoTest's words: unfinished, success, fail, disabled. */
const char *render_status(const struct db_run *run);
/* The fields of RUN, in an object that is open. */
void render_run_fields(struct jw *w, const struct db_run *run);
/* RUN, as a value of an array or as the whole answer. */
void render_run(struct jw *w, const struct db_run *run);
/* "outcome", "layer", "expected", "skips" of an object that is open. */
void render_verdict(struct jw *w, const struct verdict *v);

/* "pass", "fail", "skip": of enum case_result. */
const char *render_case_result(int result);

#endif
