/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Children. Waiting is for an event; GIVE_UP_MS ends what hangs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include "base/buf.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	GIVE_UP_MS = 20000,
	OUT_MAX = 1 << 20
};

/* What happened, in order, as one text. */
struct fixture {
	struct loop *loop;
	struct loop_timer *give_up;
	struct buf seen;
	struct child *child;
	bool abandons; /* the child, in its callback */
	int n_ends;
	int r;
	struct err err;
	struct buf out;
};

static void on_give_up(void *arg)
{
	loop_stop(arg);
}

static int setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	f->seen.max = f->out.max = OUT_MAX;
	f->loop = loop_new();
	f->give_up = loop_timer_new(f->loop, on_give_up, f->loop);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	loop_free(f->loop);
	buf_done(&f->seen);
	buf_done(&f->out);
	free(f);
	return 0;
}

/* Runs until something stops the loop. */
static void run(struct fixture *f)
{
	loop_timer_at(f->give_up, clock_mono_ms() + GIVE_UP_MS);
	loop_run(f->loop);
	loop_timer_stop(f->give_up);
}

static void on_end(
    void *arg, int r, const char *out, size_t len, const struct err *err)
{
	struct fixture *f = arg;

	if (f->abandons)
		child_abandon(f->child);
	f->n_ends++;
	f->r = r;
	f->err = *err;
	buf_reset(&f->out);
	buf_add(&f->out, out, len);
	f->child = NULL;
	loop_stop(f->loop);
}

static struct child_options options(struct fixture *f, const char *const *argv)
{
	struct child_options opts = {
	    .argv = argv,
	    .output_max = OUT_MAX,
	    .on_end = on_end,
	    .arg = f,
	};

	return opts;
}

static void start(struct fixture *f, const struct child_options *opts)
{
	struct err err = ERR_INIT;

	f->n_ends = 0;
	if (child_start(f->loop, opts, &f->child, &err) < 0)
		fail_msg("%s", err.msg);
}

static void complete(struct fixture *f, const struct child_options *opts)
{
	start(f, opts);
	run(f);
	assert_int_equal(f->n_ends, 1);
}

/* Runs a shell script to its end. */
static void shell(struct fixture *f, const char *script)
{
	const char *const argv[] = {"sh", "-c", script, NULL};
	struct child_options opts = options(f, argv);

	start(f, &opts);
	child_eof(f->child);
	run(f);
	assert_int_equal(f->n_ends, 1);
}

static void good_end_brings_the_output(void **state)
{
	struct fixture *f = *state;

	shell(f, "echo hello; echo noise >&2; printf 'a\\000b'");
	assert_int_equal(f->r, 0);
	assert_int_equal(f->err.kind, 0);
	assert_int_equal(f->out.len, 9);
	assert_memory_equal(buf_str(&f->out), "hello\na\0b", 9);
}

static void exit_code_and_last_words_are_told(void **state)
{
	struct fixture *f = *state;

	shell(f, "echo first >&2; echo 'no  disk' >&2; echo >&2; exit 3");
	assert_int_equal(f->r, -ERR_IO);
	assert_int_equal(f->err.code, 3);
	assert_string_equal(f->err.msg, "sh: exit code 3: no  disk");
	shell(f, "exit 7");
	assert_string_equal(f->err.msg, "sh: exit code 7");
	shell(
	    f, "head -c 5000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 1");
	assert_true(str_starts(f->err.msg, "sh: exit code 1: xxx"));
	assert_true(str_ends(f->err.msg, "xxxend"));
}

static void signal_is_told_as_128_and_its_number(void **state)
{
	struct fixture *f = *state;

	shell(f, "kill -TERM $$");
	assert_int_equal(f->r, -ERR_IO);
	assert_int_equal(f->err.code, 128 + SIGTERM);
	assert_string_equal(f->err.msg, "sh: ended by signal 15 (Terminated)");
}

static void script_may_open_dev_stderr(void **state)
{
	struct fixture *f = *state;

	shell(f, "echo words > /dev/stderr; echo out > /dev/stdout; exit 2");
	assert_string_equal(f->err.msg, "sh: exit code 2: words");
	assert_string_equal(buf_str(&f->out), "out\n");
}

