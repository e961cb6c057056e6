/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The `boot:` section of a machine, and what it names. */
#include "orchestrator/boot.h"

#include <ctype.h>
#include <string.h>

#include "base/mem.h"

enum driver {
	DRIVER_IPXE,
	DRIVER_NONE
};

static const char *const driver_names[] = {
    [DRIVER_IPXE] = "ipxe",
    [DRIVER_NONE] = "none",
};

enum {
	MAC_LEN = 17,
	MULTIBOOT_SEARCHED = 8192
};

bool boot_mac(const char *text, char ret[18])
{
	char mac[MAC_LEN + 1];

	if (strlen(text) != MAC_LEN || (text[2] != ':' && text[2] != '-'))
		return false;
	for (int i = 0; i < MAC_LEN; i++) {
		bool is_separator = i % 3 == 2;

		if (is_separator ? text[i] != text[2]
		                 : !isxdigit((unsigned char)text[i]))
			return false;
		mac[i] =
		    is_separator ? ':' : (char)tolower((unsigned char)text[i]);
	}
	mac[MAC_LEN] = '\0';
	memcpy(ret, mac, sizeof(mac));
	return true;
}

static int check_ipxe(
    const struct conf_node *section, char **ret_mac, struct err *err)
{
	static const char *const keys[] = {"driver", "mac"};
	const char *text = NULL;
	char mac[MAC_LEN + 1];
	int r;

	r = conf_only(section, "boot", keys, ARRAY_LEN(keys), err);
	if (r == 0)
		r = conf_str(section, "mac", CONF_REQUIRED, &text, err);
	if (r < 0)
		return r;
	if (!boot_mac(text, mac))
		return conf_error(conf_get(section, "mac"), err,
		    "mac: %s; six pairs of hexadecimal digits with colons "
		    "between them are allowed",
		    text);
	if (ret_mac)
		*ret_mac = xstrdup(mac);
	return 0;
}

int boot_check(const struct conf_node *section, char **ret_mac, struct err *err)
{
	static const char *const keys[] = {"driver"};
	int driver = DRIVER_NONE;
	int r;

	if (section) {
		r = conf_enum(section, "driver", CONF_REQUIRED, driver_names,
		    ARRAY_LEN(driver_names), &driver, err);
		if (r < 0)
			return r;
	}
	if (driver == DRIVER_IPXE)
		return check_ipxe(section, ret_mac, err);
	if (section) {
		r = conf_only(section, "boot", keys, ARRAY_LEN(keys), err);
		if (r < 0)
			return r;
	}
	if (ret_mac)
		*ret_mac = NULL;
	return 0;
}

bool boot_is_multiboot(const void *head, size_t len)
{
	const unsigned char *p = head;
	uint32_t words[3]; /* magic, flags, checksum; little-endian */

	if (len > MULTIBOOT_SEARCHED)
		len = MULTIBOOT_SEARCHED;
	for (size_t at = 0; at + sizeof(words) <= len; at += 4) {
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			words[i] = (uint32_t)p[at + 4 * i] |
			    (uint32_t)p[at + 4 * i + 1] << 8 |
			    (uint32_t)p[at + 4 * i + 2] << 16 |
			    (uint32_t)p[at + 4 * i + 3] << 24;
		if (words[0] == 0x1badb002 &&
		    words[0] + words[1] + words[2] == 0)
			return true;
	}
	return false;
}
