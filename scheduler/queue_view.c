/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What waits, by what it needs: one row per requirement class. */
#include "scheduler/core.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NEEDS_MAX 4096

static void put_word(struct buf *to, const char *word)
{
	if (to->len)
		buf_puts(to, ", ");
	buf_puts(to, word);
}

static void put_named(struct buf *to, const char *what, const char *name)
{
	put_word(to, what);
	buf_putc(to, ' ');
	buf_puts(to, name);
}

static void put_machine(
    const struct scheduler *s, const struct class *c, struct buf *to)
{
	int machine = c->pin ? machine_find(s, c->pin) : -1;
	char number[24];

	if (!c->pin)
		return;
	(void)snprintf(number, sizeof(number), "%" PRId64, c->pin);
	put_named(
	    to, "machine", machine >= 0 ? s->machines[machine].name : number);
}

static void put_needs(
    const struct scheduler *s, const struct class *c, struct buf *to)
{
	put_machine(s, c, to);
	if (c->platform >= 0)
		put_named(to, "platform", s->platforms.names[c->platform]);
	for (int i = 0; i < c->n_required; i++)
		put_named(to, "tag", s->tags.names[c->required[i]]);
	for (int i = 0; i < c->n_forbidden; i++)
		put_named(to, "no tag", s->tags.names[c->forbidden[i]]);
	if (c->quiet)
		put_word(to, "quiet");
	if (c->canary)
		put_word(to, "canary");
	if (!to->len)
		buf_puts(to, "any machine");
}

struct waiting {
	int class_id;
	int n;
};

static int by_number(const void *a, const void *b)
{
	const struct waiting *x = a;
	const struct waiting *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return (x->class_id > y->class_id) - (x->class_id < y->class_id);
}

/* The classes with a job, those with most jobs first. */
static struct waiting *waiting_classes(const struct scheduler *s, size_t *ret_n)
{
	struct waiting *list = xcalloc((size_t)s->n_classes + 1, sizeof(*list));
	size_t n = 0;

	for (int i = 0; i < s->n_classes; i++)
		if (s->classes[i].heap.n)
			list[n++] = (struct waiting){i, s->classes[i].heap.n};
	qsort(list, n, sizeof(*list), by_number);
	*ret_n = n;
	return list;
}

void scheduler_queue(const struct scheduler *s, size_t max,
    void (*row)(void *arg, const struct queue_row *row), void *arg)
{
	size_t n;
	scoped(free) struct waiting *list = waiting_classes(s, &n);

	for (size_t i = 0; i < n && i < max; i++) {
		const struct class *c = &s->classes[list[i].class_id];
		scoped_val(buf_done) struct buf needs = BUF_INIT(NEEDS_MAX);

		put_needs(s, c, &needs);
		row(arg,
		    &(struct queue_row){
		        .needs = buf_str(&needs),
		        .n_jobs = list[i].n,
		        .first_job = s->jobs[c->heap.at[0].job].id,
		    });
	}
}
