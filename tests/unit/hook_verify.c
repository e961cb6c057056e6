/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Webhooks: who may push, what is a push, and what is one again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/str.h"
#include "orchestrator/weblink.h"
#include "tests/unit/weblink_heard.h"

#define SECRET "It's a Secret to Everybody"
#define COMMIT "0123456789abcdef0123456789abcdef01234567"

/* ---- a daemon without a web process -------------------------------------- */

struct world {
	struct daemon d;
	struct daemon_options opts;
	char *dir;
	char *lab;
	int wake_fd;
};

static void wake(void *arg)
{
	const struct world *w = arg;

	assert_int_equal(eventfd_write(w->wake_fd, 1), 0);
}

static void health(void *arg, const struct err *err)
{
	(void)arg;
	fail_msg("%s", err ? err->msg : "healthy again");
}

static const char lab_text[] =
    "projects:\n"
    "  - name: p\n"
    "    repository: /nowhere/p.git\n"
    "    secret_file: p.secret\n"
    "    branches:\n"
    "      main: { suite: ci/suite.yaml, priority: 3 }\n"
    "      'wip/*': { suite: ci/quick.yaml }\n"
    "    files: { build: { command: make } }\n"
    "  - { name: silent }\n";

static int write_file(
    const struct world *w, const char *name, const char *text, int mode)
{
	scoped(free) char *path = xasprintf("%s/%s", w->dir, name);

	return fs_write_atomic(path, text, strlen(text), mode, NULL);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct db_ops ops = {.wake = wake, .health = health, .arg = w};
	char template[] = "/tmp/ib-hook-XXXXXX";
	struct err err = ERR_INIT;

	hash_init();
	w->dir = xstrdup(mkdtemp(template));
	w->lab = xasprintf("%s/lab.yaml", w->dir);
	w->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->opts.dir = w->dir;
	w->d.opts = &w->opts;
	/* Nothing is checked out: that is another program. */
	w->d.draining = true;
	w->d.loop = loop_new();
	assert_int_equal(write_file(w, "p.secret", SECRET "\n", 0600), 0);
	assert_int_equal(write_file(w, "lab.yaml", lab_text, 0600), 0);
	if (lab_load(w->lab,
	        &(struct power_shared){.loop = w->d.loop, .dir = "."},
	        &w->d.lab, &err) < 0 ||
	    db_open(w->dir, &ops, &w->d.db, &err) < 0)
		fail_msg("%s", err.msg);
	heard.answers = heard.status = 0;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	runs_free(&w->d);
	db_close(w->d.db);
	lab_unref(w->d.lab);
	loop_free(w->d.loop);
	fd_done(&w->wake_fd);
	assert_int_equal(fs_remove_tree(w->dir, NULL), 0);
	free(w->lab);
	free(w->dir);
	free(w);
	return 0;
}

static void wait_durable(struct world *w)
{
	struct pollfd p = {w->wake_fd, POLLIN, 0};
	eventfd_t n;

	while (db_pending(w->d.db)) {
		(void)poll(&p, 1, 100);
		(void)eventfd_read(w->wake_fd, &n); /* may be 0 already */
		db_dispatch(w->d.db);
	}
	db_dispatch(w->d.db);
}

static char *sign(const char *secret, const char *body)
{
	uint8_t mac[HASH_BYTES];
	char hex[HASH_HEX + 1];

	hash_hmac(secret, strlen(secret), body, strlen(body), mac);
	return xasprintf("sha256=%s", hash_hex(mac, sizeof(mac), hex));
}

struct hook {
	const char *project; /* NULL: p */
	const char *event;   /* NULL: push */
	const char *guid;
	const char *type;
	const char *secret; /* NULL: the right one */
};

static void ask(struct world *w, struct hook h, const char *body)
{
	scoped(free) char *signature = sign(h.secret ? h.secret : SECRET, body);
	json_t *header = json_pack("{s:s s:s s:s s:s s:s}", "project",
	    h.project ? h.project : "p", "event", h.event ? h.event : "push",
	    "delivery", h.guid ? h.guid : "", "signature", signature,
	    "content_type", h.type ? h.type : "application/json");

	hook_request(
	    (struct asker){.d = &w->d, .body = body, .body_len = strlen(body)},
	    header);
	json_decref(header);
	wait_durable(w);
}

#define PUSH(ref, after)                                \
	"{\"ref\":\"" ref "\",\"after\":\"" after "\"," \
	"\"pusher\":{\"name\":\"ann\"}}"

/* ---- tests --------------------------------------------------------------- */

