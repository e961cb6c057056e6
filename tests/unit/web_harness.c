/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The web process is forked before any thread is made. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "bench/bench.h"
#include "db/db.h"
#include "tests/unit/web_harness.h"
#include "web/web.h"

#define UPLOADS_MAX 512
#define OPS_MAX 8192

struct harness {
	char dir[64];
	pid_t pid;
	int port;
	int boot_port;
	int link_fd;
	pthread_t thread;
	struct db *db;
	sem_t durable;
	int64_t run;
	int64_t job;
	int64_t gap_job;
	char sha256[HASH_HEX + 1];

	pthread_mutex_t lock;
	pthread_cond_t came;
	json_t *ops[OPS_MAX];
	size_t n_ops;
	int uploads[UPLOADS_MAX]; /* by number - 1 */
	int n_uploads;
	struct buf hook; /* body of the last op "hook" */
};

/* ---- the daemon's end --------------------------------------------------- */

static void frame_send(
    struct harness *h, const char *header, const char *body, int fd)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(WEB_FRAME_MAX);
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	web_frame_put(&out, header, body, strlen(body));
	iov.iov_base = out.data;
	iov.iov_len = out.len;
	if (fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control;
		msg.msg_controllen = sizeof(control);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	/* Small enough for the socket's buffer: it goes whole or not. */
	if (sendmsg(h->link_fd, &msg, MSG_NOSIGNAL) != (ssize_t)out.len)
		(void)fprintf(stderr, "# the link takes no more\n");
}

static int upload_open(struct harness *h)
{
	if (h->n_uploads == UPLOADS_MAX)
		return -1;
	h->uploads[h->n_uploads] = memfd_create("upload", MFD_CLOEXEC);
	return ++h->n_uploads;
}

static int auth_status(const char *token, const char *scope)
{
	if (str_eq(token, "good"))
		return 200;
	if (str_eq(token, "reader"))
		return str_eq(scope, "read") ? 200 : 403;
	return 401;
}

struct canned {
	const char *op;
	int status;
	const char *type;
	const char *body;
};
static const struct canned canned[] = {
    {"close", 200, "application/json", "{}"},
    {"cancel", 200, "application/json", "{\"cancelled\":3}"},
    {"rerun", 201, "application/json", "{\"id\":78}"},
    {"file", 200, "application/json", ""},
    {"queue", 200, "application/json", "{\"waiting\":0,\"classes\":[]}"},
    {"whoami", 200, "application/json",
        "{\"name\":\"somebody\",\"scopes\":[\"read\",\"submit\"]}"},
    {"why", 200, "application/json", "{\"why\":\"t16-1 is busy\"}"},
    {"machines", 200, "application/json", "{\"machines\":[]}"},
    {"health", 200, "application/json", "{\"status\":\"ok\"}"},
    {"machine", 200, "application/json", "{\"health\":\"maintenance\"}"},
    {"boot", 200, "text/plain", "#!ipxe\npoweroff\n"},
    {"hook", 202, "application/json", "{\"run\":412}"},
    {"submit", 201, "application/json", "{\"id\":77,\"warnings\":[]}"},
};

static const char *text_of(json_t *op, const char *key)
{
	const char *s = json_string_value(json_object_get(op, key));

	return s ? s : "";
}

static int status_of(json_t *op, int good)
{
	const char *name = text_of(op, "op");

	if (str_eq(name, "boot"))
		return str_eq(text_of(op, "mac"), GOOD_MAC) ? good : 404;
	if (str_eq(name, "file"))
		return str_eq(text_of(op, "nonce"), "n1") ? good : 404;
	if (str_eq(name, "hook"))
		return str_eq(text_of(op, "signature"), "good") ? good : 401;
	if (str_eq(text_of(op, "name"), "refuse"))
		return 400;
	if (json_object_get(op, "token"))
		return str_eq(text_of(op, "token"), "good") ? good : 401;
	return good;
}

