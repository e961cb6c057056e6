/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names of machines. Invariant: a machine has the aliases that the lab file
 * gave it last; only a machine without hardware is the same as another, whose
 * alias its name is.
 */
#include <stdio.h>

#include "db/db.h"
#include "db/reader.h"
#include "db/sql.h"
#include "db/stmt.h"
#include "db/store.h"

struct aliases {
	const int64_t *machine_ids;
	size_t n_machines;
	const struct db_alias *list;
	size_t n;
};

/* ---- writing ------------------------------------------------------------ */

static const char sql_alias_drop[] =
    "DELETE FROM machine_alias WHERE machine_id = ?1";
static const char sql_alias_put[] =
    "INSERT INTO machine_alias (name, machine_id) VALUES (?1, ?2) "
    "ON CONFLICT DO NOTHING";
/* Without hardware is whose platform is ''. */
static const char sql_same_drop[] =
    "UPDATE machine SET same_as = NULL WHERE same_as IS NOT NULL";
static const char sql_same_put[] =
    "UPDATE machine SET same_as = (SELECT a.machine_id FROM machine_alias a "
    "WHERE a.name = machine.name AND a.machine_id <> machine.id) "
    "WHERE platform_id = (SELECT id FROM word WHERE text = '') AND "
    "1 = (SELECT count(*) FROM machine_alias a WHERE a.name = machine.name "
    "AND a.machine_id <> machine.id)";

static int run_id(struct conn *c, const char *sql, int64_t id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);

	stmt_bind_int(st, 1, id);
	return stmt_run(st, err);
}

static int run_plain(struct conn *c, const char *sql, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql);

	return stmt_run(st, err);
}

static int put(struct conn *c, const struct db_alias *a, struct err *err)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_alias_put);

	stmt_bind_text(st, 1, a->name);
	stmt_bind_int(st, 2, a->machine_id);
	return stmt_run(st, err);
}

static int set(struct conn *c, const void *arg, struct err *err)
{
	const struct aliases *a = arg;
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->n_machines; i++)
		r = run_id(c, sql_alias_drop, a->machine_ids[i], err);
	for (size_t i = 0; r == 0 && i < a->n; i++)
		r = put(c, &a->list[i], err);
	if (r == 0)
		r = run_plain(c, sql_same_drop, err);
	return r < 0 ? r : run_plain(c, sql_same_put, err);
}

static const char sql_alias_any[] = "SELECT 1 FROM machine_alias LIMIT 1";

static bool has_any(struct conn *c)
{
	scoped(stmt_reset) struct stmt *st = stmt_get(c, sql_alias_any);

	return stmt_step(st, NULL) == 1;
}

int db_aliases_set(struct db *db, const int64_t *machine_ids, size_t n_machines,
    const struct db_alias *list, size_t n, struct err *err)
{
	struct aliases a = {machine_ids, n_machines, list, n};

	/* The usual lab has none, and writes nothing. */
	if (!n && !has_any(reader_conn(db->reader)))
		return 0;
	return db_run_now(db, set, &a, err);
}

/* ---- reading ------------------------------------------------------------ */

static const char sql_named[] =
    "SELECT t.id, t.name FROM (SELECT coalesce(m.same_as, m.id) AS id "
    "FROM machine m WHERE m.name = ?1 UNION SELECT a.machine_id "
    "FROM machine_alias a WHERE a.name = ?1) f "
    "JOIN machine t ON t.id = f.id ORDER BY t.id LIMIT 2";

int db_machine_named(
    struct db *db, const char *name, int64_t *ret_id, struct err *err)
{
	scoped(stmt_reset) struct stmt *st =
	    stmt_get(reader_conn(db->reader), sql_named);
	char first[256];
	int64_t id;
	int r;

	stmt_bind_text(st, 1, name);
	r = stmt_step(st, err);
	if (r < 0)
		return r;
	if (r == 0)
		return err_set(err, ERR_NOTFOUND,
		    "machine %.200s: not known by this name", name);
	id = stmt_int(st, 0);
	(void)snprintf(first, sizeof(first), "%.200s", stmt_text(st, 1));
	r = stmt_step(st, err);
	if (r > 0)
		return err_set(err, ERR_CONFLICT,
		    "machine %.100s: the name is two machines', %.100s and "
		    "%.100s",
		    name, first, stmt_text(st, 1));
	if (r == 0)
		*ret_id = id;
	return r;
}

const char *const sql_machine_alias[] = {sql_alias_drop, sql_alias_put,
    sql_same_drop, sql_same_put, sql_alias_any, sql_named, NULL};
