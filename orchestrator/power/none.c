/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine that is always on, as far as we know: `driver: none`. */
#include "base/mem.h"
#include "orchestrator/power/driver.h"

static int none_open(const struct power_shared *shared,
    const struct conf_node *section, void **ret, struct err *err)
{
	static const char *const keys[] = {"driver"};

	(void)shared;
	if (ret)
		*ret = NULL;
	if (!section)
		return 0;
	return conf_only(section, "power", keys, ARRAY_LEN(keys), err);
}

static void none_close(void *data)
{
	(void)data;
}

const struct power_driver power_none = {
    .name = "none",
    .open = none_open,
    .close = none_close,
};
