/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Webhooks as the daemon takes them: lines with project, content type,
 * signature ("sign" makes the right one), event and delivery; the rest is the
 * body. Each gets one answer, none without its signature gets far, and what
 * becomes a push is fit for git, for a table and for a log.
 */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "orchestrator/lab.h"
#include "orchestrator/weblink.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECRET "It's a Secret to Everybody"
#define SIGNATURE "sha256="

static int answers;
static int last_status;
static int pushes;

static void require(bool ok)
{
	if (!ok)
		abort();
}

/* ---- what stands around hook.c ------------------------------------------- */

void __wrap_weblink_answer_json(struct asker who, int code, json_t *body);
void __wrap_weblink_answer_error(struct asker who, int code, const char *fmt,
    ...) __attribute__((format(printf, 3, 4)));
int __wrap_resolve_push(struct daemon *d, const struct push *push,
    void (*done)(void *arg, int64_t run_id), void *arg, struct err *err);
int64_t __wrap_resolve_find(const struct daemon *d, const struct push *push);
int __wrap_db_delivery_find(struct db *db, const char *project,
    const char *guid, const char *ref, const char *commit, int64_t *ret_run,
    struct err *err);

void __wrap_weblink_answer_json(struct asker who, int code, json_t *body)
{
	char *text = json_dumps(body, JSON_COMPACT);

	(void)who;
	require(text != NULL);
	free(text);
	json_decref(body);
	answers++;
	last_status = code;
}

void __wrap_weblink_answer_error(
    struct asker who, int code, const char *fmt, ...)
{
	(void)who;
	(void)fmt;
	answers++;
	last_status = code;
}

int64_t __wrap_resolve_find(const struct daemon *d, const struct push *push)
{
	(void)d;
	(void)push;
	return 0;
}

int __wrap_db_delivery_find(struct db *db, const char *project,
    const char *guid, const char *ref, const char *commit, int64_t *ret_run,
    struct err *err)
{
	(void)db;
	(void)project;
	(void)guid;
	(void)ref;
	(void)commit;
	(void)ret_run;
	return err_set(err, ERR_NOTFOUND, "no such delivery");
}

static void check_text(const char *text)
{
	require(strlen(text) <= 255 && str_is_utf8(text, strlen(text)));
	for (; *text; text++)
		require((unsigned char)*text >= ' ' && *text != 0x7f);
}

int __wrap_resolve_push(struct daemon *d, const struct push *push,
    void (*done)(void *arg, int64_t run_id), void *arg, struct err *err)
{
	(void)d;
	(void)err;
	require(strlen(push->commit) == 40 &&
	    strspn(push->commit, "0123456789abcdefABCDEF") == 40);
	check_text(push->ref);
	require(str_starts(push->ref, "refs/heads/") &&
	    fs_path_is_safe(push->ref) && !strpbrk(push->ref, " ~^:?*[\\"));
	check_text(push->user);
	check_text(push->guid);
	check_text(push->name);
	require(*push->user && (str_eq(push->suite, "ci/suite.yaml")));
	if (push->link) {
		check_text(push->link);
		require(str_starts(push->link, "http"));
	}
	pushes++;
	done(arg, 1);
	return 0;
}

/* ---- a request ----------------------------------------------------------- */

/* Takes a line off the front; caller frees. */
static char *take_line(const uint8_t **data, size_t *size)
{
	const uint8_t *end = *size ? memchr(*data, '\n', *size) : NULL;
	size_t n = end ? (size_t)(end - *data) : *size;
	char *line = xstrndup(*size ? (const char *)*data : "", n);

	n += end != NULL;
	*data = *size ? *data + n : *data;
	*size -= n;
	return line;
}

static char *sign(const void *body, size_t len)
{
	uint8_t mac[HASH_BYTES];
	char hex[HASH_HEX + 1];

	hash_hmac(SECRET, strlen(SECRET), body, len, mac);
	return xasprintf(SIGNATURE "%s", hash_hex(mac, sizeof(mac), hex));
}

static void request(const json_t *header, const void *body, size_t len)
{
	struct lab_branch branches[] = {{"main", "ci/suite.yaml", 0},
	    {"wip/*", "ci/suite.yaml", -1}, {"*x*", "ci/suite.yaml", 1}};
	char name[] = "vmm";
	char secret[] = SECRET;
	struct lab_project project = {.name = name,
	    .secret = secret,
	    .branches = branches,
	    .n_branches = ARRAY_LEN(branches)};
	struct lab lab = {.projects = &project, .n_projects = 1};
	struct daemon d = {.lab = &lab};

	hook_request(
	    (struct asker){.d = &d, .body = body, .body_len = len}, header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	scoped(free) char *project = take_line(&data, &size);
	scoped(free) char *type = take_line(&data, &size);
	scoped(free) char *given = take_line(&data, &size);
	scoped(free) char *event = take_line(&data, &size);
	scoped(free) char *delivery = take_line(&data, &size);
	scoped(free) char *right = NULL;
	bool is_right;
	json_t *header;

	hash_init();
	right = sign(data, size);
	/* Only the digits may be written either way, as a forge's are. */
	is_right = str_eq(project, "vmm") &&
	    (str_eq(given, "sign") ||
	        (str_starts(given, SIGNATURE) &&
	            strcasecmp(given, right) == 0));
	header = json_pack("{s:s s:s s:s s:s s:s s:s}", "project", project,
	    "content_type", type, "signature",
	    str_eq(given, "sign") ? right : given, "event", event, "delivery",
	    delivery, "remote", "127.0.0.1");
	if (!header)
		return -1; /* not UTF-8: no header of the web process */
	answers = last_status = pushes = 0;
	request(header, data, size);
	require(answers == 1);
	require(is_right == (last_status != 401));
	require((pushes == 1) == (last_status == 202));
	json_decref(header);
	return 0;
}
