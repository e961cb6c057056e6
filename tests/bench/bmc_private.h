/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A BMC's sessions and the cryptography of cipher suite 3. */
#ifndef TESTS_BENCH_BMC_PRIVATE_H
#define TESTS_BENCH_BMC_PRIVATE_H

#include <gcrypt.h>

#include "tests/bench/bmc.h"

enum {
	SHA1_BYTES = 20,
	AUTH_CODE_BYTES = 12, /* HMAC-SHA1-96 */
	AES_BYTES = 16,
	RANDOM_BYTES = 16,
	GUID_BYTES = 16,
	USER_MAX = 16,
	SESSIONS = 4 /* of one BMC; the oldest is forgotten */
};

struct session {
	uint32_t id;      /* of ours; 0: none */
	uint32_t console; /* the other end's number of it */
	uint8_t console_random[RANDOM_BYTES];
	uint8_t random[RANDOM_BYTES];
	uint8_t role;
	char user[USER_MAX + 1];
	uint8_t user_len;
	uint8_t sik[SHA1_BYTES];
	bool is_open;
	uint32_t sequence;
	gcry_md_hd_t integrity;  /* keyed with K1 */
	gcry_cipher_hd_t cipher; /* keyed with K2 */
};

struct bmc {
	const char *user;
	const char *password;
	uint8_t guid[GUID_BYTES];
	bool on;
	uint32_t last_id;
	struct session sessions[SESSIONS];
};

struct bytes {
	const void *data;
	size_t len;
};

/* HMAC-SHA1 of the n pieces, one after the other. */
void bmc_hmac(const void *key, size_t key_len, const struct bytes *pieces,
    size_t n, uint8_t ret[SHA1_BYTES]);
/* SIK, K1 and K2 of a session whose RAKP 1 and 2 are through (13.31, 13.32). */
void bmc_make_keys(const struct bmc *b, struct session *s);
void bmc_drop_keys(struct session *s);
/* The code over a packet's bytes (13.28.4). */
void bmc_auth_code(struct session *s, const uint8_t *data, size_t len,
    uint8_t ret[AUTH_CODE_BYTES]);
/* In place: *data points behind the IV afterwards. False: bad padding. */
bool bmc_decrypt(struct session *s, uint8_t **data, size_t *len);
/* Writes IV and ciphertext; returns how many bytes (13.29). */
size_t bmc_encrypt(
    struct session *s, const uint8_t *data, size_t len, uint8_t *out);

/* The message inside a session: request to response; 0: none. */
size_t bmc_message(struct bmc *b, struct session *s, const uint8_t *in,
    size_t len, uint8_t *out, enum bmc_did *ret_did);

#endif