static void op_answer(struct harness *h, json_t *op)
{
	const char *name = text_of(op, "op");
	json_int_t id = json_integer_value(json_object_get(op, "id"));
	struct canned a = {"", 501, "application/json", "{\"error\":\"?\"}"};
	char header[160];
	char body[64] = "";
	int fd = -1;

	for (size_t i = 0; i < ARRAY_LEN(canned); i++)
		if (str_eq(canned[i].op, name))
			a = canned[i];
	if (str_eq(name, "auth")) {
		a.status =
		    auth_status(text_of(op, "token"), text_of(op, "scope"));
		a.body = "";
	} else if (str_eq(name, "open")) {
		int n = upload_open(h);

		(void)snprintf(body, sizeof(body), "{\"upload\":%d}", n);
		a.status = n > 0 ? 200 : 507;
		a.body = body;
		fd = n > 0 ? h->uploads[n - 1] : -1;
	} else {
		a.status = status_of(op, a.status);
		if (str_eq(text_of(op, "machine"), "t16-2"))
			a.body = "{\"machines\":[{\"name\":\"t16-2\","
			         "\"health\":\"suspect\"}]}";
	}
	if (a.status >= 400)
		a.body = "";
	(void)snprintf(header, sizeof(header),
	    "{\"id\":%lld,\"status\":%d,\"type\":\"%s\"}", (long long)id,
	    a.status, a.type);
	frame_send(h, header, a.body, fd);
}

static void on_op(struct harness *h, const struct web_frame *frame)
{
	json_t *op = json_loadb(frame->header, frame->header_len, 0, NULL);

	(void)pthread_mutex_lock(&h->lock);
	if (str_eq(text_of(op, "op"), "hook")) {
		buf_reset(&h->hook);
		buf_add(&h->hook, frame->body, frame->body_len);
	}
	if (!str_eq(text_of(op, "project"), "silent"))
		op_answer(h, op);
	if (h->n_ops < OPS_MAX)
		h->ops[h->n_ops++] = json_incref(op);
	json_decref(op);
	(void)pthread_cond_broadcast(&h->came);
	(void)pthread_mutex_unlock(&h->lock);
}

static void *play_daemon(void *arg)
{
	struct harness *h = arg;
	scoped_val(buf_done) struct buf in = BUF_INIT(2 * WEB_FRAME_MAX);
	struct web_frame frame;
	struct err err = ERR_INIT;

	for (;;) {
		char *room = buf_room(&in, 65536);
		ssize_t n = read(h->link_fd, room, 65536);

		if (n <= 0)
			return NULL;
		buf_added(&in, (size_t)n);
		while (web_frame_get(&in, &frame, &err) == 1) {
			on_op(h, &frame);
			buf_drop(&in, frame.size);
		}
	}
}

/* ---- the database ------------------------------------------------------- */

static void on_wake(void *arg)
{
	(void)sem_post(arg);
}

static void on_health(void *arg, const struct err *err)
{
	(void)arg;
	(void)err;
}

static void on_durable(void *arg)
{
	*(bool *)arg = true;
}

void harness_commit(struct harness *h, struct db_tx *tx)
{
	bool done = false;
	struct timespec at;

	db_tx_post(tx, on_durable, &done);
	(void)clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += PATIENCE_MS / 1000;
	while (!done) {
		assert_int_equal(sem_timedwait(&h->durable, &at), 0);
		db_dispatch(h->db);
	}
}

static int64_t run_put(struct harness *h, struct db_tx *tx)
{
	static const char *const items[] = {"cpuid", "fpu"};
	static const char *const platforms[] = {"alder_lake", "any"};
	static const struct db_plan plan = {items, 2, platforms, 2, "j.*j"};
	struct db_new_run run = {.id = db_next_run_id(h->db),
	    .project = "",
	    .user = "tester",
	    .name = "first \"run\"",
	    .suite_text = "boot_items: []\n",
	    .suite_len = 15,
	    .suite_name = "project_config.yaml",
	    .plan = &plan,
	    .created_at_ms = 1000,
	    .state = RUN_OPEN,
	    .first_job = db_next_job_ids(h->db, 2),
	    .n_jobs = 2,
	    .kind = "test"};

	h->run = run.id;
	db_tx_run_new(tx, &run);
	return run.first_job;
}

