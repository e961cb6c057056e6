/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A server that takes webhooks and keeps them, for tests of "ironbench hook".
 * It prints its port and ends with SIGTERM, or after five minutes. In the
 * folder that its argument names,
 *
 *	answers   has a line "STATUS BODY" for each request; the last one serves
 *	          all that follow
 *	N.path, N.headers, N.body   are what the N-th request was, from 1;
 *	          headers as curl's -H @file takes them
 */
#include <arpa/inet.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_BYTES 512

struct request {
	FILE *body;
	int no;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *folder;
static int n_requests;

static FILE *file_of(int no, const char *what)
{
	char path[512];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%d.%s", folder, no, what);
	f = fopen(path, "we");
	if (!f)
		abort();
	return f;
}

/* The line for a request: its status, and the rest into body. */
static unsigned answer_of(int no, char *body, size_t size)
{
	char path[512];
	char line[LINE_BYTES] = "500 {}\n";
	char *rest = line;
	unsigned status;
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/answers", folder);
	f = fopen(path, "re");
	while (f && no-- > 0 && fgets(line, sizeof(line), f))
		continue;
	if (f)
		(void)fclose(f);
	status = (unsigned)strtoul(line, &rest, 10);
	(void)snprintf(body, size, "%s", rest + strspn(rest, " "));
	return status;
}

static enum MHD_Result keep_header(
    void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
	(void)kind;
	if (strncmp(name, "X-", 2) == 0 || strcmp(name, "Content-Type") == 0)
		(void)fprintf(arg, "%s: %s\n", name, value);
	return MHD_YES;
}

static struct request *begin(struct MHD_Connection *c, const char *url)
{
	struct request *q = calloc(1, sizeof(*q));
	FILE *f;

	if (!q)
		abort();
	(void)pthread_mutex_lock(&lock);
	q->no = ++n_requests;
	(void)pthread_mutex_unlock(&lock);
	f = file_of(q->no, "path");
	(void)fprintf(f, "%s\n", url);
	(void)fclose(f);
	f = file_of(q->no, "headers");
	(void)MHD_get_connection_values(c, MHD_HEADER_KIND, keep_header, f);
	(void)fclose(f);
	q->body = file_of(q->no, "body");
	return q;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *c,
    const char *url, const char *method, const char *version, const char *data,
    size_t *size, void **state)
{
	struct request *q = *state;
	struct MHD_Response *r;
	char body[LINE_BYTES];
	enum MHD_Result ok;
	unsigned status;

	(void)arg;
	(void)method;
	(void)version;
	if (!q) {
		*state = begin(c, url);
		return MHD_YES;
	}
	if (*size) {
		(void)fwrite(data, 1, *size, q->body);
		*size = 0;
		return MHD_YES;
	}
	(void)fflush(q->body);
	status = answer_of(q->no, body, sizeof(body));
	r = MHD_create_response_from_buffer(
	    strlen(body), body, MHD_RESPMEM_MUST_COPY);
	ok = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return ok;
}

static void on_end(void *arg, struct MHD_Connection *c, void **state,
    enum MHD_RequestTerminationCode code)
{
	struct request *q = *state;

	(void)arg;
	(void)c;
	(void)code;
	if (q)
		(void)fclose(q->body);
	free(q);
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = {
	    .sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct MHD_Daemon *d;

	if (argc != 2)
		return 2;
	folder = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	d = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD, 0, NULL, NULL,
	    on_request, NULL, MHD_OPTION_SOCK_ADDR, &at,
	    MHD_OPTION_NOTIFY_COMPLETED, on_end, NULL, MHD_OPTION_END);
	if (!d)
		return 1;
	(void)printf(
	    "%d\n", MHD_get_daemon_info(d, MHD_DAEMON_INFO_BIND_PORT)->port);
	(void)fflush(stdout);
	(void)alarm(300);
	for (;;)
		(void)pause();
}
