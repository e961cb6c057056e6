/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One try of a benchmark: an agent on the machine does it, over SSH.
 *
 * Every event of the agent is stored before it is acked; the raw outputs are
 * fetched before the verdict; the agent forgets only after that. A lost
 * connection or a crash of the daemon changes nothing: the link comes up
 * again and goes on after the last event that is on disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/str.h"
#include "orchestrator/attempt_agent.h"

enum {
	FILES_MAX = 64,
	PREPARE_MS = 180000, /* without progress */
	CLEANUP_MS = 60000,
	NOTES_MAX = 200, /* that are shown as events of the job */
	NOTE_BYTES = 480
};

/* ---- memory ---------------------------------------------------------- */

static struct agent_run *run_of(struct attempt *a)
{
	if (!a->agent) {
		a->agent = xcalloc(1, sizeof(*a->agent));
		a->agent->a = a;
		a->agent->fetch_fd = -1;
		a->agent->resume.complete = true;
	}
	return a->agent;
}

void attempt_agent_free(struct agent_run *run)
{
	if (!run)
		return;
	agentlink_free(run->link);
	for (size_t i = 0; i < run->n_files; i++)
		free(run->files[i].name);
	free(run->files);
	samples_done(&run->samples);
	fd_done(&run->fetch_fd);
	free(run->fetch_path);
	free(run->spec);
	free(run->boot);
	free(run->text);
	free(run);
}

void attempt_agent_describe(const struct agent_run *run, struct buf *to)
{
	buf_puts(to, run->doing);
}

void attempt_doing(struct agent_run *run, const char *text)
{
	(void)snprintf(run->doing, sizeof(run->doing), "%s", text);
	str_tidy(run->doing);
}

void attempt_agent_put_results(struct agent_run *run, struct db_tx *tx)
{
	const struct job *job = &run->a->lj->job;

	samples_put(
	    &run->samples, tx, job->attempt_id, run->a->m ? run->a->m->id : 0);
	if (job->verdict.outcome == OUTCOME_PASS)
		samples_count(tx, job->attempt_id, run->spec);
}

/* ---- events ---------------------------------------------------------- */

static struct verdict verdict_of(const struct wire_end *e)
{
	struct verdict v = {.outcome = OUTCOME_ERROR, .layer = LAYER_AGENT};
	enum layer layer;

	if (!outcome_from_name(e->outcome, &v.outcome))
		v.outcome = OUTCOME_ERROR;
	if (v.outcome != OUTCOME_ERROR)
		v.layer = LAYER_NONE;
	else if (e->layer && layer_from_name(e->layer, &layer) &&
	    layer != LAYER_NONE)
		v.layer = layer;
	return v;
}

/* What an event changes in memory; also after a restart. */
static void apply(struct agent_run *run, const struct wire_event *e)
{
	struct raw_file *f;

	switch (e->kind) {
	case WIRE_STEP:
		attempt_doing(run, e->step.text);
		memcpy(run->step, run->doing, sizeof(run->step));
		break;
	case WIRE_NOTE:
		run->n_notes++;
		break;
	case WIRE_SAMPLE:
		samples_add(&run->samples, &e->sample);
		break;
	case WIRE_FILE:
		run->files =
		    xrealloc(run->files, run->n_files + 1, sizeof(*run->files));
		f = &run->files[run->n_files++];
		*f = (struct raw_file){
		    .name = xstrdup(e->file.name), .size = e->file.size};
		memcpy(f->sha256, e->file.sha256, HASH_HEX);
		break;
	case WIRE_END:
		run->ended = true;
		run->verdict = verdict_of(&e->end);
		free(run->text);
		run->text = xasprintf("%s, %lld samples",
		    e->end.text ? e->end.text : e->end.outcome,
		    (long long)e->end.samples);
		break;
	default:
		break;
	}
}

struct stored {
	struct agent_run *run;
	int64_t s;
	bool end;
};

static void event_durable(void *arg)
{
	scoped(free) struct stored *st = arg;
	struct agent_run *run = st->run;

	if (run->link)
		agentlink_durable(run->link, st->s);
	if (st->end && !run->a->over)
		attempt_raw_collect(run);
}

