/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Retry and health: what the ends of attempts say about machines and items.
 *
 * Three bounded memories. A machine has a row of the errors since it last
 * worked; each is pending until its job gets a verdict of the test on another
 * machine, which is the proof that the lab can do that job and this machine
 * could not. A troubled job (one with an error so far) knows the machines that
 * are pending for it. An item of a revision knows where it ended in error and
 * whether it ever worked. What is forgotten is never blamed: losing memory, as
 * a restart does, only delays a suspicion.
 */
#include "scheduler/scheduler.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "scheduler/table.h"

enum {
	ROW_MAX = 8,        /* errors remembered of one machine */
	SUSPECT_AT = 2,     /* proven errors in a row */
	PLACES_MAX = 4,     /* machines remembered of a job or an item */
	JOBS_MAX = 4096,    /* troubled jobs */
	ITEMS_MAX = 16384,  /* items of revisions */
	BLAMELESS_MAX = 20, /* attempts of one job that nobody is blamed for */
};

struct blame {
	int64_t job_id;
	int64_t item; /* key of item and revision */
	bool proven;
};

struct unit {
	int64_t id;
	enum health health;
	struct blame row[ROW_MAX];
	int n_row;
};

struct places {
	int64_t ids[PLACES_MAX];
	int n;
};

struct trouble {
	int64_t job_id;
	struct places places;
	int n_blameless;
};

struct history {
	int64_t key;
	struct places errors; /* distinct machines */
	bool worked;          /* a verdict of the test, anywhere */
};

struct fleet {
	struct unit *units;
	int n_units;
	int cap_units;
	struct ids unit_of;
	struct trouble *troubles; /* a ring: the oldest is overwritten */
	int n_troubles;
	int cap_troubles;
	int oldest_trouble;
	struct ids trouble_of;
	struct history *items; /* a ring, too */
	int n_items;
	int cap_items;
	int oldest_item;
	struct ids item_of;
};

struct fleet *fleet_new(void)
{
	return xcalloc(1, sizeof(struct fleet));
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	ids_done(&f->unit_of);
	ids_done(&f->trouble_of);
	ids_done(&f->item_of);
	free(f->units);
	free(f->troubles);
	free(f->items);
	free(f);
}

static struct unit *unit_get(struct fleet *f, int64_t id)
{
	int i = ids_get(&f->unit_of, id);

	if (i < 0) {
		i = f->n_units++;
		f->units = array_grow(
		    f->units, &f->cap_units, f->n_units, sizeof(*f->units));
		f->units[i].id = id;
		ids_put(&f->unit_of, id, i);
	}
	return &f->units[i];
}

/* The place of a new entry in a ring: a fresh one, or the oldest. */
static int ring_place(int *n, int max, int *oldest)
{
	int i;

	if (*n < max)
		return (*n)++;
	i = *oldest;
	*oldest = (i + 1) % max;
	return i;
}

static struct trouble *trouble_get(struct fleet *f, int64_t job_id)
{
	int i = ids_get(&f->trouble_of, job_id);

	if (i >= 0)
		return &f->troubles[i];
	i = ring_place(&f->n_troubles, JOBS_MAX, &f->oldest_trouble);
	f->troubles = array_grow(
	    f->troubles, &f->cap_troubles, f->n_troubles, sizeof(*f->troubles));
	/* The entry it replaces may have been forgotten and come back. */
	if (ids_get(&f->trouble_of, f->troubles[i].job_id) == i)
		ids_del(&f->trouble_of, f->troubles[i].job_id);
	f->troubles[i] = (struct trouble){.job_id = job_id};
	ids_put(&f->trouble_of, job_id, i);
	return &f->troubles[i];
}

static struct history *item_get(struct fleet *f, int64_t key)
{
	int i = ids_get(&f->item_of, key);

	if (i >= 0)
		return &f->items[i];
	i = ring_place(&f->n_items, ITEMS_MAX, &f->oldest_item);
	f->items =
	    array_grow(f->items, &f->cap_items, f->n_items, sizeof(*f->items));
	if (ids_get(&f->item_of, f->items[i].key) == i)
		ids_del(&f->item_of, f->items[i].key);
	f->items[i] = (struct history){.key = key};
	ids_put(&f->item_of, key, i);
	return &f->items[i];
}

