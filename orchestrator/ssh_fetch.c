/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fetches; see ssh_fetch.h. The hash runs along with what is written, so a file
 * that came over ten connections is read only once.
 */
#include "orchestrator/ssh_fetch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "orchestrator/ssh_run.h"

enum {
	FAILURES_MAX = 8
};

struct ssh_fetcher {
	struct loop *loop;
	struct ssh_install *install;
	const struct ssh_fetcher_ops *ops;
	void *arg;
	struct ssh *ssh; /* NULL: stopped */
	struct ssh_run *run;
	struct ssh_fetch *list; /* the first is being fetched */
};

static void next(struct ssh_fetcher *q);

void ssh_fetch_free(struct ssh_fetch *f)
{
	uint8_t unused[HASH_BYTES];

	if (f->hash)
		hash_end(f->hash, unused);
	free(f);
}

struct ssh_fetch *ssh_fetcher_take(struct ssh_fetcher *q)
{
	struct ssh_fetch *f = q->list;

	if (f)
		q->list = f->next;
	return f;
}

/* The first one is over. Nothing of q is touched after it. */
static void end(struct ssh_fetcher *q, int r, const struct err *err)
{
	struct ssh_fetch *f = ssh_fetcher_take(q);

	next(q);
	q->ops->on_done(q->arg, f, r, err);
}

/* The whole was received, or what the agent calls so. */
static void verify(struct ssh_fetcher *q)
{
	struct ssh_fetch *f = q->list;
	uint8_t hash[HASH_BYTES];
	char hex[HASH_HEX + 1];
	struct err err = ERR_INIT;
	int r = 0;

	hash_end(take(f->hash), hash);
	hash_hex(hash, sizeof(hash), hex);
	if (f->at != f->size || strcmp(hex, f->sha256) != 0)
		r = err_set(&err, ERR_PROTO,
		    "the agent gives %" PRId64 " bytes of hash %s for %s of "
		    "%" PRId64,
		    f->at, hex, f->sha256, f->size);
	end(q, r, &err);
}

static void on_end(
    void *arg, int r, int exit_code, const char *out, const struct err *err)
{
	struct ssh_fetcher *q = arg;
	struct err why = *err;

	(void)out;
	q->run = NULL;
	if (exit_code == 126 || exit_code == 127)
		ssh_install_doubt(q->install);
	if (r == 0) {
		verify(q);
	} else if ((exit_code < 0 && err_is_temporary(r)) ||
	    (exit_code > 2 && ++q->list->failures < FAILURES_MAX)) {
		/* Not a no of the agent's: it goes on from where it is. */
		q->ops->on_lost(q->arg, err);
	} else {
		r = err_prefix(&why, "fetching %s", q->list->sha256);
		end(q, r, &why);
	}
}

static void on_moved(void *arg, int64_t at)
{
	struct ssh_fetcher *q = arg;

	q->list->at = at;
}

static void next(struct ssh_fetcher *q)
{
	struct ssh_fetch *f = q->list;
	scoped(free) char *words = NULL;
	scoped(free) char *command = NULL;

	if (!f || q->run || !q->ssh)
		return;
	words = xasprintf("cat %s --from %" PRId64, f->sha256, f->at);
	command = ssh_install_command(q->install, words);
	q->run = ssh_run(q->loop, q->ssh,
	    &(struct ssh_run_options){.command = command,
	        .source_fd = -1,
	        .sink_fd = f->fd,
	        .sink_at = f->at,
	        .sink_size = f->size,
	        .sink_hash = f->hash,
	        .on_moved = on_moved,
	        .on_end = on_end,
	        .arg = q});
}

struct ssh_fetcher *ssh_fetcher_new(struct loop *loop,
    struct ssh_install *install, const struct ssh_fetcher_ops *ops, void *arg)
{
	struct ssh_fetcher *q = xcalloc(1, sizeof(*q));

	q->loop = loop;
	q->install = install;
	q->ops = ops;
	q->arg = arg;
	return q;
}

void ssh_fetcher_free(struct ssh_fetcher *q)
{
	struct ssh_fetch *f;

	ssh_fetcher_stop(q);
	while ((f = ssh_fetcher_take(q)))
		ssh_fetch_free(f);
	free(q);
}

void ssh_fetcher_add(struct ssh_fetcher *q, const struct ssh_fetch *f)
{
	struct ssh_fetch *copy = xcalloc(1, sizeof(*copy));
	struct ssh_fetch **at = &q->list;

	*copy = *f;
	copy->hash = hash_new();
	while (*at)
		at = &(*at)->next;
	*at = copy;
	next(q);
}

void ssh_fetcher_begin(struct ssh_fetcher *q, struct ssh *ssh)
{
	q->ssh = ssh;
	next(q);
}

void ssh_fetcher_stop(struct ssh_fetcher *q)
{
	ssh_run_abandon(q->run);
	q->run = NULL;
	q->ssh = NULL;
}

bool ssh_fetcher_is_idle(const struct ssh_fetcher *q)
{
	return !q->list;
}
