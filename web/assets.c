/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages are files in web/ui/dist, of the build folder or of a release: the
 * assembler finds them like an include and puts their bytes here.
 */
#include "web/assets.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define EMBED(symbol, file)                                 \
	__asm__(".pushsection .rodata\n"                    \
	        ".global " symbol "\n" symbol ":\n"         \
	        ".incbin \"web/ui/dist/" file "\"\n"        \
	        ".global " symbol "_end\n" symbol "_end:\n" \
	        ".byte 0\n"                                 \
	        ".popsection\n")

EMBED("asset_app_css", "app.css");
EMBED("asset_app_js", "app.js");
EMBED("asset_favicon", "favicon.svg");
EMBED("asset_index", "index.html");
extern const char asset_app_css[], asset_app_css_end[];
extern const char asset_app_js[], asset_app_js_end[];
extern const char asset_favicon[], asset_favicon_end[];
extern const char asset_index[], asset_index_end[];

/* The addresses of the ends are not constants: assets_init() sets lengths. */
static struct asset assets[] = {
    {"app.css", "text/css; charset=utf-8", asset_app_css, 0, ""},
    {"app.js", "text/javascript; charset=utf-8", asset_app_js, 0, ""},
    {"favicon.svg", "image/svg+xml", asset_favicon, 0, ""},
    {ASSET_INDEX, "text/html; charset=utf-8", asset_index, 0, ""},
};

static void asset_init(struct asset *a, const char *end)
{
	uint8_t sha256[HASH_BYTES];
	char hex[HASH_HEX + 1];

	a->len = (size_t)(end - a->data);
	hash_sha256(a->data, a->len, sha256);
	(void)snprintf(a->etag, sizeof(a->etag), "\"%.32s\"",
	    hash_hex(sha256, HASH_BYTES, hex));
}

void assets_init(void)
{
	static const char *const ends[] = {asset_app_css_end, asset_app_js_end,
	    asset_favicon_end, asset_index_end};

	for (size_t i = 0; i < ARRAY_LEN(assets); i++)
		asset_init(&assets[i], ends[i]);
}

const struct asset *asset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(assets); i++)
		if (str_eq(assets[i].name, name))
			return &assets[i];
	return NULL;
}
