/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A daemon with a farm: its files, its start, what both of them say. */
#include "tests/bench/lab.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/str.h"
#include "tests/bench/bmc_farm.h"
#include "tests/bench/lab_private.h"

enum {
	START_MS = 60000,
	CONFIG_MAX = 64 << 20,
	GIT_MS = 120000,
	KERNEL_BYTES = 16384
};

/* ---- files --------------------------------------------------------------- */

static int put_file(const struct lab *lab, const char *name,
    const struct buf *b, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/%s", lab->dir, name);

	return fs_write_atomic(path, buf_str(b), b->len, 0600, err);
}

static void add_machine(const struct lab *lab, size_t i, struct buf *to)
{
	char mac[FARM_MAC_LEN + 1];

	buf_printf(to,
	    "  - name: m%zu\n"
	    "    platform: farm\n"
	    "    power: { driver: ipmi, host: \"127.0.0.1:%d\", user: %s, "
	    "password: \"%s\" }\n"
	    "    console: { driver: socket, path: \"%s/consoles/%zu\" }\n"
	    "    boot: { driver: ipxe, mac: \"%s\" }\n",
	    i, lab->bmc_ports[i], FARM_USER, FARM_PASSWORD, lab->dir, i,
	    farm_mac(i, mac));
}

static int put_lab_file(const struct lab *lab, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(CONFIG_MAX);

	buf_puts(&text, lab->n ? "machines:\n" : "machines: []\n");
	for (size_t i = 0; i < lab->n; i++)
		add_machine(lab, i, &text);
	if (lab->n_commits)
		buf_printf(&text,
		    "projects:\n"
		    "  - name: farm\n"
		    "    repository: \"%s/farm.git\"\n"
		    "    secret_file: secret\n"
		    "    branches:\n"
		    "      one: { suite: ci/one.yaml }\n"
		    "      all: { suite: ci/all.yaml }\n"
		    "    files: { repository: {} }\n",
		    lab->dir);
	return put_file(lab, "lab.yaml", &text, err);
}

char *lab_suite(size_t n)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(CONFIG_MAX);

	buf_puts(&text, "boot_items:\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(&text,
		    "  - { name: item-%zu, exec: kernel.elf32 --serial, "
		    "boot_item_timeout: 60, timeout: 90 }\n",
		    i);
	return buf_take(&text);
}

/* ---- the repository ------------------------------------------------------ */

/* One commit: another kernel, the same two suites. */
static void add_commit(struct buf *to, size_t i, const char *one,
    const char *all, const char *kernel)
{
	static const char who[] = "Farm <farm@example.org> 1700000000 +0000\n";

	buf_printf(to, "commit refs/heads/one\nmark :%zu\n", i + 1);
	buf_printf(to, "author %scommitter %sdata 0\n", who, who);
	buf_printf(to, "M 100644 inline ci/one.yaml\ndata %zu\n%s\n",
	    strlen(one), one);
	buf_printf(to, "M 100644 inline ci/all.yaml\ndata %zu\n%s\n",
	    strlen(all), all);
	buf_printf(to, "M 100644 inline ci/kernel.elf32\ndata %d\n%s\n",
	    KERNEL_BYTES, kernel);
}

static void random_text(char *to, size_t len)
{
	hash_random(to, len);
	for (size_t i = 0; i < len; i++)
		to[i] = (char)('a' + (unsigned char)to[i] % 16);
	to[len] = '\0';
}

static int git(const struct lab *lab, const char *script, struct err *err)
{
	scoped(free) char *line =
	    xasprintf("cd '%s' && export GIT_CONFIG_NOSYSTEM=1 "
	              "GIT_CONFIG_GLOBAL=/dev/null && %s",
	        lab->dir, script);
	const char *const argv[] = {"/bin/sh", "-c", line, NULL};

	return process_run(argv, NULL, GIT_MS, err);
}

static int read_marks(struct lab *lab, struct err *err)
{
	scoped(free) char *path = xasprintf("%s/marks", lab->dir);
	scoped_val(buf_done) struct buf text = BUF_INIT(0);
	const char *at;
	int r = fs_read(path, CONFIG_MAX, &text, err);

	if (r < 0)
		return r;
	lab->commits = xcalloc(lab->n_commits, sizeof(*lab->commits));
	for (at = buf_str(&text); *at;
	     at += strcspn(at, "\n"), at += *at != 0) {
		size_t mark = 0;
		char commit[41];

		if (sscanf(at, ":%zu %40s", &mark, commit) == 2 && mark &&
		    mark <= lab->n_commits)
			memcpy(lab->commits[mark - 1], commit, sizeof(commit));
	}
	return 0;
}

