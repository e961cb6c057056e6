/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Plans as bytes: format 1, number of items, number of platforms, their
 * names each with a zero byte, then the cells.
 */
#include "db/plan.h"

#include "db/pack.h"

#define FORMAT 1

static void put_names(struct buf *to, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_add(to, names[i], strlen(names[i]) + 1);
}

void plan_encode(const struct db_plan *plan, struct buf *to)
{
	buf_putc(to, FORMAT);
	pack_uint(to, plan->n_items);
	pack_uint(to, plan->n_platforms);
	put_names(to, plan->items, plan->n_items);
	put_names(to, plan->platforms, plan->n_platforms);
	buf_add(to, plan->cells, plan->n_items * plan->n_platforms);
}

static const char **get_names(struct unpack *u, uint64_t n)
{
	/* A name has at least its zero byte: damage cannot ask for more. */
	const char **names = n > (uint64_t)(u->end - u->at)
	    ? NULL
	    : xcalloc((size_t)n, sizeof(*names));

	if (!names)
		u->failed = true;
	for (size_t i = 0; i < n && !u->failed; i++)
		names[i] = unpack_str(u);
	return names;
}

int plan_decode(
    const void *body, size_t len, struct plan_data *ret, struct err *err)
{
	struct unpack u = {body, (const unsigned char *)body + len, false};
	struct plan_data p = {0};
	bool known = unpack_uint(&u) == FORMAT;
	uint64_t n_items = unpack_uint(&u);
	uint64_t n_platforms = unpack_uint(&u);
	uint64_t n_cells = 0;

	p.items = get_names(&u, n_items);
	p.platforms = get_names(&u, n_platforms);
	p.plan.items = p.items;
	p.plan.n_items = (size_t)n_items;
	p.plan.platforms = p.platforms;
	p.plan.n_platforms = (size_t)n_platforms;
	if (__builtin_mul_overflow(n_items, n_platforms, &n_cells))
		u.failed = true;
	p.plan.cells = unpack_bytes(&u, n_cells);
	if (!known || u.failed || u.at != u.end) {
		plan_done(&p);
		return err_set(err, ERR_PROTO, "plan: damaged");
	}
	for (size_t i = 0; i < n_cells; i++)
		p.n_jobs += p.plan.cells[i] == 'j';
	*ret = p;
	return 0;
}

void plan_done(struct plan_data *p)
{
	free(p->items);
	free(p->platforms);
	p->items = NULL;
	p->platforms = NULL;
}

int64_t plan_cell(const struct db_plan *plan, int64_t k)
{
	size_t n = plan->n_items * plan->n_platforms;

	for (size_t i = 0; i < n; i++)
		if (plan->cells[i] == 'j' && k-- == 0)
			return (int64_t)i;
	return -1;
}
