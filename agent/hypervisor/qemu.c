/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * QEMU: backends tcg and kvm, TCG with one thread or one for each processor.
 *
 * The proof is QEMU's own word over QMP: query-kvm says whether KVM is enabled,
 * query-cpus-fast in which host threads the virtual processors run. With
 * thread=single all share one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/hypervisor/hypervisor.h"
#include "agent/json.h"

enum {
	TRIAL_MIB = 32
};

static int check(const struct spec_variant *v, struct err *err)
{
	bool kvm = strcmp(v->backend, "kvm") == 0;
	scoped_val(fd_done) int fd = -1;

	if (!kvm && strcmp(v->backend, "tcg") != 0)
		return err_set(err, ERR_INVAL,
		    "%s: qemu has no backend %s; allowed are tcg, kvm", v->name,
		    v->backend);
	if (!kvm)
		return 0;
	if (v->thread != THREAD_DEFAULT)
		return err_set(err, ERR_INVAL,
		    "%s: the option thread is of backend tcg only", v->name);
	fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_errno(
		    err, errno, "kvm does not work here: /dev/kvm");
	return 0;
}

static const char *thread_name(enum spec_thread thread)
{
	return thread == THREAD_SINGLE ? ",thread=single"
	    : thread == THREAD_MULTI   ? ",thread=multi"
	                               : "";
}

static void add_disks(const struct vm_config *c, struct argv *a)
{
	const char *cache = c->direct ? "none" : "writeback";

	for (int i = 0; i < c->n_disks; i++) {
		const struct vm_disk *d = &c->disks[i];

		argv_add(a, "-drive");
		argv_add(a, "if=none,id=d%d,file=%s,format=raw,cache=%s", i,
		    d->path, cache);
		if (strcmp(d->controller, "sata") == 0) {
			argv_add(a, "-device");
			argv_add(a, "ich9-ahci,id=sata");
			argv_add(a, "-device");
			argv_add(a, "ide-hd,bus=sata.0,drive=d%d", i);
		} else {
			argv_add(a, "-device");
			argv_add(a, "nvme,serial=ironbench,drive=d%d", i);
		}
	}
}

static void add_machine(const struct spec_variant *v, int cpus, int memory_mib,
    const char *kernel, struct argv *a)
{
	static const char *const fixed[] = {"-nodefaults", "-no-user-config",
	    "-display", "none", "-no-reboot", "-machine", "q35"};

	argv_add(a, "qemu-system-x86_64");
	for (size_t i = 0; i < ARRAY_LEN(fixed); i++)
		argv_add(a, "%s", fixed[i]);
	argv_add(a, "-accel");
	argv_add(a, "%s%s", v->backend, thread_name(v->thread));
	argv_add(a, "-cpu");
	argv_add(a, "%s", v->cpu ? v->cpu : "max");
	argv_add(a, "-smp");
	argv_add(a, "%d", cpus);
	argv_add(a, "-m");
	argv_add(a, "%d", memory_mib);
	argv_add(a, "-chardev");
	argv_add(a, "stdio,id=serial,signal=off");
	argv_add(a, "-serial");
	argv_add(a, "chardev:serial");
	argv_add(a, "-kernel");
	argv_add(a, "%s", kernel);
}

static void command(const struct vm_config *c, struct argv *a)
{
	add_machine(
	    c->variant, c->guest->cpus, c->guest->memory_mib, c->kernel, a);
	argv_add(a, "-qmp");
	argv_add(a, "unix:work/qmp,server=on,wait=off");
	if (c->initrd[0]) {
		argv_add(a, "-initrd");
		argv_add(a, "%s", c->initrd);
	}
	argv_add(a, "-append");
	argv_add(a, "console=ttyS0 quiet loglevel=1 panic=-1");
	add_disks(c, a);
}

