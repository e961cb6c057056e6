/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's folder and the small files in it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/json.h"
#include "base/fs.h"
#include "base/str.h"

char *folder_default(void)
{
	const char *state = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (state && state[0] == '/')
		return xasprintf("%s/ironbench-agent", state);
	if (geteuid() == 0)
		return xstrdup("/var/lib/ironbench-agent");
	return xasprintf(
	    "%s/.local/state/ironbench-agent", home && *home ? home : "/tmp");
}

int folder_make(const char *dir, struct err *err)
{
	static const char *const folders[] = {"files", "out", "work"};
	struct stat st;
	int r = fs_mkdirs(dir, 0700, err);

	if (r < 0)
		return r;
	if (stat(dir, &st) < 0)
		return err_errno(err, errno, "%s", dir);
	/* Whoever can write here can make us run anything. */
	if (st.st_uid != geteuid())
		return err_set(
		    err, ERR_DENIED, "%s belongs to somebody else", dir);
	if ((st.st_mode & 077) && chmod(dir, 0700) < 0)
		return err_errno(err, errno, "chmod %s", dir);
	for (size_t i = 0; i < ARRAY_LEN(folders) && r == 0; i++) {
		scoped(free) char *path = xasprintf("%s/%s", dir, folders[i]);

		r = fs_mkdirs(path, 0700, err);
	}
	return r;
}

static int state_read(
    const json_t *json, struct wire_saved *ret, struct err *err)
{
	struct wire_saved s = {0};
	const json_t *done = json_object_get(json, "done");
	size_t n = json_array_size(done);

	s.fence = json_get_i64(json, "fence");
	s.attempt = json_get_i64(json, "attempt");
	s.orphan_ms = json_get_i64(json, "orphan_ms");
	s.cancelled = json_is_true(json_object_get(json, "cancelled"));
	(void)snprintf(s.lab, sizeof(s.lab), "%s",
	    json_get_text(json, "lab", sizeof(s.lab) - 1));
	(void)snprintf(s.spec_sha256, sizeof(s.spec_sha256), "%s",
	    json_get_text(json, "spec_sha256", HASH_HEX));
	if (s.fence < 0 || s.attempt < 0 || s.orphan_ms < 0 ||
	    n > WIRE_DONE_MAX)
		return err_set(err, ERR_PROTO, "state.json is damaged");
	for (size_t i = 0; i < n; i++)
		s.done[s.n_done++] =
		    json_integer_value(json_array_get(done, i));
	*ret = s;
	return 0;
}

int state_load(struct wire_saved *ret, struct err *err)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(65536);
	scoped(json_decref) json_t *json = NULL;
	int r = fs_read("state.json", 65536, &b, err);

	if (r == -ERR_NOTFOUND) {
		memset(ret, 0, sizeof(*ret));
		return 0;
	}
	if (r < 0)
		return r;
	json = json_loadb(buf_str(&b), b.len, 0, NULL);
	return state_read(json, ret, err);
}

int state_save(const struct wire_saved *saved, struct err *err)
{
	scoped(json_decref) json_t *done = json_array();
	scoped(json_decref) json_t *json = NULL;
	scoped(free) char *text = NULL;

	for (int i = 0; i < saved->n_done; i++)
		(void)json_array_append_new(done, json_integer(saved->done[i]));
	json = json_pack("{s:s,s:I,s:I,s:s,s:b,s:O,s:I}", "lab", saved->lab,
	    "fence", (json_int_t)saved->fence, "attempt",
	    (json_int_t)saved->attempt, "spec_sha256", saved->spec_sha256,
	    "cancelled", saved->cancelled ? 1 : 0, "done", done, "orphan_ms",
	    (json_int_t)saved->orphan_ms);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text)
		return err_set(err, ERR_IO, "no memory for state.json");
	return fs_write_atomic("state.json", text, strlen(text), 0600, err);
}

int file_sha256(const char *path, char hex[HASH_HEX + 1], struct err *err)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t hash[HASH_BYTES];
	int64_t size;
	int r;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	r = hash_fd(fd, hash, &size, err);
	if (r == 0)
		hash_hex(hash, sizeof(hash), hex);
	return r;
}

int program_sha256(char hex[HASH_HEX + 1], struct err *err)
{
	return file_sha256("/proc/self/exe", hex, err);
}

void boot_id(char to[64])
{
	scoped_val(buf_done) struct buf b = BUF_INIT(4096);

	(void)snprintf(to, 64, "unknown");
	if (fs_read("/proc/sys/kernel/random/boot_id", 4096, &b, NULL) == 0)
		(void)snprintf(to, 64, "%.*s", (int)strcspn(buf_str(&b), "\n"),
		    buf_str(&b));
}
