/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event stream, the boot listener, and the end of the process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/str.h"
#include "tests/unit/web_harness.h"

#define RING 4096 /* EVENTS_RING of web/events.h */

static int setup(void **state)
{
	*state = harness_new(READS_OPEN);
	return 0;
}

static int teardown(void **state)
{
	harness_free(*state);
	return 0;
}

static void event(struct harness *h, const char *epoch, int seq, int run)
{
	char header[160];

	(void)snprintf(header, sizeof(header),
	    "{\"event\":\"job\",\"seq\":%d,\"epoch\":\"%s\",\"run\":%d}", seq,
	    epoch, run);
	harness_event(h, header);
}

static int stream(struct harness *h, const char *query, const char *last_id)
{
	scoped(free) char *id =
	    last_id ? xasprintf("Last-Event-ID: %s\r\n", last_id) : xstrdup("");
	scoped(free) char *head = xasprintf(
	    "GET /events%s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", query, id);
	int fd = client_connect(harness_port(h));

	client_send(fd, head, strlen(head));
	return fd;
}

static char *first_id(const struct buf *in)
{
	const char *id = strstr(buf_str(in), "id: ");

	assert_non_null(id);
	return xstrndup(id + 4, strcspn(id + 4, "\n"));
}

static void events_arrive_as_they_happen(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	int fd = stream(h, "", NULL);

	client_read_until(fd, &in, "id: w");
	assert_non_null(
	    strstr(buf_str(&in), "text/event-stream; charset=utf-8"));
	event(h, "e1", 5, 1);
	client_read_until(fd, &in,
	    "event: job\nid: e1-5\ndata: {\"event\":\"job\",\"seq\":5,"
	    "\"epoch\":\"e1\",\"run\":1}\n\n");
	event(h, "e1", 6, 1);
	client_read_until(fd, &in, "id: e1-6\n");
	(void)close(fd);
}

static void a_stream_of_one_run_has_no_other(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	int fd = stream(h, "?run=7", NULL);

	client_read_until(fd, &in, "id: w");
	event(h, "e1", 1, 6);
	event(h, "e1", 2, 7);
	client_read_until(fd, &in, "id: e1-2\n");
	assert_null(strstr(buf_str(&in), "id: e1-1\n"));
	(void)close(fd);
}

static void a_cut_stream_goes_on_where_it_was(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	scoped_val(buf_done) struct buf more = BUF_INIT(1 << 20);
	scoped_val(buf_done) struct buf again = BUF_INIT(1 << 20);
	scoped(free) char *id = NULL;
	int fd = stream(h, "", NULL);

	/* Cut before its first event: the id at the beginning serves. */
	client_read_until(fd, &in, "id: w");
	client_read_until(fd, &in, "\n\n");
	id = first_id(&in);
	(void)close(fd);
	event(h, "e1", 1, 1);
	event(h, "e1", 2, 1);
	fd = stream(h, "", id);
	client_read_until(fd, &more, "id: e1-2\n");
	assert_non_null(strstr(buf_str(&more), "event: job\nid: e1-1\n"));
	assert_null(strstr(buf_str(&more), "resync"));
	(void)close(fd);
	fd = stream(h, "", "e1-1");
	event(h, "e1", 3, 1);
	client_read_until(fd, &again, "id: e1-3\n");
	assert_non_null(strstr(buf_str(&again), "event: job\nid: e1-2\n"));
	assert_null(strstr(buf_str(&again), "event: job\nid: e1-1\n"));
	(void)close(fd);
}

static void expect_resync(struct harness *h, const char *last_id)
{
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	int fd = stream(h, "", last_id);

	client_read_until(fd, &in, "event: resync\n");
	(void)close(fd);
}

static void what_is_not_in_the_ring_is_a_resync(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	int fd = stream(h, "", NULL);

	client_read_until(fd, &in, "id: w");
	expect_resync(h, "e0-1");
	for (int i = 1; i <= RING + 1; i++)
		event(h, "e1", i, i == RING + 1 ? 7 : 1);
	client_read_until(fd, &in, "id: e1-4097\n");
	(void)close(fd);
	expect_resync(h, "e1-0");
	expect_resync(h, "e1-5000");
	expect_resync(h, "e0-4000");
	expect_resync(h, "nonsense");
	expect_resync(h, "");
	in.len = 0;
	fd = stream(h, "?run=7", "e1-1");
	client_read_until(fd, &in, "event: job\nid: e1-4097\n");
	assert_null(strstr(buf_str(&in), "resync"));
	(void)close(fd);
}

