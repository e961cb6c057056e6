/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where things are, whether the daemon is well, and the event stream. */
#include "web/json.h"
#include "web/routes.h"

const struct query_param events_query[] = {
    [EVENTS_RUN] = {"run", QUERY_INT, 1, INT64_MAX, "only events of this run"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

enum MHD_Result api_root(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);

	buf_puts(&b,
	    "ironbench " PACKAGE_VERSION "\n\n"
	    "/api/v1/runs           test runs\n"
	    "/api/v1/machines       the lab\n"
	    "/api/v1/openapi.json   all of the interface\n"
	    "/events                changes, as they happen\n"
	    "/health                whether the daemon is well\n");
	return answer_buf(rq, 200, "text/plain; charset=utf-8", &b);
}

/* The same words as the daemon's when the daemon has none. */
static enum MHD_Result no_health(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};

	jw_object(&w, NULL);
	jw_str(&w, "status", "degraded");
	jw_str(&w, "version", PACKAGE_VERSION);
	jw_array(&w, "problems");
	jw_str(&w, NULL, "the daemon does not answer");
	jw_array_end(&w);
	jw_object_end(&w);
	return answer_buf(rq, 503, "application/json", &b);
}

enum MHD_Result api_health(struct request *rq)
{
	bool known;
	json_t *doc;

	if (!rq->step)
		return request_ask(
		    rq, json_pack("{ss}", "op", "health"), WEB_DEADLINE_MS);
	doc = rq->answer.body.len
	    ? json_loadb(rq->answer.body.data, rq->answer.body.len, 0, NULL)
	    : NULL;
	known = json_object_get(doc, "status") != NULL;
	json_decref(doc);
	return known ? answer_passed(rq) : no_health(rq);
}

enum MHD_Result api_events(struct request *rq)
{
	const struct query_value *run = &rq->query.values[EVENTS_RUN];

	return answer_response(rq, 200,
	    events_response(rq->web->events, rq->conn, run->number,
	        request_header(rq, "Last-Event-ID")));
}
