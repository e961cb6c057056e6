/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of a stream, JSON objects in lines, and the running hash over them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/wire.h"
#include "base/str.h"

int wire_lines_next(struct wire_lines *l, const char **data, size_t *len,
    const char **ret_line, size_t *ret_len, struct err *err)
{
	const char *end = *len ? memchr(*data, '\n', *len) : NULL;
	size_t n = end ? (size_t)(end - *data) : *len;

	/* What the last call returned from the buffer has been used by now. */
	if (l->in.len && l->in.data[l->in.len - 1] == '\n')
		buf_reset(&l->in);
	if (n + l->in.len >= WIRE_FRAME_MAX)
		return err_set(
		    err, ERR_LIMIT, "a frame of over %d bytes", WIRE_FRAME_MAX);
	*ret_line = *data;
	*ret_len = n;
	if (!end || l->in.len) {
		buf_add(&l->in, *data, end ? n + 1 : n);
		if (l->in.failed)
			return err_set(err, ERR_LIMIT, "no memory for a frame");
		*ret_line = l->in.data;
		*ret_len = l->in.len - 1;
	}
	n = end ? n + 1 : n;
	*data += n;
	*len -= n;
	return end != NULL;
}

void wire_lines_done(struct wire_lines *l)
{
	buf_done(&l->in);
}

int wire_parse(const char *line, size_t len, json_t **ret, struct err *err)
{
	json_error_t why;
	json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);

	if (!json)
		return err_set(
		    err, ERR_PROTO, "a frame is no JSON: %s", why.text);
	if (!json_is_string(json_object_get(json, "t"))) {
		json_decref(json);
		return err_set(err, ERR_PROTO, "a frame has no \"t\"");
	}
	*ret = json;
	return 0;
}

static int add_to_buf(const char *data, size_t len, void *arg)
{
	struct buf *b = arg;

	buf_add(b, data, len);
	return b->failed ? -1 : 0;
}

int wire_format(const json_t *json, struct buf *ret, struct err *err)
{
	if (json_dump_callback(json, add_to_buf, ret, JSON_COMPACT) < 0)
		return err_set(err, ERR_LIMIT, "a frame does not fit");
	buf_putc(ret, '\n');
	if (ret->failed || ret->len > WIRE_FRAME_MAX)
		return err_set(err, ERR_LIMIT, "a frame does not fit");
	return 0;
}

char *wire_canonical(const json_t *spec, char hex[HASH_HEX + 1])
{
	char *text = json_dumps(spec, JSON_COMPACT | JSON_SORT_KEYS);
	uint8_t hash[HASH_BYTES];

	if (!text)
		abort();
	hash_sha256(text, strlen(text), hash);
	hash_hex(hash, sizeof(hash), hex);
	return text;
}

void wire_chain_add(uint8_t chain[HASH_BYTES], const char *line, size_t len)
{
	struct hash *h = hash_new();

	hash_add(h, chain, HASH_BYTES);
	hash_add(h, line, len);
	hash_end(h, chain);
}

const char *wire_resume_format(
    const struct wire_resume *r, char to[WIRE_RESUME_TEXT])
{
	char hex[HASH_HEX + 1];

	(void)snprintf(to, WIRE_RESUME_TEXT,
	    "1 %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64
	    " %d %d %s",
	    r->have, r->events, r->bytes, r->cases, r->samples, r->complete,
	    r->ended, hash_hex(r->chain, HASH_BYTES, hex));
	return to;
}

/* The next word as a number of [0, max]. */
static bool take_number(char **save, int64_t max, int64_t *ret)
{
	const char *word = strtok_r(NULL, " ", save);

	return word && str_to_i64(word, 0, max, ret, NULL) == 0;
}

static bool take_chain(char **save, uint8_t chain[HASH_BYTES])
{
	const char *word = strtok_r(NULL, " ", save);

	return word && hash_unhex(word, chain, HASH_BYTES);
}

int wire_resume_parse(
    const char *text, struct wire_resume *ret, struct err *err)
{
	struct wire_resume r = {0};
	scoped(free) char *copy = xstrdup(text);
	char *save = NULL;
	const char *version = strtok_r(copy, " ", &save);
	int64_t complete;
	int64_t ended;

	if (strlen(text) >= WIRE_RESUME_TEXT || !str_eq(version, "1") ||
	    !take_number(&save, INT64_MAX, &r.have) ||
	    !take_number(&save, INT64_MAX, &r.events) ||
	    !take_number(&save, INT64_MAX, &r.bytes) ||
	    !take_number(&save, INT64_MAX, &r.cases) ||
	    !take_number(&save, INT64_MAX, &r.samples) ||
	    !take_number(&save, 1, &complete) ||
	    !take_number(&save, 1, &ended) || !take_chain(&save, r.chain) ||
	    strtok_r(NULL, " ", &save))
		return err_set(
		    err, ERR_INVAL, "'%.40s' is no state of a wire", text);
	r.complete = complete != 0;
	r.ended = ended != 0;
	*ret = r;
	return 0;
}