static void a_hole_in_the_numbers_is_a_resync(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	int fd = stream(h, "", NULL);

	client_read_until(fd, &in, "id: w");
	event(h, "e1", 1, 1);
	client_read_until(fd, &in, "id: e1-1\n");
	event(h, "e1", 3, 1);
	client_read_until(fd, &in, "event: resync\nid: e1-3\n");
	harness_event(h, "{\"event\":\"job\"}");
	client_read_until(fd, &in, "event: resync\ndata: {}\n");
	event(h, "e1", 5, 1);
	client_read_until(fd, &in, "event: job\nid: e1-5\n");
	(void)close(fd);
}

/* ---- the boot listener -------------------------------------------------- */

static struct reply boot_get(struct harness *h, const char *path)
{
	return http_get(harness_boot_port(h), path, "");
}

static void a_machine_gets_its_script_however_it_writes_its_mac(void **state)
{
	static const char *const paths[] = {("/boot/" GOOD_MAC),
	    "/boot/52%3A54%3A00%3Aab%3A00%3A01", "/boot/52:54:00:AB:00:01"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped_val(reply_done) struct reply r = boot_get(h, paths[i]);
		scoped(free) char *type = reply_header(&r, "Content-Type");

		assert_int_equal(r.status, 200);
		assert_string_equal(type, "text/plain");
		assert_string_equal(r.body, "#!ipxe\npoweroff\n");
	}
}

static void other_machines_and_paths_get_nothing(void **state)
{
	static const char *const paths[] = {"/boot/52:54:00:ab:00:02",
	    "/boot/x", "/", "/api/v1/runs", "/boot/../health"};
	struct harness *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		scoped_val(reply_done) struct reply r = boot_get(h, paths[i]);

		assert_int_equal(r.status, 404);
	}
	assert_int_equal(harness_count(h, "boot"), 1);
}

static void a_file_is_found_by_its_hash_alone(void **state)
{
	struct harness *h = *state;
	scoped(free) char *good =
	    xasprintf("/files/n1/%s/..%%2f..%%2fetc", harness_sha256(h));
	scoped(free) char *ended =
	    xasprintf("/files/n2/%s/x", harness_sha256(h));
	scoped_val(reply_done) struct reply file = boot_get(h, good);
	scoped_val(reply_done) struct reply over = boot_get(h, ended);
	scoped_val(reply_done) struct reply none = boot_get(h,
	    "/files/n1/00000000000000000000000000000000"
	    "00000000000000000000000000000000/x");
	scoped_val(reply_done) struct reply bad =
	    boot_get(h, "/files/n1/..%2f/x");

	assert_int_equal(file.status, 200);
	assert_string_equal(file.body, "stored file\n");
	assert_int_equal(over.status, 404);
	assert_int_equal(none.status, 404);
	assert_int_equal(bad.status, 404);
}

/* ---- the end ------------------------------------------------------------ */

static void the_process_ends_with_the_link_though_streams_are_open(void **state)
{
	struct harness *h = *state;
	scoped_val(buf_done) struct buf in = BUF_INIT(1 << 20);
	int fds[8];

	for (size_t i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = stream(h, "", NULL);
		buf_reset(&in);
		client_read_until(fds[i], &in, "id: ");
	}
	/* It asserts that the process exits, and with 0. */
	harness_free(h);
	*state = NULL;
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		(void)close(fds[i]);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(events_arrive_as_they_happen),
	    TEST(a_stream_of_one_run_has_no_other),
	    TEST(a_cut_stream_goes_on_where_it_was),
	    TEST(what_is_not_in_the_ring_is_a_resync),
	    TEST(a_hole_in_the_numbers_is_a_resync),
	    TEST(a_machine_gets_its_script_however_it_writes_its_mac),
	    TEST(other_machines_and_paths_get_nothing),
	    TEST(a_file_is_found_by_its_hash_alone),
	    TEST(the_process_ends_with_the_link_though_streams_are_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