/* A name for item and revision that nobody outside can make collide. */
static int64_t item_key(const struct attempt_result *result)
{
	scoped(free) char *text = xasprintf("%zu:%s%s",
	    strlen(result->revision), result->revision, result->item);
	uint8_t digest[HASH_BYTES];
	int64_t key;

	hash_sha256(text, strlen(text), digest);
	memcpy(&key, digest, sizeof(key));
	return key;
}

static void place_add(struct places *p, int64_t machine_id)
{
	for (int i = 0; i < p->n; i++)
		if (p->ids[i] == machine_id)
			return;
	if (p->n < PLACES_MAX)
		p->ids[p->n++] = machine_id;
}

static void row_add(struct unit *u, int64_t job_id, int64_t item)
{
	if (u->health != HEALTH_GOOD)
		return;
	if (u->n_row == ROW_MAX) {
		memmove(u->row, u->row + 1, (ROW_MAX - 1) * sizeof(u->row[0]));
		u->n_row--;
	}
	u->row[u->n_row++] = (struct blame){.job_id = job_id, .item = item};
}

static void row_drop_item(struct unit *u, int64_t item)
{
	int kept = 0;

	for (int i = 0; i < u->n_row; i++)
		if (u->row[i].item != item)
			u->row[kept++] = u->row[i];
	u->n_row = kept;
}

static void change(
    struct unit *u, enum health to, struct fleet_advice *ret, const char *why)
{
	struct health_change *c;

	if (u->health == to || ret->n_changes == FLEET_CHANGES_MAX)
		return;
	c = &ret->changes[ret->n_changes++];
	c->machine_id = u->id;
	c->from = u->health;
	c->to = to;
	(void)snprintf(c->why, sizeof(c->why), "%s", why); /* may be cut */
	u->health = to;
	u->n_row = 0;
}

/* The job worked elsewhere: what u did to it is proven to be u's fault. */
static void prove(struct unit *u, int64_t job_id, struct fleet_advice *ret)
{
	char why[sizeof(ret->why)];
	int64_t last = job_id;
	int proven = 0;

	for (int i = 0; i < u->n_row; i++) {
		if (u->row[i].job_id == job_id)
			u->row[i].proven = true;
		if (u->row[i].proven) {
			proven++;
			last = u->row[i].job_id;
		}
	}
	if (proven < SUSPECT_AT || u->health != HEALTH_GOOD)
		return;
	(void)snprintf(why, sizeof(why),
	    "%d errors in a row whose jobs worked elsewhere, the last in job "
	    "%" PRId64,
	    proven, last);
	change(u, HEALTH_SUSPECT, ret, why);
}

/* The lab worked: a verdict of the test. */
static void worked(struct fleet *f, const struct attempt_result *result,
    struct fleet_advice *ret)
{
	int i = ids_get(&f->trouble_of, result->job_id);
	struct places places = {.n = 0};

	/* A timeout is no proof that this machine is well. */
	if (result->verdict.outcome != OUTCOME_TIMEOUT)
		unit_get(f, result->machine_id)->n_row = 0;
	item_get(f, item_key(result))->worked = true;
	if (i >= 0)
		places = f->troubles[i].places;
	for (int k = 0; k < places.n; k++)
		if (places.ids[k] != result->machine_id)
			prove(unit_get(f, places.ids[k]), result->job_id, ret);
	ids_del(&f->trouble_of, result->job_id);
}

/* Nobody's fault: tried again, but not for ever. */
static void blameless(struct fleet *f, const struct attempt_result *result,
    struct fleet_advice *ret)
{
	struct trouble *t = trouble_get(f, result->job_id);

	t->n_blameless++;
	ret->retry = t->n_blameless < BLAMELESS_MAX;
	if (ret->retry) {
		(void)snprintf(ret->why, sizeof(ret->why),
		    "not counted: no machine is to blame");
		return;
	}
	(void)snprintf(ret->why, sizeof(ret->why),
	    "given up after %d attempts that could not be judged",
	    t->n_blameless);
	ids_del(&f->trouble_of, result->job_id);
}

