/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `ironbenchd token add|list|revoke`, while the daemon runs and without it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "orchestrator/control.h"

char *control_path(const char *dir)
{
	return xasprintf("%s/control", dir);
}

static bool list_one(void *arg, const struct db_token *t)
{
	static const char *const names[] = {
	    "read", "submit", "operate", "admin"};
	struct buf *out = arg;
	char at[CLOCK_UTC_LEN + 1];
	bool first = true;

	buf_printf(out, "%-24s %s  ", t->name,
	    clock_utc(t->created_at_ms, at, sizeof(at)));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!(t->scopes & (1u << i)))
			continue;
		buf_printf(out, "%s%s", first ? "" : ",", names[i]);
		first = false;
	}
	buf_puts(out, t->revoked_at_ms ? "  revoked\n" : "\n");
	return true;
}

int control_do(
    struct db *db, const json_t *request, struct buf *out, struct err *err)
{
	const char *verb = json_string_value(json_object_get(request, "do"));
	const char *name = json_string_value(json_object_get(request, "name"));
	const char *scopes =
	    json_string_value(json_object_get(request, "scopes"));
	unsigned bits;
	int r;

	if (verb && strcmp(verb, "list") == 0)
		return db_tokens(db, list_one, out, err);
	if (!verb || !name)
		return err_set(err, ERR_INVAL, "control: bad request");
	if (strcmp(verb, "revoke") == 0) {
		r = db_token_revoke(db, name, clock_wall_ms(), err);
		if (r == 0)
			audit_act(db, "ironbenchd", "token %s revoked", name);
		return r;
	}
	if (strcmp(verb, "add") != 0)
		return err_set(err, ERR_INVAL, "token %s: unknown", verb);
	r = token_scopes(scopes ? scopes : "", &bits, err);
	if (r == 0)
		r = token_add(db, name, bits, out, err);
	if (r == 0) {
		buf_putc(out, '\n');
		audit_act(db, "ironbenchd", "token %s added: %s", name, scopes);
	}
	return r;
}

/* -ERR_UNREACH if no daemon answers there. */
static int dial(const char *path, int *ret, struct err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	scoped_val(fd_done) int fd =
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sa.sun_path))
		return err_set(err, ERR_INVAL,
		    "%s: longer than %zu bytes, which a socket's path may have",
		    path, sizeof(sa.sun_path) - 1);
	memcpy(sa.sun_path, path, strlen(path) + 1);
	if (fd < 0)
		return err_errno(err, errno, "socket");
	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0)
		return err_set(err, ERR_UNREACH, "%s: no daemon", path);
	*ret = fd_take(&fd);
	return 0;
}

static int read_answer(int fd, struct buf *out, struct err *err)
{
	scoped_val(buf_done) struct buf in = BUF_INIT(2 << 20);
	json_error_t je;
	json_t *answer;
	const char *text;
	char *room;
	ssize_t n;
	int r = 0;

	while ((room = buf_room(&in, 4096)) && (n = read(fd, room, 4096)) > 0)
		buf_added(&in, (size_t)n);
	answer = json_loadb(buf_str(&in), in.len, 0, &je);
	text = json_string_value(json_object_get(answer, "error"));
	if (text)
		r = err_set(err, ERR_INVAL, "%s", text);
	else if ((text = json_string_value(json_object_get(answer, "out"))))
		buf_puts(out, text);
	else
		r = err_set(err, ERR_PROTO, "the daemon gave no answer");
	json_decref(answer);
	return r;
}

static int ask_daemon(
    const char *dir, const json_t *request, struct buf *out, struct err *err)
{
	scoped(free) char *path = control_path(dir);
	scoped(free) char *text = json_dumps(request, JSON_COMPACT);
	scoped_val(fd_done) int fd = -1;
	int r = dial(path, &fd, err);

	if (r == 0)
		r = fs_write_all(fd, text, strlen(text), err);
	if (r == 0)
		r = fs_write_all(fd, "\n", 1, err);
	if (r == 0)
		r = read_answer(fd, out, err);
	return r;
}

static void no_wake(void *arg)
{
	(void)arg;
}

static int do_alone(
    const char *dir, const json_t *request, struct buf *out, struct err *err)
{
	struct db_ops ops = {.wake = no_wake};
	const char *verb = json_string_value(json_object_get(request, "do"));
	struct db *db = NULL;
	int r;

	/* Only a new token is a reason to make the folder. */
	if (strcmp(verb, "add") != 0 && access(dir, F_OK) < 0)
		return err_errno(err, errno, "%s", dir);
	r = db_open(dir, &ops, &db, err);
	if (r < 0)
		return r;
	r = control_do(db, request, out, err);
	db_close(db);
	return r;
}

int control_command(
    const char *dir, const char *verb, const char *name, const char *scopes)
{
	scoped_val(buf_done) struct buf out = BUF_INIT(2 << 20);
	json_t *request = json_pack(
	    "{s:s s:s* s:s*}", "do", verb, "name", name, "scopes", scopes);
	struct err err = ERR_INIT;
	unsigned bits;
	int r = scopes ? token_scopes(scopes, &bits, &err) : 0;

	if (r == 0)
		r = ask_daemon(dir, request, &out, &err);
	if (r == -ERR_UNREACH)
		r = do_alone(dir, request, &out, &err);
	json_decref(request);
	if (r < 0) {
		(void)fprintf(
		    stderr, "ironbenchd: token %s: %s\n", verb, err.msg);
		return 1;
	}
	(void)fputs(buf_str(&out), stdout);
	return 0;
}