static void published_signature_is_verified(void **state)
{
	static const char body[] = "Hello, World!";
	static const char good[] =
	    "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b"
	    "043e17";
	scoped(free) char *bad = xstrdup(good);

	(void)state;
	assert_true(hook_verify(SECRET, body, strlen(body), good));
	assert_false(hook_verify(SECRET, body, strlen(body) - 1, good));
	assert_false(hook_verify("another", body, strlen(body), good));
	assert_false(hook_verify(NULL, body, strlen(body), good));
	assert_false(hook_verify(SECRET, body, strlen(body), good + 7));
	assert_false(hook_verify(SECRET, body, strlen(body), ""));
	assert_false(hook_verify(SECRET, body, strlen(body), "sha256="));
	bad[strlen(bad) - 1] = '6';
	assert_false(hook_verify(SECRET, body, strlen(body), bad));
}

static void unknown_project_and_wrong_signature_answer_alike(void **state)
{
	static const char body[] = PUSH("refs/heads/main", COMMIT);
	struct world *w = *state;
	char first[sizeof(heard.text)];

	ask(w, (struct hook){.secret = "wrong"}, body);
	assert_int_equal(heard.status, 401);
	memcpy(first, heard.text, sizeof(first));
	ask(w, (struct hook){.project = "q"}, body);
	assert_int_equal(heard.status, 401);
	assert_string_equal(heard.text, first);
	ask(w, (struct hook){.project = "silent"}, body);
	assert_int_equal(heard.status, 401);
	assert_string_equal(heard.text, first);
	/* What stands in for a missing secret opens nothing. */
	ask(w,
	    (struct hook){
	        .project = "q", .secret = "no project has this secret"},
	    body);
	assert_int_equal(heard.status, 401);
	assert_int_equal(heard.answers, 4);
}

static void a_push_becomes_a_run_before_it_is_answered(void **state)
{
	struct world *w = *state;
	const struct run *run;

	ask(w, (struct hook){.guid = "g1"}, PUSH("refs/heads/main", COMMIT));
	assert_int_equal(heard.status, 202);
	assert_string_equal(heard.text, "{\"run\":1}");
	run = map_find(&w->d.runs, 1);
	assert_non_null(run);
	assert_string_equal(run->name, "p main");
	assert_string_equal(run->user, "ann");
	assert_string_equal(run->commit, COMMIT);
	assert_int_equal(run->priority, 3);
	assert_int_equal(run->project_id, 1);
	ask(w, (struct hook){.guid = "g2"}, PUSH("refs/heads/wip/x", COMMIT));
	assert_string_equal(heard.text, "{\"run\":2}");
	run = map_find(&w->d.runs, 2);
	assert_int_equal(run->priority, 0);
	assert_int_equal(run->project_id, 1);
}

static void a_replay_is_answered_with_the_same_run(void **state)
{
	static const char body[] = PUSH("refs/heads/main", COMMIT);
	static const char again[] = "{\"run\":1,\"replay\":true}";
	struct world *w = *state;

	ask(w, (struct hook){.guid = "g1"}, body);
	assert_int_equal(heard.status, 202);
	ask(w, (struct hook){.guid = "g1"}, body);
	assert_int_equal(heard.status, 200);
	assert_string_equal(heard.text, again);
	ask(w, (struct hook){.guid = "g2"}, body);
	assert_string_equal(heard.text, again);
	/* The memory has forgotten it, the database has not. */
	run_forget(&w->d, map_find(&w->d.runs, 1));
	ask(w, (struct hook){.guid = "g1"}, body);
	assert_string_equal(heard.text, again);
	ask(w, (struct hook){.guid = "g3"}, body);
	assert_string_equal(heard.text, again);
	ask(w, (struct hook){.guid = "g3"},
	    PUSH(
	        "refs/heads/main", "1123456789abcdef0123456789abcdef01234567"));
	assert_string_equal(heard.text, "{\"run\":2}");
}

static void what_starts_no_run_says_why(void **state)
{
	struct world *w = *state;

	ask(w, (struct hook){.event = "ping"}, "{}");
	assert_int_equal(heard.status, 200);
	assert_non_null(strstr(heard.text, "ping"));
	ask(w, (struct hook){0},
	    PUSH(
	        "refs/heads/main", "0000000000000000000000000000000000000000"));
	assert_int_equal(heard.status, 200);
	assert_non_null(strstr(heard.text, "deleted"));
	ask(w, (struct hook){0}, PUSH("refs/tags/v1", COMMIT));
	assert_int_equal(heard.status, 200);
	assert_non_null(strstr(heard.text, "no branch"));
	ask(w, (struct hook){0}, PUSH("refs/heads/other", COMMIT));
	assert_int_equal(heard.status, 200);
	assert_non_null(strstr(heard.text, "\"ignored\""));
	assert_int_equal(w->d.runs.len, 0);
}

