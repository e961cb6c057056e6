/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine without a console: `driver: none`. */
#include "base/mem.h"
#include "orchestrator/console/driver.h"

static int none_open(const char *dir, const struct conf_node *section,
    struct console_address *ret, struct err *err)
{
	static const char *const keys[] = {"driver", "baud"};

	(void)dir;
	(void)ret;
	if (!section)
		return 0;
	return conf_only(section, "console", keys, ARRAY_LEN(keys), err);
}

const struct console_driver console_none = {
    .name = "none",
    .open = none_open,
};
