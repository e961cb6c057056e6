/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Controllers for tests: processes of OpenIPMI's ipmi_sim on free ports. */
#ifndef TESTS_UNIT_MACHINE_SIM_H
#define TESTS_UNIT_MACHINE_SIM_H

#include <stdbool.h>
#include <sys/types.h>

#define SIM_USER "admin"
#define SIM_PASSWORD "s3cret-pw"

/* One controller. Its "machine" is a process that only waits. */
struct sim {
	char dir[32];
	int port;  /* UDP, on 127.0.0.1 */
	pid_t pid; /* 0: not running */
};

/* True if there is an ipmi_sim in PATH. */
bool sim_is_installed(void);
/* Chooses ports and writes its files. All of these fail the test on errors. */
void sim_configure(struct sim *s);
/* Returns at once; it answers after a while. */
void sim_start(struct sim *s);
/* Ends it and its machine. Idempotent. */
void sim_kill(struct sim *s);
/* Kills it and removes its files. */
void sim_done(struct sim *s);
/* Writes a file only its owner may read. */
void sim_put_file(const char *dir, const char *name, const char *text);

#endif