static void put_event(struct agent_run *run, struct db_tx *tx,
    const struct wire_event *e, const struct wire_resume *after)
{
	int64_t attempt = run->a->lj->job.attempt_id;
	char resume[WIRE_RESUME_TEXT];
	char *line = json_dumps(e->json, JSON_COMPACT);
	scoped(free) char *key = NULL;

	db_tx_agent_event(tx,
	    &(struct db_agent_event){.attempt_id = attempt,
	        .s = e->s,
	        .line = line,
	        .len = strlen(line),
	        .resume = wire_resume_format(after, resume)});
	free(line);
	if (e->kind == WIRE_ENV)
		db_tx_env(tx, attempt, e->env.key, e->env.value);
	if (e->kind == WIRE_PROOF) {
		scoped(free) char *value =
		    xasprintf("%s: %s", e->proof.backend, e->proof.evidence);

		key = xasprintf("proof.%s", e->proof.variant);
		db_tx_env(tx, attempt, key, value);
	}
}

/* Whether it is an event of the job, too: its end, and what people read. */
static bool is_of_job(const struct agent_run *run, const struct wire_event *e)
{
	return e->kind == WIRE_END
	    ? run->a->lj->job.state == JOB_RUN
	    : e->kind == WIRE_NOTE && run->n_notes <= NOTES_MAX;
}

static void record_of_job(struct record *rec, const struct wire_event *e)
{
	scoped(free) char *text = NULL;

	if (e->kind == WIRE_END) {
		record_event(rec, (struct job_event){.type = JOB_EV_EXIT});
		return;
	}
	text = xstrndup(e->note.text, NOTE_BYTES);
	str_tidy(text);
	record_event(
	    rec, (struct job_event){.type = JOB_EV_STEP, .text = text});
}

static void on_event(
    void *arg, const struct wire_event *e, const struct wire_resume *after)
{
	struct agent_run *run = arg;
	struct attempt *a = run->a;
	struct stored *st;

	/* The verdict stands: what comes now only has to be got rid of. */
	if (a->over) {
		run->ended = run->ended || e->kind == WIRE_END;
		agentlink_durable(run->link, e->s);
		return;
	}
	apply(run, e);
	st = xcalloc(1, sizeof(*st));
	*st = (struct stored){run, e->s, e->kind == WIRE_END};
	if (is_of_job(run, e)) {
		struct record *rec = record_new(a->d, a->lj);

		record_of_job(rec, e);
		put_event(run, record_tx(rec), e, after);
		record_post(rec, event_durable, st);
	} else {
		struct db_tx *tx = db_tx_new(a->d->db);

		put_event(run, tx, e, after);
		db_tx_post(tx, event_durable, st);
	}
	if (e->kind == WIRE_STEP)
		record_show(a->d, a->lj);
}

/* ---- the link -------------------------------------------------------- */

static void on_prepare_late(struct attempt *a)
{
	attempt_error(a, LAYER_SSH, "ssh: no agent within %d s (%s)",
	    PREPARE_MS / 1000, a->agent->doing);
}

static void arm(struct attempt *a);

static void on_run_late(struct attempt *a)
{
	/* What is late then is our own disk. */
	if (a->d->db_failing)
		arm(a);
	else if (a->agent->ended)
		attempt_error(a, LAYER_SSH,
		    "ssh: the raw outputs cannot be had (%s)", a->agent->doing);
	else
		attempt_end(a, (struct verdict){.outcome = OUTCOME_TIMEOUT},
		    "the benchmark took longer than its timeout");
}

static void arm(struct attempt *a)
{
	int64_t now = loop_now_ms(a->d->loop);

	if (a->over)
		return;
	a->on_timer =
	    a->lj->job.state < JOB_RUN ? on_prepare_late : on_run_late;
	loop_timer_at(a->timer,
	    a->lj->job.state < JOB_RUN ? now + PREPARE_MS
	                               : now + job_timeout_ms(a->lj));
}

static void on_ready(void *arg, const struct wire_hello *h)
{
	struct agent_run *run = arg;
	struct db_tx *tx;

	if (run->step[0])
		attempt_doing(run, run->step);
	if (run->boot || run->a->over)
		return;
	run->boot = xstrdup(h->boot);
	tx = db_tx_new(run->a->d->db);
	db_tx_agent_boot(tx, run->a->lj->job.attempt_id, h->boot);
	db_tx_post(tx, NULL, NULL);
}

static void leave_machine(struct agent_run *run)
{
	agentlink_free(take(run->link));
	attempt_leave(run->a);
}

