/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The console log of an attempt. It is read piece by piece as it is sent.
 *
 * Offsets count the bytes that arrived, also those that were not kept: they
 * are what the cases of a job point to, and they stay true while the log
 * grows. A whole log reads as head, one marker line, tail; a range is cut to
 * the bytes that are there in one stretch, and Content-Range says which.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "web/log.h"
#include "web/routes.h"

#define BLOCK_BYTES (128 * 1024)
#define HEADER_SIZE 96

const struct query_param log_query[] = {
    [LOG_ATTEMPT] = {"attempt", QUERY_INT, 1, INT32_MAX,
        "number of the attempt within the job; absent: the last"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

/* ---- which attempt ------------------------------------------------------ */

struct wanted {
	int64_t no; /* 0: the last */
	int64_t id; /* 0: not found */
	int found_no;
};

static bool on_attempt(void *arg, const struct db_attempt *a)
{
	struct wanted *want = arg;

	if (want->no ? want->no == a->no : a->no > want->found_no) {
		want->id = a->id;
		want->found_no = a->no;
	}
	return true;
}

static bool on_job(void *arg, const struct db_job *job)
{
	(void)arg;
	(void)job;
	return true;
}

int log_attempt(
    struct request *rq, int64_t job_id, int64_t *ret, struct err *err)
{
	struct wanted want = {.no = rq->query.values[LOG_ATTEMPT].number};
	struct db_reader *reader;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = db_job_get(reader, job_id, on_job, NULL, err);
	if (r == 0)
		r = db_attempts(reader, job_id, on_attempt, &want, err);
	if (r == 0 && !want.id)
		r = err_set(err, ERR_NOTFOUND,
		    "job %" PRId64 ": no such attempt", job_id);
	if (r == 0)
		*ret = want.id;
	return r;
}

/* ---- which bytes -------------------------------------------------------- */

enum range {
	RANGE_NONE, /* none, or one that may be ignored: several, other units */
	RANGE_GOOD,
	RANGE_BAD
};

/* "bytes=a-b", "bytes=a-", "bytes=-n" of size bytes, as [from, to). */
static enum range range_parse(
    const char *header, int64_t size, int64_t *ret_from, int64_t *ret_to)
{
	char text[48];
	char *dash;
	int64_t from;
	int64_t last = INT64_MAX - 1;

	if (!header || strncasecmp(header, "bytes=", 6) != 0 ||
	    strlen(header + 6) >= sizeof(text))
		return RANGE_NONE;
	(void)snprintf(text, sizeof(text), "%s", header + 6);
	dash = strchr(text, '-');
	if (!dash)
		return RANGE_NONE;
	*dash++ = '\0';
	if (*dash && str_to_i64(dash, 0, INT64_MAX - 1, &last, NULL) < 0)
		return RANGE_NONE;
	if (*text) {
		if (str_to_i64(text, 0, INT64_MAX - 1, &from, NULL) < 0 ||
		    from > last)
			return RANGE_NONE;
	} else if (*dash) {
		from = last < size ? size - last : 0;
		from = last ? from : size;
		last = size - 1;
	} else {
		return RANGE_NONE;
	}
	if (from >= size)
		return RANGE_BAD;
	*ret_from = from;
	*ret_to = last < size ? last + 1 : size;
	return RANGE_GOOD;
}

void log_cut(const struct db_log_info *info, int64_t *from, int64_t *to)
{
	if (info->gap_from == info->gap_to || *to <= info->gap_from ||
	    *from >= info->gap_to)
		return;
	if (*from < info->gap_from) {
		*to = info->gap_from;
		return;
	}
	*from = info->gap_to;
	if (*to <= *from)
		*to = *from;
}

/* ---- sending ------------------------------------------------------------ */

struct part {
	int64_t from; /* in the log; or in text */
	int64_t to;
	const char *text; /* of the marker, else NULL */
};

struct body {
	const char *dir;
	int64_t attempt_id;
	struct part parts[3];
	size_t n_parts;
	char marker[HEADER_SIZE];
};

static void part_add(
    struct body *body, int64_t from, int64_t to, const char *text)
{
	struct part part = {from, to, text};

	if (from < to)
		body->parts[body->n_parts++] = part;
}

static uint64_t body_size(const struct body *body)
{
	int64_t size = 0;

	for (size_t i = 0; i < body->n_parts; i++)
		size += body->parts[i].to - body->parts[i].from;
	return (uint64_t)size;
}

static void body_whole(struct body *body, const struct db_log_info *info)
{
	int n;

	if (info->gap_from == info->gap_to) {
		part_add(body, 0, info->size, NULL);
		return;
	}
	n = snprintf(body->marker, sizeof(body->marker),
	    "\n[ironbench: %" PRId64 " bytes were not kept]\n",
	    info->gap_to - info->gap_from);
	part_add(body, 0, info->gap_from, NULL);
	part_add(body, 0, n, body->marker);
	part_add(body, info->gap_to, info->size, NULL);
}

struct copy {
	char *to;
	size_t n;
	size_t max;
	int64_t next; /* offset that must come next */
};

static bool on_piece(
    void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms)
{
	struct copy *copy = arg;

	(void)at_ms;
	/* The gap has grown meanwhile. */
	if (offset != copy->next)
		return false;
	if (len > copy->max - copy->n)
		len = copy->max - copy->n;
	memcpy(copy->to + copy->n, data, len);
	copy->n += len;
	copy->next += (int64_t)len;
	return copy->n < copy->max;
}

static ssize_t part_read(const struct body *body, const struct part *part,
    int64_t at, char *to, size_t max)
{
	struct copy copy = {.to = to, .max = max, .next = at};
	struct err err = ERR_INIT;

	if (part->to - at < (int64_t)max)
		copy.max = (size_t)(part->to - at);
	if (part->text) {
		memcpy(to, part->text + at, copy.max);
		return (ssize_t)copy.max;
	}
	if (db_log_read(body->dir, body->attempt_id, at, at + (int64_t)copy.max,
	        on_piece, &copy, &err) < 0 ||
	    !copy.n)
		return MHD_CONTENT_READER_END_WITH_ERROR;
	return (ssize_t)copy.n;
}

static ssize_t body_read(void *arg, uint64_t pos, char *to, size_t max)
{
	const struct body *body = arg;
	int64_t at = (int64_t)pos;

	for (size_t i = 0; i < body->n_parts; i++) {
		const struct part *part = &body->parts[i];

		if (at < part->to - part->from)
			return part_read(body, part, part->from + at, to, max);
		at -= part->to - part->from;
	}
	return MHD_CONTENT_READER_END_OF_STREAM;
}

static void log_headers(
    struct MHD_Response *response, const struct db_log_info *info)
{
	char gap[HEADER_SIZE];

	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
	    "text/plain; charset=utf-8");
	(void)MHD_add_response_header(response, "Accept-Ranges", "bytes");
	if (info->open)
		(void)MHD_add_response_header(response, "X-Log-Open", "1");
	if (info->gap_from == info->gap_to)
		return;
	(void)snprintf(gap, sizeof(gap), "%" PRId64 "-%" PRId64, info->gap_from,
	    info->gap_to);
	(void)MHD_add_response_header(response, "X-Log-Gap", gap);
}

static enum MHD_Result body_send(struct request *rq, struct body *body,
    const struct db_log_info *info, const char *range)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
	    body_size(body), BLOCK_BYTES, body_read, body, free);

	if (!response) {
		free(body);
		return MHD_NO;
	}
	log_headers(response, info);
	if (range)
		(void)MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	return answer_response(rq, range ? 206 : 200, response);
}