static void missing_command_is_not_found(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"no-such-command-at-all", NULL};
	struct child_options opts = options(f, argv);
	struct child *child = NULL;
	struct err err = ERR_INIT;

	assert_int_equal(
	    child_start(f->loop, &opts, &child, &err), -ERR_NOTFOUND);
	assert_int_equal(err.code, ENOENT);
	assert_string_equal(
	    err.msg, "start no-such-command-at-all: No such file or directory");
	assert_null(child);
	loop_run(f->loop);
	assert_int_equal(f->n_ends, 0);
}

static void output_of_exactly_the_ceiling_is_good(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"printf", "12345678", NULL};
	struct child_options opts = options(f, argv);

	opts.output_max = 8;
	complete(f, &opts);
	assert_int_equal(f->r, 0);
	assert_string_equal(buf_str(&f->out), "12345678");
	opts.output_max = 7;
	complete(f, &opts);
	assert_int_equal(f->r, -ERR_LIMIT);
}

static void endless_output_is_killed_at_the_ceiling(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"yes", NULL};
	struct child_options opts = options(f, argv);

	complete(f, &opts);
	assert_int_equal(f->r, -ERR_LIMIT);
	assert_true(f->out.len <= OUT_MAX);
	assert_string_equal(f->err.msg, "yes: output over its ceiling, killed");
}

static void unwanted_output_is_thrown_away(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"head", "-c", "300000", "/dev/zero", NULL};
	struct child_options opts = options(f, argv);

	opts.output_max = 0;
	complete(f, &opts);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->out.len, 0);
}

static void deadline_kills(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {
	    "sh", "-c", "echo soon; exec sleep 1000", NULL};
	struct child_options opts = options(f, argv);

	opts.deadline_ms = clock_mono_ms() + 200;
	complete(f, &opts);
	assert_int_equal(f->r, -ERR_TIMEOUT);
	assert_int_equal(f->err.code, 128 + SIGKILL);
	assert_string_equal(f->err.msg, "sh: not done at its deadline, killed");
	assert_string_equal(buf_str(&f->out), "soon\n");
}

static void grandchild_that_holds_the_pipe_delays_a_second(void **state)
{
	struct fixture *f = *state;
	int64_t start_ms = clock_mono_ms();
	pid_t pid;

	shell(f, "sleep 1000 & echo $!");
	assert_int_equal(f->r, 0);
	assert_true(clock_mono_ms() >= start_ms + 1000);
	/* It was not ours to kill, and it is alive. */
	pid = (pid_t)strtol(buf_str(&f->out), NULL, 10);
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void kill_reaches_the_whole_group(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {
	    "sh", "-c", "sleep 1000 & sleep 1000 & wait", NULL};
	struct child_options opts = options(f, argv);
	struct pollfd held = {.events = POLLIN};
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	opts.own_group = true;
	opts.deadline_ms = clock_mono_ms() + 300;
	opts.fds = &fds[1];
	opts.n_fds = 1;
	start(f, &opts);
	fd_done(&fds[1]);
	run(f);
	assert_int_equal(f->r, -ERR_TIMEOUT);
	/* Descriptor 3 comes to its end when both sleepers are gone. */
	held.fd = fds[0];
	assert_int_equal(poll(&held, 1, GIVE_UP_MS), 1);
	assert_true(held.revents & POLLHUP);
	fd_done(&fds[0]);
}

static void on_line(void *arg, char *line, size_t len)
{
	struct fixture *f = arg;

	assert_int_equal(strlen(line), len);
	buf_printf(&f->seen, "[%s]", line);
	if (f->abandons) {
		child_abandon(f->child);
		loop_stop(f->loop);
	}
}

static void lines_come_one_by_one(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {
	    "printf", "one\\n\\ntwo words\\nlast", NULL};
	struct child_options opts = options(f, argv);

	opts.on_line = on_line;
	complete(f, &opts);
	assert_int_equal(f->r, 0);
	assert_int_equal(f->out.len, 0);
	assert_string_equal(buf_str(&f->seen), "[one][][two words][last]");
}

static void line_over_the_ceiling_kills(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"sh", "-c",
	    "echo ok; head -c 30000 /dev/zero | tr '\\0' x; exec sleep 1000",
	    NULL};
	struct child_options opts = options(f, argv);

	opts.on_line = on_line;
	opts.output_max = 20000;
	complete(f, &opts);
	assert_int_equal(f->r, -ERR_LIMIT);
	/* Not the start of the long line either. */
	assert_string_equal(buf_str(&f->seen), "[ok]");
	assert_string_equal(f->err.msg, "sh: a line over its ceiling, killed");
}

