/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cookies, Host and Origin: what tells a page of ours from another site. */
#include "web/origin.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

/* ---- cookies ------------------------------------------------------------ */

bool cookie_can_hold(const char *text)
{
	for (; *text; text++)
		if (*text <= ' ' || *text > '~' || strchr("\",;\\", *text))
			return false;
	return true;
}

bool cookie_get(const char *header, const char *name, char *to, size_t size)
{
	size_t name_len = strlen(name);

	for (const char *at = header; at && *at; at += *at == ';') {
		size_t len;

		at += strspn(at, " \t");
		len = strcspn(at, ";");
		if (len > name_len && at[name_len] == '=' &&
		    memcmp(at, name, name_len) == 0) {
			const char *value = at + name_len + 1;

			len -= name_len + 1;
			while (len && strchr(" \t", value[len - 1]))
				len--;
			if (!len || len >= size)
				return false;
			memcpy(to, value, len);
			to[len] = '\0';
			return true;
		}
		at += len;
	}
	return false;
}

/* ---- Host and Origin ---------------------------------------------------- */

/* Splits "host", "host:port" and "[v6]:port"; false if it is none of them. */
static bool host_split(const char *text, char *host, size_t size)
{
	const char *end =
	    text[0] == '[' ? strchr(text, ']') : text + strcspn(text, ":");
	size_t len;
	int64_t port;

	if (!end)
		return false;
	end += *end == ']';
	if (*end == ':' && str_to_i64(end + 1, 0, 65535, &port, NULL) < 0)
		return false;
	if (*end && *end != ':')
		return false;
	len = (size_t)(end - text);
	if (!len || len >= size)
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	return true;
}

bool host_is_loopback(const char *host)
{
	char name[64];
	struct in_addr a;

	if (!host || !host_split(host, name, sizeof(name)))
		return false;
	if (strcasecmp(name, "localhost") == 0 || strcmp(name, "[::1]") == 0)
		return true;
	/* Only an address: 127.example.org is a name like others. */
	return inet_pton(AF_INET, name, &a) == 1 &&
	    ntohl(a.s_addr) >> 24 == 127;
}

bool origin_is_host(const char *origin, const char *host)
{
	const char *authority = origin ? strstr(origin, "://") : NULL;

	if (!authority || !host || !*host)
		return false;
	if (!str_starts(origin, "http://") && !str_starts(origin, "https://"))
		return false;
	return strcasecmp(authority + 3, host) == 0;
}
