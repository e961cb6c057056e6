/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Submitting a suite: our way, and SoTest's, which wants just the id. */
#include "web/routes.h"
#include "web/upload.h"

static enum MHD_Result submit(struct request *rq)
{
	json_t *op = upload_op(rq);

	if (!op)
		return answer_error(rq, 400, "a part's name is not UTF-8");
	return request_ask(rq, op, WEB_SUBMIT_DEADLINE_MS);
}

/* After the answer. When none came the daemon may still use the files. */
static void files_end(struct request *rq)
{
	if (rq->answer.status == 201 || rq->answer.status == 503)
		upload_handed_over(rq->upload);
}

enum MHD_Result api_submit(struct request *rq)
{
	if (!rq->step)
		return submit(rq);
	files_end(rq);
	return answer_passed(rq);
}

enum MHD_Result api_sotest_submit(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	json_t *doc;
	json_t *id;

	if (!rq->step)
		return submit(rq);
	files_end(rq);
	if (rq->answer.status != 201)
		return answer_passed(rq);
	doc =
	    json_loadb(buf_str(&rq->answer.body), rq->answer.body.len, 0, NULL);
	id = json_object_get(doc, "id");
	if (json_is_integer(id))
		buf_printf(&b, "%lld", (long long)json_integer_value(id));
	json_decref(doc);
	if (!b.len)
		return answer_error(rq, 502, "the daemon's answer has no id");
	return answer_buf(rq, 200, "text/plain; charset=utf-8", &b);
}