int64_t harness_live(struct harness *h, struct db_tx *tx, int64_t run,
    int64_t job_id, int64_t machine)
{
	static const enum job_event_type life[] = {JOB_EV_LEASE, JOB_EV_PREPARE,
	    JOB_EV_RUN, JOB_EV_EXIT, JOB_EV_COLLECTED, JOB_EV_DONE};
	struct job job = {.id = job_id};
	int64_t attempt = db_next_attempt_id(h->db);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(life); i++) {
		struct job before = job;
		struct job_event ev = {.seq = job.seq + 1,
		    .at_ms = 2000 + (int64_t)i,
		    .type = life[i]};
		struct db_job_change change = {.run_id = run,
		    .before = &before,
		    .after = &job,
		    .event = &ev};

		if (ev.type == JOB_EV_LEASE) {
			ev.attempt_id = attempt;
			ev.machine_id = machine;
			change.fence = db_next_fence(h->db);
		}
		if (ev.type == JOB_EV_COLLECTED) {
			ev.verdict.outcome = OUTCOME_PASS;
			ev.text = "SOTEST END";
		}
		assert_int_equal(job_apply(&job, &ev, &err), 0);
		db_tx_job_event(tx, &change);
	}
	return attempt;
}

static void log_put(
    struct harness *h, int64_t attempt, const char *text, int64_t bytes)
{
	struct db_log *log;
	struct err err = ERR_INIT;
	size_t len = strlen(text);

	assert_int_equal(db_log_open(h->dir, attempt, &log, &err), 0);
	for (int64_t at = 0; at < bytes; at += (int64_t)len)
		assert_int_equal(db_log_append(log, text, len, at, &err), 0);
	assert_int_equal(db_log_close(log, &err), 0);
}

/* What was dropped reads '-'. */
static void gap_log_put(struct harness *h, int64_t attempt)
{
	scoped(free) char *block = xcalloc(1, (1 << 20) + 1);

	memset(block, '-', 1 << 20);
	log_put(h, attempt, block, GAP_LOG_BYTES);
}

void harness_store(struct harness *h, const char *text, uint8_t ret[HASH_BYTES])
{
	struct err err = ERR_INIT;
	char path[96];

	hash_sha256(text, strlen(text), ret);
	(void)snprintf(path, sizeof(path), "%s/incoming", h->dir);
	assert_int_equal(
	    fs_write_atomic(path, text, strlen(text), 0600, &err), 0);
	assert_int_equal(db_file_adopt(h->dir, path, ret, &err), 0);
}

