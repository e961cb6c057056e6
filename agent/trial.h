/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The trial of KVM: a small kernel of ours is booted under TCG and then under
 * KVM. A KVM in software can be 35 times slower than TCG, or abort the
 * hypervisor; what was measured under it would say nothing.
 */
#ifndef AGENT_TRIAL_H
#define AGENT_TRIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/spec.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"

/* Host times from the start of the hypervisor to the end of the kernel. */
struct kvm_trial {
	int64_t tcg_ms; /* -1: it did not end */
	int64_t kvm_ms; /* -1: it did not end, or was not tried */
	char why[240];  /* why it did not */
};

/*
 * KVM works only if the kernel ends under it in at most twice TCG's time.
 * evidence says why, on one line.
 */
bool kvm_works(const struct kvm_trial *t, char *evidence, size_t size);

struct trial;

/*
 * Boots the kernel as variant v, of backend kvm, would be (v is borrowed until
 * trial_free()). end is called once, when nothing of it runs any more; the
 * trial may be freed in it. Errors (all of layer host): LIMIT, IO.
 */
int trial_start(struct loop *loop, const struct spec_variant *v,
    void (*end)(void *arg, const struct kvm_trial *result), void *arg,
    struct trial **ret, struct err *err);
/* Kills what runs, without a word. NULL is allowed. */
void trial_free(struct trial *t);
SCOPED_DEFINE(struct trial, trial_free);

/*
 * fixtures/guests/hello.elf32, embedded by trial_kernel.sh. It prints SOTEST
 * END on its serial line and powers off.
 */
extern const unsigned char trial_kernel[];
extern const size_t trial_kernel_len;

#endif
