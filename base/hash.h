/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SHA-256, HMAC, constant-time comparison and randomness, by libsodium. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 32
#define HASH_HEX 64 /* without the zero byte */

/* Once at program start; aborts if libsodium cannot start. */
void hash_init(void);
void hash_sha256(const void *data, size_t len, uint8_t ret[HASH_BYTES]);
/* HMAC-SHA-256 (RFC 2104) of data. */
void hash_hmac(const void *key, size_t key_len, const void *data, size_t len,
    uint8_t ret[HASH_BYTES]);
/* Compares without telling by time where they differ. */
bool hash_equal(const void *a, const void *b, size_t len);
void hash_random(void *to, size_t len);
/* Lower-case hexadecimal of n bytes; to holds 2 n + 1. Returns to. */
char *hash_hex(const void *data, size_t n, char *to);
/* Strictly 2 n hexadecimal digits into n bytes; false if s is not that. */
bool hash_unhex(const char *s, void *to, size_t n);

/* A running hash, for data that does not fit in memory. */
struct hash;
struct hash *hash_new(void);
void hash_add(struct hash *h, const void *data, size_t len);
/* Writes the digest and frees h. */
void hash_end(struct hash *h, uint8_t ret[HASH_BYTES]);

struct err;
/* Hash of everything that can be read from fd, from offset 0. Blocks. */
int hash_fd(
    int fd, uint8_t ret[HASH_BYTES], int64_t *ret_size, struct err *err);

#endif
