/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A small server with canned answers, by doc/api.md, for tests of the ironbench
 * command. It prints its port, writes down what it is asked into the file that
 * its argument names, and ends with SIGTERM, or after five minutes. Files of
 * the folder that a second argument names go before what it would say itself.
 *
 * Runs: 60616 has ended and failed. The others take a step with each event of
 * their stream: 60617 succeeds, 60618 fails, 60619 is disabled, 60620 has an
 * error of the lab, 60621 never ends, 60622 is cancelled half way, 60623
 * succeeds though its stream is cut after each event.
 * Jobs: 412 passed, 413 failed, 414's log grows, 415 was tried twice.
 * Tokens: "good" may do anything, "reader" may read; reads need none.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <jansson.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/cli_fake_api.h"

#define EVENT_MS 350
#define LAST_STEP 4
#define FIRST_RUN 60616
#define RUNS 8

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static FILE *record;
static const char *folder;
static int steps[RUNS];
static int log_lines;

static void note(const char *fmt, const char *a, const char *b, size_t n)
{
	(void)pthread_mutex_lock(&lock);
	(void)fprintf(record, fmt, a, b, n);
	(void)fflush(record);
	(void)pthread_mutex_unlock(&lock);
}

/* ---- documents ------------------------------------------------------------*/

static json_t *cell(int job, const char *sign, const char *state,
    const char *outcome, const char *layer)
{
	return json_pack("{s:s s:i s:s s:s s:s s:b s:b s:i s:i}", "sign", sign,
	    "job", job, "state", state, "outcome", outcome, "layer", layer,
	    "expected", strcmp(sign, "✗(e)") == 0, "skips",
	    strcmp(sign, "✓(s)") == 0, "attempts", 1, "took_ms",
	    strcmp(state, "done") ? 0 : 5300);
}

static json_t *second_cell(int run)
{
	if (steps[run - FIRST_RUN] < LAST_STEP)
		return cell(419, "…", "queued", "none", "none");
	switch (run) {
	case 60618:
		return cell(413, "✗", "done", "fail", "none");
	case 60619:
	case 60622:
		return cell(419, "-", "done",
		    run == 60619 ? "disabled" : "cancelled", "none");
	case 60620:
		return cell(415, "!console", "done", "error", "console");
	default:
		return cell(419, "✓(s)", "done", "pass", "none");
	}
}

static json_t *first_cell(int run)
{
	static const char *const states[] = {"queued", "prepare", "run"};
	int step = steps[run - FIRST_RUN];

	if (step < 3)
		return cell(418, "…", states[step], "none", "none");
	if (run == 60619)
		return cell(418, "-", "done", "disabled", "none");
	return cell(418, "✓", "done", "pass", "none");
}

static json_t *matrix_of(int run)
{
	if (run != 60616)
		return json_pack("{s:i s:[s s] s:[s] s:[[o] [o]]}", "run", run,
		    "items", "guest-hello", "guest-fpu", "platforms",
		    "alder_lake_t16", "rows", first_cell(run),
		    second_cell(run));
	return json_pack(
	    "{s:i s:[s s s] s:[s s s] s:[[o o o] [o o o] [o o o]]}", "run", run,
	    "items", "app-boot_state", "guest-mini-native-cpuid",
	    "guest-mini-native-fpu", "platforms", "alder_lake_t16",
	    "kaby_lake_t480s", "any", "rows", json_pack("{s:s}", "sign", "*"),
	    json_pack("{s:s}", "sign", "*"),
	    cell(411, "✓", "done", "pass", "none"),
	    cell(412, "✓(s)", "done", "pass", "none"),
	    cell(413, "✗", "done", "fail", "none"), json_null(),
	    cell(414, "…", "run", "none", "none"),
	    cell(415, "!console", "done", "error", "console"), json_null());
}

static const char *status_of(int run)
{
	switch (run) {
	case 60616:
	case 60618:
	case 60620:
		return "fail";
	case 60619:
		return "disabled";
	default:
		return "success";
	}
}

