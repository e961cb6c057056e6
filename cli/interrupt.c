/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals become a flag and a readable descriptor; the flag stays set. */
#include "cli/interrupt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t came;
static int fds[2] = {-1, -1};

static void remember(int signum)
{
	int saved = errno;

	(void)signum;
	came = 1;
	/* A full pipe is readable already. */
	if (write(fds[1], "", 1) < 0)
		errno = saved;
}

void interrupt_catch(void)
{
	struct sigaction sa;

	if (fds[0] >= 0)
		return;
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		abort();
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = remember;
	/* Cannot fail for these two. */
	(void)sigaction(SIGINT, &sa, NULL);
	(void)sigaction(SIGTERM, &sa, NULL);
}

bool interrupt_came(void)
{
	return came != 0;
}

int interrupt_fd(void)
{
	return fds[0];
}

bool interrupt_wait(int ms)
{
	struct pollfd p = {fds[0], POLLIN, 0};

	/* The byte is never read, so a signal ends every later wait, too. */
	(void)poll(&p, 1, ms);
	return interrupt_came();
}
