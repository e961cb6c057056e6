/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/ssh_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	CONNECT_MS = 20000
};

struct sshd server;

static void on_up(void *arg)
{
	struct world *w = arg;

	w->n_up++;
	loop_stop(w->loop);
}

static void on_down(void *arg, const struct err *err)
{
	struct world *w = arg;

	w->n_down++;
	w->down = *err;
	loop_stop(w->loop);
}

const struct ssh_ops world_ops = {.on_up = on_up, .on_down = on_down};

unsigned char world_pattern(size_t i)
{
	return (unsigned char)((i * 2654435761U) >> 13);
}

void world_write_more(struct world *w)
{
	unsigned char chunk[10000];
	size_t n = 1;

	while (w->written < w->to_write && n) {
		size_t want = w->to_write - w->written;

		if (want > sizeof(chunk))
			want = sizeof(chunk);
		for (size_t i = 0; i < want; i++)
			chunk[i] = world_pattern(w->written + i);
		n = ssh_channel_write(w->ch, chunk, want);
		w->written += n;
		if (n < want)
			return;
	}
	ssh_channel_eof(w->ch);
}

static void on_data(void *arg, const char *data, size_t len)
{
	struct world *w = arg;

	w->n_out += len;
	if (w->out_hash)
		hash_add(w->out_hash, data, len);
	else
		buf_add(&w->out, data, len);
	if (w->kill_at && w->n_out >= w->kill_at) {
		w->kill_at = 0;
		sshd_kill(&server);
	}
	if (w->pause_at && w->n_out >= w->pause_at) {
		w->pause_at = 0;
		ssh_channel_pause(w->ch);
		loop_stop(w->loop);
	}
}

static void on_drain(void *arg)
{
	world_write_more(arg);
}

static void on_end(void *arg, int r, int code, const struct err *err)
{
	struct world *w = arg;

	w->n_end++;
	w->r = r;
	w->code = code;
	w->end = *err;
	w->ch = NULL;
	loop_stop(w->loop);
}

const struct ssh_channel_ops world_channel_ops = {
    .on_data = on_data, .on_drain = on_drain, .on_end = on_end};

static void on_timer(void *arg)
{
	struct world *w = arg;

	w->waiting_is_over = true;
	loop_stop(w->loop);
}

void world_run_until(struct world *w, const int *counter, int n)
{
	w->waiting_is_over = false;
	loop_timer_at(w->timer, clock_mono_ms() + KIT_PATIENCE_MS);
	while (*counter < n) {
		assert_false(w->waiting_is_over);
		loop_run(w->loop);
	}
	loop_timer_stop(w->timer);
}

void world_run_for(struct world *w, int64_t ms)
{
	w->waiting_is_over = false;
	loop_timer_at(w->timer, clock_mono_ms() + ms);
	while (!w->waiting_is_over)
		loop_run(w->loop);
}

int world_set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	w->loop = loop_new();
	w->timer = loop_timer_new(w->loop, on_timer, w);
	w->out = (struct buf)BUF_INIT(1 << 20);
	if (server.pid)
		sshd_options(&server, &w->opts);
	*state = w;
	return 0;
}

int world_tear_down(void **state)
{
	struct world *w = *state;

	ssh_close(w->ssh);
	ssh_options_done(&w->opts);
	buf_done(&w->out);
	loop_timer_free(w->timer);
	loop_free(w->loop);
	free(w);
	return 0;
}

void world_dial(struct world *w)
{
	w->ssh = ssh_open(
	    w->loop, &w->opts, clock_mono_ms() + CONNECT_MS, &world_ops, w);
}

void world_start(struct world *w, const char *command)
{
	buf_reset(&w->out);
	w->n_end = 0;
	w->n_out = w->written = 0;
	w->ch = ssh_exec(w->ssh, command, &world_channel_ops, w);
}

void world_run_command(struct world *w, const char *command)
{
	world_start(w, command);
	ssh_channel_eof(w->ch);
	world_run_until(w, &w->n_end, 1);
}

void world_connect_up(struct world *w)
{
	if (!server.pid)
		skip();
	world_dial(w);
	world_run_until(w, &w->n_up, 1);
}

int world_begin(void **state)
{
	(void)state;
	hash_init();
	if (!sshd_start(&server, ""))
		server.pid = 0;
	return 0;
}

int world_finish(void **state)
{
	(void)state;
	if (server.pid)
		sshd_stop(&server);
	return 0;
}
