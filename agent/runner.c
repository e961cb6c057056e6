/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runner: one step is one boot of one virtual machine that measures
 * everything once.
 *
 * A job is ended in one place, on_stop(), from the loop and never from within a
 * callback of the machine that it ends.
 */
#include "agent/runner.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/measure.h"
#include "agent/schedule.h"
#include "agent/trial.h"
#include "agent/versions.h"
#include "agent/vm.h"
#include "base/fs.h"

struct runner {
	struct loop *loop;
	const struct runner_ops *ops;
	void *arg;
	struct spec *spec; /* NULL: no job */
	struct versions *versions;
	struct trial *trial;
	int n_tried; /* variants that passed the trial or need none */
	struct vm *vm;
	struct schedule *schedule;
	struct spec_step step; /* that runs or ran last */
	int n_measured;        /* in this step */
	json_t *samples;       /* of this step: told when it is over */
	const char *failure;   /* layer of the last step that failed, or NULL */
	char why[400];         /* it failed */
	char tool[64]; /* version of the tool in the first guest; "": none */
	const struct spec_guest *tool_guest; /* whose tool is told */
	bool orphaned;
	bool waiting; /* for a link, before the next step */
	struct loop_timer *stop;
	const char *outcome; /* set once the job is to end */
	const char *layer;
	char text[480];
};

static void fail_step(struct runner *r);
static void pass_step(struct runner *r);
static void next_step(struct runner *r);

/* ---- the end --------------------------------------------------------- */

static void forget(struct runner *r)
{
	versions_free(take(r->versions));
	trial_free(take(r->trial));
	vm_free(take(r->vm));
	json_decref(take(r->samples));
	schedule_free(take(r->schedule));
	spec_free(take(r->spec));
	loop_timer_stop(r->stop);
	r->outcome = NULL;
	r->waiting = false;
	/* Large and of no use; the next step would remove it as well. */
	(void)fs_remove_tree("work", NULL);
}

static void on_stop(void *arg)
{
	struct runner *r = arg;
	const char *outcome = r->outcome;

	forget(r);
	r->ops->end(r->arg, outcome, r->layer, r->text[0] ? r->text : NULL);
}

/* The first reason counts. */
static void stop(
    struct runner *r, const char *outcome, const char *layer, const char *text)
{
	if (r->outcome || !r->spec)
		return;
	r->outcome = outcome;
	r->layer = layer;
	(void)snprintf(r->text, sizeof(r->text), "%s", text ? text : "");
	loop_timer_at(r->stop, 0);
}

static void emit(struct runner *r, json_t *body)
{
	struct err err = ERR_INIT;
	int e;

	if (r->outcome) {
		json_decref(body);
		return;
	}
	e = r->ops->event(r->arg, body, &err);
	if (e == -ERR_IO)
		stop(r, "error", "host", err.msg);
	else if (e < 0)
		stop(r, "error", "agent", err.msg);
}

static void emit_fact(void *arg, const char *key, const char *value)
{
	emit(arg,
	    json_pack("{s:s,s:s,s:s}", "t", "env", "key", key, "value", value));
}

/* ---- what the machine says ------------------------------------------- */

static void on_proven(void *arg, const char *evidence)
{
	struct runner *r = arg;

	emit(r,
	    json_pack("{s:s,s:s,s:s,s:s}", "t", "proof", "variant",
	        r->step.variant->name, "backend", r->step.variant->backend,
	        "evidence", evidence));
}

/* Told when the step is over: it may fail yet. */
static void keep_sample(struct runner *r, const struct measurement *m,
    const struct guest_raw *raw, double value)
{
	bool valid = guest_clock_is_true(raw);
	char why[160];

	(void)snprintf(why, sizeof(why),
	    "the guest's clock went %" PRId64
	    " us while the host's went %" PRId64 " us",
	    raw->guest_ns / 1000, raw->host_ns / 1000);
	/* No memory for one leaves it out; the count of samples is checked. */
	(void)json_array_append_new(r->samples,
	    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s?,s:i,s:i,s:f,s:s,s:b,s:s?}",
	        "t", "sample", "metric", m->metric, "unit", m->unit, "variant",
	        r->step.variant->name, "guest", r->step.guest->name,
	        "controller", m->controller, "pair", r->step.pair, "position",
	        r->step.position, "value", value, "raw", raw->sha256, "valid",
	        valid ? 1 : 0, "why", valid ? NULL : why));
	if (valid)
		schedule_value(r->schedule, r->n_measured - 1, value);
}

