/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `ssh:` section of a machine, and the defaults it completes itself from.
 */
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/ssh_private.h"

enum {
	HOST_MAX = 253,
	USER_MAX = 64,
	PORT = 22
};

static const char *const keys[] = {"host", "port", "user", "key", "host_key"};

void ssh_options_done(struct ssh_options *opts)
{
	free(opts->host);
	free(opts->user);
	free(opts->key);
	free(opts->host_key);
	*opts = (struct ssh_options){0};
}

void ssh_options_copy(struct ssh_options *to, const struct ssh_options *from)
{
	*to = (struct ssh_options){
	    .host = xstrdup(from->host),
	    .port = from->port,
	    .user = xstrdup(from->user),
	    .key = xstrdup(from->key),
	    .host_key = xstrdup(from->host_key),
	    .first = from->first,
	};
}

/* The section that has the key: the machine's, else the defaults. */
static const struct conf_node *owner(const struct conf_node *section,
    const struct conf_node *defaults, const char *key)
{
	const struct conf_node *v = conf_get(section, key);

	return v && conf_type(v) != CONF_NULL ? section : defaults;
}

/* A text of at most max bytes without blanks and control bytes. */
static int word(const struct conf_node *section,
    const struct conf_node *defaults, const char *key, size_t max, char **ret,
    struct err *err)
{
	const struct conf_node *from = owner(section, defaults, key);
	const char *text = NULL;
	bool good = true;
	int r = conf_str(from, key, CONF_OPTIONAL, &text, err);

	if (r < 0)
		return r;
	if (!text)
		return conf_error(section, err,
		    "ssh: %s is missing, here and in defaults", key);
	for (const char *p = text; *p; p++)
		good &= (unsigned char)*p > ' ' && *p != 0x7f;
	if (!good || !*text || strlen(text) > max)
		return conf_error(conf_get(from, key), err,
		    "%s: '%.60s'; a word of at most %zu bytes is allowed", key,
		    text, max);
	*ret = xstrdup(text);
	return 0;
}

static int host_key(const struct conf_node *section,
    const struct conf_node *defaults, struct ssh_options *o, struct err *err)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmno"
	                             "pqrstuvwxyz0123456789+/";
	int r = word(
	    section, defaults, "host_key", SSH_PRINT_LEN, &o->host_key, err);
	const char *print;

	if (r < 0)
		return r;
	print = o->host_key;
	if (!str_starts(print, "SHA256:") || strlen(print) != SSH_PRINT_LEN ||
	    strspn(print + 7, digits) != SSH_PRINT_LEN - 7)
		return conf_error(
		    conf_get(owner(section, defaults, "host_key"), "host_key"),
		    err,
		    "host_key: '%.60s'; what `ssh-keygen -lf` prints of an "
		    "ed25519 or ecdsa key is allowed: SHA256: and 43 "
		    "characters",
		    print);
	return 0;
}

static int port(const struct conf_node *section,
    const struct conf_node *defaults, struct ssh_options *o, struct err *err)
{
	int64_t n = PORT;
	int r = conf_int(owner(section, defaults, "port"), "port",
	    CONF_OPTIONAL, 1, UINT16_MAX, &n, err);

	o->port = (uint16_t)n;
	return r;
}

static int key(const struct conf_node *section,
    const struct conf_node *defaults, const char *dir, struct ssh_options *o,
    struct err *err)
{
	const struct conf_node *from = owner(section, defaults, "key");
	struct buf content = BUF_INIT(0);
	struct err why = ERR_INIT;
	const char *path = NULL;
	int r = conf_str(from, "key", CONF_OPTIONAL, &path, err);

	if (r < 0)
		return r;
	if (!path || !*path)
		return conf_error(section, err,
		    "ssh: key (a file) is missing, here and in defaults");
	o->key = path[0] == '/' ? xstrdup(path) : xasprintf("%s/%s", dir, path);
	r = ssh_key_read(o->key, &content, &why);
	ssh_key_wipe(&content);
	if (r < 0)
		return conf_error(
		    conf_get(from, "key"), err, "key: %s", why.msg);
	return 0;
}

int ssh_section_check(const struct conf_node *section,
    const struct conf_node *defaults, const char *dir, struct ssh_options *ret,
    struct err *err)
{
	scoped_val(ssh_options_done) struct ssh_options o = {0};
	int r = conf_only(section, "ssh", keys, ARRAY_LEN(keys), err);

	if (r == 0)
		r = word(section, defaults, "host", HOST_MAX, &o.host, err);
	if (r == 0)
		r = port(section, defaults, &o, err);
	if (r == 0)
		r = word(section, defaults, "user", USER_MAX, &o.user, err);
	if (r == 0)
		r = key(section, defaults, dir, &o, err);
	if (r == 0)
		r = host_key(section, defaults, &o, err);
	if (r < 0 || !ret)
		return r;
	*ret = o;
	o = (struct ssh_options){0};
	return 0;
}
