/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines: what the daemon has in memory, and taking one out of service. */
#include "base/str.h"
#include "web/routes.h"

#define WHY_MAX 200

enum MHD_Result api_machines(struct request *rq)
{
	if (rq->step)
		return answer_passed(rq);
	return request_ask(
	    rq, json_pack("{ss}", "op", "machines"), WEB_DEADLINE_MS);
}

/* {"why":".."}; an empty body stands for {}. */
static int body_parse(const struct buf *body, json_t **ret, struct err *err)
{
	json_error_t je;
	json_t *doc = body->len
	    ? json_loadb(body->data, body->len, JSON_REJECT_DUPLICATES, &je)
	    : json_object();
	json_t *why = json_object_get(doc, "why");
	size_t known = why ? 1 : 0;

	*ret = doc;
	if (!doc)
		return err_set(err, ERR_INVAL,
		    "the body is not JSON: line %d: %s", je.line, je.text);
	if (!json_is_object(doc) || json_object_size(doc) != known ||
	    (why && !json_is_string(why)))
		return err_set(
		    err, ERR_INVAL, "the body is not {\"why\":\"text\"}");
	if (why && json_string_length(why) > WHY_MAX)
		return err_set(err, ERR_INVAL, "why: over %d bytes", WHY_MAX);
	return 0;
}

static enum MHD_Result act(struct request *rq, const char *what)
{
	struct err err = ERR_INIT;
	enum MHD_Result result;
	const char *why;
	json_t *doc;

	if (rq->step)
		return answer_passed(rq);
	if (body_parse(&rq->body, &doc, &err) < 0) {
		json_decref(doc);
		return answer_err(rq, &err);
	}
	why = json_string_value(json_object_get(doc, "why"));
	result = request_ask(rq,
	    json_pack("{ss ss ss ss ss ss}", "op", "machine", "token",
	        rq->token, "remote", rq->remote, "machine", rq->args.text[0],
	        "do", what, "why", why ? why : ""),
	    WEB_DEADLINE_MS);
	json_decref(doc);
	return result;
}

static enum MHD_Result power(struct request *rq, const char *what)
{
	if (rq->step)
		return answer_passed(rq);
	return request_ask(rq,
	    json_pack("{ss ss ss ss ss}", "op", "power", "token", rq->token,
	        "remote", rq->remote, "machine", rq->args.text[0], "do", what),
	    WEB_DEADLINE_MS);
}

enum MHD_Result api_power_on(struct request *rq)
{
	return power(rq, "on");
}

enum MHD_Result api_power_off(struct request *rq)
{
	return power(rq, "off");
}

enum MHD_Result api_offline(struct request *rq)
{
	return act(rq, "offline");
}

enum MHD_Result api_online(struct request *rq)
{
	return act(rq, "online");
}
