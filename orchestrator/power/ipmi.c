/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Power by IPMI: asks the helper process, which holds the sessions (the
 * library blocks).
 */
#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"
#include "orchestrator/power/driver.h"

enum {
	USER_MAX = 16, /* what IPMI 2.0 has room for */
	PASSWORD_MAX = 20
};

struct ipmi {
	struct helper *helper;
	char *host;
	char *user;
	char *password;
	int64_t ask_id; /* 0: none */
	power_driver_done *done;
	void *arg;
};

static void ipmi_close(void *data)
{
	struct ipmi *m = data;

	if (!m)
		return;
	helper_cancel(m->helper, m->ask_id);
	if (m->password)
		explicit_bzero(m->password, strlen(m->password));
	free(m->host);
	free(m->user);
	free(m->password);
	free(m);
}
SCOPED_DEFINE(struct ipmi, ipmi_close);

/* "host", "host:port", "[v6]" or "[v6]:port", as libfreeipmi reads it. */
static bool host_is_good(const char *host)
{
	const char *end = host + strcspn(host, "[]: \t/@");
	int64_t port;

	if (*host == '[') {
		end = strchr(host, ']');
		if (!end || end == host + 1)
			return false;
		end++;
	}
	if (end == host)
		return false;
	return !*end ||
	    (*end == ':' && str_to_i64(end + 1, 1, 65535, &port, NULL) == 0);
}

/* The password from its file; *ret on success only. */
static int read_password(const struct conf_node *where, const char *path,
    char **ret, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(0);
	struct err why = ERR_INIT;
	struct stat st;

	if (fs_read(path, 4096, &text, &why) < 0)
		return conf_error(where, err, "password_file: %s", why.msg);
	if (stat(path, &st) == 0 && (st.st_mode & (S_IROTH | S_IWOTH)))
		return conf_error(where, err,
		    "password_file: everybody can read or write %s; it must be "
		    "the owner's alone (chmod 600)",
		    path);
	while (text.len && strchr("\r\n", text.data[text.len - 1]))
		text.data[--text.len] = '\0';
	if (strlen(buf_str(&text)) != text.len)
		return conf_error(
		    where, err, "password_file: a zero byte in %s", path);
	*ret = xstrndup(buf_str(&text), text.len);
	explicit_bzero(text.data, text.len);
	return 0;
}

static int get_password(const struct power_shared *shared,
    const struct conf_node *section, char **ret, struct err *err)
{
	const struct conf_node *where = conf_get(section, "password_file");
	scoped(free) char *path = NULL;
	const char *file = NULL;
	const char *text = NULL;
	int r;

	r = conf_str(section, "password_file", CONF_OPTIONAL, &file, err);
	if (r == 0)
		r = conf_str(section, "password", CONF_OPTIONAL, &text, err);
	if (r < 0)
		return r;
	if (!file == !text)
		return conf_error(section, err,
		    "power: %s; driver ipmi needs password_file or password",
		    file ? "both are given" : "no password");
	if (text) {
		*ret = xstrdup(text);
		return 0;
	}
	path = *file == '/' ? xstrdup(file)
	                    : xasprintf("%s/%s", shared->dir, file);
	return read_password(where, path, ret, err);
}

static int ipmi_open(const struct power_shared *shared,
    const struct conf_node *section, void **ret, struct err *err)
{
	static const char *const keys[] = {
	    "driver", "host", "user", "password", "password_file"};
	scoped(ipmi_close) struct ipmi *m = xcalloc(1, sizeof(*m));
	const char *host = NULL;
	const char *user = NULL;
	int r;

	m->helper = shared->ipmi;
	r = conf_only(section, "power", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = conf_str(section, "host", CONF_REQUIRED, &host, err);
	if (r == 0)
		r = conf_str(section, "user", CONF_REQUIRED, &user, err);
	if (r == 0)
		r = get_password(shared, section, &m->password, err);
	if (r < 0)
		return r;
	if (!host_is_good(host))
		return conf_error(conf_get(section, "host"), err,
		    "host: %s; ADDRESS or ADDRESS:PORT is allowed, an IPv6 "
		    "address in brackets",
		    host);
	if (strlen(user) > USER_MAX)
		return conf_error(conf_get(section, "user"), err,
		    "user: over %d bytes", USER_MAX);
	if (strlen(m->password) > PASSWORD_MAX ||
	    !str_is_utf8(m->password, strlen(m->password)))
		return conf_error(section, err,
		    "power: the password is not text of at most %d bytes",
		    PASSWORD_MAX);
	if (!ret)
		return 0;
	m->host = xstrdup(host);
	m->user = xstrdup(user);
	*ret = take(m);
	return 0;
}

static void on_answer(
    void *arg, int r, const json_t *answer, const struct err *err)
{
	struct ipmi *m = arg;
	const char *power;
	struct err why = ERR_INIT;

	m->ask_id = 0;
	if (r < 0) {
		m->done(m->arg, r, POWER_UNKNOWN, err);
		return;
	}
	power = json_string_value(json_object_get(answer, "power"));
	if (str_eq(power, "on"))
		m->done(m->arg, 0, POWER_ON, NULL);
	else if (str_eq(power, "off"))
		m->done(m->arg, 0, POWER_OFF, NULL);
	else
		m->done(m->arg,
		    err_set(&why, ERR_PROTO,
		        "bmc %s: the helper's answer names no power state",
		        m->host),
		    POWER_UNKNOWN, &why);
}

static void ipmi_ask(void *data, enum power_op op, int64_t deadline_ms,
    power_driver_done *done, void *arg)
{
	static const char *const names[] = {
	    [POWER_OP_READ] = "status",
	    [POWER_OP_ON] = "on",
	    [POWER_OP_OFF] = "off",
	};
	struct ipmi *m = data;
	json_t *request = json_pack("{s:s, s:s, s:s, s:s}", "op", names[op],
	    "host", m->host, "user", m->user, "password", m->password);

	/* All of it was found to be UTF-8. */
	assert(request);
	m->done = done;
	m->arg = arg;
	m->ask_id = helper_ask(m->helper, request, deadline_ms, on_answer, m);
}

static void ipmi_cancel(void *data)
{
	struct ipmi *m = data;

	helper_cancel(m->helper, m->ask_id);
	m->ask_id = 0;
}

const struct power_driver power_ipmi = {
    .name = "ipmi",
    .open = ipmi_open,
    .close = ipmi_close,
    .ask = ipmi_ask,
    .cancel = ipmi_cancel,
};
