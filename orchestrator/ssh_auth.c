/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is who: the machine's host key against the pinned one, and our key.
 *
 * A machine has several host keys and shows the one it is asked for, while the
 * pin may be of any: so a key that is not the pinned one is no verdict until
 * both kinds were seen.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/mem.h"
#include "orchestrator/ssh_private.h"

enum {
	KEY_MAX = 65536
};

const char *ssh_key_methods(enum ssh_key_kind kind)
{
	return kind == SSH_KEY_ED25519
	    ? "ssh-ed25519"
	    : "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521";
}

enum ssh_key_kind ssh_kind_now(const struct ssh *ssh)
{
	return (enum ssh_key_kind)(
	    ((unsigned)ssh->opts.first + ssh->tries) % SSH_KEY_KINDS);
}

/* As `ssh-keygen -l` prints it: base64 without its padding. */
static void print_key(const void *key, size_t len, char to[SSH_PRINT_LEN + 1])
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
	                             "pqrstuvwxyz0123456789+/";
	uint8_t hash[HASH_BYTES + 1] = {0};
	int n = snprintf(to, SSH_PRINT_LEN + 1, "SHA256:");

	hash_sha256(key, len, hash);
	for (unsigned bit = 0; bit < HASH_BYTES * 8; bit += 6) {
		unsigned two = (unsigned)hash[bit / 8] << 8 | hash[bit / 8 + 1];

		to[n++] = digits[two >> (10 - bit % 8) & 63];
	}
	to[n] = '\0';
}

static int denied(struct ssh *ssh, struct err *err)
{
	const char *one = ssh->prints[SSH_KEY_ED25519];
	const char *other = ssh->prints[SSH_KEY_ECDSA];

	return err_set(err, ERR_DENIED,
	    "%s: the host key is %s%s%s, the pinned one is %s", ssh->name, one,
	    *one && *other ? " and " : "", other, ssh->opts.host_key);
}

int ssh_check_host_key(struct ssh *ssh, struct err *err)
{
	char *print = ssh->prints[ssh_kind_now(ssh)];
	size_t len = 0;
	int type = 0;
	const char *key = libssh2_session_hostkey(ssh->session, &len, &type);

	if (!key)
		return err_set(err, ERR_PROTO, "%s: no host key", ssh->name);
	print_key(key, len, print);
	if (strcmp(print, ssh->opts.host_key) == 0)
		return 0;
	return ssh->tries + 1 < SSH_KEY_KINDS ? 1 : denied(ssh, err);
}

int ssh_no_host_key(struct ssh *ssh, struct err *err)
{
	if (ssh->tries + 1 < SSH_KEY_KINDS)
		return 1;
	if (*ssh->prints[SSH_KEY_ED25519] || *ssh->prints[SSH_KEY_ECDSA])
		return denied(ssh, err);
	return err_prefix(
	    err, "no ed25519 or ecdsa host key, or no method in common");
}

int ssh_key_read(const char *path, struct buf *ret, struct err *err)
{
	scoped_val(fd_done) int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return err_errno(err, errno, "%s", path);
	if (fstat(fd, &st) < 0)
		return err_errno(err, errno, "%s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_INVAL, "%s is no file", path);
	if (st.st_mode & 077)
		return err_set(err, ERR_DENIED,
		    "%s is open to others (mode %03o); chmod 600 is needed",
		    path, (unsigned)(st.st_mode & 0777));
	*ret = (struct buf)BUF_INIT(KEY_MAX);
	if (st.st_size > KEY_MAX / 2 || !buf_room(ret, KEY_MAX / 2))
		return err_set(err, ERR_LIMIT, "%s is no key", path);
	n = read(fd, ret->data, KEY_MAX / 2);
	if (n < 0) {
		int e = errno;

		buf_done(ret);
		return err_errno(err, e, "%s", path);
	}
	buf_added(ret, (size_t)n);
	return 0;
}

void ssh_key_wipe(struct buf *key)
{
	if (key->data)
		explicit_bzero(key->data, key->cap);
	buf_done(key);
}

static bool is_bad_key(int r)
{
	return r == LIBSSH2_ERROR_FILE || r == LIBSSH2_ERROR_METHOD_NONE ||
	    r == LIBSSH2_ERROR_METHOD_NOT_SUPPORTED ||
	    r == LIBSSH2_ERROR_KEYFILE_AUTH_FAILED ||
	    r == LIBSSH2_ERROR_INVAL || r == LIBSSH2_ERROR_PROTO;
}

int ssh_authenticate(struct ssh *ssh, struct err *err)
{
	int r;

	if (!ssh->key.data) {
		r = ssh_key_read(ssh->opts.key, &ssh->key, err);
		if (r < 0)
			return err_prefix(err, "%s: key", ssh->name);
	}
	r = libssh2_userauth_publickey_frommemory(ssh->session, ssh->opts.user,
	    strlen(ssh->opts.user), NULL, 0, ssh->key.data, ssh->key.len, NULL);
	if (r == LIBSSH2_ERROR_EAGAIN)
		return 1;
	ssh_key_wipe(&ssh->key);
	if (r == 0)
		return 0;
	if (is_bad_key(r)) {
		(void)ssh_error(ssh, r, "this key cannot be used", err);
		(void)err_prefix(err, "%s", ssh->opts.key);
		return -(err->kind = ERR_INVAL);
	}
	return ssh_error(ssh, r, "login", err);
}
