/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lab files: what is accepted keeps every promise of lab.h, and what is
 * refused says why in one line. Read as the daemon does, from a file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "orchestrator/boot.h"
#include "orchestrator/lab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool ok)
{
	if (!ok)
		abort();
}

static void check_machine(struct lab *lab, struct lab_machine *m)
{
	char mac[18];

	require(m->name && *m->name && m->platform && *m->platform && m->host);
	require(!str_eq(m->platform, "any"));
	require(lab_find(lab, m->name) == m);
	require(!m->mac || (boot_mac(m->mac, mac) && str_eq(mac, m->mac)));
	for (size_t i = 0; i < conf_len(m->vars); i++)
		require(lab_var(m, conf_key(m->vars, i)) != NULL);
	require(lab_var(m, "no such variable") == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Checking a section needs no loop and no helper. */
	struct power_shared shared = {.dir = "."};
	scoped(lab_unref) struct lab *lab = NULL;
	scoped_val(fd_done) int fd = memfd_create("lab", MFD_CLOEXEC);
	scoped(free) char *path = xasprintf("/proc/self/fd/%d", fd);
	struct err err = ERR_INIT;
	int r;

	require(fs_write_all(fd, data, size, NULL) == 0);
	r = lab_load(path, &shared, &lab, &err);
	require((r == 0) == (lab != NULL));
	if (r < 0)
		require(err.kind == -r && err.msg[0] && !strchr(err.msg, '\n'));
	for (size_t i = 0; lab && i < lab->n_machines; i++)
		check_machine(lab, &lab->machines[i]);
	return 0;
}
