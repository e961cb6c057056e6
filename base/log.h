/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of a program: key=value lines on standard error.
 *
 * Only main programs, drive.c and the request log write above debug; the rest
 * return errors. No secrets: types that hold one have no print function.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG
};

/* Sets the most talkative level that is written; LOG_INFO at start. */
void log_level_set(enum log_level level);
/* Whether a line waits for room in a full pipe; false at start. */
void log_wait_set(bool wait);
/*
 * One line: time, level, text. Made fit for a line by str_tidy(). Never waits,
 * unless told to: a line that a full pipe does not take is lost, and "N lines
 * lost" precedes the next one that it takes. Any thread.
 */
void log_write(enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define log_error(...) log_write(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, __VA_ARGS__)

#endif
