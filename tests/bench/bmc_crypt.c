/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cipher suite 3 of IPMI 2.0 by libgcrypt. */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "tests/bench/bmc_private.h"

bool bmc_setup(void)
{
	if (!gcry_check_version(GCRYPT_VERSION))
		return false;
	return gcry_control(GCRYCTL_DISABLE_SECMEM, 0) == 0 &&
	    gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0) == 0;
}

/* The library fails here for bugs of ours only. */
static void must(gcry_error_t e)
{
	if (e)
		abort();
}

static gcry_md_hd_t hmac_new(const void *key, size_t len)
{
	gcry_md_hd_t h;

	must(gcry_md_open(&h, GCRY_MD_SHA1, GCRY_MD_FLAG_HMAC));
	must(gcry_md_setkey(h, key, len));
	return h;
}

void bmc_hmac(const void *key, size_t key_len, const struct bytes *pieces,
    size_t n, uint8_t ret[SHA1_BYTES])
{
	gcry_md_hd_t h = hmac_new(key, key_len);

	for (size_t i = 0; i < n; i++)
		gcry_md_write(h, pieces[i].data, pieces[i].len);
	memcpy(ret, gcry_md_read(h, GCRY_MD_SHA1), SHA1_BYTES);
	gcry_md_close(h);
}

void bmc_drop_keys(struct session *s)
{
	if (s->integrity)
		gcry_md_close(s->integrity);
	if (s->cipher)
		gcry_cipher_close(s->cipher);
	s->integrity = NULL;
	s->cipher = NULL;
}

void bmc_make_keys(const struct bmc *b, struct session *s)
{
	const struct bytes seed[] = {{s->console_random, RANDOM_BYTES},
	    {s->random, RANDOM_BYTES}, {&s->role, 1}, {&s->user_len, 1},
	    {s->user, s->user_len}};
	uint8_t constant[SHA1_BYTES];
	uint8_t key[SHA1_BYTES];
	const struct bytes piece = {constant, sizeof(constant)};

	/* Without a K_G of its own it is the user's key (13.31). */
	bmc_hmac(
	    b->password, strlen(b->password), seed, ARRAY_LEN(seed), s->sik);
	bmc_drop_keys(s);
	memset(constant, 1, sizeof(constant));
	bmc_hmac(s->sik, SHA1_BYTES, &piece, 1, key);
	s->integrity = hmac_new(key, SHA1_BYTES);
	memset(constant, 2, sizeof(constant));
	bmc_hmac(s->sik, SHA1_BYTES, &piece, 1, key);
	must(gcry_cipher_open(
	    &s->cipher, GCRY_CIPHER_AES128, GCRY_CIPHER_MODE_CBC, 0));
	must(gcry_cipher_setkey(s->cipher, key, AES_BYTES));
}

void bmc_auth_code(struct session *s, const uint8_t *data, size_t len,
    uint8_t ret[AUTH_CODE_BYTES])
{
	gcry_md_reset(s->integrity); /* keeps the key */
	gcry_md_write(s->integrity, data, len);
	memcpy(ret, gcry_md_read(s->integrity, GCRY_MD_SHA1), AUTH_CODE_BYTES);
}

bool bmc_decrypt(struct session *s, uint8_t **data, size_t *len)
{
	size_t n = *len - AES_BYTES;
	uint8_t *text = *data + AES_BYTES;
	size_t pad;

	if (*len < 2 * (size_t)AES_BYTES || *len % AES_BYTES != 0)
		return false;
	must(gcry_cipher_setiv(s->cipher, *data, AES_BYTES));
	must(gcry_cipher_decrypt(s->cipher, text, n, NULL, 0));
	pad = text[n - 1];
	if (pad >= n)
		return false;
	*data = text;
	*len = n - 1 - pad;
	return true;
}

size_t bmc_encrypt(
    struct session *s, const uint8_t *data, size_t len, uint8_t *out)
{
	size_t pad = (AES_BYTES - (len + 1) % AES_BYTES) % AES_BYTES;
	size_t n = len + pad + 1;
	uint8_t *text = out + AES_BYTES;

	gcry_create_nonce(out, AES_BYTES);
	memcpy(text, data, len);
	for (size_t i = 0; i < pad; i++)
		text[len + i] = (uint8_t)(i + 1);
	text[n - 1] = (uint8_t)pad;
	must(gcry_cipher_setiv(s->cipher, out, AES_BYTES));
	must(gcry_cipher_encrypt(s->cipher, text, n, NULL, 0));
	return AES_BYTES + n;
}
