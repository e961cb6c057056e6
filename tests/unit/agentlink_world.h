/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of agentlink have in common: a machine, and a link to it. */
#ifndef TESTS_UNIT_AGENTLINK_WORLD_H
#define TESTS_UNIT_AGENTLINK_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/loop.h"
#include "orchestrator/agentlink.h"
#include "tests/unit/ssh_kit.h"

#define LINK_BULK (3 << 20) /* bytes of the larger file */

/* Of the whole program. */
extern struct sshd link_server;
extern char link_home[64]; /* of the user, on "the machine" */

struct world {
	struct loop *loop;
	struct loop_timer *timer;
	bool waiting_is_over;
	char dir[128]; /* the agent's */
	char bulk_path[128];
	struct ssh_install_file files[2]; /* kernel, bulk */
	struct cut_proxy proxy;
	struct agentlink_options opts;
	struct agentlink *l;
	/* What the link told. */
	int n_ready;
	int n_lost;
	int n_event;
	int n_samples;
	int n_end;
	int n_fail;
	int n_started;
	int n_refused;
	int n_forgotten;
	int n_fetched;
	int n_sent; /* progress of the bulk file */
	struct wire_resume after;
	char outcome[32];
	char layer[32];
	char why[480];
	struct err lost;
	char raw[HASH_HEX + 1];
	int64_t raw_size;
	int fetch_r;
	struct err fetch_err;
	/* What the test does meanwhile. */
	int cut_each;      /* events */
	int free_at;       /* event */
	int64_t cut_above; /* bytes of the bulk file, once */
};

/* For cmocka: the machine of all tests, and the world of each. */
int link_begin(void **state);
int link_finish(void **state);
int link_set_up(void **state);
int link_tear_down(void **state);
/* Skips the test without an sshd or the agent's program (IB_AGENT). */
void link_need_all(void);
/* Runs the loop until *counter has reached n; fails after KIT_PATIENCE_MS. */
void link_run_until(struct world *w, const int *counter, int n);
void link_start(struct world *w);
void link_through_proxy(struct world *w, int64_t cut_bytes);
/* With the agent on the machine already, as it is after the first attempt. */
void link_installed(struct world *w);
void link_give_job(struct world *w);
/* For agentlink_fetch(). */
void link_on_fetched(void *arg, int r, const struct err *err);
/* An unnamed file. */
int link_new_file(void);
void link_assert_hash(int fd, const char *sha256, int64_t size);

#endif