static void a_form_is_taken_like_json(void **state)
{
	static const char body[] =
	    "x=1&payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%2C+%22after"
	    "%22%3a%22" COMMIT "%22%7D";
	struct hook form = {.type = "application/x-www-form-urlencoded"};
	struct world *w = *state;

	ask(w, form, body);
	assert_int_equal(heard.status, 202);
	ask(w, form, "x=1");
	assert_int_equal(heard.status, 400);
	ask(w, form, "payload=%7");
	assert_int_equal(heard.status, 400);
	ask(w, form, "payload=%7B%2");
	assert_int_equal(heard.status, 400);
	ask(w, form, "");
	assert_int_equal(heard.status, 400);
}

static void nonsense_is_refused(void **state)
{
	static const char *const bodies[] = {"", "[]", "{", "{}",
	    PUSH("refs/heads/main", "main"), PUSH("main", COMMIT),
	    PUSH("refs/heads/a..b", COMMIT), PUSH("refs/heads/a b", COMMIT),
	    PUSH("refs/heads/a:b", COMMIT), PUSH("refs/heads/*", COMMIT),
	    PUSH("refs/heads/", COMMIT), PUSH("refs/heads/../x", COMMIT),
	    "{\"ref\":1,\"after\":[]}"};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		ask(w, (struct hook){0}, bodies[i]);
		if (heard.status != 400)
			fail_msg(
			    "%s: %d %s", bodies[i], heard.status, heard.text);
	}
	assert_int_equal(w->d.runs.len, 0);
}

/* ---- the section of the lab file ----------------------------------------- */

static void bad_lab(struct world *w, const char *text, const char *what)
{
	struct lab *lab = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(write_file(w, "lab.yaml", text, 0600), 0);
	assert_int_equal(
	    lab_load(w->lab,
	        &(struct power_shared){.loop = w->d.loop, .dir = "."}, &lab,
	        &err),
	    -ERR_INVAL);
	if (!str_starts(err.msg, w->dir) || !strstr(err.msg, what))
		fail_msg("'%s' is not about %s", err.msg, what);
}

#define P "projects:\n  - { name: p, "
#define GOOD P "repository: r, secret_file: p.secret, "

static void a_bad_project_is_refused_with_its_place(void **state)
{
	struct world *w = *state;

	bad_lab(w, P "repository: 'ext::sh -c x' }\n", ":2:16: repository");
	bad_lab(w, P "repository: --upload-pack=x }\n", "repository");
	bad_lab(w, P "secret_file: nowhere }\n", ":2:16: secret_file");
	bad_lab(w, P "branches: { main: { suite: s } } }\n", "secret_file");
	bad_lab(w, GOOD "branches: { main: {} } }\n", "suite");
	bad_lab(w, GOOD "branches: { main: { suite: ../s } } }\n", "suite");
	bad_lab(w, GOOD "branches: { main: { suite: s, priority: x } } }\n",
	    "priority");
	bad_lab(w, GOOD "files: { build: {} } }\n", "command");
	bad_lab(
	    w, GOOD "files: { build: { command: x, on: moon } } }\n", "daemon");
	bad_lab(w, GOOD "files: {} }\n", "one of build and repository");
	assert_int_equal(write_file(w, "p.secret", SECRET, 0640), 0);
	bad_lab(w, GOOD "files: { repository: {} } }\n", "0600");
	assert_int_equal(write_file(w, "p.secret", "\n", 0600), 0);
	bad_lab(w, GOOD "files: { repository: {} } }\n", "empty");
}

static void the_first_pattern_that_fits_decides(void **state)
{
	struct world *w = *state;
	const struct lab_project *p = project_find(w->d.lab, "p");

	assert_string_equal(p->repository, "/nowhere/p.git");
	assert_string_equal(p->build, "make");
	assert_string_equal(project_branch(p, "main")->suite, "ci/suite.yaml");
	assert_string_equal(
	    project_branch(p, "wip/a/b")->suite, "ci/quick.yaml");
	assert_null(project_branch(p, "mainline"));
	assert_null(project_find(w->d.lab, "q"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(published_signature_is_verified),
	    TEST(unknown_project_and_wrong_signature_answer_alike),
	    TEST(a_push_becomes_a_run_before_it_is_answered),
	    TEST(a_replay_is_answered_with_the_same_run),
	    TEST(what_starts_no_run_says_why),
	    TEST(a_form_is_taken_like_json),
	    TEST(nonsense_is_refused),
	    TEST(a_bad_project_is_refused_with_its_place),
	    TEST(the_first_pattern_that_fits_decides),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
