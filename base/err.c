/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Errors with a kind for the program and a message for a person. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

static void set(
    struct err *err, enum err_kind kind, const char *fmt, va_list ap)
{
	char msg[sizeof(err->msg)];

	/* Not into place: an argument may be the message that was there. */
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	str_tidy(msg);
	memcpy(err->msg, msg, strlen(msg) + 1);
	err->kind = (int)kind;
	err->code = 0;
}

int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, fmt);
		set(err, kind, fmt, ap);
		va_end(ap);
	}
	return -(int)kind;
}

static enum err_kind kind_of_errno(int e)
{
	switch (e) {
	case EINVAL:
	case ENAMETOOLONG:
	case ENOTDIR:
	case EISDIR:
		return ERR_INVAL;
	case EACCES:
	case EPERM:
		return ERR_DENIED;
	case ENOENT:
		return ERR_NOTFOUND;
	case EEXIST:
	case EADDRINUSE:
	case EBUSY:
		return ERR_CONFLICT;
	case EFBIG:
	case EMFILE:
	case ENFILE:
		return ERR_LIMIT;
	case EAGAIN:
	case EINTR:
		return ERR_AGAIN;
	case ECONNREFUSED:
	case ECONNRESET:
	case ECONNABORTED:
	case EHOSTDOWN:
	case EHOSTUNREACH:
	case ENETDOWN:
	case ENETUNREACH:
	case EPIPE:
		return ERR_UNREACH;
	case ETIMEDOUT:
		return ERR_TIMEOUT;
	default:
		return ERR_IO;
	}
}

int err_errno(struct err *err, int errno_value, const char *fmt, ...)
{
	enum err_kind kind = kind_of_errno(errno_value);
	va_list ap;
	size_t n;

	if (err) {
		va_start(ap, fmt);
		set(err, kind, fmt, ap);
		va_end(ap);
		err->code = errno_value;
		n = strlen(err->msg);
		(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s",
		    strerror(errno_value));
	}
	return -(int)kind;
}

int err_prefix(struct err *err, const char *fmt, ...)
{
	char was[sizeof(err->msg)];
	va_list ap;
	size_t n;

	if (!err)
		return -ERR_IO;
	memcpy(was, err->msg, sizeof(was));
	va_start(ap, fmt);
	(void)vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	va_end(ap);
	n = strlen(err->msg);
	(void)snprintf(err->msg + n, sizeof(err->msg) - n, ": %s", was);
	str_tidy(err->msg);
	return -err->kind;
}

int err_copy(struct err *err, const struct err *from)
{
	if (err)
		*err = *from;
	return -from->kind;
}

bool err_is_temporary(int kind)
{
	if (kind < 0)
		kind = -kind;
	return kind == ERR_AGAIN || kind == ERR_UNREACH || kind == ERR_TIMEOUT;
}

const char *err_name(int kind)
{
	static const char *const names[] = {"OK", "INVAL", "DENIED", "NOTFOUND",
	    "CONFLICT", "LIMIT", "AGAIN", "UNREACH", "TIMEOUT", "PROTO", "IO"};

	if (kind < 0)
		kind = -kind;
	return kind < (int)ARRAY_LEN(names) ? names[kind] : "UNKNOWN";
}