static json_t *counts_of(int run)
{
	int step = steps[run - FIRST_RUN];
	bool off = run == 60619;
	int first = step >= 3;
	int second = step >= LAST_STEP;

	if (run == 60616)
		return json_pack("{s:i s:i s:i s:i s:i s:i s:i s:i}", "total",
		    5, "waiting", 0, "running", 1, "passed", 2, "failed", 1,
		    "error", 1, "disabled", 0, "skips", 1);
	return json_pack("{s:i s:i s:i s:i s:i s:i s:i s:i}", "total", 2,
	    "waiting", 1 - second, "running", 1 - first, "passed",
	    off ? 0 : first + (second && (run == 60617 || run == 60623)),
	    "failed", second && run == 60618, "error", second && run == 60620,
	    "disabled", off ? first + second : second && run == 60622, "skips",
	    0);
}

static json_t *run_of(int run)
{
	bool over = run == 60616 || steps[run - FIRST_RUN] >= LAST_STEP;

	return json_pack("{s:i s:s s:s s:s s:s s:s s:s s:s s:i s:I s:o s:s "
	                 "s:s s:o}",
	    "id", run, "project", "supernova", "user", "ann", "name",
	    run == 60616 ? "master: \"develop\", default" : "wip", "suite",
	    "default", "commit", "a1b2c3d4e5f6", "link", "", "kind", "push",
	    "priority", -1, "created_at_ms", (json_int_t)1700000000000,
	    "ended_at_ms",
	    over ? json_integer((json_int_t)1700000252000) : json_null(),
	    "state", over ? "done" : "open", "status",
	    over ? status_of(run) : "unfinished", "jobs", counts_of(run));
}

static json_t *attempt(int no, const char *machine, const char *outcome,
    const char *layer, const char *evidence)
{
	return json_pack("{s:i s:i s:s s:I s:i s:s s:s s:s s:{s:i s:b}}", "id",
	    900 + no, "no", no, "machine", machine, "started_at_ms",
	    (json_int_t)1700000000000, "took_ms", 5300, "outcome", outcome,
	    "layer", layer, "evidence", evidence, "log", "size", 40, "open",
	    strcmp(outcome, "none") == 0);
}

static json_t *attempts_of(int job)
{
	if (job == 415)
		return json_pack("[o o]",
		    attempt(1, "t16-1", "error", "power", "off ignored"),
		    attempt(2, "t16-2", "error", "console",
		        "silent \x1b[31mafter power-on"));
	if (job == 413)
		return json_pack("[o]",
		    attempt(1, "t480-2", "fail", "none",
		        "SOTEST END with 1 failure"));
	return json_pack("[o]",
	    attempt(1, "t16-1", job == 414 && log_lines < 4 ? "none" : "pass",
	        "none", ""));
}

static json_t *cases_of(int job)
{
	if (job == 413)
		return json_pack("[{s:s s:s s:s s:i} {s:s s:s s:s s:i}]",
		    "name", "lapic/boots", "result", "pass", "text", "",
		    "offset", 10, "name", "lapic/x2apic", "result", "fail",
		    "text", "expected #GP, got \"nothing\"", "offset", 99);
	return json_array();
}

static json_t *job_of(int job)
{
	bool bad = job == 413;
	bool lab = job == 415;
	bool open = job == 414 && log_lines < 4;

	return json_pack("{s:i s:i s:s s:s s:s s:s s:s s:b s:b s:s s:i s:o "
	                 "s:o s:o s:[]}",
	    "id", job, "run", 60616, "item", "guest-mini-native-cpuid",
	    "platform", "kaby_lake_t480s", "state", open ? "run" : "done",
	    "outcome",
	    open      ? "none"
	        : bad ? "fail"
	        : lab ? "error"
	              : "pass",
	    "layer", lab ? "console" : "none", "expected", 0, "skips", 0,
	    "sign",
	    open      ? "…"
	        : bad ? "✗"
	        : lab ? "!console"
	              : "✓",
	    "took_ms", 5300, "attempts", attempts_of(job), "events",
	    json_pack("[{s:i s:I s:s s:s}]", "seq", 1, "at_ms",
	        (json_int_t)1700000000000, "event", "lease", "text",
	        "t480-2 is free"),
	    "cases", cases_of(job), "samples");
}

