/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looking a request up in a table of routes. */
#include "web/routes.h"

const struct route *route_find(const struct route *routes, size_t n,
    enum method method, const char *target, struct path_args *ret,
    unsigned *ret_allowed)
{
	unsigned allowed = 0;

	for (size_t i = 0; i < n; i++) {
		if (!path_match(routes[i].path, target, ret))
			continue;
		if (routes[i].method == method)
			return &routes[i];
		allowed |= (unsigned)routes[i].method;
	}
	*ret_allowed = allowed;
	return NULL;
}

const char *access_name(enum access access)
{
	static const char *const names[] = {
	    "none", "read", "submit", "operate"};

	return names[access];
}
