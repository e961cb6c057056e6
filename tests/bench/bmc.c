/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Packets of RMCP and RMCP+, and how a session begins: the open session
 * request and RAKP messages 1 to 4 (IPMI v2.0, 13.6 and 13.17 to 13.24).
 *
 * Numbers in packets are little-endian. A session is forgotten when four newer
 * ones were opened; nobody has as many.
 */
#include "tests/bench/bmc.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/bench/bmc_private.h"

enum {
	RMCP_BYTES = 4,
	AUTH_NONE = 0x00,
	AUTH_RMCP_PLUS = 0x06,
	PLUS_HEAD = 12, /* of a packet of RMCP+, without that of RMCP */
	TYPE_IPMI = 0x00,
	TYPE_OPEN = 0x10,
	TYPE_RAKP1 = 0x12,
	TYPE_RAKP3 = 0x14,
	TYPE_MASK = 0x3f,
	IS_AUTHENTICATED = 0x40,
	IS_ENCRYPTED = 0x80,
	NEXT_HEADER = 0x07,
	STATUS_NO_SESSION = 0x02,
	STATUS_NO_NAME = 0x0d,
	STATUS_BAD_CODE = 0x0f,
	OPEN_BYTES = 32,
	OPEN_ANSWER_BYTES = 36,
	RAKP1_BYTES = 28,
	RAKP3_BYTES = 8
};

static const uint8_t rmcp_head[RMCP_BYTES] = {0x06, 0x00, 0xff, 0x07};

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

struct bmc *bmc_new(const char *user, const char *password)
{
	struct bmc *b = xcalloc(1, sizeof(*b));

	b->user = user;
	b->password = password;
	gcry_create_nonce(b->guid, sizeof(b->guid));
	gcry_create_nonce(&b->last_id, sizeof(b->last_id));
	return b;
}

void bmc_free(struct bmc *b)
{
	for (size_t i = 0; b && i < SESSIONS; i++)
		bmc_drop_keys(&b->sessions[i]);
	free(b);
}

bool bmc_is_on(const struct bmc *b)
{
	return b->on;
}

static struct session *session_find(struct bmc *b, uint32_t id)
{
	struct session *s = &b->sessions[id % SESSIONS];

	return id && s->id == id ? s : NULL;
}

static struct session *session_new(struct bmc *b, uint32_t console)
{
	struct session *s;

	if (++b->last_id == 0)
		b->last_id = 1;
	s = &b->sessions[b->last_id % SESSIONS];
	bmc_drop_keys(s);
	*s = (struct session){.id = b->last_id, .console = console};
	return s;
}

/* ---- how it begins ------------------------------------------------------- */

/* A packet outside a session; returns its whole length. */
static size_t wrap_plain(uint8_t *out, uint8_t type, size_t len)
{
	memcpy(out, rmcp_head, RMCP_BYTES);
	memset(out + RMCP_BYTES, 0, PLUS_HEAD);
	out[RMCP_BYTES] = AUTH_RMCP_PLUS;
	out[RMCP_BYTES + 1] = type;
	out[RMCP_BYTES + 10] = (uint8_t)len;
	return RMCP_BYTES + PLUS_HEAD + len;
}

static uint8_t *payload_of(uint8_t *out)
{
	return out + RMCP_BYTES + PLUS_HEAD;
}

/* 13.17, 13.18: what was proposed is taken, if it is suite 3. */
static size_t take_open(
    struct bmc *b, const uint8_t *in, size_t len, uint8_t *out)
{
	uint8_t *p = payload_of(out);
	struct session *s;

	/* The algorithms' numbers: all of them are 1 in this suite. */
	if (len < OPEN_BYTES || in[12] != 1 || in[20] != 1 || in[28] != 1)
		return 0;
	s = session_new(b, get32(in + 4));
	memset(p, 0, OPEN_ANSWER_BYTES);
	p[0] = in[0];
	p[2] = in[1] ? in[1] : 4; /* 0 asks for the highest */
	put32(p + 4, s->console);
	put32(p + 8, s->id);
	memcpy(p + 12, in + 8, 24);
	return wrap_plain(out, TYPE_OPEN + 1, OPEN_ANSWER_BYTES);
}

/* A message that only says what is wrong. */
static size_t refuse(
    uint8_t *out, uint8_t type, uint8_t tag, uint8_t status, uint32_t console)
{
	uint8_t *p = payload_of(out);

	memset(p, 0, 8);
	p[0] = tag;
	p[1] = status;
	put32(p + 4, console);
	return wrap_plain(out, type, 8);
}

