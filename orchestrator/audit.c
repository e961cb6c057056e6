/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who did what, for the people of the lab: one line an act. */
#include "base/clock.h"
#include "orchestrator/daemon.h"

static void post(struct db *db, const char *who, const char *what,
    void (*then)(void *arg), void *arg)
{
	struct db_tx *tx = db_tx_new(db);

	db_tx_audit(tx, clock_wall_ms(), who, what);
	db_tx_post(tx, then, arg);
}

void audit_act(struct db *db, const char *who, const char *fmt, ...)
{
	scoped_val(buf_done) struct buf what = BUF_INIT(1 << 12);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&what, fmt, ap);
	va_end(ap);
	post(db, who, buf_str(&what), NULL, NULL);
}

void audit_then(struct db *db, void (*then)(void *arg), void *arg,
    const char *who, const char *fmt, ...)
{
	scoped_val(buf_done) struct buf what = BUF_INIT(1 << 12);
	va_list ap;

	va_start(ap, fmt);
	buf_vprintf(&what, fmt, ap);
	va_end(ap);
	post(db, who, buf_str(&what), then, arg);
}
