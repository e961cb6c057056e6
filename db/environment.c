/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Environments. Invariant: equal facts have one number, whatever else was
 * recorded beside them and in whatever order it came.
 */
#include "db/environment.h"

#include "base/str.h"
#include "db/db.h"
#include "db/sql.h"
#include "db/stmt.h"

bool db_env_is_segment(const char *key)
{
	static const char *const keys[] = {"agent", "bios.vendor",
	    "bios.version", "board", "clocksource", "cpu", "cpufreq.driver",
	    "cpus", "governor", "kernel", "kernel.version", "microcode", "smt",
	    "thp", "turbo.boost", "turbo.intel.off"};
	static const char *const prefixes[] = {
	    "guest.", "mitigation.", "tool."};

	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(key, prefixes[i]))
			return true;
	return str_in(key, keys, ARRAY_LEN(keys));
}

static const char sql_environment_facts[] =
    "SELECT k.text, v.text FROM attempt_env e "
    "CROSS JOIN word k ON k.id = e.key_id "
    "CROSS JOIN word v ON v.id = e.value_id "
    "WHERE e.attempt_id = ?1 ORDER BY k.text";

static int text_of(
    struct conn *c, int64_t attempt_id, struct buf *to, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_environment_facts);
	int r;

	stmt_bind_int(st, 1, attempt_id);
	while ((r = stmt_step(st, err)) == 1) {
		const char *key = stmt_text(st, 0);
		scoped(free) char *value = NULL;

		if (!db_env_is_segment(key) || strpbrk(key, "=\n"))
			continue;
		value = xstrdup(stmt_text(st, 1));
		str_tidy(value);
		buf_printf(to, "%s=%s\n", key, value);
	}
	return r;
}

static const char sql_environment_get[] =
    "SELECT id FROM environment WHERE sha256 = ?1";
static const char sql_environment_put[] =
    "INSERT INTO environment (sha256, text) VALUES (?1, ?2) RETURNING id";

static int make(struct conn *c, const uint8_t sha256[HASH_BYTES],
    const char *text, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_environment_put);
	int r;

	stmt_bind_blob(st, 1, sha256, HASH_BYTES);
	stmt_bind_text(st, 2, text);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	*ret = stmt_int(st, 0);
	/* To the end: only then is the row written for certain. */
	return stmt_run(st, err);
}

int environment_put(
    struct conn *c, const char *text, int64_t *ret, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_environment_get);
	uint8_t sha256[HASH_BYTES];
	int r;

	if (!*text) {
		*ret = 0;
		return 0;
	}
	hash_sha256(text, strlen(text), sha256);
	stmt_bind_blob(st, 1, sha256, HASH_BYTES);
	r = stmt_step(st, err);
	if (r == 0)
		return make(c, sha256, text, ret, err);
	if (r > 0)
		*ret = stmt_int(st, 0);
	return r < 0 ? r : 0;
}

int environment_id(
    struct conn *c, int64_t attempt_id, int64_t *ret, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(ENVIRONMENT_BYTES);
	int r = text_of(c, attempt_id, &text, err);

	return r < 0 ? r : environment_put(c, buf_str(&text), ret, err);
}

const char *const sql_environment[] = {
    sql_environment_facts, sql_environment_get, sql_environment_put, NULL};
