/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the farm and those who use it both know of its machines. */
#ifndef TESTS_BENCH_BMC_FARM_H
#define TESTS_BENCH_BMC_FARM_H

#include <stddef.h>
#include <stdio.h>

#define FARM_USER "farm"
#define FARM_PASSWORD "a farm's password"
#define FARM_MAC_LEN 17

/* The network address of machine i; returns to. */
static inline const char *farm_mac(size_t i, char to[FARM_MAC_LEN + 1])
{
	(void)snprintf(to, FARM_MAC_LEN + 1, "52:54:00:%02x:%02x:%02x",
	    (unsigned)(i >> 16 & 0xff), (unsigned)(i >> 8 & 0xff),
	    (unsigned)(i & 0xff));
	return to;
}

#endif
