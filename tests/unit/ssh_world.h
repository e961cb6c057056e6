/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of SSH connections have in common. */
#ifndef TESTS_UNIT_SSH_WORLD_H
#define TESTS_UNIT_SSH_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/loop.h"
#include "orchestrator/ssh.h"
#include "tests/unit/ssh_kit.h"

/* Of the whole program; pid 0: this computer has none. */
extern struct sshd server;

/* A connection with one command at a time, and what became of it. */
struct world {
	struct loop *loop;
	struct loop_timer *timer;
	struct ssh_options opts;
	struct ssh *ssh;
	struct ssh_channel *ch;
	bool waiting_is_over;
	int n_up;
	int n_down;
	int n_end;
	struct err down;
	struct err end;
	int r;
	int code;
	struct buf out;
	/* Bytes still to write, made by a counter. */
	size_t to_write;
	size_t written;
	struct hash *out_hash;
	size_t n_out;
	size_t kill_at; /* n_out at which sshd is killed; 0: never */
	size_t pause_at;
};

extern const struct ssh_ops world_ops;
extern const struct ssh_channel_ops world_channel_ops;

/* For cmocka: the sshd of all tests, and the world of each. */
int world_begin(void **state);
int world_finish(void **state);
int world_set_up(void **state);
int world_tear_down(void **state);
/* Runs the loop until *counter has reached n; fails after KIT_PATIENCE_MS. */
void world_run_until(struct world *w, const int *counter, int n);
void world_run_for(struct world *w, int64_t ms);
void world_dial(struct world *w);
/* Dials and waits until it is up; skips the test where there is no sshd. */
void world_connect_up(struct world *w);
void world_start(struct world *w, const char *command);
/* The same without input, to its end. */
void world_run_command(struct world *w, const char *command);
/* Fills its stdin with to_write bytes of the pattern; goes on by itself. */
void world_write_more(struct world *w);
unsigned char world_pattern(size_t i);

#endif
