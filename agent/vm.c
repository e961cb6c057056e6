/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The life of one virtual machine: its process (through vm-exec, which binds it
 * to us), its serial line (the process' stdio) and its control socket.
 *
 * Layers: before the hypervisor answers on its control socket, an end is the
 * host's; from then to READY, and an end by a signal, the machine's; after it
 * the guest's.
 */
#include "agent/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include "agent/agent.h"
#include "agent/control.h"
#include "agent/measure.h"
#include "base/clock.h"
#include "base/fs.h"

enum {
	OFF_MS = 30000, /* from DONE to the end of the process */
	KILL_MS = 5000, /* that the guard has to end it */
	LINE_BYTES = 65536
};

struct vm {
	struct loop *loop;
	struct vm_config config;
	const struct hypervisor *hv;
	const struct vm_ops *ops;
	void *arg;
	struct argv argv;
	char *orders;
	struct child *child;
	struct guest *guest;
	struct control *control;
	struct loop_timer *timer;
	struct proof proof;
	int64_t step_deadline;
	bool answered; /* on the control socket */
	bool proven;
	bool ready;
	bool done;
	const char *layer; /* of the first failure */
	struct err why;
};

/* ---- what it is made of ---------------------------------------------- */

int vm_configure(const struct spec *spec, const struct spec_step *step,
    struct vm_config *ret, struct err *err)
{
	struct vm_config c = {.variant = step->variant, .guest = step->guest};
	scoped(free) char *kernel = store_path(step->guest->kernel);
	scoped(free) char *initrd = NULL;

	if (!kernel)
		return err_set(err, ERR_NOTFOUND, "%s: kernel %s is not here",
		    step->guest->name, step->guest->kernel);
	(void)snprintf(c.kernel, sizeof(c.kernel), "%s", kernel);
	if (step->guest->initrd) {
		initrd = store_path(step->guest->initrd);
		if (!initrd)
			return err_set(err, ERR_NOTFOUND,
			    "%s: initrd %s is not here", step->guest->name,
			    step->guest->initrd);
		(void)snprintf(c.initrd, sizeof(c.initrd), "%s", initrd);
	}
	for (int i = 0; i < spec->n_controllers; i++) {
		struct vm_disk *d = &c.disks[c.n_disks++];

		d->controller = spec->controllers[i];
		(void)snprintf(
		    d->path, sizeof(d->path), "work/%s.raw", d->controller);
	}
	*ret = c;
	return 0;
}

static int make_disk(
    const char *path, int64_t size, bool *direct, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	scoped_val(fd_done) int probe = -1;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	/* A file system without fallocate gets a file with holes. */
	if (fallocate(fd, 0, 0, size) < 0 &&
	    (errno == ENOSPC || ftruncate(fd, size) < 0))
		return err_errno(err, errno, "%s", path);
	probe = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	*direct = probe >= 0;
	return 0;
}

static int make_work(struct vm_config *c, int disk_mib, struct err *err)
{
	int r = fs_remove_tree("work", err);

	if (r == 0)
		r = fs_mkdirs("work", 0700, err);
	for (int i = 0; i < c->n_disks && r == 0; i++)
		r = make_disk(
		    c->disks[i].path, (int64_t)disk_mib << 20, &c->direct, err);
	return r;
}

/* ---- ends ------------------------------------------------------------ */

/* The first failure is the one that counts; the process is ended then. */
static void failed(struct vm *vm, const char *layer, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void failed(struct vm *vm, const char *layer, const char *fmt, ...)
{
	char text[400];
	va_list ap;

	if (vm->layer)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	vm->layer = layer;
	(void)err_set(&vm->why, ERR_IO, "%s", text);
	/* The guard ends it with all that it has started. */
	child_kill(vm->child, SIGTERM);
	loop_timer_at(vm->timer, loop_now_ms(vm->loop) + KILL_MS);
}

void vm_fail(struct vm *vm, const char *layer, const char *why)
{
	failed(vm, layer, "%s", why);
}

static void judge_end(struct vm *vm, int r, const struct err *err)
{
	const char *words = guest_last_words(vm->guest);

	if (vm->layer)
		return;
	if (vm->done && r == 0)
		return;
	if (!vm->answered)
		failed(vm, "host", "the hypervisor did not start: %s",
		    r < 0 ? err->msg : "it ended at once");
	else if (r < 0)
		failed(vm, "vm", "the hypervisor died: %s", err->msg);
	else if (!vm->ready)
		failed(vm, "vm",
		    "the machine went off before the guest was "
		    "ready: %s",
		    words);
	else
		failed(vm, "guest", "the guest went off before it was done: %s",
		    words);
}

static void on_end(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct vm *vm = arg;

	(void)out;
	(void)len;
	judge_end(vm, r, err);
	vm->child = NULL; /* freed by its own end */
	loop_timer_stop(vm->timer);
	control_free(take(vm->control));
	(void)unlink("vm.pid"); /* a stale one is recognised as such */
	vm->ops->end(vm->arg, vm->layer, vm->why.msg);
}

static void on_timer(void *arg)
{
	struct vm *vm = arg;

	if (vm->layer)
		child_kill(vm->child, SIGKILL);
	else if (vm->done)
		failed(vm, "guest", "the guest did not switch off");
	else if (!vm->ready)
		failed(vm, "vm", "the guest was not ready in %d s: %s",
		    vm->config.guest->boot_timeout_s,
		    guest_last_words(vm->guest));
	else
		failed(vm, "guest", "not done in the time of a step: %s",
		    guest_last_words(vm->guest));
}

/* ---- what it says ---------------------------------------------------- */

static void give_orders(struct vm *vm)
{
	if (vm->ready && vm->proven)
		child_write(vm->child, vm->orders, strlen(vm->orders));
}

static void on_control_line(void *arg, const char *line, size_t len)
{
	struct vm *vm = arg;
	scoped_val(buf_done) struct buf reply = BUF_INIT(4096);
	scoped_val(buf_done) struct buf evidence = BUF_INIT(4096);
	struct err err = ERR_INIT;
	int r;

	vm->answered = true;
	if (vm->proven || vm->layer)
		return;
	r = vm->hv->prove(
	    &vm->config, &vm->proof, line, len, &reply, &evidence, &err);
	if (r < 0) {
		failed(vm, "host", "%s", err.msg);
		return;
	}
	if (reply.len)
		control_write(vm->control, reply.data, reply.len);
	if (r > 0) {
		vm->proven = true;
		vm->ops->proven(vm->arg, buf_str(&evidence));
		give_orders(vm);
	}
}

static void on_control_lost(void *arg, const struct err *err)
{
	struct vm *vm = arg;

	/* Its end explains itself; only a live one that is mute is strange. */
	if (!vm->proven)
		failed(vm, "host", "no proof of the backend: %s", err->msg);
}

static void on_serial(void *arg, char *line, size_t len)
{
	struct vm *vm = arg;
	int64_t now_ns = clock_mono_ns();

	if (vm->layer)
		return;
	guest_feed(vm->guest, line, len, now_ns);
	guest_feed(vm->guest, "\n", 1, now_ns);
}

static void on_ready(void *arg)
{
	struct vm *vm = arg;

	vm->ready = true;
	loop_timer_at(vm->timer, vm->step_deadline);
	give_orders(vm);
}

static void on_raw(void *arg, const struct guest_raw *raw)
{
	struct vm *vm = arg;

	if (!vm->proven)
		failed(
		    vm, "guest", "%s came before it was asked for", raw->name);
	else if (!vm->layer)
		vm->ops->raw(vm->arg, raw);
}

static void on_done(void *arg)
{
	struct vm *vm = arg;

	vm->done = true;
	loop_timer_at(vm->timer, loop_now_ms(vm->loop) + OFF_MS);
}

static void on_error(void *arg, const char *text)
{
	failed(arg, "guest", "%s", text);
}

static const struct guest_ops guest_ops = {on_ready, on_raw, on_done, on_error};

/* ---- start ----------------------------------------------------------- */

static int spawn(struct vm *vm, struct err *err)
{
	struct child_options opts = {.output_max = LINE_BYTES,
	    .own_group = true,
	    .on_line = on_serial,
	    .on_end = on_end,
	    .arg = vm};

	return vm_spawn(vm->loop, &vm->argv, &opts, &vm->child, err);
}

int vm_start(struct loop *loop, const struct vm_config *config, int disk_mib,
    const char *orders, int64_t step_timeout_s, const struct vm_ops *ops,
    void *arg, struct vm **ret, struct err *err)
{
	struct vm *vm = xcalloc(1, sizeof(*vm));
	int64_t now = loop_now_ms(loop);
	int r;

	vm->loop = loop;
	vm->config = *config;
	vm->hv = hypervisor_find(config->variant->hypervisor);
	vm->ops = ops;
	vm->arg = arg;
	vm->orders = xstrdup(orders);
	vm->guest = guest_new(&guest_ops, vm);
	vm->timer = loop_timer_new(loop, on_timer, vm);
	vm->step_deadline = now + step_timeout_s * 1000;
	r = make_work(&vm->config, disk_mib, err);
	if (r == 0) {
		vm->hv->command(&vm->config, &vm->argv);
		r = spawn(vm, err);
	}
	if (r < 0) {
		vm_free(vm);
		return r;
	}
	vm->control = control_new(
	    loop, vm->hv->control_socket, on_control_line, on_control_lost, vm);
	loop_timer_at(
	    vm->timer, now + (int64_t)config->guest->boot_timeout_s * 1000);
	*ret = vm;
	return 0;
}

const char *const *vm_argv(const struct vm *vm)
{
	return (const char *const *)vm->argv.v;
}

void vm_free(struct vm *vm)
{
	if (!vm)
		return;
	vm_abandon(vm->child);
	control_free(vm->control);
	loop_timer_free(vm->timer);
	guest_free(vm->guest);
	argv_done(&vm->argv);
	free(vm->orders);
	free(vm);
}