static enum MHD_Result not_satisfiable(
    struct request *rq, const struct db_log_info *info)
{
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
	char range[HEADER_SIZE];

	if (!response)
		return MHD_NO;
	(void)snprintf(range, sizeof(range), "bytes */%" PRId64, info->size);
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_RANGE, range);
	log_headers(response, info);
	return answer_response(rq, 416, response);
}

enum MHD_Result api_log(struct request *rq)
{
	struct db_log_info info;
	struct err err = ERR_INIT;
	enum MHD_Result refused;
	char text[HEADER_SIZE];
	struct body *body;
	enum range range;
	int64_t attempt = 0;
	int64_t from;
	int64_t to;
	int64_t id;

	if (!request_id(rq, &id, &refused))
		return refused;
	if (log_attempt(rq, id, &attempt, &err) < 0 ||
	    db_log_stat(rq->web->opts->dir, attempt, &info, &err) < 0)
		return answer_err(rq, &err);
	range = range_parse(request_header(rq, "Range"), info.size, &from, &to);
	if (range == RANGE_GOOD)
		log_cut(&info, &from, &to);
	if (range == RANGE_BAD || (range == RANGE_GOOD && from >= to))
		return not_satisfiable(rq, &info);
	body = xcalloc(1, sizeof(*body));
	body->dir = rq->web->opts->dir;
	body->attempt_id = attempt;
	if (range == RANGE_NONE) {
		body_whole(body, &info);
		return body_send(rq, body, &info, NULL);
	}
	part_add(body, from, to, NULL);
	(void)snprintf(text, sizeof(text),
	    "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from, to - 1, info.size);
	return body_send(rq, body, &info, text);
}
