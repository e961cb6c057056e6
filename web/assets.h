/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The built pages, as they stand in the program. */
#ifndef WEB_ASSETS_H
#define WEB_ASSETS_H

#include <stddef.h>

#define ASSET_INDEX "index.html" /* the document of every page */

struct asset {
	const char *name; /* of its file in web/ui/dist */
	const char *type; /* Content-Type */
	const char *data;
	size_t len;
	char etag[40];      /* with its quotes: of the bytes */
	const char *packed; /* the same by gzip; or NULL */
	size_t packed_len;
	char packed_etag[40]; /* it is another representation */
};

/* By its file name, or NULL. assets_init() comes first, once. */
const struct asset *asset_find(const char *name);
void assets_init(void);

#endif