/*
 * What a boot that failed did not come to: no value, but a place in the order.
 * Without it nobody would know that this pair failed, and that another one is
 * to be left out for it.
 */
static void add_missing(struct runner *r)
{
	int n = measure_count(r->spec);

	for (int i = (int)json_array_size(r->samples); i < n; i++) {
		struct measurement m;

		measure_get(r->spec, i, &m);
		(void)json_array_append_new(r->samples,
		    json_pack("{s:s,s:s,s:s,s:s,s:s,s:s?,s:i,s:i,s:f}", "t",
		        "sample", "metric", m.metric, "unit", m.unit, "variant",
		        r->step.variant->name, "guest", r->step.guest->name,
		        "controller", m.controller, "pair", r->step.pair,
		        "position", r->step.position, "value", 0.));
	}
}

/* What a boot measured before it failed is kept, and does not count. */
static void emit_samples(struct runner *r, bool failed)
{
	scoped(free) char *why = xasprintf("the boot failed: %s", r->why);
	size_t i;
	json_t *sample;

	/* Without a plan the whole job has failed. */
	if (failed && r->spec->planned)
		add_missing(r);
	json_array_foreach(r->samples, i, sample)
	{
		if (failed) {
			(void)json_object_set_new(
			    sample, "valid", json_false());
			(void)json_object_set_new(
			    sample, "why", json_string(why));
		}
		emit(r, json_incref(sample));
	}
	json_decref(take(r->samples));
}

/*
 * A fact has one value in an attempt: a guest whose tool is another than that
 * of the first guest has a fact of its own.
 */
static void tell_tool(struct runner *r, const struct reading *reading)
{
	const struct spec_guest *guest = r->step.guest;
	scoped(free) char *key = NULL;

	if (r->tool_guest == guest || !reading->version[0])
		return;
	r->tool_guest = guest;
	if (strcmp(r->tool, reading->version) == 0)
		return;
	key = xasprintf("tool.%s%s%s", reading->tool, r->tool[0] ? "." : "",
	    r->tool[0] ? guest->name : "");
	if (!r->tool[0])
		memcpy(r->tool, reading->version, sizeof(r->tool));
	emit_fact(r, key, reading->version);
}

static void on_raw(void *arg, const struct guest_raw *raw)
{
	struct runner *r = arg;
	struct measurement m;
	struct reading reading;
	struct err err = ERR_INIT;
	char hex[HASH_HEX + 1];

	if (r->outcome)
		return;
	if (r->n_measured >= measure_count(r->spec)) {
		vm_fail(r->vm, "guest", "more answers than orders");
		return;
	}
	measure_get(r->spec, r->n_measured++, &m);
	if (strcmp(m.name, raw->name) != 0) {
		vm_fail(r->vm, "guest", "an answer to another order");
		return;
	}
	if (store_output(raw->data, raw->len, hex, &err) < 0) {
		stop(r, "error", "host", err.msg);
		return;
	}
	/* The evidence comes first, also of what cannot be read. */
	emit(r,
	    json_pack("{s:s,s:s,s:s,s:I}", "t", "file", "name", m.file,
	        "sha256", raw->sha256, "size", (json_int_t)raw->len));
	if (measure_read(r->spec, &m, raw->data, raw->len, &reading, &err) <
	    0) {
		vm_fail(r->vm, "guest", err.msg);
		return;
	}
	tell_tool(r, &reading);
	keep_sample(r, &m, raw, reading.value);
}

static void on_vm_end(void *arg, const char *layer, const char *why)
{
	struct runner *r = arg;

	if (!layer && r->n_measured < measure_count(r->spec)) {
		layer = "guest";
		why = "done before all was measured";
	}
	/* The machine owns the reason. */
	if (layer) {
		r->failure = layer;
		(void)snprintf(r->why, sizeof(r->why), "%s", why);
	}
	vm_free(take(r->vm));
	if (r->outcome)
		return;
	emit_samples(r, layer);
	if (layer)
		fail_step(r);
	else
		pass_step(r);
}

