/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings. A token never stands on the command line, where every user of the
 * computer could read it; a file that others can read is refused.
 */
#include "cli/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/str.h"

#define DEFAULT_SERVER "http://127.0.0.1:8080"
#define TOKEN_BYTES 512

/* The value of a variable that is set and not empty, or NULL. */
static const char *variable(const char *name)
{
	const char *v = getenv(name);

	return v && *v ? v : NULL;
}

/* Our folder for configuration, or NULL if there is no home. */
static char *config_folder(void)
{
	const char *base = variable("XDG_CONFIG_HOME");
	const char *home = variable("HOME");

	/* The specification says to ignore relative ones. */
	if (base && *base == '/')
		return xasprintf("%s/ironbench", base);
	return home ? xasprintf("%s/.config/ironbench", home) : NULL;
}

/* A path of the configuration: below the home, or beside the file. */
static char *config_path(const char *folder, const char *path)
{
	const char *home = variable("HOME");

	if (*path == '/')
		return xstrdup(path);
	if (str_starts(path, "~/") && home)
		return xasprintf("%s%s", home, path + 1);
	return xasprintf("%s/%s", folder, path);
}

static int read_config(const char *folder, char **ret_server,
    char **ret_token_file, struct err *err)
{
	static const char *const keys[] = {"server", "token_file"};
	scoped(free) char *path = xasprintf("%s/config.yaml", folder);
	scoped(conf_free) struct conf *conf = NULL;
	const char *server = NULL;
	const char *file = NULL;
	int r = conf_load(path, &conf, err);

	if (r == -ERR_NOTFOUND)
		return 0;
	if (r < 0)
		return r;
	/* An empty file is as good as none. */
	if (conf_type(conf_root(conf)) == CONF_NULL)
		return 0;
	if (conf_type(conf_root(conf)) != CONF_MAP)
		return conf_error(conf_root(conf), err,
		    "not a map; allowed are the keys server, token_file");
	r = conf_only(conf_root(conf), "settings", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = conf_str(
		    conf_root(conf), "server", CONF_OPTIONAL, &server, err);
	if (r == 0)
		r = conf_str(
		    conf_root(conf), "token_file", CONF_OPTIONAL, &file, err);
	if (r < 0)
		return r;
	*ret_server = xstrdup(server);
	*ret_token_file = file ? config_path(folder, file) : NULL;
	return 0;
}

/* Printable ASCII without blanks: it goes into a header line. */
static int check_token(const char *where, const char *token, struct err *err)
{
	if (!*token)
		return err_set(err, ERR_INVAL, "%s: empty", where);
	for (const char *p = token; *p; p++)
		if (*p <= ' ' || *p > '~')
			return err_set(err, ERR_INVAL,
			    "%s: not a token: it has a blank or a character "
			    "that is not ASCII",
			    where);
	return 0;
}

static int read_token_file(const char *path, char **ret, struct err *err)
{
	scoped_val(fd_done) int fd =
	    open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char text[TOKEN_BYTES + 1];
	struct stat st;
	ssize_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, errno, "token file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_set(
		    err, ERR_INVAL, "token file %s: not a file", path);
	if (st.st_mode & (S_IRWXG | S_IRWXO))
		return err_set(err, ERR_INVAL,
		    "token file %s: others can read it (chmod 600 %s)", path,
		    path);
	n = read(fd, text, TOKEN_BYTES + 1);
	if (n < 0)
		return err_errno(err, errno, "token file %s", path);
	if (n > TOKEN_BYTES)
		return err_set(err, ERR_INVAL,
		    "token file %s: over %d bytes, not a token", path,
		    TOKEN_BYTES);
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	r = check_token(path, text, err);
	if (r == 0)
		*ret = xstrdup(text);
	explicit_bzero(text, sizeof(text));
	return r;
}

static int find_token(const struct options *o, const char *configured,
    char **ret, struct err *err)
{
	const char *file = o->value[OPT_TOKEN_FILE];
	const char *token = variable("IRONBENCH_TOKEN");
	int r;

	if (file || (!token && configured))
		return read_token_file(file ? file : configured, ret, err);
	if (!token)
		return 0;
	r = check_token("IRONBENCH_TOKEN", token, err);
	if (r == 0)
		*ret = xstrdup(token);
	return r;
}

static int check_server(char *server, struct err *err)
{
	size_t len = strlen(server);

	if (!str_starts(server, "http://") && !str_starts(server, "https://"))
		return err_set(err, ERR_INVAL,
		    "server %.200s: not a URL that begins with http:// or "
		    "https://",
		    server);
	while (len && server[len - 1] == '/')
		server[--len] = '\0';
	return 0;
}

int settings_read(const struct options *o, enum settings_need need,
    struct settings **ret, struct err *err)
{
	scoped(settings_free) struct settings *s = xcalloc(1, sizeof(*s));
	scoped(free) char *folder = config_folder();
	scoped(free) char *server = NULL;
	scoped(free) char *token_file = NULL;
	const char *chosen = o->value[OPT_SERVER];
	int r;

	if (folder) {
		r = read_config(folder, &server, &token_file, err);
		if (r < 0)
			return r;
	}
	if (!chosen)
		chosen = variable("IRONBENCH_SERVER");
	if (!chosen)
		chosen = server ? server : DEFAULT_SERVER;
	s->server = xstrdup(chosen);
	r = check_server(s->server, err);
	if (r == 0 && need == SETTINGS_TOKEN)
		r = find_token(o, token_file, &s->token, err);
	if (r < 0)
		return r;
	*ret = take(s);
	return 0;
}

void settings_free(struct settings *s)
{
	if (!s)
		return;
	if (s->token)
		explicit_bzero(s->token, strlen(s->token));
	free(s->token);
	free(s->server);
	free(s);
}
