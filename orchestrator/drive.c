/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Acts on the state of a job. Idempotent: called whenever a change is durable,
 * and once for every unfinished job after a restart.
 *
 * After a crash PREPARE starts again from power-off; a boot item in RUN cannot
 * be judged any more, since its console was not captured; CLEANUP repeats.
 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "orchestrator/attempt.h"

static void drive_job(void *arg)
{
	struct live_job *lj = arg;

	drive(lj->run->d, lj);
}

static struct attempt *attempt_of(struct daemon *d, struct live_job *lj)
{
	struct machine *m = map_find(&d->machines_by_id, lj->job.machine_id);
	struct attempt *a;
	struct err err = ERR_INIT;

	if (m)
		m->job = lj;
	if (lj->attempt)
		return lj->attempt;
	a = attempt_new(d, lj);
	if (d->loading && job_is_bench(lj) && attempt_agent_load(a, &err) < 0)
		log_error("job=%lld agent events: %s", (long long)lj->job.id,
		    err.msg);
	return a;
}

void drive(struct daemon *d, struct live_job *lj)
{
	struct record *rec;

	switch (lj->job.state) {
	case JOB_QUEUED:
		job_wait(d, lj);
		break;
	case JOB_LEASED:
		rec = record_new(d, lj);
		record_event(rec, (struct job_event){.type = JOB_EV_PREPARE});
		record_post(rec, drive_job, lj);
		break;
	case JOB_PREPARE:
		if (!lj->attempt)
			attempt_prepare(attempt_of(d, lj));
		break;
	case JOB_RUN:
	case JOB_COLLECT:
		if (!lj->attempt && job_is_bench(lj))
			attempt_agent_resume(attempt_of(d, lj));
		else if (!lj->attempt)
			attempt_gap(attempt_of(d, lj),
			    "console gap: the daemon was down");
		break;
	case JOB_CLEANUP:
		attempt_cleanup(attempt_of(d, lj));
		break;
	case JOB_DONE:
		job_forget(d, lj);
		break;
	}
}

void drive_cancel(struct daemon *d, struct live_job *lj, const char *why)
{
	lj->cancelling = true;
	attempt_end(attempt_of(d, lj),
	    (struct verdict){.outcome = OUTCOME_CANCELLED}, why);
}

/* Each is logged once, and no more than a few: anybody may ask. */
static void log_unknown(struct daemon *d, const char *mac)
{
	for (int i = 0; i < d->n_unknown_macs; i++)
		if (strcmp(d->unknown_macs[i], mac) == 0)
			return;
	if (d->n_unknown_macs == UNKNOWN_MACS_MAX)
		return;
	(void)snprintf(d->unknown_macs[d->n_unknown_macs++],
	    sizeof(d->unknown_macs[0]), "%s", mac);
	log_warn("boot mac=%s: no machine of the lab has it", mac);
}

void drive_offline(struct daemon *d, struct machine *m, const char *why)
{
	if (m->job && m->job->job.state < JOB_CLEANUP)
		attempt_gap(attempt_of(d, m->job), why);
}

void drive_boot(struct daemon *d, const char *mac,
    void (*done)(void *arg, const char *script, size_t len), void *arg)
{
	scoped_val(buf_done) struct buf idle = BUF_INIT(1 << 16);
	char canonical[18];
	struct machine *m = NULL;

	if (boot_mac(mac, canonical)) {
		m = machine_by_mac(d, canonical);
		if (!m)
			log_unknown(d, canonical);
	}
	if (!m) {
		done(arg, NULL, 0);
		return;
	}
	if (m->job && m->job->attempt) {
		attempt_asked(m->job->attempt, done, arg);
		return;
	}
	boot_script_idle(&idle);
	done(arg, buf_str(&idle), idle.len);
}

static const struct attempt *find_nonce(
    const struct daemon *d, const char *nonce)
{
	for (size_t i = 0; i < d->n_machines; i++) {
		const struct live_job *lj = d->machines[i]->job;

		if (lj && lj->attempt && lj->attempt->asked &&
		    !lj->attempt->over &&
		    strcmp(lj->attempt->nonce, nonce) == 0)
			return lj->attempt;
	}
	return NULL;
}

bool drive_may_fetch(
    struct daemon *d, const char *nonce, const uint8_t sha256[HASH_BYTES])
{
	const struct attempt *a = find_nonce(d, nonce);
	const struct run *run = a ? a->lj->run : NULL;

	for (size_t i = 0; run && i < run->n_files; i++)
		if (memcmp(run->files[i].sha256, sha256, HASH_BYTES) == 0)
			return true;
	return false;
}

void drive_describe(const struct live_job *lj, struct buf *to)
{
	const struct attempt *a = lj->attempt;
	const struct guest_test_result *res;

	if (a && a->agent)
		attempt_agent_describe(a->agent, to);
	if (!a || !a->log)
		return;
	res = guest_test_result(a->test);
	buf_printf(to, "serial %lld KiB",
	    (long long)(db_log_size(a->log) - a->log_base) / 1024);
	if (res->begun)
		buf_printf(to, ", %lld/%lld cases",
		    (long long)res->successes + res->fails + res->skips,
		    (long long)res->cases);
	else if (a->asked)
		buf_puts(to, ", booting");
}