static const struct vm_ops vm_ops = {on_proven, on_raw, on_vm_end};

/* ---- steps ----------------------------------------------------------- */

static char *step_text(const struct runner *r)
{
	const struct spec_step *s = &r->step;

	/* What a plan will need is only expected. */
	return xasprintf("%s %s pair %d/%s%d %c", s->guest->name,
	    s->variant->name, s->pair + 1, r->spec->planned ? "~" : "",
	    schedule_pairs(r->schedule), s->letter);
}

static void emit_step(struct runner *r)
{
	scoped(free) char *text = step_text(r);

	emit(r,
	    json_pack("{s:s,s:i,s:i,s:s}", "t", "step", "n", r->step.n, "of",
	        schedule_steps(r->schedule), "text", text));
}

static void emit_boot(struct runner *r)
{
	json_t *argv = json_array();

	/* No memory for one word leaves it out; the event is checked. */
	for (const char *const *p = vm_argv(r->vm); *p; p++)
		(void)json_array_append_new(argv, json_string(*p));
	emit(r,
	    json_pack("{s:s,s:s,s:s,s:i,s:i,s:o}", "t", "boot", "guest",
	        r->step.guest->name, "variant", r->step.variant->name, "pair",
	        r->step.pair, "position", r->step.position, "argv", argv));
}

static void emit_reading(void *arg, const char *key, const char *value)
{
	struct runner *r = arg;
	scoped(free) char *late = xasprintf("after.%s", key);

	emit_fact(r, r->step.n ? late : key, value);
}

static void emit_note(struct runner *r, const char *text)
{
	if (*text)
		emit(r, json_pack("{s:s,s:s}", "t", "note", "text", text));
}

/* What the schedule says to a step that is over. */
static void go_on(struct runner *r, int e, const char *note, const char *why)
{
	scoped(free) char *text = NULL;

	emit_note(r, note);
	if (e == 0 && !r->outcome)
		next_step(r);
	if (e == 0)
		return;
	/* Without a failure it was the clock of the guest that was bad. */
	text = r->failure ? xasprintf("%s; the last failure: %s", why, r->why)
	                  : xstrdup(why);
	stop(r, "error", r->failure ? r->failure : "guest", text);
}

static void pass_step(struct runner *r)
{
	scoped_val(buf_done) struct buf note = BUF_INIT(4096);
	struct err err = ERR_INIT;
	int e = schedule_passed(r->schedule, &note, &err);

	go_on(r, e, buf_str(&note), err.msg);
}

/* A plan goes on without the pair of a boot that failed. */
static void fail_step(struct runner *r)
{
	scoped_val(buf_done) struct buf note = BUF_INIT(4096);
	scoped(free) char *step = step_text(r);
	scoped(free) char *text = NULL;
	struct err err = ERR_INIT;
	int e;

	if (!r->spec->planned) {
		stop(r, "error", r->failure, r->why);
		return;
	}
	text = xasprintf("%s failed (%s): %s; its pair does not count", step,
	    r->failure, r->why);
	emit_note(r, text);
	e = schedule_failed(r->schedule, &note, &err);
	go_on(r, e, buf_str(&note), err.msg);
}

static void start_vm(struct runner *r)
{
	scoped_val(buf_done) struct buf orders = BUF_INIT(1 << 20);
	struct vm_config config;
	struct err err = ERR_INIT;
	int e = vm_configure(r->spec, &r->step, &config, &err);

	measure_orders(r->spec, &orders);
	if (e == 0)
		e = vm_start(r->loop, &config, r->spec->disk_mib,
		    buf_str(&orders), r->spec->step_timeout_s, &vm_ops, r,
		    &r->vm, &err);
	/* Of no boot, but of the folder or the whole host: another would be no
	 * better. */
	if (e < 0)
		stop(r, "error", "host", err.msg);
	else
		emit_boot(r);
}

static void next_step(struct runner *r)
{
	struct spec_step step;

	r->waiting = false;
	if (!schedule_step(r->schedule, &step)) {
		env_readings(emit_reading, r);
		stop(r, "pass", NULL, NULL);
		return;
	}
	if (r->orphaned && !r->ops->is_linked(r->arg)) {
		r->waiting = true;
		return;
	}
	r->orphaned = false;
	r->n_measured = 0;
	r->samples = json_array();
	r->step = step;
	emit_step(r);
	if (!r->outcome)
		start_vm(r);
}