static void trial(
    const struct spec_variant *v, const char *kernel, struct argv *a)
{
	add_machine(v, 1, TRIAL_MIB, kernel, a);
	argv_add(a, "-append");
	argv_add(a, "--serial");
}

/* ---- the proof ------------------------------------------------------- */

enum {
	AWAIT_GREETING,
	AWAIT_READY,
	AWAIT_KVM,
	AWAIT_CPUS
};

static void count_threads(const json_t *list, struct proof *p)
{
	size_t i;
	size_t k;
	json_t *cpu;

	json_array_foreach(list, i, cpu)
	{
		int64_t id = json_get_i64(cpu, "thread-id");

		for (k = 0; k < i; k++)
			if (json_get_i64(
			        json_array_get(list, k), "thread-id") == id)
				break;
		p->n_threads += k == i;
		p->n_cpus++;
	}
}

static int judge(const struct vm_config *c, const struct proof *p,
    struct buf *evidence, struct err *err)
{
	const struct spec_variant *v = c->variant;
	bool kvm = strcmp(v->backend, "kvm") == 0;

	buf_printf(evidence,
	    "QEMU %s, QMP query-kvm: enabled=%s present=%s; query-cpus-fast: "
	    "%d processors in %d threads; -accel %s%s",
	    p->version, p->enabled ? "true" : "false",
	    p->present ? "true" : "false", p->n_cpus, p->n_threads, v->backend,
	    thread_name(v->thread));
	if (p->enabled != kvm || p->n_cpus < 1)
		return err_set(err, ERR_CONFLICT, "%s: not backend %s: %s",
		    v->name, v->backend, buf_str(evidence));
	if ((v->thread == THREAD_SINGLE && p->n_threads != 1) ||
	    (v->thread == THREAD_MULTI && p->n_threads != p->n_cpus))
		return err_set(err, ERR_CONFLICT, "%s: not thread mode%s: %s",
		    v->name, thread_name(v->thread), buf_str(evidence));
	return 1;
}

static void read_greeting(const json_t *greeting, struct proof *p)
{
	const json_t *v = json_object_get(
	    json_object_get(json_object_get(greeting, "QMP"), "version"),
	    "qemu");

	(void)snprintf(p->version, sizeof(p->version), "%d.%d.%d",
	    (int)json_get_i64(v, "major"), (int)json_get_i64(v, "minor"),
	    (int)json_get_i64(v, "micro"));
}

static int prove(const struct vm_config *c, struct proof *p, const char *line,
    size_t len, struct buf *reply, struct buf *evidence, struct err *err)
{
	scoped(json_decref) json_t *json = json_loadb(line, len, 0, NULL);
	const json_t *value = json_object_get(json, "return");

	if (json_object_get(json, "event"))
		return 0; /* it may say what happens at any time */
	if (p->stage == AWAIT_GREETING ? !json_object_get(json, "QMP") : !value)
		return err_set(err, ERR_PROTO, "QMP answers %.200s", line);
	switch (p->stage++) {
	case AWAIT_GREETING:
		read_greeting(json, p);
		buf_puts(reply, "{\"execute\":\"qmp_capabilities\"}\n");
		return 0;
	case AWAIT_READY:
		buf_puts(reply, "{\"execute\":\"query-kvm\"}\n");
		return 0;
	case AWAIT_KVM:
		p->enabled = json_is_true(json_object_get(value, "enabled"));
		p->present = json_is_true(json_object_get(value, "present"));
		buf_puts(reply, "{\"execute\":\"query-cpus-fast\"}\n");
		return 0;
	case AWAIT_CPUS:
		count_threads(value, p);
		return judge(c, p, evidence, err);
	default:
		return 0;
	}
}

const struct hypervisor hypervisor_qemu = {
    .name = "qemu",
    .program = "qemu-system-x86_64",
    .version_option = "--version",
    .control_socket = "work/qmp",
    .check = check,
    .command = command,
    .trial = trial,
    .prove = prove,
};
