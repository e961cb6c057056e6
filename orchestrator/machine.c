/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The machines of the lab. A machine keeps a reference to the lab file it was
 * made from, so that a busy one goes on with its old facts after a reload.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/daemon.h"

struct machine *machine_by_name(struct daemon *d, const char *name)
{
	for (size_t i = 0; i < d->n_machines; i++)
		if (strcmp(d->machines[i]->name, name) == 0)
			return d->machines[i];
	return NULL;
}

struct machine *machine_by_mac(struct daemon *d, const char *mac)
{
	for (size_t i = 0; i < d->n_machines; i++) {
		const struct lab_machine *f = d->machines[i]->facts;

		if (f && f->mac && strcmp(f->mac, mac) == 0)
			return d->machines[i];
	}
	return NULL;
}

static void drop_drivers(struct machine *m)
{
	power_free(take(m->power));
	if (m->console)
		console_free(take(m->console));
}

static void machine_free(struct machine *m)
{
	drop_drivers(m);
	lab_unref(m->lab);
	free(m->name);
	free(m->platform);
	free(m->why);
	free(m);
}

void machines_free(struct daemon *d)
{
	for (size_t i = 0; i < d->n_machines; i++)
		machine_free(d->machines[i]);
	free(take(d->machines));
	d->n_machines = 0;
	map_done(&d->machines_by_id);
}

static size_t count(char **list)
{
	size_t n = 0;

	while (list && list[n])
		n++;
	return n;
}

static void tell_scheduler(struct daemon *d, const struct machine *m)
{
	const struct lab_machine *f = m->facts;

	scheduler_machine_put(d->scheduler,
	    &(struct machine_facts){
	        .id = m->id,
	        .name = m->name,
	        .platform = f->platform,
	        .tags = (const char *const *)f->tags,
	        .n_tags = count(f->tags),
	        .host = f->host,
	        .group = f->group,
	    });
	scheduler_machine_health(d->scheduler, m->id,
	    fleet_health(d->fleet, m->id), m->why ? m->why : "");
}

/* The sections were checked with the file; what can fail now is the disk. */
static void make_drivers(struct daemon *d, struct machine *m)
{
	struct power_shared shared = d->shared;
	struct err err = ERR_INIT;

	shared.dir = m->lab->dir;
	if (m->facts->power &&
	    power_new(&shared, m->facts->power, &m->power, &err) < 0)
		machine_health(d, m, HEALTH_QUARANTINED, err.msg);
	if (m->facts->console &&
	    console_new(
	        d->loop, m->lab->dir, m->facts->console, &m->console, &err) < 0)
		machine_health(d, m, HEALTH_QUARANTINED, err.msg);
}

static void retire(struct daemon *d, struct machine *m)
{
	m->facts = NULL;
	scheduler_machine_remove(d->scheduler, m->id);
	machine_health(d, m, HEALTH_RETIRED, "not in the lab file");
}

void machine_refresh(struct daemon *d, struct machine *m)
{
	if (m->job)
		return;
	m->stale = false;
	/* The driver that a person waits for goes: nobody answers any more. */
	m->by_hand = false;
	drop_drivers(m);
	lab_unref(m->lab);
	m->lab = lab_ref(d->lab);
	m->facts = lab_find(d->lab, m->name);
	if (!m->facts) {
		retire(d, m);
		return;
	}
	free(m->platform);
	m->platform = xstrdup(m->facts->platform);
	if (fleet_health(d->fleet, m->id) == HEALTH_RETIRED)
		machine_health(d, m, HEALTH_GOOD, "in the lab file again");
	make_drivers(d, m);
	tell_scheduler(d, m);
}

static int add_machine(
    struct daemon *d, const struct lab_machine *facts, struct err *err)
{
	struct machine *m = xcalloc(1, sizeof(*m));
	int r = db_machine_id(d->db, facts->name, facts->platform, &m->id, err);

	if (r < 0) {
		free(m);
		return r;
	}
	m->name = xstrdup(facts->name);
	m->platform = xstrdup(facts->platform);
	m->lab = lab_ref(d->lab);
	d->machines =
	    xrealloc(d->machines, d->n_machines + 1, sizeof(*d->machines));
	d->machines[d->n_machines++] = m;
	map_put(&d->machines_by_id, m->id, m);
	machine_refresh(d, m);
	return 0;
}

/* The names that imports may use for the machines of the lab. */
static int take_aliases(struct daemon *d, struct err *err)
{
	size_t n = d->lab->n_machines;
	scoped(free) int64_t *ids = xcalloc(n, sizeof(*ids));
	scoped(free) struct db_alias *list = NULL;
	size_t n_list = 0;

	for (size_t i = 0; i < n; i++) {
		const struct lab_machine *f = &d->lab->machines[i];
		size_t more = count(f->aliases);

		ids[i] = machine_by_name(d, f->name)->id;
		if (!more)
			continue;
		list = xrealloc(list, n_list + more, sizeof(*list));
		for (size_t k = 0; k < more; k++)
			list[n_list++] =
			    (struct db_alias){f->aliases[k], ids[i]};
	}
	return db_aliases_set(d->db, ids, n, list, n_list, err);
}

int machines_take(struct daemon *d, struct lab *lab, struct err *err)
{
	int r = 0;

	lab_unref(d->lab);
	d->lab = lab;
	for (size_t i = 0; i < d->n_machines; i++) {
		struct machine *m = d->machines[i];

		m->stale = true;
		if (!m->job)
			machine_refresh(d, m);
	}
	for (size_t i = 0; r == 0 && i < lab->n_machines; i++)
		if (!machine_by_name(d, lab->machines[i].name))
			r = add_machine(d, &lab->machines[i], err);
	return r < 0 ? r : take_aliases(d, err);
}

void machine_health_changed(
    struct daemon *d, struct machine *m, enum health to, const char *why)
{
	struct db_tx *tx = db_tx_new(d->db);

	free(m->why);
	m->why = xstrdup(why);
	m->since_ms = clock_wall_ms();
	scheduler_machine_health(d->scheduler, m->id, to, why);
	db_tx_machine_health(tx, m->id, to, why, m->since_ms);
	db_tx_post(tx, NULL, NULL);
	log_warn(
	    "machine=%s health=%s why=\"%s\"", m->name, health_name(to), why);
	weblink_event(
	    d, json_pack("{s:s s:s}", "event", "machine", "machine", m->name));
}

void machine_health(
    struct daemon *d, struct machine *m, enum health to, const char *why)
{
	if (fleet_health(d->fleet, m->id) == to)
		return;
	fleet_health_set(d->fleet, m->id, to);
	machine_health_changed(d, m, to, why);
}

void machine_health_load(struct daemon *d, int64_t machine_id,
    enum health health, const char *why, int64_t at_ms)
{
	struct machine *m = map_find(&d->machines_by_id, machine_id);

	/* What has changed since with the lab file has a newer reason. */
	if (!m || m->why || fleet_health(d->fleet, machine_id) != health)
		return;
	m->why = xstrdup(why);
	m->since_ms = at_ms;
	scheduler_machine_health(d->scheduler, machine_id, health, why);
}
