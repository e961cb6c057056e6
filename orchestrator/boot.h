/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Boot scripts: what a machine is told when it boots over the network. */
#ifndef ORCHESTRATOR_BOOT_H
#define ORCHESTRATOR_BOOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/err.h"
#include "base/hash.h"

/* What the script prints when files cannot be fetched or started. */
#define BOOT_FAILED "ironbench: boot failed"

/* A file the script loads, with its arguments (variables replaced). */
struct boot_entry {
	const char *path; /* in the bundle; its last part is the file's name */
	const char *args; /* "" if none */
	const uint8_t *sha256;
};

struct boot_spec {
	const char *nonce; /* of the attempt: hexadecimal, in every URL */
	struct boot_entry exec;
	const struct boot_entry *load;
	size_t n_load;
	/*
	 * exec is a multiboot image, see boot_is_multiboot(): then iPXE's
	 * limits for these are checked, which it passes over silently.
	 */
	bool multiboot;
};

/*
 * Checks a machine's `boot:` section. *ret_mac (caller frees) is the MAC in
 * lower case with colons, NULL for driver none and without a section (NULL).
 * ret_mac may be NULL. Errors: INVAL with position.
 */
int boot_check(
    const struct conf_node *section, char **ret_mac, struct err *err);

/*
 * The iPXE script of an attempt: multiboot images and Linux kernels alike
 * (`kernel`, then one `module` each, then `boot`). URLs are relative to the
 * script's own: /files/{nonce}/{sha256}/{name}. Arguments with a control
 * character or with what iPXE would expand are refused; blanks in a row become
 * one. What cannot be fetched is tried three times; then the script prints
 * "ironbench: boot failed" and stays there, so that the owner's time limit
 * decides. Errors: INVAL, LIMIT.
 */
int boot_script_ipxe(
    const struct boot_spec *spec, struct buf *ret, struct err *err);
/*
 * What a machine without an attempt is told: to switch itself off, or where its
 * iPXE cannot do that, to go on with its next boot device.
 */
void boot_script_idle(struct buf *ret);

/* True if a multiboot header is in the first bytes (8 KiB count) of a file. */
bool boot_is_multiboot(const void *head, size_t len);

/* "52-54-00-AA-BB-CC" or "52:54:..." to lower case with colons; false if bad.
 */
bool boot_mac(const char *text, char ret[18]);

#endif
