/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The OpenAPI 3 document, made from the table of routes. */
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "web/origin.h"
#include "web/routes.h"

static json_t *parameter(
    const char *name, const char *where, const char *type, const char *about)
{
	return json_pack("{ss ss sb ss s{ss}}", "name", name, "in", where,
	    "required", str_eq(where, "path"), "description", about, "schema",
	    "type", type);
}

static void path_parameters(const char *path, json_t *list)
{
	for (const char *p = strchr(path, '{'); p; p = strchr(p + 1, '{')) {
		scoped(free) char *name = xstrndup(p + 1, strcspn(p + 1, "}"));
		const char *type = str_eq(name, "id") ? "integer" : "string";

		json_array_append_new(list, parameter(name, "path", type, ""));
	}
}

static const char *const hook_headers[] = {
    "X-GitHub-Event", "X-GitHub-Delivery", "X-Hub-Signature-256"};

static json_t *parameters(const struct route *route)
{
	json_t *list = json_array();
	const struct query_param *q = route->query;

	path_parameters(route->path, list);
	for (size_t i = 0;
	     route->body == BODY_HOOK && i < ARRAY_LEN(hook_headers); i++)
		json_array_append_new(
		    list, parameter(hook_headers[i], "header", "string", ""));
	for (; q && q->name; q++)
		json_array_append_new(list,
		    parameter(q->name, "query",
		        q->kind == QUERY_INT ? "integer" : "string", q->about));
	return list;
}

static json_t *form_properties(void)
{
	static const char *const fields[] = {"name", "url", "user"};
	json_t *all = json_object();

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		json_object_set_new(
		    all, fields[i], json_pack("{ss}", "type", "string"));
	json_object_set_new(
	    all, "priority", json_pack("{ss}", "type", "integer"));
	json_object_set_new(all, "config",
	    json_pack("{ss ss}", "type", "string", "format", "binary"));
	json_object_set_new(all, "boot_files",
	    json_pack("{ss ss}", "type", "string", "format", "binary"));
	json_object_set_new(all, "file",
	    json_pack("{ss s{ss ss}}", "type", "array", "items", "type",
	        "string", "format", "binary"));
	return all;
}

static json_t *import_properties(void)
{
	static const char *const fields[] = {
	    "name", "machine", "variant", "guest", "controller", "format"};
	json_t *all = json_object();

	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		json_object_set_new(
		    all, fields[i], json_pack("{ss}", "type", "string"));
	json_object_set_new(all, "file",
	    json_pack("{ss ss}", "type", "string", "format", "binary"));
	return all;
}

/* The one field of a JSON body. */
static const char *json_field(const struct route *route)
{
	if (route->handler == api_login)
		return "token";
	return route->handler == api_rerun ? "only" : "why";
}

static json_t *request_body(const struct route *route)
{
	if (route->body == BODY_JSON)
		return json_pack("{s{s{s{ss s{s{ss}}}}}}", "content",
		    "application/json", "schema", "type", "object",
		    "properties", json_field(route), "type", "string");
	if (route->body == BODY_HOOK)
		return json_pack("{sb s{s{s{ss}}}}", "required", 1, "content",
		    "application/json", "schema", "type", "object");
	return json_pack("{sb s{s{s{ss s[s] so}}}}", "required", 1, "content",
	    "multipart/form-data", "schema", "type", "object", "required",
	    route->body == BODY_IMPORT ? "file" : "config", "properties",
	    route->body == BODY_IMPORT ? import_properties()
	                               : form_properties());
}

static json_t *responses(const struct route *route)
{
	bool makes = route->handler == api_submit ||
	    route->handler == api_rerun || route->handler == api_import;
	const char *good = makes       ? "201"
	    : route->body == BODY_HOOK ? "202"
	                               : "200";

	return json_pack("{s{ss} s{ss s{s{s{ss s{s{ss}}}}}}}", good,
	    "description", "done", "default", "description", "refused",
	    "content", "application/json", "schema", "type", "object",
	    "properties", "error", "type", "string");
}

static json_t *operation(const struct route *route)
{
	json_t *op = json_pack("{ss so so}", "summary", route->about,
	    "parameters", parameters(route), "responses", responses(route));

	if (route->body != BODY_NONE)
		json_object_set_new(op, "requestBody", request_body(route));
	if (route->access != ACCESS_NONE)
		json_object_set_new(op, "security",
		    json_pack(
		        "[{s[]} {s[]} {s[]}]", "bearer", "basic", "cookie"));
	json_object_set_new(
	    op, "x-scope", json_string(access_name(route->access)));
	return op;
}

static json_t *paths(void)
{
	json_t *all = json_object();

	for (size_t i = 0; i < n_api_routes; i++) {
		const struct route *route = &api_routes[i];
		json_t *item = json_object_get(all, route->path);

		if (!item) {
			item = json_object();
			json_object_set_new(all, route->path, item);
		}
		json_object_set_new(item,
		    route->method == METHOD_POST ? "post" : "get",
		    operation(route));
	}
	return all;
}

enum MHD_Result api_openapi(struct request *rq)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(ANSWER_MAX);
	json_t *doc =
	    json_pack("{ss s{ss ss} so s{s{s{ss ss} s{ss ss} s{ss ss ss}}}}",
	        "openapi", "3.0.3", "info", "title", "ironbench", "version",
	        PACKAGE_VERSION, "paths", paths(), "components",
	        "securitySchemes", "bearer", "type", "http", "scheme", "bearer",
	        "basic", "type", "http", "scheme", "basic", "cookie", "type",
	        "apiKey", "in", "cookie", "name", COOKIE_NAME);
	char *text = json_dumps(doc, JSON_INDENT(1));

	if (text)
		buf_puts(&b, text);
	else
		b.failed = true;
	free(text);
	json_decref(doc);
	return answer_json(rq, &b);
}