/* Any commit may be fetched, as from a forge. */
static int make_repository(struct lab *lab, struct err *err)
{
	scoped(free) char *one = lab_suite(1);
	scoped(free) char *all = lab_suite(lab->n);
	scoped(free) char *kernel = xcalloc(KERNEL_BYTES + 1, 1);
	scoped_val(buf_done) struct buf stream = BUF_INIT(CONFIG_MAX);
	int r;

	for (size_t i = 0; i < lab->n_commits; i++) {
		random_text(kernel, KERNEL_BYTES);
		add_commit(&stream, i, one, all, kernel);
	}
	if (stream.failed)
		return err_set(err, ERR_LIMIT, "too many commits");
	r = put_file(lab, "stream", &stream, err);
	if (r == 0)
		r = git(lab,
		    "git init -q --bare -b one farm.git && "
		    "git -C farm.git config uploadpack.allowAnySHA1InWant "
		    "true && git -C farm.git fast-import --quiet "
		    "--export-marks=../marks <stream",
		    err);
	return r == 0 ? read_marks(lab, err) : r;
}

static int make_secret(const struct lab *lab, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(4096);

	buf_puts(&text, LAB_SECRET);
	return put_file(lab, "secret", &text, err);
}

/* ---- starting ------------------------------------------------------------ */

static int start_farm(struct lab *lab, struct err *err)
{
	scoped(free) char *program =
	    xasprintf("%s/tests/bench/bmc_farm", lab->b->build);
	scoped(free) char *consoles = xasprintf("%s/consoles", lab->dir);
	scoped(free) char *n = xasprintf("%zu", lab->n);
	const char *const argv[] = {program, consoles, n, NULL};
	int64_t until_ms = clock_mono_ms() + START_MS;
	const char *line;
	int r = fs_mkdirs(consoles, 0700, err);

	if (r == 0)
		r = process_start(&lab->farm, argv, OUTPUT_ONLY, err);
	if (r < 0)
		return r;
	lab->bmc_ports = xcalloc(lab->n, sizeof(*lab->bmc_ports));
	while ((line = process_line_until(&lab->farm, until_ms))) {
		size_t i;
		int port;

		if (strcmp(line, "ready") == 0)
			return 0;
		if (sscanf(line, "machine %zu %d", &i, &port) == 2 &&
		    i < lab->n)
			lab->bmc_ports[i] = port;
	}
	return err_set(err, ERR_TIMEOUT, "the farm is not ready");
}

static int wait_ready(struct lab *lab, struct err *err)
{
	int64_t until_ms = clock_mono_ms() + START_MS;
	const char *line;
	const char *last = "it says nothing";

	while ((line = process_line_until(&lab->daemon, until_ms))) {
		char url[128];

		last = line;
		if (sscanf(line, "ready %127s http://127.0.0.1:%d", url,
		        &lab->boot_port) != 2)
			continue;
		lab->url = xstrdup(url);
		return 0;
	}
	return err_set(err, ERR_IO, "the daemon is not ready: %s", last);
}

static int start_daemon(struct lab *lab, const char *state, struct err *err)
{
	scoped(free) char *program =
	    xasprintf("%s/orchestrator/ironbenchd", lab->b->build);
	scoped(free) char *agent =
	    xasprintf("%s/agent/ironbench-agent", lab->b->build);
	scoped(free) char *file = xasprintf("%s/lab.yaml", lab->dir);
	const char *const argv[] = {program, "--state", state, "--lab", file,
	    "--listen", "127.0.0.1:0", "--boot-listen", "127.0.0.1:0",
	    "--agent", agent, NULL};
	/* A name is never used again, and an archive may have one. */
	scoped(free) char *name = xasprintf("bench-%" PRId64, clock_wall_ms());
	const char *const token[] = {program, "token", "add", name, "--scope",
	    "read,submit,operate", "--state", state, NULL};
	scoped_val(buf_done) struct buf text = BUF_INIT(4096);
	int r = process_start(&lab->daemon, argv, OUTPUT_AND_ERRORS, err);

	if (r == 0)
		r = wait_ready(lab, err);
	if (r == 0)
		r = process_run(token, &text, START_MS, err);
	if (r < 0)
		return r;
	text.data[strcspn(text.data, "\n")] = '\0';
	lab->token = xstrdup(text.data);
	return 0;
}

