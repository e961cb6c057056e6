/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Errors: the kind is for the program, the message is for a person.
 *
 * Fallible functions return 0 or -ERR_*. The message is one line that names
 * the object, without a period and without "error:"; whatever went into it, it
 * is valid UTF-8 without control bytes. Foreign codes (errno, SQLite, libcurl)
 * become a kind once, where they enter; err->code keeps the original number.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <stdbool.h>

enum err_kind {
	ERR_INVAL = 1, /* what was given is wrong; trying again cannot help */
	ERR_DENIED,    /* not allowed */
	ERR_NOTFOUND,  /* no such thing */
	ERR_CONFLICT,  /* in use, exists already, or the state forbids it */
	ERR_LIMIT,     /* over a ceiling */
	ERR_AGAIN,     /* not now; the same call may succeed later */
	ERR_UNREACH,   /* the other end cannot be reached */
	ERR_TIMEOUT,   /* a deadline passed */
	ERR_PROTO,     /* the other end speaks nonsense */
	ERR_IO,        /* the disk, or another local resource, failed */
};

struct err {
	int kind;      /* enum err_kind, 0 when unset */
	int code;      /* the foreign code it came from, or 0 */
	char msg[480]; /* one line for a person */
};

#define ERR_INIT         \
	{                \
		0, 0, "" \
	}

/* Sets kind and message; returns -kind. err may be NULL. */
int err_set(struct err *err, enum err_kind kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/*
 * The same from errno: appends ": strerror" and chooses the kind by the number.
 * The message should name the call's object, as in "open /x/y".
 */
int err_errno(struct err *err, int errno_value, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Puts context before the message: "context: message". Keeps the kind. */
int err_prefix(struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* Copies from into err (which may be NULL); returns -from->kind. */
int err_copy(struct err *err, const struct err *from);
/* True for AGAIN, UNREACH and TIMEOUT. Takes -ERR_* or ERR_*. */
bool err_is_temporary(int kind);
/* "INVAL", "DENIED", ... ; takes -ERR_* or ERR_*. */
const char *err_name(int kind);

#endif
