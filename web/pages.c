/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages: one document, and what it loads. What a page shows is its own
 * business; the document is the same for all.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "web/assets.h"
#include "web/routes.h"

/* One element of Accept-Encoding: "gzip", " gzip;q=0.5"; not "gzip;q=0". */
static bool is_gzip(const char *s, size_t n)
{
	static const char name[] = "gzip";
	char element[64];
	const char *at = element;
	const char *q;

	if (n >= sizeof(element))
		return false;
	memcpy(element, s, n);
	element[n] = '\0';
	at += strspn(at, " \t");
	if (strncasecmp(at, name, strlen(name)) != 0 ||
	    !strchr(" \t;", at[strlen(name)]))
		return false;
	q = strstr(at, "q=");
	return !q || strtod(q + 2, NULL) > 0;
}

static bool takes_gzip(struct request *rq)
{
	const char *s = request_header(rq, MHD_HTTP_HEADER_ACCEPT_ENCODING);

	while (s && *s) {
		size_t n = strcspn(s, ",");

		if (is_gzip(s, n))
			return true;
		s += n + (s[n] == ',');
	}
	return false;
}

static bool is_kept(struct request *rq, const char *etag)
{
	const char *have = request_header(rq, MHD_HTTP_HEADER_IF_NONE_MATCH);

	return have && (str_eq(have, "*") || strstr(have, etag));
}

/* A browser keeps it, and asks each time whether it is still good. */
static enum MHD_Result answer_asset(
    struct request *rq, int status, const struct asset *a)
{
	bool packed = a->packed && takes_gzip(rq);
	const char *etag = packed ? a->packed_etag : a->etag;
	const char *data = packed ? a->packed : a->data;
	bool same = status == 200 && is_kept(rq, etag);
	struct MHD_Response *response = MHD_create_response_from_buffer(same ? 0
	        : packed ? a->packed_len
	                 : a->len,
	    (void *)(uintptr_t)data, MHD_RESPMEM_PERSISTENT);

	if (!response)
		return MHD_NO;
	rq->may_keep = status == 200;
	(void)MHD_add_response_header(
	    response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	(void)MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, etag);
	if (a->packed)
		(void)MHD_add_response_header(response, MHD_HTTP_HEADER_VARY,
		    MHD_HTTP_HEADER_ACCEPT_ENCODING);
	if (packed)
		(void)MHD_add_response_header(
		    response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
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
