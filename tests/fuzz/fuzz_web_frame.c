/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Frames of a hostile peer: every one that is accepted lies in the input. */
#include <assert.h>

#include "web/web.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf b = BUF_INIT(2 * WEB_FRAME_MAX);
	struct web_frame f;
	struct err err = ERR_INIT;

	buf_add(&b, data, size);
	while (b.len && web_frame_get(&b, &f, &err) == 1) {
		assert(f.size <= b.len && f.size <= WEB_FRAME_MAX);
		assert(f.header == b.data + 8);
		assert(f.body == f.header + f.header_len);
		assert(f.body + f.body_len == b.data + f.size);
		buf_drop(&b, f.size);
	}
	buf_done(&b);
	return 0;
}
