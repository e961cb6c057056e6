/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon: one loop that decides and acts.
 *
 * Order at start: check what people wrote, bind the ports, open the database,
 * take the lab, load what is unfinished, serve. Whatever fails before the
 * database is open has touched nothing.
 */
#include "orchestrator/daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "orchestrator/room.h"

static void db_woken(void *arg)
{
	struct daemon *d = arg;

	if (d->db)
		db_dispatch(d->db);
}

static void wake_loop(void *arg)
{
	struct daemon *d = arg;

	loop_wake_send(d->db_wake);
}

static void db_health(void *arg, const struct err *err)
{
	room_commits(arg, err);
}

static void drive_job(void *arg)
{
	struct live_job *lj = arg;

	drive(lj->run->d, lj);
}

static void lease(struct daemon *d, const struct lease *lease)
{
	struct live_job *lj = map_find(&d->jobs, lease->job_id);
	struct machine *m = map_find(&d->machines_by_id, lease->machine_id);
	struct record *rec;

	m->job = lj;
	lj->fence = db_next_fence(d->db);
	rec = record_new(d, lj);
	record_event(rec,
	    (struct job_event){.type = JOB_EV_LEASE,
	        .attempt_id = db_next_attempt_id(d->db),
	        .machine_id = m->id});
	record_event(rec, (struct job_event){.type = JOB_EV_PREPARE});
	record_post(rec, drive_job, lj);
	scheduler_started(d->scheduler, m->id, loop_now_ms(d->loop));
}

void daemon_dispatch(struct daemon *d)
{
	struct lease next;

	/* A dispatch within a dispatch would lease out of order. */
	if (d->dispatching || d->draining || d->db_failing)
		return;
	d->dispatching = true;
	if (!room_look(d)) {
		d->dispatching = false;
		return;
	}
	while (scheduler_next(d->scheduler, &next))
		lease(d, &next);
	d->dispatching = false;
}

static size_t busy_machines(const struct daemon *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->n_machines; i++)
		n += d->machines[i]->job != NULL;
	return n;
}

void daemon_check_drained(struct daemon *d)
{
	if (d->draining && !busy_machines(d))
		loop_stop(d->loop);
}

static void on_term(void *arg)
{
	struct daemon *d = arg;

	if (d->draining) {
		log_warn("stopped while %zu machines were busy; their jobs go "
		         "on at the next start",
		    busy_machines(d));
		loop_stop(d->loop);
		return;
	}
	d->draining = true;
	log_info("draining: %zu machines are busy; nothing new is started; a "
	         "second signal stops at once",
	    busy_machines(d));
	daemon_check_drained(d);
}

static void on_hup(void *arg)
{
	struct daemon *d = arg;
	struct lab *lab = NULL;
	struct err err = ERR_INIT;

	if (lab_load(d->opts->lab_path, &d->shared, &lab, &err) < 0 ||
	    machines_take(d, lab, &err) < 0) {
		log_error("lab file refused, the old one stays: %s", err.msg);
		return;
	}
	log_info("lab file read: %zu machines", lab->n_machines);
	daemon_dispatch(d);
}

static void load_health(void *arg, int64_t machine_id, enum health health,
    const char *why, int64_t at_ms)
{
	struct daemon *d = arg;

	(void)why;
	(void)at_ms;
	fleet_health_set(d->fleet, machine_id, health);
}

/* Uploads whose submission a crash cut. */
static void clean_tmp(const struct daemon *d)
{
	scoped(free) char *tmp = xasprintf("%s/tmp", d->opts->dir);
	struct err err = ERR_INIT;

	if (fs_remove_tree(tmp, &err) < 0)
		log_warn("%s", err.msg);
}

static void load_why(void *arg, int64_t machine_id, enum health health,
    const char *why, int64_t at_ms)
{
	machine_health_load(arg, machine_id, health, why, at_ms);
}