static void line_of_exactly_the_ceiling_is_good(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"printf", "12345678\\n12345678", NULL};
	struct child_options opts = options(f, argv);

	opts.on_line = on_line;
	opts.output_max = 8;
	complete(f, &opts);
	assert_int_equal(f->r, 0);
	assert_string_equal(buf_str(&f->seen), "[12345678][12345678]");
}

static void on_answer(void *arg, char *line, size_t len)
{
	struct fixture *f = arg;

	on_line(arg, line, len);
	if (str_eq(line, "ping 1"))
		child_write(f->child, "ping 2\n", 7);
	else
		child_eof(f->child);
}

static void helper_answers_line_by_line_until_eof(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"cat", NULL};
	struct child_options opts = options(f, argv);

	opts.on_line = on_answer;
	start(f, &opts);
	child_write(f->child, "ping 1\n", 7);
	run(f);
	assert_int_equal(f->r, 0);
	assert_string_equal(buf_str(&f->seen), "[ping 1][ping 2]");
}

static void all_that_was_queued_is_written_before_eof(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"wc", "-c", NULL};
	struct child_options opts = options(f, argv);
	scoped(free) char *block = xcalloc(1, 100000);

	start(f, &opts);
	for (int i = 0; i < 10; i++)
		child_write(f->child, block, 100000);
	child_eof(f->child);
	child_write(f->child, "ignored", 7);
	run(f);
	assert_string_equal(buf_str(&f->out), "1000000\n");
}

static void child_that_closes_its_stdin_kills_nobody(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {
	    "sh", "-c", "exec <&-; echo closed; exec 1>&-; exit 4", NULL};
	struct child_options opts = options(f, argv);
	scoped(free) char *block = xcalloc(1, 500000);

	start(f, &opts);
	child_write(f->child, block, 500000);
	run(f);
	assert_int_equal(f->err.code, 4);
}

static void named_descriptors_are_3_4_in_the_child(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"sh", "-c", "cat <&3; echo two >&4", NULL};
	struct child_options opts = options(f, argv);
	char text[16] = "";
	int in[2];
	int out[2];
	int fds[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(write(in[1], "one\n", 4), 4);
	fds[0] = in[0];
	fds[1] = out[1];
	opts.fds = fds;
	opts.n_fds = 2;
	start(f, &opts);
	/* The child's cat ends when no writer is left: not even in the child.
	 */
	(void)close(in[1]);
	run(f);
	assert_int_equal(f->r, 0);
	assert_string_equal(buf_str(&f->out), "one\n");
	assert_int_equal(read(out[0], text, sizeof(text) - 1), 4);
	assert_string_equal(text, "two\n");
	fd_done(&in[0]);
	fd_done(&out[0]);
	fd_done(&out[1]);
}

static void child_gets_no_other_descriptor(void **state)
{
	struct fixture *f = *state;
	/* Not close-on-exec, as what a careless parent left us. */
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	shell(f, "cd /proc/self/fd && echo [3-9] [1-9][0-9]*");
	/* The shell's own glob has /proc/self/fd itself open, as 3. */
	assert_true(str_eq(buf_str(&f->out), "3 [1-9][0-9]*\n") ||
	    str_eq(buf_str(&f->out), "[3-9] [1-9][0-9]*\n"));
	fd_done(&fds[0]);
	fd_done(&fds[1]);
}

static void folder_and_environment_are_as_given(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"sh", "-c", "pwd; echo $A-$HOME", NULL};
	const char *const env[] = {"A=b", "PATH=/usr/bin:/bin", NULL};
	struct child_options opts = options(f, argv);
	struct child *child = NULL;
	struct err err = ERR_INIT;

	opts.env = env;
	opts.cwd = "/usr";
	complete(f, &opts);
	assert_string_equal(buf_str(&f->out), "/usr\nb-\n");
	opts.cwd = "/no/such/folder";
	assert_int_equal(
	    child_start(f->loop, &opts, &child, &err), -ERR_NOTFOUND);
	assert_non_null(strstr(err.msg, "start sh in /no/such/folder: "));
}