/* The code of RAKP 2 (13.31). */
static void code_of_rakp2(
    const struct bmc *b, const struct session *s, uint8_t ret[SHA1_BYTES])
{
	uint8_t ids[8];
	const struct bytes pieces[] = {{ids, sizeof(ids)},
	    {s->console_random, RANDOM_BYTES}, {s->random, RANDOM_BYTES},
	    {b->guid, GUID_BYTES}, {&s->role, 1}, {&s->user_len, 1},
	    {s->user, s->user_len}};

	put32(ids, s->console);
	put32(ids + 4, s->id);
	bmc_hmac(
	    b->password, strlen(b->password), pieces, ARRAY_LEN(pieces), ret);
}

static size_t take_rakp1(
    struct bmc *b, const uint8_t *in, size_t len, uint8_t *out)
{
	struct session *s =
	    len >= RAKP1_BYTES ? session_find(b, get32(in + 4)) : NULL;
	uint8_t *p = payload_of(out);

	if (len < RAKP1_BYTES || in[27] > USER_MAX ||
	    len < RAKP1_BYTES + (size_t)in[27])
		return 0;
	if (!s)
		return refuse(out, TYPE_RAKP1 + 1, in[0], STATUS_NO_SESSION, 0);
	memcpy(s->console_random, in + 8, RANDOM_BYTES);
	s->role = in[24];
	s->user_len = in[27];
	memcpy(s->user, in + RAKP1_BYTES, s->user_len);
	s->user[s->user_len] = '\0';
	if (strcmp(s->user, b->user) != 0)
		return refuse(
		    out, TYPE_RAKP1 + 1, in[0], STATUS_NO_NAME, s->console);
	gcry_create_nonce(s->random, RANDOM_BYTES);
	p[0] = in[0];
	memset(p + 1, 0, 3);
	put32(p + 4, s->console);
	memcpy(p + 8, s->random, RANDOM_BYTES);
	memcpy(p + 24, b->guid, GUID_BYTES);
	code_of_rakp2(b, s, p + 40);
	return wrap_plain(out, TYPE_RAKP1 + 1, 40 + SHA1_BYTES);
}

/* The code that RAKP 3 must have. */
static bool is_code_of_rakp3(
    const struct bmc *b, const struct session *s, const uint8_t *code)
{
	uint8_t id[4];
	uint8_t want[SHA1_BYTES];
	const struct bytes pieces[] = {{s->random, RANDOM_BYTES}, {id, 4},
	    {&s->role, 1}, {&s->user_len, 1}, {s->user, s->user_len}};

	put32(id, s->console);
	bmc_hmac(
	    b->password, strlen(b->password), pieces, ARRAY_LEN(pieces), want);
	return memcmp(code, want, SHA1_BYTES) == 0;
}

static size_t take_rakp3(
    struct bmc *b, const uint8_t *in, size_t len, uint8_t *out)
{
	struct session *s =
	    len >= RAKP3_BYTES ? session_find(b, get32(in + 4)) : NULL;
	uint8_t *p = payload_of(out);
	uint8_t code[SHA1_BYTES];
	uint8_t id[4];
	const struct bytes pieces[] = {
	    {s ? s->console_random : id, RANDOM_BYTES}, {id, 4},
	    {b->guid, GUID_BYTES}};

	if (len < RAKP3_BYTES)
		return 0;
	if (!s)
		return refuse(out, TYPE_RAKP3 + 1, in[0], STATUS_NO_SESSION, 0);
	/* With a status there is no code: the other end gave up. */
	if (in[1] || len < RAKP3_BYTES + SHA1_BYTES ||
	    !is_code_of_rakp3(b, s, in + RAKP3_BYTES))
		return refuse(
		    out, TYPE_RAKP3 + 1, in[0], STATUS_BAD_CODE, s->console);
	bmc_make_keys(b, s);
	s->is_open = true;
	put32(id, s->id);
	bmc_hmac(s->sik, SHA1_BYTES, pieces, ARRAY_LEN(pieces), code);
	p[0] = in[0];
	memset(p + 1, 0, 3);
	put32(p + 4, s->console);
	memcpy(p + 8, code, AUTH_CODE_BYTES);
	return wrap_plain(out, TYPE_RAKP3 + 1, 8 + AUTH_CODE_BYTES);
}

/* ---- within -------------------------------------------------------------- */

/* Header, encrypted payload, padding, code. */
static size_t wrap_session(
    struct session *s, const uint8_t *message, size_t len, uint8_t *out)
{
	uint8_t *h = out + RMCP_BYTES;
	size_t n = bmc_encrypt(s, message, len, h + PLUS_HEAD);
	size_t pad;

