/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Scripts for iPXE, tried with the one of Debian 12 under QEMU.
 *
 * It joins the words of a line with one blank, so quotes mean nothing; `${`
 * expands, `||` and `&&` end a command and a word that begins with # ends the
 * line: none of these can be passed on to a kernel. A path that begins with a
 * slash is resolved against the URI of the script. The command line of a
 * multiboot image and of each module is its whole URI and then the arguments;
 * all of them share 512 bytes, and modules after the eighth are left out.
 */
#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "orchestrator/boot.h"

enum {
	MULTIBOOT_MODULES = 8,
	MULTIBOOT_BYTES = 512, /* command lines, each with a zero byte */
	/* Of "http://ADDRESS:PORT", which we do not know: an IPv4 address. */
	ORIGIN_BYTES = 7 + 15 + 1 + 5
};

static bool is_reserved(const char *word, size_t len)
{
	return word[0] == '#' ||
	    (len == 2 &&
	        (memcmp(word, "||", 2) == 0 || memcmp(word, "&&", 2) == 0));
}

/* Adds the arguments word by word, each with a blank before it. */
static int add_args(struct buf *to, const struct boot_entry *e, struct err *err)
{
	const char *word = e->args;

	for (const char *c = e->args; *c; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return err_set(err, ERR_INVAL,
			    "%s: a control character in its arguments",
			    e->path);
	if (strstr(e->args, "${"))
		return err_set(err, ERR_INVAL,
		    "%s: ${ in its arguments, which iPXE would expand",
		    e->path);
	while (word += strspn(word, " \t"), *word) {
		size_t len = strcspn(word, " \t");

		if (is_reserved(word, len))
			return err_set(err, ERR_INVAL,
			    "%s: the argument %.*s means something to iPXE",
			    e->path, (int)len, word);
		buf_putc(to, ' ');
		buf_add(to, word, len);
		word += len;
	}
	return 0;
}

/* The file's path on our server; what is special in a URL is escaped. */
static int add_path(struct buf *to, const struct boot_spec *spec,
    const struct boot_entry *e, struct err *err)
{
	const char *slash = strrchr(e->path, '/');
	const char *name = slash ? slash + 1 : e->path;
	char hex[HASH_HEX + 1];

	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return err_set(
		    err, ERR_INVAL, "%s: not the path of a file", e->path);
	buf_printf(to, "/files/%s/%s/", spec->nonce,
	    hash_hex(e->sha256, HASH_BYTES, hex));
	for (; *name; name++) {
		unsigned char c = (unsigned char)*name;

		if (c < 0x80 && (isalnum(c) || strchr("-._~+,=@", c)))
			buf_putc(to, *name);
		else
			buf_printf(to, "%%%02X", c);
	}
	return 0;
}

/* One line; *bytes grows by what a multiboot image gets of it. */
static int add_entry(struct buf *to, const char *command,
    const struct boot_spec *spec, const struct boot_entry *e, size_t *bytes,
    struct err *err)
{
	size_t start;
	int r;

	buf_printf(to, "%s ", command);
	start = to->len;
	r = add_path(to, spec, e, err);
	if (r == 0)
		r = add_args(to, e, err);
	*bytes += ORIGIN_BYTES + to->len - start + 1;
	buf_puts(to, " || goto again\n");
	return r;
}

static int check_multiboot(
    const struct boot_spec *spec, size_t bytes, struct err *err)
{
	if (spec->n_load > MULTIBOOT_MODULES)
		return err_set(err, ERR_LIMIT,
		    "%s: %zu files to load; iPXE passes on at most %d modules",
		    spec->exec.path, spec->n_load, MULTIBOOT_MODULES);
	if (bytes > MULTIBOOT_BYTES)
		return err_set(err, ERR_LIMIT,
		    "%s: its command line and those of its %zu modules, each "
		    "with the file's URL, need %zu bytes; iPXE cuts them off "
		    "after %d",
		    spec->exec.path, spec->n_load, bytes, MULTIBOOT_BYTES);
	return 0;
}

int boot_script_ipxe(
    const struct boot_spec *spec, struct buf *ret, struct err *err)
{
	size_t bytes = 0;
	int r;

	assert(*spec->nonce);
	buf_puts(ret,
	    "#!ipxe\n"
	    "set tries:int32 0\n"
	    ":try\n"
	    "imgfree\n");
	r = add_entry(ret, "kernel", spec, &spec->exec, &bytes, err);
	for (size_t i = 0; r == 0 && i < spec->n_load; i++)
		r = add_entry(ret, "module", spec, &spec->load[i], &bytes, err);
	if (r == 0 && spec->multiboot)
		r = check_multiboot(spec, bytes, err);
	if (r < 0)
		return r;
	/* Never again by itself: a second request counts as a reset. */
	buf_puts(ret,
	    "boot || goto failed\n"
	    ":again\n"
	    "inc tries || goto failed\n"
	    "iseq ${tries} 3 && goto failed ||\n"
	    "sleep 1\n"
	    "goto try\n"
	    ":failed\n"
	    "echo " BOOT_FAILED "\n"
	    ":stay\n"
	    "prompt || sleep 60\n"
	    "goto stay\n");
	if (ret->failed)
		return err_set(err, ERR_LIMIT,
		    "%s: the boot script is over %zu bytes", spec->exec.path,
		    ret->max);
	return 0;
}

void boot_script_idle(struct buf *ret)
{
	/* Not every iPXE is built with `poweroff`. */
	buf_puts(ret,
	    "#!ipxe\n"
	    "echo ironbench: nothing to do\n"
	    "poweroff || exit\n");
}
