/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/machine_sim.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/mem.h"

bool sim_is_installed(void)
{
	const char *path = getenv("PATH");

	while (path && *path) {
		size_t len = strcspn(path, ":");
		scoped(free) char *file =
		    xasprintf("%.*s/ipmi_sim", (int)len, path);

		if (access(file, X_OK) == 0)
			return true;
		path += len;
		path += *path == ':';
	}
	return false;
}

static int free_port(int type)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	scoped_val(fd_done) int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)&addr, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	return ntohs(addr.sin_port);
}

void sim_put_file(const char *dir, const char *name, const char *text)
{
	scoped(free) char *path = xasprintf("%s/%s", dir, name);
	struct err err = ERR_INIT;

	assert_int_equal(
	    fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

void sim_configure(struct sim *s)
{
	scoped(free) char *conf = NULL;

	memcpy(s->dir, "/tmp/ib-bmc-XXXXXX", 19);
	assert_non_null(mkdtemp(s->dir));
	s->port = free_port(SOCK_DGRAM);
	/* Without a serial line it refuses to switch anything. */
	conf = xasprintf("name \"m\"\n"
	                 "set_working_mc 0x20\n"
	                 "  startlan 1\n"
	                 "    addr 127.0.0.1 %d\n"
	                 "    priv_limit admin\n"
	                 "    allowed_auths_admin none md2 md5 straight\n"
	                 "    guid a123456789abcdefa123456789abcdef\n"
	                 "  endlan\n"
	                 "  serial 15 127.0.0.1 %d codec VM\n"
	                 "  startcmd \"setpriv --pdeathsig KILL "
	                 "sleep 300\"\n"
	                 "  startnow false\n"
	                 "  user 2 true \"admin\" \"%s\" admin 10 none md2 "
	                 "md5 straight\n",
	    s->port, free_port(SOCK_STREAM), SIM_PASSWORD);
	sim_put_file(s->dir, "lan.conf", conf);
	sim_put_file(s->dir, "mc.emu",
	    "mc_setbmc 0x20\n"
	    "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 "
	    "persist_sdr\n"
	    "sel_enable 0x20 1000 0x0a\n"
	    "mc_enable 0x20\n");
}

void sim_start(struct sim *s)
{
	s->pid = fork();
	assert_true(s->pid >= 0);
	if (s->pid > 0)
		return;
	if (chdir(s->dir) == 0 && freopen("/dev/null", "r", stdin) &&
	    freopen("log", "w", stdout) && dup2(1, 2) == 2)
		(void)execlp("ipmi_sim", "ipmi_sim", "-c", "lan.conf", "-f",
		    "mc.emu", "-s", ".", "-n", (char *)NULL);
	_exit(127);
}

void sim_kill(struct sim *s)
{
	if (!s->pid)
		return;
	(void)kill(s->pid, SIGKILL); /* it may have ended by itself */
	assert_int_equal(waitpid(s->pid, NULL, 0), s->pid);
	s->pid = 0;
}

void sim_done(struct sim *s)
{
	sim_kill(s);
	if (*s->dir)
		assert_int_equal(fs_remove_tree(s->dir, NULL), 0);
	*s->dir = '\0';
}