/* The same item of one revision fails everywhere: blame no machine. */
static void follows_revision(struct fleet *f, const struct history *item,
    const struct attempt_result *result, struct fleet_advice *ret)
{
	for (int i = 0; i < item->errors.n; i++)
		row_drop_item(unit_get(f, item->errors.ids[i]), item->key);
	ids_del(&f->trouble_of, result->job_id);
	ret->retry = false;
	(void)snprintf(ret->why, sizeof(ret->why),
	    "follows revision %.40s: error on %d%s machines, worked on none",
	    result->revision, item->errors.n,
	    item->errors.n == PLACES_MAX ? " or more" : "");
}

static void errored(struct fleet *f, const struct attempt_result *result,
    struct fleet_advice *ret)
{
	int64_t key = item_key(result);
	struct history *item = item_get(f, key);

	place_add(&item->errors, result->machine_id);
	if (item->errors.n >= 2 && !item->worked) {
		follows_revision(f, item, result, ret);
		return;
	}
	row_add(unit_get(f, result->machine_id), result->job_id, key);
	place_add(&trouble_get(f, result->job_id)->places, result->machine_id);
	ret->retry = result->errors < result->retry_limit;
	(void)snprintf(ret->why, sizeof(ret->why),
	    ret->retry ? "error %d of %d: tried again, elsewhere if possible"
	               : "error %d of %d: not tried again",
	    result->errors, result->retry_limit);
	if (!ret->retry)
		ids_del(&f->trouble_of, result->job_id);
}

/* A canary says whether its machine works; a person's word stands above it. */
static void canary_ended(struct fleet *f, const struct attempt_result *result,
    struct fleet_advice *ret)
{
	struct unit *u = unit_get(f, result->machine_id);
	const struct verdict *v = &result->verdict;
	char why[sizeof(ret->why)];

	if (v->outcome == OUTCOME_ERROR && v->blameless) {
		blameless(f, result, ret);
		if (ret->retry)
			return;
	}
	ids_del(&f->trouble_of, result->job_id);
	if (v->outcome != OUTCOME_PASS)
		(void)snprintf(
		    ret->why, sizeof(ret->why), "a canary is not tried again");
	if (u->health >= HEALTH_MAINTENANCE)
		return;
	if (v->outcome == OUTCOME_PASS) {
		change(u, HEALTH_GOOD, ret, "its canary passed");
		return;
	}
	(void)snprintf(why, sizeof(why), "its canary ended as %s%s%s",
	    outcome_name(v->outcome), v->layer ? "/" : "",
	    v->layer ? layer_name(v->layer) : "");
	change(u, HEALTH_QUARANTINED, ret, why);
}

void fleet_attempt_ended(struct fleet *f, const struct attempt_result *result,
    struct fleet_advice *ret)
{
	const struct verdict *v = &result->verdict;

	memset(ret, 0, sizeof(*ret));
	if (result->canary) {
		canary_ended(f, result, ret);
		return;
	}
	switch (v->outcome) {
	case OUTCOME_PASS:
	case OUTCOME_FAIL:
	case OUTCOME_TIMEOUT:
		worked(f, result, ret);
		break;
	case OUTCOME_ERROR:
		if (v->blameless)
			blameless(f, result, ret);
		else
			errored(f, result, ret);
		break;
	case OUTCOME_NONE:
	case OUTCOME_CANCELLED:
	case OUTCOME_DISABLED:
		/* Says nothing about the machine; the job is over. */
		ids_del(&f->trouble_of, result->job_id);
		break;
	}
}

void fleet_health_set(struct fleet *f, int64_t machine_id, enum health health)
{
	struct unit *u = unit_get(f, machine_id);

	u->health = health;
	u->n_row = 0;
}

enum health fleet_health(const struct fleet *f, int64_t machine_id)
{
	int i = ids_get(&f->unit_of, machine_id);

	return i < 0 ? HEALTH_GOOD : f->units[i].health;
}