int lab_start(struct lab *lab, const struct bench *b, const char *archive,
    size_t n_machines, size_t n_commits, struct err *err)
{
	scoped(free) char *own = NULL;
	int r;

	*lab = (struct lab){.b = b,
	    .dir = xasprintf("%s/lab-%zu", b->dir, n_machines),
	    .n = n_machines,
	    .n_commits = n_commits,
	    .curl = curl_easy_init()};
	own = xasprintf("%s/state", lab->dir);
	r = fs_remove_tree(lab->dir, err);
	if (r == 0)
		r = fs_mkdirs(lab->dir, 0700, err);
	if (r == 0)
		r = make_secret(lab, err);
	if (r == 0 && n_commits)
		r = make_repository(lab, err);
	if (r == 0 && n_machines)
		r = start_farm(lab, err);
	if (r == 0)
		r = put_lab_file(lab, err);
	if (r == 0)
		r = start_daemon(lab, archive ? archive : own, err);
	if (r < 0)
		lab_end(lab);
	return r;
}

void lab_end(struct lab *lab)
{
	static const int twice[] = {SIGTERM, SIGTERM};

	/* It drains, and the second time it does not wait. */
	process_end(&lab->daemon, twice, ARRAY_LEN(twice));
	process_end(&lab->farm, twice, 1);
	if (lab->curl)
		curl_easy_cleanup(lab->curl);
	(void)fs_remove_tree(lab->dir, NULL);
	free(lab->dir);
	free(lab->bmc_ports);
	free(lab->url);
	free(lab->token);
	free(lab->commits);
	free(lab->events);
	*lab = (struct lab){0};
}

/* ---- what both say ------------------------------------------------------- */

static void take_farm_line(struct lab *lab, const char *line)
{
	struct farm_event e = {.what = FARM_OTHER};
	char what[16];

	if (sscanf(line, "%15s %zu %" SCNd64, what, &e.machine, &e.at_ns) != 3)
		return;
	if (strcmp(what, "off") == 0)
		e.what = FARM_OFF;
	else if (strcmp(what, "on") == 0)
		e.what = FARM_ON;
	else if (strcmp(what, "end") == 0)
		e.what = FARM_END;
	if (lab->n_events == lab->cap_events) {
		lab->cap_events = lab->cap_events ? lab->cap_events * 2 : 1024;
		lab->events = xrealloc(
		    lab->events, lab->cap_events, sizeof(*lab->events));
	}
	lab->events[lab->n_events++] = e;
}

/* "run=7 jobs=1 from=12": its files are stored and it has its jobs. */
static void take_daemon_line(struct lab *lab, const char *line)
{
	if (strstr(line, " run=") && strstr(line, " jobs=") &&
	    strstr(line, " from=") && !lab->opened_ns)
		lab->opened_ns = clock_mono_ns();
	if (strstr(line, "Z warn ") || strstr(line, "Z error "))
		bench_say("  the daemon: %s", line);
}

static void take_lines(struct lab *lab)
{
	const char *line;

	while ((line = process_line(&lab->daemon)))
		take_daemon_line(lab, line);
	while (lab->n && (line = process_line(&lab->farm)))
		take_farm_line(lab, line);
}

bool lab_read(
    struct lab *lab, bool (*enough)(const struct lab *lab), int64_t max_ms)
{
	struct pollfd in[2] = {{.fd = lab->daemon.out, .events = POLLIN},
	    {.fd = lab->n ? lab->farm.out : -1, .events = POLLIN}};
	int64_t until_ms = clock_mono_ms() + max_ms;

	take_lines(lab);
	while (!enough(lab)) {
		int64_t left_ms = until_ms - clock_mono_ms();

		if (left_ms <= 0)
			return false;
		(void)poll(in, 2, (int)left_ms);
		take_lines(lab);
	}
	return true;
}

void lab_forget(struct lab *lab)
{
	take_lines(lab);
	lab->n_events = 0;
	lab->opened_ns = 0;
}