static void database_make(struct harness *h)
{
	static const double values[] = {1.5, 2};
	struct db_case c = {"cpuid_string", CASE_PASS, "", 12};
	struct db_ops ops = {
	    .wake = on_wake, .health = on_health, .arg = &h->durable};
	uint8_t sha256[HASH_BYTES];
	struct err err = ERR_INIT;
	struct db_sample sample = {.metric = "cpuid.cycles",
	    .unit = "cycles",
	    .variant = "",
	    .guest = "",
	    .controller = "",
	    .values = values,
	    .n_values = 2};
	struct db_tx *tx;

	(void)sem_init(&h->durable, 0, 0);
	if (db_open(h->dir, &ops, &h->db, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(db_machine_id(h->db, "t16-1", "alder_lake",
	                     &sample.machine_id, &err),
	    0);
	tx = db_tx_new(h->db);
	h->job = run_put(h, tx);
	sample.attempt_id =
	    harness_live(h, tx, h->run, h->job, sample.machine_id);
	db_tx_cases(tx, h->job, sample.attempt_id, &c, 1);
	db_tx_sample(tx, &sample);
	log_put(h, sample.attempt_id, "0123456789abcdef", 16);
	h->gap_job = h->job + 1;
	gap_log_put(
	    h, harness_live(h, tx, h->run, h->gap_job, sample.machine_id));
	harness_commit(h, tx);
	harness_store(h, "stored file\n", sha256);
	hash_hex(sha256, sizeof(sha256), h->sha256);
}

/* ---- life --------------------------------------------------------------- */

static int listen_on_loopback(int *ret_port)
{
	struct sockaddr_in a = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void web_start(struct harness *h, enum harness_reads reads)
{
	struct web_options opts = {
	    .dir = h->dir, .loopback = reads == READS_OPEN};
	int fds[2];

	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	opts.listen_fd = listen_on_loopback(&h->port);
	opts.boot_listen_fd = listen_on_loopback(&h->boot_port);
	opts.link_fd = fds[1];
	h->link_fd = fds[0];
	(void)fflush(NULL);
	h->pid = fork();
	assert_true(h->pid >= 0);
	if (h->pid == 0) {
		(void)close(fds[0]); /* or the link would never end */
		log_level_set(LOG_WARN);
		exit(web_main(&opts));
	}
	(void)close(fds[1]);
	(void)close(opts.listen_fd);
	(void)close(opts.boot_listen_fd);
}

struct harness *harness_new(enum harness_reads reads)
{
	struct harness *h = xcalloc(1, sizeof(*h));

	(void)snprintf(h->dir, sizeof(h->dir), "/tmp/web_http.XXXXXX");
	assert_non_null(mkdtemp(h->dir));
	hash_init();
	h->hook.max = WEB_FRAME_MAX;
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_cond_init(&h->came, NULL);
	web_start(h, reads);
	database_make(h);
	assert_int_equal(pthread_create(&h->thread, NULL, play_daemon, h), 0);
	return h;
}

static void expect_clean_exit(pid_t pid)
{
	struct pollfd p = {.fd = pidfd_open(pid, 0), .events = POLLIN};
	int status = -1;

	/* Valgrind knows no pidfd_open(). */
	assert_true(p.fd < 0 || poll(&p, 1, PATIENCE_MS) == 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)close(p.fd);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

void harness_free(struct harness *h)
{
	struct err err = ERR_INIT;

	if (!h)
		return;
	(void)shutdown(h->link_fd, SHUT_RDWR);
	(void)pthread_join(h->thread, NULL);
	(void)close(h->link_fd);
	expect_clean_exit(h->pid);
	db_close(h->db);
	for (size_t i = 0; i < h->n_ops; i++)
		json_decref(h->ops[i]);
	for (int i = 0; i < h->n_uploads; i++)
		(void)close(h->uploads[i]);
	buf_done(&h->hook);
	assert_int_equal(fs_remove_tree(h->dir, &err), 0);
	free(h);
}

struct db *harness_db(struct harness *h)
{
	return h->db;
}

int harness_port(const struct harness *h)
{
	return h->port;
}

int harness_boot_port(const struct harness *h)
{
	return h->boot_port;
}

int64_t harness_run(const struct harness *h)
{
	return h->run;
}

int64_t harness_job(const struct harness *h)
{
	return h->job;
}

int64_t harness_gap_job(const struct harness *h)
{
	return h->gap_job;
}

const char *harness_sha256(const struct harness *h)
{
	return h->sha256;
}

static json_t *op_find(struct harness *h, const char *name, int *ret_count)
{
	json_t *last = NULL;

	*ret_count = 0;
	for (size_t i = 0; i < h->n_ops; i++) {
		if (!str_eq(text_of(h->ops[i], "op"), name))
			continue;
		last = h->ops[i];
		++*ret_count;
	}
	return last;
}

json_t *harness_op(struct harness *h, const char *op)
{
	json_t *found;
	int n;

	(void)pthread_mutex_lock(&h->lock);
	found = json_incref(op_find(h, op, &n));
	(void)pthread_mutex_unlock(&h->lock);
	return found;
}

int harness_count(struct harness *h, const char *op)
{
	int n;

	(void)pthread_mutex_lock(&h->lock);
	(void)op_find(h, op, &n);
	(void)pthread_mutex_unlock(&h->lock);
	return n;
}

void harness_wait_count(struct harness *h, const char *op, int n)
{
	struct timespec at;
	int have = 0;
	int r = 0;

	(void)clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += PATIENCE_MS / 1000;
	(void)pthread_mutex_lock(&h->lock);
	while ((void)op_find(h, op, &have), have < n && r == 0)
		r = pthread_cond_timedwait(&h->came, &h->lock, &at);
	(void)pthread_mutex_unlock(&h->lock);
	assert_true(have >= n);
}

struct buf harness_upload(struct harness *h, int64_t upload)
{
	struct buf b = BUF_INIT(64 << 20);
	ssize_t n;
	off_t at = 0;

	assert_true(upload >= 1 && upload <= h->n_uploads);
	do {
		char *room = buf_room(&b, 65536);

		n = pread(h->uploads[upload - 1], room, 65536, at);
		assert_true(n >= 0);
		buf_added(&b, (size_t)n);
		at += n;
	} while (n);
	return b;
}

struct buf harness_hook(struct harness *h)
{
	struct buf b = BUF_INIT(WEB_FRAME_MAX);

	(void)pthread_mutex_lock(&h->lock);
	buf_add(&b, h->hook.data, h->hook.len);
	(void)pthread_mutex_unlock(&h->lock);
	return b;
}

void harness_event(struct harness *h, const char *header)
{
	(void)pthread_mutex_lock(&h->lock);
	frame_send(h, header, "", -1);
	(void)pthread_mutex_unlock(&h->lock);
}