static void killed_child_ends_with_its_signal(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"sleep", "1000", NULL};
	struct child_options opts = options(f, argv);

	start(f, &opts);
	child_kill(f->child, SIGINT);
	run(f);
	assert_int_equal(f->err.code, 128 + SIGINT);
}

static void abandoned_child_is_reaped_in_silence(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"sleep", "1000", NULL};
	struct child_options opts = options(f, argv);
	int64_t deadline_ms = clock_mono_ms() + GIVE_UP_MS;
	int pid;

	start(f, &opts);
	pid = child_pid(f->child);
	assert_int_equal(kill(pid, 0), 0);
	child_abandon(f->child);
	/* A loop with nothing else to do would not wait for its end. */
	loop_timer_at(f->give_up, deadline_ms);
	/* A zombie could still be signalled. */
	while (kill(pid, 0) == 0 && clock_mono_ms() < deadline_ms)
		(void)uv_run(loop_uv(f->loop), UV_RUN_NOWAIT);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(f->n_ends, 0);
	child_abandon(NULL);
}

static void child_may_be_abandoned_in_its_own_line(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"printf", "a\\nb\\nc\\n", NULL};
	struct child_options opts = options(f, argv);

	opts.on_line = on_line;
	f->abandons = true;
	start(f, &opts);
	run(f);
	loop_run(f->loop);
	assert_string_equal(buf_str(&f->seen), "[a]");
	assert_int_equal(f->n_ends, 0);
}

static void child_may_be_abandoned_in_its_own_end(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"true", NULL};
	struct child_options opts = options(f, argv);

	f->abandons = true;
	complete(f, &opts);
	assert_int_equal(f->n_ends, 1);
}

/* The sanitizers would tell of what is not freed. */
static void loop_free_kills_the_children_that_are_left(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"sleep", "1000", NULL};
	struct child_options opts = options(f, argv);
	struct loop *own = f->loop;
	int pid;

	f->loop = loop_new();
	start(f, &opts);
	pid = child_pid(f->child);
	child_write(f->child, "x", 1);
	loop_free(f->loop);
	f->loop = own;
	assert_int_equal(f->n_ends, 0);
	/* Blocks until it has died; nobody else waits for it any more. */
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void hundred_children_end_each_once(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"true", NULL};
	struct child_options opts = options(f, argv);

	for (int i = 0; i < 100; i++)
		start(f, &opts);
	f->n_ends = 0;
	for (int i = 0; i < 100 && f->n_ends < 100; i++)
		run(f);
	loop_run(f->loop);
	assert_int_equal(f->n_ends, 100);
}

#define on_loop(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    on_loop(good_end_brings_the_output),
	    on_loop(exit_code_and_last_words_are_told),
	    on_loop(signal_is_told_as_128_and_its_number),
	    on_loop(script_may_open_dev_stderr),
	    on_loop(missing_command_is_not_found),
	    on_loop(output_of_exactly_the_ceiling_is_good),
	    on_loop(endless_output_is_killed_at_the_ceiling),
	    on_loop(unwanted_output_is_thrown_away),
	    on_loop(deadline_kills),
	    on_loop(grandchild_that_holds_the_pipe_delays_a_second),
	    on_loop(kill_reaches_the_whole_group),
	    on_loop(lines_come_one_by_one),
	    on_loop(line_over_the_ceiling_kills),
	    on_loop(line_of_exactly_the_ceiling_is_good),
	    on_loop(helper_answers_line_by_line_until_eof),
	    on_loop(all_that_was_queued_is_written_before_eof),
	    on_loop(child_that_closes_its_stdin_kills_nobody),
	    on_loop(named_descriptors_are_3_4_in_the_child),
	    on_loop(child_gets_no_other_descriptor),
	    on_loop(folder_and_environment_are_as_given),
	    on_loop(killed_child_ends_with_its_signal),
	    on_loop(abandoned_child_is_reaped_in_silence),
	    on_loop(child_may_be_abandoned_in_its_own_line),
	    on_loop(child_may_be_abandoned_in_its_own_end),
	    on_loop(loop_free_kills_the_children_that_are_left),
	    on_loop(hundred_children_end_each_once),
	};

	return cmocka_run_group_tests_name("base_child", tests, NULL, NULL);
}
