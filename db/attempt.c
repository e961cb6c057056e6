/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What an attempt leaves behind: raw outputs and facts of its environment. */
#include "db/db.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/tx.h"
#include "db/words.h"

/* ---- raw outputs -------------------------------------------------------- */

static const char sql_attempt_file[] =
    "INSERT INTO attempt_file (attempt_id, name, sha256, size) "
    "VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING";

static int file_put(struct conn *c, const void *arg, struct err *err)
{
	const struct db_attempt_file *f = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_attempt_file);

	stmt_bind_int(st, 1, f->attempt_id);
	stmt_bind_text(st, 2, f->name);
	stmt_bind_blob(st, 3, f->sha256, HASH_BYTES);
	stmt_bind_int(st, 4, f->size);
	return stmt_run(st, err);
}

void db_tx_attempt_file(struct db_tx *tx, const struct db_attempt_file *file)
{
	struct db_attempt_file *to = tx_copy(tx, file, sizeof(*file));

	to->name = tx_str(tx, file->name);
	tx_op(tx, "file of attempt", file->attempt_id, file_put, to);
}

/* ---- environment -------------------------------------------------------- */

struct env {
	int64_t attempt_id;
	const char *key;
	const char *value;
};

static const char sql_attempt_env[] =
    "INSERT INTO attempt_env (attempt_id, key_id, value_id) "
    "VALUES (?1, ?2, ?3) "
    "ON CONFLICT (attempt_id, key_id) DO UPDATE SET "
    "value_id = excluded.value_id";

static int env_put(struct conn *c, const void *arg, struct err *err)
{
	const struct env *env = arg;
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_attempt_env);
	int64_t key = 0;
	int64_t value = 0;
	int r = word_id(c, env->key, &key, err);

	if (r == 0)
		r = word_id(c, env->value, &value, err);
	if (r < 0)
		return r;
	stmt_bind_int(st, 1, env->attempt_id);
	stmt_bind_int(st, 2, key);
	stmt_bind_int(st, 3, value);
	return stmt_run(st, err);
}

void db_tx_env(
    struct db_tx *tx, int64_t attempt_id, const char *key, const char *value)
{
	struct env *env = tx_alloc(tx, 1, sizeof(*env));

	env->attempt_id = attempt_id;
	env->key = tx_str(tx, key);
	env->value = tx_str(tx, value);
	tx_op(tx, "env of attempt", attempt_id, env_put, env);
}

const char *const sql_attempt[] = {sql_attempt_file, sql_attempt_env, NULL};