/* An agent obeys one lab: this one's id is made once and kept in DIR/lab. */
static int load_lab_id(struct daemon *d, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/lab", d->opts->dir);
	scoped_val(buf_done) struct buf text = BUF_INIT(0);
	uint8_t id[sizeof(d->lab_id) / 2];
	int r = fs_read(path, sizeof(d->lab_id), &text, err);

	if (r == 0 && text.len == sizeof(d->lab_id) - 1 &&
	    hash_unhex(buf_str(&text), id, sizeof(id))) {
		memcpy(d->lab_id, buf_str(&text), sizeof(d->lab_id));
		return 0;
	}
	if (r == 0)
		return err_set(err, ERR_INVAL, "%s: not a lab's id", path);
	if (r != -ERR_NOTFOUND)
		return r;
	hash_random(id, sizeof(id));
	hash_hex(id, sizeof(id), d->lab_id);
	return fs_write_atomic(
	    path, d->lab_id, sizeof(d->lab_id) - 1, 0600, err);
}

/* Of a long past it takes minutes: nobody should think that it hangs. */
static void db_migrating(
    void *arg, int schema, int64_t took_ms, int64_t written_bytes)
{
	(void)arg;
	log_info("database: bringing it up to schema %d, %lld s so far, %lld "
	         "MB written",
	    schema, (long long)took_ms / 1000,
	    (long long)written_bytes / 1000000);
}

static int open_all(struct daemon *d, struct err *err)
{
	struct db_ops ops = {.wake = wake_loop,
	    .health = db_health,
	    .migrating = db_migrating,
	    .arg = d};
	struct lab *lab = NULL;
	int r;

	d->shared = (struct power_shared){.loop = d->loop, .dir = "."};
	d->shared.ipmi = helper_new(d->loop, "ipmi");
	r = lab_load(d->opts->lab_path, &d->shared, &lab, err);
	if (r == 0)
		r = weblink_listen(d, err);
	if (r == 0)
		r = room_at_start(d->opts->dir, err);
	if (r == 0) {
		d->db_wake = loop_wake_new(d->loop, db_woken, d);
		r = db_open(d->opts->dir, &ops, &d->db, err);
	}
	if (r < 0) {
		lab_unref(lab);
		return r;
	}
	clean_tmp(d);
	d->scheduler = scheduler_new();
	d->fleet = fleet_new();
	r = load_lab_id(d, err);
	if (r == 0)
		r = tokens_load(d, err);
	if (r == 0)
		r = db_load_health(d->db, load_health, d, err);
	if (r < 0)
		lab_unref(lab);
	else
		r = machines_take(d, lab, err);
	if (r == 0)
		r = db_load_health(d->db, load_why, d, err);
	return r;
}

static int start(struct daemon *d, struct err *err)
{
	int r = open_all(d, err);

	if (r < 0)
		return r;
	room_start(d);
	r = run_load(d, err);
	if (r == 0)
		r = control_start(d, err);
	if (r == 0)
		r = weblink_start(d, err);
	return r;
}

static void close_all(struct daemon *d)
{
	room_stop(d);
	weblink_free(take(d->link));
	control_free(take(d->control));
	runs_free(d);
	machines_free(d);
	helper_free(take(d->shared.ipmi));
	if (d->db)
		db_close(take(d->db));
	loop_wake_free(take(d->db_wake));
	tokens_free(d);
	lab_unref(d->lab);
	if (d->scheduler)
		scheduler_free(d->scheduler);
	if (d->fleet)
		fleet_free(d->fleet);
	loop_free(d->loop);
}

int daemon_run(const struct daemon_options *opts)
{
	struct daemon d = {.opts = opts};
	struct err err = ERR_INIT;
	uint8_t epoch[8];

	hash_random(epoch, sizeof(epoch));
	hash_hex(epoch, sizeof(epoch), d.epoch);
	d.loop = loop_new();
	if (start(&d, &err) < 0) {
		(void)fprintf(stderr, "ironbenchd: %s\n", err.msg);
		d.exit_code = 1;
	} else {
		loop_signals(d.loop, on_term, on_hup, &d);
		(void)printf("ready %s %s\n", weblink_url(&d, false),
		    weblink_url(&d, true));
		(void)fflush(stdout);
		log_info("serving %s boot=%s machines=%zu waiting=%zu",
		    weblink_url(&d, false), weblink_url(&d, true), d.n_machines,
		    scheduler_waiting(d.scheduler));
		run_missing_canaries(&d);
		daemon_dispatch(&d);
		loop_run(d.loop);
		log_info("stopped");
	}
	close_all(&d);
	return d.exit_code;
}