/* ---- answers --------------------------------------------------------------*/

static enum MHD_Result send_text(struct MHD_Connection *c, unsigned status,
    const char *type, const char *text)
{
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    strlen(text), (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result ok;

	(void)MHD_add_response_header(r, "Content-Type", type);
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result send_json(
    struct MHD_Connection *c, unsigned status, json_t *doc)
{
	char *text = json_dumps(doc, JSON_COMPACT);
	enum MHD_Result ok =
	    send_text(c, status, "application/json", text ? text : "null");

	free(text);
	json_decref(doc);
	return ok;
}

static enum MHD_Result refuse(
    struct MHD_Connection *c, unsigned status, const char *why)
{
	return send_json(c, status, json_pack("{s:s}", "error", why));
}

struct stream {
	int run;
	char pending[256];
	size_t at;
	bool cut;
};

static ssize_t next_event(void *arg, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = arg;
	size_t n;

	(void)pos;
	if (!s->pending[s->at]) {
		int step;

		if (s->cut)
			return MHD_CONTENT_READER_END_OF_STREAM;
		(void)poll(NULL, 0, EVENT_MS);
		(void)pthread_mutex_lock(&lock);
		step = s->run == 60621 ? (steps[5] = 1)
		                       : ++steps[s->run - FIRST_RUN];
		(void)pthread_mutex_unlock(&lock);
		/* CRLF and a comment: both are allowed. */
		(void)snprintf(s->pending, sizeof(s->pending),
		    ": beat\r\nid: e1-%d\nevent: job\ndata: {\"run\":%d}\n\n",
		    step, s->run);
		s->at = 0;
		s->cut = s->run == 60623;
	}
	n = strlen(s->pending + s->at);
	n = n < max ? n : max;
	memcpy(buf, s->pending + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

static enum MHD_Result send_events(struct MHD_Connection *c, int run)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct MHD_Response *r;
	enum MHD_Result ok;

	if (!s)
		abort();
	s->run = run;
	r = MHD_create_response_from_callback(
	    MHD_SIZE_UNKNOWN, 512, next_event, s, free);
	(void)MHD_add_response_header(r, "Content-Type", "text/event-stream");
	ok = MHD_queue_response(c, 200, r);
	MHD_destroy_response(r);
	return ok;
}

/* The log as it is now; job 414's grows with each question. */
static size_t log_of(int job, char *to, size_t size)
{
	static const char lines[] = "one\ntwo\nthree\nfour\n";
	static const size_t ends[] = {0, 4, 8, 14, 19};
	static const char other[] = "hello\r\n\033[31mred\033[0m\nend\377\n";

	(void)size;
	if (job != 414) {
		memcpy(to, other, sizeof(other) - 1);
		return sizeof(other) - 1;
	}
	if (log_lines < 4)
		log_lines++;
	memcpy(to, lines, ends[log_lines]);
	return ends[log_lines];
}

static enum MHD_Result send_log(struct MHD_Connection *c, int job)
{
	const char *range =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Range");
	char text[256];
	size_t len = log_of(job, text, sizeof(text));
	size_t from = 0;
	size_t to = len - 1;
	struct MHD_Response *r;
	enum MHD_Result ok;
	char value[64];

	if (range) {
		char *end;

		from = strtoul(strchr(range, '=') + 1, &end, 10);
		if (end[1])
			to = strtoul(end + 1, NULL, 10);
		if (to > len - 1)
			to = len - 1;
	}
	if (from > to)
		return refuse(c, 416, "no such range");
	r = MHD_create_response_from_buffer(
	    to - from + 1, text + from, MHD_RESPMEM_MUST_COPY);
	(void)snprintf(
	    value, sizeof(value), "bytes %zu-%zu/%zu", from, to, len);
	if (range)
		(void)MHD_add_response_header(r, "Content-Range", value);
	if (job == 414 && log_lines < 4)
		(void)MHD_add_response_header(r, "X-Log-Open", "1");
	if (job == 415)
		(void)MHD_add_response_header(r, "X-Log-Gap", "7-11");
	ok = MHD_queue_response(c, range ? 206 : 200, r);
	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result get_run(
    struct MHD_Connection *c, int run, const char *below)
{
	if (run < FIRST_RUN || run >= FIRST_RUN + RUNS)
		return refuse(c, 404, "no such run");
	if (strcmp(below, "/overhead") == 0 || strcmp(below, "/samples") == 0)
		return refuse(c, 404, "nothing was measured");
	if (strcmp(below, "/matrix") == 0)
		return send_json(c, 200, matrix_of(run));
	return send_json(c, 200, run_of(run));
}

static enum MHD_Result get_job(
    struct MHD_Connection *c, int job, const char *below)
{
	if (job < 411 || job > 419)
		return refuse(c, 404, "no such job");
	if (strcmp(below, "/log") == 0)
		return send_log(c, job);
	if (strcmp(below, "/why") == 0)
		return send_json(c, 200,
		    json_pack("{s:s}", "why",
		        "job 412 waits: needs tag nvme\n2 jobs are before it"));
	return send_json(c, 200, job_of(job));
}

static enum MHD_Result send_data(
    struct MHD_Connection *c, char *data, size_t len)
{
	struct MHD_Response *r =
	    MHD_create_response_from_buffer(len, data, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result ok = MHD_queue_response(c, 200, r);

	MHD_destroy_response(r);
	return ok;
}

static enum MHD_Result get(struct MHD_Connection *c, const char *url)
{
	const char *query =
	    MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "run");
	size_t len = 0;
	char *data = folder ? fake_file(folder, url, &len) : NULL;
	char below[32] = "";
	int id;

	if (data)
		return send_data(c, data, len);
	if (strcmp(url, "/events") == 0)
		return send_events(c, query ? (int)strtol(query, NULL, 10) : 0);
	if (strcmp(url, "/api/v1/runs") == 0)
		return send_json(c, 200,
		    json_pack("{s:[o o] s:i}", "runs", run_of(60617),
		        run_of(60616), "total", 2));
	if (strcmp(url, "/api/v1/machines") == 0)
		return send_text(c, 200, "application/json", fake_machines);
	if (sscanf(url, "/api/v1/runs/%d%31s", &id, below) >= 1)
		return get_run(c, id, below);
	if (sscanf(url, "/api/v1/jobs/%d%31s", &id, below) >= 1)
		return get_job(c, id, below);
	return refuse(c, 404, "no such page");
}

static enum MHD_Result post(struct MHD_Connection *c, const char *url)
{
	const char *auth =
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization");

	if (!auth)
		return refuse(c, 401, "no token");
	if (strcmp(auth, "Bearer good") != 0)
		return refuse(c, 403, "the token's scope is read");
	if (strcmp(url, "/api/v1/runs") == 0)
		return send_json(c, 201,
		    json_pack("{s:i s:[s]}", "id", 60617, "warnings",
		        "ignored: key colour"));
	if (strcmp(url, "/api/v1/runs/60616/cancel") == 0)
		return send_json(c, 200, json_pack("{s:i}", "cancelled", 48));
	if (strcmp(url, "/api/v1/runs/60616/rerun") == 0)
		return send_json(c, 201, json_pack("{s:i}", "id", 60624));
	if (strcmp(url, "/api/v1/machines/t16 1/offline") == 0)
		return send_json(
		    c, 200, json_pack("{s:s}", "health", "maintenance"));
	return refuse(c, 404, "no such thing");
}

/* ---- requests -------------------------------------------------------------*/

struct request {
	struct MHD_PostProcessor *form;
	char name[64];
	char filename[128];
	size_t size;
	char head[64]; /* the first bytes of a part, or of a body */
	size_t n_head;
};

static void keep_head(struct request *q, const char *data, size_t len)
{
	size_t room = sizeof(q->head) - 1 - q->n_head;
	size_t n = len < room ? len : room;

	memcpy(q->head + q->n_head, data, n);
	q->n_head += n;
	q->head[q->n_head] = '\0';
}

/* Writes down the part before; "part NAME=FILENAME bytes". */
static void end_part(struct request *q)
{
	if (!*q->name)
		return;
	if (*q->filename)
		note("part %s file %s %zu\n", q->name, q->filename, q->size);
	else
		note("part %s value %s %zu\n", q->name, q->head, q->size);
	q->name[0] = '\0';
}

static enum MHD_Result on_part(void *arg, enum MHD_ValueKind kind,
    const char *key, const char *filename, const char *type,
    const char *encoding, const char *data, uint64_t off, size_t size)
{
	struct request *q = arg;

	(void)kind;
	(void)type;
	(void)encoding;
	if (off == 0) {
		end_part(q);
		(void)snprintf(q->name, sizeof(q->name), "%s", key);
		(void)snprintf(q->filename, sizeof(q->filename), "%s",
		    filename ? filename : "");
		q->size = 0;
		q->n_head = 0;
		q->head[0] = '\0';
	}
	keep_head(q, data, size);
	q->size += size;
	return MHD_YES;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c,
    const char *url, const char *method, const char *version, const char *data,
    size_t *size, void **state)
{
	struct request *q = *state;
	enum MHD_Result ok;

	(void)arg;
	(void)version;
	if (!q) {
		q = calloc(1, sizeof(*q));
		if (!q)
			abort();
		q->form = MHD_create_post_processor(c, 65536, on_part, q);
		*state = q;
		return MHD_YES;
	}
	if (*size) {
		if (q->form)
			(void)MHD_post_process(q->form, data, *size);
		else
			keep_head(q, data, *size);
		*size = 0;
		return MHD_YES;
	}
	if (q->form) {
		(void)MHD_destroy_post_processor(q->form);
		q->form = NULL;
		end_part(q);
	}
	data = MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Last-Event-ID");
	if (data)
		note("resumed %s %s %zu\n", url, data, 0);
	data = MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, "name");
	if (!data)
		data = MHD_lookup_connection_value(
		    c, MHD_GET_ARGUMENT_KIND, "metric");
	if (data)
		note("asked %s %s %zu\n", url, data, 0);
	if (*q->head && strcmp(method, "POST") == 0)
		note("body %s %s %zu\n", url, q->head, q->n_head);
	(void)pthread_mutex_lock(&lock);
	ok = strcmp(method, "POST") == 0 ? post(c, url) : get(c, url);
	(void)pthread_mutex_unlock(&lock);
	return ok;
}

static void on_end(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct request *q = *state;

	(void)arg;
	(void)c;
	(void)code;
	if (q && q->form)
		(void)MHD_destroy_post_processor(q->form);
	free(q);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct MHD_Daemon *d;

	record = argc > 1 ? fopen(argv[1], "we") : NULL;
	folder = argc > 2 ? argv[2] : NULL;
	if (!record)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	d = MHD_start_daemon(
	    MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD, 0,
	    NULL, NULL, on_request, NULL, MHD_OPTION_SOCK_ADDR, &at,
	    MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
	if (!d)
		return 1;
	(void)printf(
	    "%d\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	(void)fflush(stdout);
	/* Streams may be open: no orderly end, a signal ends it. */
	(void)alarm(300);
	for (;;)
		(void)pause();
}
