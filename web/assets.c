/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The pages are files in web/ui/dist, of the build folder or of a release: the
 * assembler finds them like an include and puts their bytes here, and those of
 * the packed ones, which are always of the build folder.
 */
#include "web/assets.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/mem.h"
#include "base/str.h"

#define EMBED(symbol, file)                                 \
	__asm__(".pushsection .rodata\n"                    \
	        ".global " symbol "\n" symbol ":\n"         \
	        ".incbin \"web/" file "\"\n"                \
	        ".global " symbol "_end\n" symbol "_end:\n" \
	        ".byte 0\n"                                 \
	        ".popsection\n")

EMBED("asset_app_css", "ui/dist/app.css");
EMBED("asset_app_js", "ui/dist/app.js");
EMBED("asset_favicon", "ui/dist/favicon.svg");
EMBED("asset_index", "ui/dist/index.html");
EMBED("packed_app_css", "app.css.gz");
EMBED("packed_app_js", "app.js.gz");
EMBED("packed_index", "index.html.gz");
extern const char asset_app_css[], asset_app_css_end[];
extern const char asset_app_js[], asset_app_js_end[];
extern const char asset_favicon[], asset_favicon_end[];
extern const char asset_index[], asset_index_end[];
extern const char packed_app_css[], packed_app_css_end[];
extern const char packed_app_js[], packed_app_js_end[];
extern const char packed_index[], packed_index_end[];

/* The addresses of the ends are not constants: assets_init() sets lengths. */
static struct asset assets[] = {
    {.name = "app.css",
        .type = "text/css; charset=utf-8",
        .data = asset_app_css,
        .packed = packed_app_css},
    {.name = "app.js",
        .type = "text/javascript; charset=utf-8",
        .data = asset_app_js,
        .packed = packed_app_js},
    {.name = "favicon.svg", .type = "image/svg+xml", .data = asset_favicon},
    {.name = ASSET_INDEX,
        .type = "text/html; charset=utf-8",
        .data = asset_index,
        .packed = packed_index},
};

static void asset_init(struct asset *a, const char *end, const char *packed_end)
{
	uint8_t sha256[HASH_BYTES];
	char hex[HASH_HEX + 1];

	a->len = (size_t)(end - a->data);
	hash_sha256(a->data, a->len, sha256);
	(void)hash_hex(sha256, HASH_BYTES, hex);
	(void)snprintf(a->etag, sizeof(a->etag), "\"%.32s\"", hex);
	if (!a->packed)
		return;
	a->packed_len = (size_t)(packed_end - a->packed);
	(void)snprintf(
	    a->packed_etag, sizeof(a->packed_etag), "\"%.32s-gz\"", hex);
}

void assets_init(void)
{
	static const struct {
		const char *end;
		const char *packed_end;
	} ends[] = {
	    {asset_app_css_end, packed_app_css_end},
	    {asset_app_js_end, packed_app_js_end},
	    {asset_favicon_end, NULL},
	    {asset_index_end, packed_index_end},
	};

	for (size_t i = 0; i < ARRAY_LEN(assets); i++)
		asset_init(&assets[i], ends[i].end, ends[i].packed_end);
}

const struct asset *asset_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(assets); i++)
		if (str_eq(assets[i].name, name))
			return &assets[i];
	return NULL;
}
