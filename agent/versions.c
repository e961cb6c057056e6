/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Versions: hypervisors are asked one after the other, each name once. */
#include "agent/versions.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/hypervisor/hypervisor.h"
#include "agent/vm.h"
#include "base/child.h"
#include "base/str.h"

enum {
	ANSWER_MS = 20000,
	ANSWER_BYTES = 65536,
	LINE_MAX_BYTES = 500,
	BUILD_DIGITS = 16 /* of our hash: enough to tell builds apart */
};

struct versions {
	struct loop *loop;
	const struct spec *spec;
	const struct versions_ops *ops;
	void *arg;
	struct child *child;
	int variant; /* whose hypervisor is asked */
};

static int tell_agent(struct versions *v, struct err *err)
{
	char hex[HASH_HEX + 1];
	scoped(free) char *text = NULL;
	int r = program_sha256(hex, err);

	if (r < 0)
		return r;
	text = xasprintf(PACKAGE_VERSION " %.*s", BUILD_DIGITS, hex);
	v->ops->fact(v->arg, "agent", text);
	return 0;
}

static void tell_guests(struct versions *v)
{
	for (int i = 0; i < v->spec->n_guests; i++) {
		const struct spec_guest *g = &v->spec->guests[i];
		scoped(free) char *key = xasprintf("guest.%s", g->name);
		scoped(free) char *text = xasprintf("kernel %s%s%s", g->kernel,
		    g->initrd ? " initrd " : "", g->initrd ? g->initrd : "");

		v->ops->fact(v->arg, key, text);
	}
}

/* ---- hypervisors ----------------------------------------------------- */

static int ask_next(struct versions *v, struct err *err);

static const struct hypervisor *asked(const struct versions *v)
{
	return hypervisor_find(v->spec->variants[v->variant].hypervisor);
}

static void tell_hypervisor(struct versions *v, const char *out)
{
	const struct hypervisor *hv = asked(v);
	scoped(free) char *key = xasprintf("hypervisor.%s", hv->name);
	scoped(free) char *line = xstrndup(out, strcspn(out, "\r\n"));

	line[strnlen(line, LINE_MAX_BYTES)] = '\0';
	str_tidy(line);
	v->ops->fact(v->arg, key, line);
}

static void on_answer(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct versions *v = arg;
	const struct hypervisor *hv = asked(v);
	struct err why = ERR_INIT;

	v->child = NULL;        /* freed by its own end */
	(void)unlink("vm.pid"); /* a stale one is recognised as such */
	if (r < 0)
		r = err_set(&why, ERR_IO, "%s %s: %s", hv->program,
		    hv->version_option, err->msg);
	else if (!len || strchr("\r\n", *out))
		r = err_set(&why, ERR_IO, "%s %s says nothing", hv->program,
		    hv->version_option);
	if (r == 0) {
		tell_hypervisor(v, out);
		v->variant++;
		r = ask_next(v, &why);
	}
	if (r < 0 || !v->child)
		v->ops->end(v->arg, r, &why);
}

static int ask(struct versions *v, struct err *err)
{
	const struct hypervisor *hv = asked(v);
	struct child_options opts = {.output_max = ANSWER_BYTES,
	    .own_group = true,
	    .deadline_ms = loop_now_ms(v->loop) + ANSWER_MS,
	    .on_end = on_answer,
	    .arg = v};
	struct argv argv = {NULL, 0};
	int r;

	argv_add(&argv, "%s", hv->program);
	argv_add(&argv, "%s", hv->version_option);
	r = vm_spawn(v->loop, &argv, &opts, &v->child, err);
	argv_done(&argv);
	return r;
}

/* Asks the next one that was not asked yet; none is left: no child. */
static int ask_next(struct versions *v, struct err *err)
{
	const struct spec_variant *list = v->spec->variants;

	if (v->variant == 1 && str_eq(list[0].hypervisor, list[1].hypervisor))
		v->variant++;
	return v->variant < 2 ? ask(v, err) : 0;
}

/* ---- from outside ---------------------------------------------------- */

int versions_start(struct loop *loop, const struct spec *spec,
    const struct versions_ops *ops, void *arg, struct versions **ret,
    struct err *err)
{
	scoped(versions_free) struct versions *v = xcalloc(1, sizeof(*v));
	int r;

	v->loop = loop;
	v->spec = spec;
	v->ops = ops;
	v->arg = arg;
	r = tell_agent(v, err);
	if (r == 0) {
		tell_guests(v);
		r = ask_next(v, err);
	}
	if (r < 0)
		return r;
	*ret = take(v);
	return 0;
}

void versions_free(struct versions *v)
{
	if (!v)
		return;
	vm_abandon(v->child);
	free(v);
}