/* ---- the trial of KVM, before the first step ------------------------- */

static void try_variants(struct runner *r);

static void on_trial_end(void *arg, const struct kvm_trial *result)
{
	struct runner *r = arg;
	char evidence[400];
	bool works = kvm_works(result, evidence, sizeof(evidence));

	trial_free(take(r->trial));
	emit_fact(r, "kvm_trial", evidence);
	if (!works)
		stop(r, "error", "host", evidence);
	r->n_tried++;
	if (!r->outcome)
		try_variants(r);
}

/* Goes on with the first step when each has been tried that must be. */
static void try_variants(struct runner *r)
{
	struct err err = ERR_INIT;

	for (; r->n_tried < 2; r->n_tried++) {
		const struct spec_variant *v = &r->spec->variants[r->n_tried];

		if (strcmp(v->backend, "kvm") != 0 ||
		    !hypervisor_find(v->hypervisor)->trial)
			continue;
		if (trial_start(r->loop, v, on_trial_end, r, &r->trial, &err) <
		    0)
			stop(r, "error", "host", err.msg);
		return;
	}
	next_step(r);
}

/* ---- versions, before the trial -------------------------------------- */

static void on_versions(void *arg, int e, const struct err *err)
{
	struct runner *r = arg;

	if (e < 0)
		stop(r, "error", "host", err->msg);
	versions_free(take(r->versions));
	if (!r->outcome)
		try_variants(r);
}

static const struct versions_ops versions_ops = {emit_fact, on_versions};

static void ask_versions(struct runner *r)
{
	struct err err = ERR_INIT;

	if (versions_start(
	        r->loop, r->spec, &versions_ops, r, &r->versions, &err) < 0)
		stop(r, "error", "host", err.msg);
}

int runner_check(
    const struct spec *spec, const char **ret_layer, struct err *err)
{
	for (int i = 0; i < 2; i++) {
		const struct spec_variant *v = &spec->variants[i];
		const struct hypervisor *hv = hypervisor_find(v->hypervisor);
		int r;

		*ret_layer = "harness";
		if (!hv)
			return err_set(err, ERR_INVAL,
			    "%s: no driver for hypervisor %s", v->name,
			    v->hypervisor);
		r = hv->check(v, err);
		*ret_layer = r == -ERR_INVAL ? "harness" : "host";
		if (r < 0)
			return r;
	}
	*ret_layer = "harness";
	for (int i = 0; i < spec->n_guests; i++) {
		struct vm_config config;
		struct spec_step step = {
		    .guest = &spec->guests[i], .variant = &spec->variants[0]};
		int r = vm_configure(spec, &step, &config, err);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- from outside ---------------------------------------------------- */

struct runner *runner_new(
    struct loop *loop, const struct runner_ops *ops, void *arg)
{
	struct runner *r = xcalloc(1, sizeof(*r));

	r->loop = loop;
	r->ops = ops;
	r->arg = arg;
	r->stop = loop_timer_new(loop, on_stop, r);
	return r;
}

void runner_free(struct runner *r)
{
	if (!r)
		return;
	runner_kill(r);
	loop_timer_free(r->stop);
	free(r);
}

void runner_start(struct runner *r, struct spec *spec)
{
	runner_kill(r);
	r->spec = spec;
	r->schedule = schedule_new(spec);
	r->step = (struct spec_step){0};
	r->n_tried = 0;
	r->failure = NULL;
	r->orphaned = false;
	r->tool[0] = '\0';
	r->tool_guest = NULL;
	env_facts(emit_reading, r);
	env_readings(emit_reading, r);
	if (!r->outcome)
		ask_versions(r);
}

void runner_cancel(struct runner *r, const char *why)
{
	stop(r, "cancelled", NULL, why);
}

void runner_orphan(struct runner *r)
{
	r->orphaned = true;
}

void runner_poke(struct runner *r)
{
	if (r->waiting && !r->outcome && r->ops->is_linked(r->arg))
		next_step(r);
}

void runner_kill(struct runner *r)
{
	if (r->spec)
		forget(r);
}
