/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking git(1) about the repository that the current folder belongs to. */
#ifndef CLI_GIT_H
#define CLI_GIT_H

#include "base/buf.h"
#include "base/err.h"

/*
 * Runs git with these words (NULL-terminated, without "git"), never through a
 * shell. ret gets what it says, up to ret's ceiling: the rest is cut off.
 * Errors: NOTFOUND (it ended with 1, which many commands say for "no"), INVAL
 * (with another code; the message has its last words), TIMEOUT, IO.
 */
int git_ask(const char *const *words, struct buf *ret, struct err *err);
/* The first line of that, without its end; the caller frees. */
int git_line(const char *const *words, char **ret, struct err *err);

#endif
