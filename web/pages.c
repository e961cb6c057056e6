/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages: one document, and what it loads. What a page shows is its own
 * business; the document is the same for all.
 */
#include <string.h>

#include "base/str.h"
#include "web/assets.h"
#include "web/routes.h"

/* A browser keeps it, and asks each time whether it is still good. */
static enum MHD_Result answer_asset(
    struct request *rq, int status, const struct asset *a)
{
	const char *have = request_header(rq, MHD_HTTP_HEADER_IF_NONE_MATCH);
	bool same = status == 200 && have &&
	    (str_eq(have, "*") || strstr(have, a->etag));
	struct MHD_Response *response =
	    MHD_create_response_from_buffer(same ? 0 : a->len,
	        (void *)(uintptr_t)a->data, MHD_RESPMEM_PERSISTENT);

	if (!response)
		return MHD_NO;
	rq->may_keep = status == 200;
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, a->etag);
	return answer_response(rq, same ? 304 : status, response);
}

bool page_wanted(struct request *rq)
{
	const char *accept = request_header(rq, MHD_HTTP_HEADER_ACCEPT);

	return accept && strstr(accept, "text/html");
}

enum MHD_Result page_show(struct request *rq)
{
	return answer_asset(rq, 200, asset_find(ASSET_INDEX));
}

enum MHD_Result page_not_found(struct request *rq)
{
	return answer_asset(rq, 404, asset_find(ASSET_INDEX));
}

enum MHD_Result page_root(struct request *rq)
{
	return page_wanted(rq) ? page_show(rq) : api_root(rq);
}

enum MHD_Result page_asset(struct request *rq)
{
	const char *name = rq->args.text[0];
	const struct asset *a = asset_find(name);

	if (!a || str_eq(name, ASSET_INDEX))
		return answer_error(rq, 404, "no such path");
	return answer_asset(rq, 200, a);
}
