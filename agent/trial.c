/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two boots, one after the other, never at once: they would slow each other.
 * Each is bound to us as a measured machine is (vm_exec.c).
 */
#include "agent/trial.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/hypervisor/hypervisor.h"
#include "agent/vm.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/str.h"

enum {
	TCG_MS = 60000,
	SLACK_MS = 200, /* until KVM is killed: it has been too slow already */
	LINE_BYTES = 65536
};

static const char kernel_path[] = "work/trial.elf32";

struct trial {
	struct loop *loop;
	const struct spec_variant *variant;
	void (*end)(void *arg, const struct kvm_trial *result);
	void *arg;
	struct child *child;
	bool under_kvm; /* the second boot */
	bool said_end;
	int64_t began_at; /* monotonic */
	int64_t given_ms;
	struct kvm_trial result;
};

bool kvm_works(const struct kvm_trial *t, char *evidence, size_t size)
{
	bool works =
	    t->tcg_ms >= 0 && t->kvm_ms >= 0 && t->kvm_ms <= 2 * t->tcg_ms;
	double tcg_s = (double)t->tcg_ms / 1e3;

	if (t->tcg_ms < 0)
		(void)snprintf(evidence, size,
		    "kvm was not tried here: our kernel did not end under tcg: "
		    "%s",
		    t->why);
	else if (t->kvm_ms < 0)
		(void)snprintf(evidence, size,
		    "kvm does not work here: our kernel took %.2f s under tcg, "
		    "and under kvm it did not end: %s",
		    tcg_s, t->why);
	else
		(void)snprintf(evidence, size,
		    "kvm %s here: our kernel took %.2f s under kvm, %.2f s "
		    "under tcg",
		    works ? "works" : "does not work", (double)t->kvm_ms / 1e3,
		    tcg_s);
	return works;
}

static int boot(struct trial *t, struct err *err);

/* Whether the kernel ended; if not, why is filled in. */
static bool has_ended(struct trial *t, int r, const struct err *err)
{
	char *why = t->result.why;
	size_t size = sizeof(t->result.why);
	/* What it was called until it became the hypervisor. */
	static const char before[] = "/proc/self/exe: ";

	if (r == -ERR_TIMEOUT)
		(void)snprintf(
		    why, size, "not in %.2f s", (double)t->given_ms / 1e3);
	else if (r < 0)
		(void)snprintf(why, size, "%.*s", (int)size - 1,
		    str_starts(err->msg, before) ? err->msg + strlen(before)
		                                 : err->msg);
	else if (!t->said_end)
		(void)snprintf(why, size, "the machine went off before");
	return r == 0 && t->said_end;
}

static void on_end(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct trial *t = arg;
	int64_t took_ms = clock_mono_ms() - t->began_at;
	bool ended = has_ended(t, r, err);
	struct err start = ERR_INIT;

	(void)out;
	(void)len;
	t->child = NULL;        /* freed by its own end */
	(void)unlink("vm.pid"); /* a stale one is recognised as such */
	if (ended && t->under_kvm)
		t->result.kvm_ms = took_ms;
	if (!ended || t->under_kvm) {
		t->end(t->arg, &t->result);
		return;
	}
	t->result.tcg_ms = took_ms;
	t->under_kvm = true;
	r = boot(t, &start);
	if (r < 0) {
		(void)has_ended(t, r, &start);
		t->end(t->arg, &t->result);
	}
}

static void on_line(void *arg, char *line, size_t len)
{
	struct trial *t = arg;

	(void)len;
	/* A terminal's CR may follow. */
	if (strncmp(line, "SOTEST END", 10) == 0)
		t->said_end = true;
}

static int boot(struct trial *t, struct err *err)
{
	const struct hypervisor *hv = hypervisor_find(t->variant->hypervisor);
	/* TCG has not every processor that KVM has, "host" for one. */
	struct spec_variant tcg = {.name = "tcg", .backend = "tcg"};
	struct child_options opts = {.output_max = LINE_BYTES,
	    .own_group = true,
	    .on_line = on_line,
	    .on_end = on_end,
	    .arg = t};
	struct argv argv = {NULL, 0};
	int r;

	hv->trial(t->under_kvm ? t->variant : &tcg, kernel_path, &argv);
	t->said_end = false;
	t->given_ms = t->under_kvm ? 2 * t->result.tcg_ms + SLACK_MS : TCG_MS;
	t->began_at = clock_mono_ms();
	opts.deadline_ms = t->began_at + t->given_ms;
	r = vm_spawn(t->loop, &argv, &opts, &t->child, err);
	argv_done(&argv);
	return r;
}

int trial_start(struct loop *loop, const struct spec_variant *v,
    void (*end)(void *arg, const struct kvm_trial *result), void *arg,
    struct trial **ret, struct err *err)
{
	scoped(trial_free) struct trial *t = xcalloc(1, sizeof(*t));
	int r = fs_mkdirs("work", 0700, err);

	t->loop = loop;
	t->variant = v;
	t->end = end;
	t->arg = arg;
	t->result = (struct kvm_trial){.tcg_ms = -1, .kvm_ms = -1};
	if (r == 0)
		r = fs_write_atomic(
		    kernel_path, trial_kernel, trial_kernel_len, 0600, err);
	if (r == 0)
		r = boot(t, err);
	if (r < 0)
		return r;
	*ret = take(t);
	return 0;
}

void trial_free(struct trial *t)
{
	if (!t)
		return;
	vm_abandon(t->child);
	free(t);
}
