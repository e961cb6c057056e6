/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What browsers say about where a request comes from: cookies, Host, Origin.
 * Pure; the input is hostile. A header that is absent is NULL.
 */
#ifndef WEB_ORIGIN_H
#define WEB_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>

#define COOKIE_NAME "ironbench" /* its value is a token */

/*
 * The value of a cookie out of a Cookie header (RFC 6265, 4.2.1), the first if
 * it stands there twice. False if it is not there, is empty or does not fit.
 */
bool cookie_get(const char *header, const char *name, char *to, size_t size);
/*
 * Whether a text can stand as the value of a cookie without quotes (RFC 6265,
 * 4.1.1: cookie-octet).
 */
bool cookie_can_hold(const char *text);

/*
 * Whether a Host header (RFC 9110, 7.2) names this computer whatever a name
 * server says: localhost, 127.x.x.x or [::1], each with or without a port.
 */
bool host_is_loopback(const char *host);
/* Whether an Origin (RFC 6454, 7: scheme://host[:port]) is the Host. */
bool origin_is_host(const char *origin, const char *host);

#endif
