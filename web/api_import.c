/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file of results on its way in; the daemon has it read. */
#include "web/routes.h"
#include "web/upload.h"

enum MHD_Result api_import(struct request *rq)
{
	int status = rq->answer.status;

	if (!rq->step)
		return request_ask(rq, upload_op(rq), WEB_SUBMIT_DEADLINE_MS);
	/* When no answer came the daemon may still use the file. */
	if (status == 200 || status == 201 || status == 503)
		upload_handed_over(rq->upload);
	return answer_passed(rq);
}