static void on_answer(void *arg, const struct wire_answer *answer)
{
	struct agent_run *run = arg;
	struct attempt *a = run->a;
	enum layer layer = LAYER_AGENT;
	struct record *rec;

	if (a->cleaning) {
		if (answer->c == WIRE_C_FORGET)
			leave_machine(run);
		return;
	}
	if (answer->c != WIRE_C_START || a->over)
		return;
	if (!answer->ok) {
		if (answer->layer)
			(void)layer_from_name(answer->layer, &layer);
		attempt_error(a, layer == LAYER_NONE ? LAYER_AGENT : layer,
		    "the agent refuses: %s", answer->why);
		return;
	}
	run->started = true;
	if (a->lj->job.state != JOB_PREPARE)
		return;
	rec = record_new(a->d, a->lj);
	record_event(rec, (struct job_event){.type = JOB_EV_RUN});
	record_post(rec, NULL, NULL);
	arm(a);
}

static void on_fail(void *arg, const char *layer_text, const char *why)
{
	struct agent_run *run = arg;
	enum layer layer = LAYER_AGENT;

	(void)layer_from_name(layer_text, &layer);
	if (run->a->cleaning) {
		/* It has nothing of ours any more, or never will answer. */
		leave_machine(run);
		return;
	}
	attempt_error(run->a, layer, "%s", why);
	/* Nothing comes from this link any more: cleanup needs a new one. */
	agentlink_free(take(run->link));
}

static void on_lost(void *arg, const struct err *why, int64_t wait_ms)
{
	struct agent_run *run = arg;
	scoped(free) char *text = xasprintf("no link: %s", why->msg);

	(void)wait_ms;
	attempt_doing(run, text);
	log_warn("job=%lld machine=%s %s", (long long)run->a->lj->job.id,
	    run->a->m->name, text);
}

static void on_progress(
    void *arg, const char *text, int64_t done, int64_t total)
{
	struct agent_run *run = arg;
	scoped(free) char *line = total
	    ? xasprintf("%s, %lld of %lld KiB", text, (long long)done / 1024,
	          (long long)total / 1024)
	    : xstrdup(text);

	attempt_doing(run, line);
	if (!run->a->over && run->a->lj->job.state == JOB_PREPARE)
		arm(run->a);
}

static const struct agentlink_ops link_ops = {
    .on_ready = on_ready,
    .on_event = on_event,
    .on_answer = on_answer,
    .on_fail = on_fail,
    .on_lost = on_lost,
    .on_progress = on_progress,
};

/* The files that the specification names, from the store. */
static size_t list_files(
    const struct agent_run *run, struct ssh_install_file *to, char **paths)
{
	const struct daemon *d = run->a->d;
	const struct run *of = run->a->lj->run;
	size_t n = 0;

	for (size_t i = 0; i < of->n_files && n < FILES_MAX; i++) {
		struct ssh_install_file *f = &to[n];

		hash_hex(of->files[i].sha256, HASH_BYTES, f->sha256);
		/* Only those it names: a run may have many more. */
		if (!strstr(run->spec, f->sha256))
			continue;
		paths[n] = db_file_path(d->opts->dir, of->files[i].sha256);
		f->name = of->files[i].path;
		f->path = paths[n];
		f->size = of->files[i].size;
		n++;
	}
	return n;
}

static int find_agent(
    const char *path, struct ssh_install_file *ret, struct err *err)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t sha[HASH_BYTES];
	int r;

	if (fd < 0)
		return err_errno(err, errno, "agent %s", path);
	r = hash_fd(fd, sha, &ret->size, err);
	hash_hex(sha, sizeof(sha), ret->sha256);
	ret->name = "ironbench-agent";
	ret->path = path;
	return r;
}

static int open_link(struct agent_run *run, struct err *err)
{
	struct attempt *a = run->a;
	struct ssh_install_file files[FILES_MAX] = {0};
	char *paths[FILES_MAX] = {0};
	struct agentlink_options opts = {
	    .files = files,
	    .lab = a->d->lab_id,
	    .fence = a->lj->fence,
	    .attempt = a->lj->job.attempt_id,
	    .resume = run->resume,
	    .boot = run->boot,
	    .started = run->started,
	    .ops = &link_ops,
	    .arg = run,
	};
	int r = find_agent(a->d->opts->agent, &opts.agent, err);

	if (r == 0)
		r = ssh_section_check(a->m->facts->ssh, a->m->lab->ssh_defaults,
		    a->m->lab->dir, &opts.ssh, err);
	if (r < 0)
		return r;
	opts.n_files = list_files(run, files, paths);
	run->link = agentlink_new(a->d->loop, &opts);
	for (size_t i = 0; i < opts.n_files; i++)
		free(paths[i]);
	ssh_options_done(&opts.ssh);
	return agentlink_start(run->link, run->spec, err);
}