	memcpy(out, rmcp_head, RMCP_BYTES);
	h[0] = AUTH_RMCP_PLUS;
	h[1] = TYPE_IPMI | IS_AUTHENTICATED | IS_ENCRYPTED;
	put32(h + 2, s->console);
	put32(h + 6, ++s->sequence);
	h[10] = (uint8_t)(n & 0xff);
	h[11] = (uint8_t)(n >> 8);
	n += PLUS_HEAD;
	/* What the code covers is a multiple of four, with its two bytes. */
	pad = (4 - (n + 2) % 4) % 4;
	memset(h + n, 0xff, pad);
	n += pad;
	h[n++] = (uint8_t)pad;
	h[n++] = NEXT_HEADER;
	bmc_auth_code(s, h, n, h + n);
	return RMCP_BYTES + n + AUTH_CODE_BYTES;
}

static size_t take_session(struct bmc *b, const uint8_t *h, size_t len,
    uint8_t *out, enum bmc_did *ret_did)
{
	struct session *s = session_find(b, get32(h + 2));
	size_t n = (size_t)h[10] | (size_t)h[11] << 8;
	uint8_t copy[BMC_PACKET_MAX];
	uint8_t message[BMC_PACKET_MAX / 4];
	uint8_t code[AUTH_CODE_BYTES];
	uint8_t *data = copy;

	if (!s || !s->is_open || len < PLUS_HEAD + n + 2 + AUTH_CODE_BYTES ||
	    (h[1] & (IS_AUTHENTICATED | IS_ENCRYPTED)) !=
	        (IS_AUTHENTICATED | IS_ENCRYPTED))
		return 0;
	bmc_auth_code(s, h, len - AUTH_CODE_BYTES, code);
	if (memcmp(code, h + len - AUTH_CODE_BYTES, AUTH_CODE_BYTES) != 0)
		return 0;
	memcpy(copy, h + PLUS_HEAD, n);
	if (!bmc_decrypt(s, &data, &n))
		return 0;
	n = bmc_message(b, s, data, n, message, ret_did);
	return n ? wrap_session(s, message, n, out) : 0;
}

static size_t take_plus(struct bmc *b, const uint8_t *h, size_t len,
    uint8_t *out, enum bmc_did *ret_did)
{
	size_t n;

	if (len < PLUS_HEAD)
		return 0;
	n = (size_t)h[10] | (size_t)h[11] << 8;
	if (PLUS_HEAD + n > len)
		return 0;
	switch (h[1] & TYPE_MASK) {
	case TYPE_OPEN:
		return take_open(b, h + PLUS_HEAD, n, out);
	case TYPE_RAKP1:
		return take_rakp1(b, h + PLUS_HEAD, n, out);
	case TYPE_RAKP3:
		return take_rakp3(b, h + PLUS_HEAD, n, out);
	case TYPE_IPMI:
		return take_session(b, h, len, out, ret_did);
	default:
		return 0;
	}
}

/* A message outside any session, as IPMI 1.5 wraps it (13.6). */
static size_t take_plain(struct bmc *b, const uint8_t *h, size_t len,
    uint8_t *out, enum bmc_did *ret_did)
{
	uint8_t *to = out + RMCP_BYTES;
	size_t n;

	if (len < 10 || (size_t)h[9] + 10 > len)
		return 0;
	n = bmc_message(b, NULL, h + 10, h[9], to + 10, ret_did);
	if (n == 0)
		return 0;
	memcpy(out, rmcp_head, RMCP_BYTES);
	memset(to, 0, 9);
	to[9] = (uint8_t)n;
	return RMCP_BYTES + 10 + n;
}

size_t bmc_packet(struct bmc *b, const uint8_t *in, size_t len,
    uint8_t out[BMC_PACKET_MAX], enum bmc_did *ret_did)
{
	*ret_did = BMC_NOTHING;
	if (len <= RMCP_BYTES || len > BMC_PACKET_MAX || in[0] != 0x06 ||
	    in[3] != 0x07)
		return 0;
	if (in[RMCP_BYTES] == AUTH_RMCP_PLUS)
		return take_plus(
		    b, in + RMCP_BYTES, len - RMCP_BYTES, out, ret_did);
	if (in[RMCP_BYTES] == AUTH_NONE)
		return take_plain(
		    b, in + RMCP_BYTES, len - RMCP_BYTES, out, ret_did);
	return 0;
}
