/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libsodium's primitives under our names; no other folder includes sodium. */
#include "base/hash.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

struct hash {
	crypto_hash_sha256_state state;
};

void hash_init(void)
{
	if (sodium_init() < 0)
		abort();
}

void hash_sha256(const void *data, size_t len, uint8_t ret[HASH_BYTES])
{
	crypto_hash_sha256(ret, data, len);
}

void hash_hmac(const void *key, size_t key_len, const void *data, size_t len,
    uint8_t ret[HASH_BYTES])
{
	crypto_auth_hmacsha256_state st;

	crypto_auth_hmacsha256_init(&st, key, key_len);
	crypto_auth_hmacsha256_update(&st, data, len);
	crypto_auth_hmacsha256_final(&st, ret);
}

bool hash_equal(const void *a, const void *b, size_t len)
{
	return sodium_memcmp(a, b, len) == 0;
}

void hash_random(void *to, size_t len)
{
	randombytes_buf(to, len);
}

char *hash_hex(const void *data, size_t n, char *to)
{
	return sodium_bin2hex(to, 2 * n + 1, data, n);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool hash_unhex(const char *s, void *to, size_t n)
{
	uint8_t *p = to;

	for (size_t i = 0; i < n; i++) {
		int hi = digit(s[2 * i]);
		int lo = hi < 0 ? -1 : digit(s[2 * i + 1]);

		if (lo < 0)
			return false;
		p[i] = (uint8_t)(hi << 4 | lo);
	}
	return s[2 * n] == '\0';
}

struct hash *hash_new(void)
{
	struct hash *h = xcalloc(1, sizeof(*h));

	crypto_hash_sha256_init(&h->state);
	return h;
}

void hash_add(struct hash *h, const void *data, size_t len)
{
	crypto_hash_sha256_update(&h->state, data, len);
}

void hash_end(struct hash *h, uint8_t ret[HASH_BYTES])
{
	crypto_hash_sha256_final(&h->state, ret);
	free(h);
}

int hash_fd(int fd, uint8_t ret[HASH_BYTES], int64_t *ret_size, struct err *err)
{
	enum {
		CHUNK = 1 << 16
	};
	scoped(free) char *chunk = xcalloc(1, CHUNK);
	crypto_hash_sha256_state st;
	int64_t size = 0;
	ssize_t n;

	crypto_hash_sha256_init(&st);
	while ((n = pread(fd, chunk, CHUNK, size)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, errno, "read");
		crypto_hash_sha256_update(
		    &st, (unsigned char *)chunk, (unsigned long long)n);
		size += n;
	}
	crypto_hash_sha256_final(&st, ret);
	*ret_size = size;
	return 0;
}