static void dial(void *arg)
{
	struct agent_run *run = arg;
	struct err err = ERR_INIT;

	if (run->a->over)
		return;
	attempt_doing(run, "connecting");
	if (open_link(run, &err) < 0)
		attempt_error(run->a, LAYER_HARNESS, "%s", err.msg);
	else
		arm(run->a);
}

/* ---- what drive.c and attempt.c call --------------------------------- */

static int make_spec(struct agent_run *run, struct err *err)
{
	uint64_t seed;

	/* 53 bits: a JSON number keeps them. */
	hash_random(&seed, sizeof(seed));
	return job_spec(run->a->lj, seed >> 11, &run->spec, err);
}

void attempt_agent_prepare(struct attempt *a)
{
	struct agent_run *run = run_of(a);
	struct err err = ERR_INIT;
	struct record *rec;

	if (!a->m || !a->m->facts || !a->m->facts->ssh) {
		attempt_gap(a, "the machine left the lab or lost its ssh");
		return;
	}
	if (run->spec) {
		dial(run);
		return;
	}
	if (make_spec(run, &err) < 0) {
		attempt_error(a, LAYER_HARNESS, "specification: %s", err.msg);
		return;
	}
	rec = record_new(a->d, a->lj);
	record_event(rec,
	    (struct job_event){
	        .type = JOB_EV_STEP, .text = "specification made"});
	db_tx_agent_spec(record_tx(rec), a->lj->job.attempt_id, run->spec);
	record_post(rec, dial, run);
}

static void load_head(
    void *arg, const char *spec, const char *boot_id, const char *resume)
{
	struct agent_run *run = arg;

	run->spec = xstrdup(spec);
	run->boot = xstrdup(boot_id);
	if (resume && wire_resume_parse(resume, &run->resume, NULL) < 0)
		/* Damage: the chain is not compared, the rest is. */
		run->resume = (struct wire_resume){0};
}

static void load_event(void *arg, int64_t s, const char *line, size_t len)
{
	struct agent_run *run = arg;
	struct wire_event e;
	json_t *json = json_loadb(line, len, 0, NULL);

	(void)s;
	if (json && wire_event_read(json, len, &e, NULL) == 0)
		apply(run, &e);
	json_decref(json);
}

int attempt_agent_load(struct attempt *a, struct err *err)
{
	struct agent_run *run = run_of(a);

	run->started = a->lj->job.state >= JOB_RUN;
	return db_load_agent(
	    a->d->db, a->lj->job.attempt_id, load_head, load_event, run, err);
}

void attempt_agent_resume(struct attempt *a)
{
	struct agent_run *run = run_of(a);

	if (!run->spec || !a->m || !a->m->facts || !a->m->facts->ssh) {
		attempt_gap(a, "the machine left the lab or lost its ssh");
		return;
	}
	dial(run);
	if (!a->over && run->ended)
		attempt_raw_collect(run);
}

static void on_cleanup_late(struct attempt *a)
{
	struct agent_run *run = a->agent;
	scoped(free) char *why =
	    xasprintf("the agent cannot be reached after job %lld: %.120s",
	        (long long)a->lj->job.id, run->doing);

	machine_health(a->d, a->m, HEALTH_QUARANTINED, why);
	leave_machine(run);
}

void attempt_agent_cleanup(struct attempt *a)
{
	struct agent_run *run = run_of(a);
	struct err err = ERR_INIT;

	/* It was never told anything, or there is nobody to tell. */
	if (!run->spec || !a->m || !a->m->facts || !a->m->facts->ssh ||
	    (!run->link && open_link(run, &err) < 0)) {
		attempt_leave(a);
		return;
	}
	a->on_timer = on_cleanup_late;
	loop_timer_at(a->timer, loop_now_ms(a->d->loop) + CLEANUP_MS);
	if (!run->ended)
		agentlink_cancel(run->link, "the attempt has ended");
	agentlink_forget(run->link);
}
