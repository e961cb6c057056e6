/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines: what the daemon has in memory, and taking one out of service. */
#include "base/str.h"
#include "web/json.h"
#include "web/routes.h"

#define WHY_MAX 200

enum MHD_Result api_machines(struct request *rq)
{
	if (rq->step)
		return answer_passed(rq);
	return request_ask(
	    rq, json_pack("{ss}", "op", "machines"), WEB_DEADLINE_MS);
}

enum MHD_Result api_queue(struct request *rq)
{
	if (rq->step)
		return answer_passed(rq);
	return request_ask(
	    rq, json_pack("{ss}", "op", "queue"), WEB_DEADLINE_MS);
}

/* ---- one machine, with its past ----------------------------------------- */

static bool on_health(void *arg, const struct db_health *h)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	jw_int(w, "at_ms", h->at_ms);
	jw_str(w, "health", health_name(h->health));
	jw_str(w, "why", h->why);
	jw_object_end(w);
	return !w->to->failed;
}

static bool on_attempt(void *arg, const struct db_machine_attempt *a)
{
	struct jw *w = arg;

	jw_object(w, NULL);
	jw_int(w, "id", a->id);
	jw_int(w, "job", a->job_id);
	jw_int(w, "run", a->run_id);
	jw_str(w, "item", a->item);
	jw_int(w, "started_at_ms", a->started_at_ms);
	jw_int(w, "took_ms", a->took_ms);
	jw_str(w, "outcome", outcome_name(a->verdict.outcome));
	jw_str(w, "layer", layer_name(a->verdict.layer));
	jw_str(w, "evidence", a->evidence);
	jw_object_end(w);
	return !w->to->failed;
}

static int past_render(struct request *rq, struct jw *w, struct err *err)
{
	struct db_reader *reader;
	int64_t id = 0;
	int r = request_reader(rq, &reader, err);

	if (r == 0)
		r = db_machine_get(reader, rq->args.text[0], &id, err);
	jw_array(w, "history");
	if (r == 0)
		r = db_machine_past(reader, id, on_health, w, err);
	jw_array_end(w);
	jw_array(w, "attempts");
	if (r == 0)
		r = db_machine_attempts(reader, id, on_attempt, w, err);
	jw_array_end(w);
	return r;
}

/* The members of the daemon's object, as they are. */
static void members(struct jw *w, json_t *machine)
{
	const char *key;
	json_t *value;

	json_object_foreach(machine, key, value)
	{
		char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

		jw_raw(w, key, text ? text : "null");
		free(text);
	}
}

/* It may have numbers all the same: imported, or of a lab file before. */
static enum MHD_Result not_in_the_lab(struct request *rq)
{
	const char *name = rq->args.text[0];
	struct err err = ERR_INIT;
	struct db_reader *reader;
	int64_t id;
	int r = request_reader(rq, &reader, &err);

	if (r == 0)
		r = db_machine_get(reader, name, &id, &err);
	if (r == -ERR_NOTFOUND)
		return answer_error(
		    rq, 404, "machine %.100s: no such machine", name);
	if (r < 0)
		return answer_err(rq, &err);
	return answer_error(rq, 404,
	    "machine %.100s: not in the lab file; only numbers of it are known "
	    "(see its series)",
	    name);
}

static enum MHD_Result machine_answer(struct request *rq, json_t *list)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	struct jw w = {.to = &b};
	struct err err = ERR_INIT;
	json_t *machine = json_array_get(list, 0);

	if (!json_is_object(machine))
		return not_in_the_lab(rq);
	jw_object(&w, NULL);
	members(&w, machine);
	if (past_render(rq, &w, &err) < 0)
		return answer_err(rq, &err);
	jw_object_end(&w);
	return answer_json(rq, &b);
}

enum MHD_Result api_machine(struct request *rq)
{
	const struct buf *body = &rq->answer.body;
	enum MHD_Result result;
	json_t *doc;

	if (!rq->step)
		return request_ask(rq,
		    json_pack("{ss ss}", "op", "machines", "machine",
		        rq->args.text[0]),
		    WEB_DEADLINE_MS);
	if (rq->answer.status != 200)
		return answer_passed(rq);
	doc = json_loadb(body->len ? body->data : "", body->len, 0, NULL);
	result = machine_answer(rq, json_object_get(doc, "machines"));
	json_decref(doc);
	return result;
}

/* ---- acts --------------------------------------------------------------- */

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

enum MHD_Result api_power_cycle(struct request *rq)
{
	return power(rq, "cycle");
}

enum MHD_Result api_offline(struct request *rq)
{
	return act(rq, "offline");
}

enum MHD_Result api_online(struct request *rq)
{
	return act(rq, "online");
}
