/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhooks. The daemon gets the body as it came, since that is what was signed,
 * and judges it; nothing here depends on what projects there are.
 */
#include "base/clock.h"
#include "web/hook.h"
#include "web/routes.h"

#define BODY_S 10 /* for the whole body, and for silence in it */

int hook_begin(struct request *rq, struct err *err)
{
	if (atomic_fetch_add(&rq->web->n_hooks, 1) >= HOOKS_MAX) {
		(void)atomic_fetch_sub(&rq->web->n_hooks, 1);
		return err_set(err, ERR_AGAIN, "too many webhooks at a time");
	}
	rq->is_hook = true;
	rq->body.max = HOOK_MAX;
	/* If it cannot be set, the listener's timeout still holds. */
	(void)MHD_set_connection_option(
	    rq->conn, MHD_CONNECTION_OPTION_TIMEOUT, (unsigned)BODY_S);
	return 0;
}

bool hook_is_late(const struct request *rq)
{
	return clock_mono_ns() - rq->began_ns > BODY_S * INT64_C(1000000000);
}

void hook_end(struct request *rq)
{
	if (rq->is_hook)
		(void)atomic_fetch_sub(&rq->web->n_hooks, 1);
	rq->is_hook = false;
}

static const char *header(struct request *rq, const char *name)
{
	const char *value = request_header(rq, name);

	return value ? value : "";
}

enum MHD_Result api_hook(struct request *rq)
{
	/* One text for all that is not known, whatever the daemon says. */
	if (rq->step && rq->answer.status == 401)
		return answer_error(
		    rq, 401, "unknown project, or a wrong signature");
	if (rq->step)
		return answer_passed(rq);
	return request_ask_body(rq,
	    json_pack("{ss ss ss ss ss ss ss}", "op", "hook", "project",
	        rq->args.text[0], "event", header(rq, "X-GitHub-Event"),
	        "delivery", header(rq, "X-GitHub-Delivery"), "signature",
	        header(rq, "X-Hub-Signature-256"), "content_type",
	        header(rq, "Content-Type"), "remote", rq->remote),
	    WEB_DEADLINE_MS);
}
