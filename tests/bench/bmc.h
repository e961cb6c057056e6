/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A BMC that can be asked and switched over the network, without a machine
 * behind it: IPMI 2.0 (RMCP+) with cipher suite 3, which is RAKP-HMAC-SHA1,
 * HMAC-SHA1-96 and AES-CBC-128. Source of formats and formulas: IPMI
 * specification v2.0 rev. 1.1, chapters 13 (sessions), 22 (their commands) and
 * 28 (chassis); numbers of sections stand beside the code.
 *
 * No I/O: bytes in, bytes out. One per machine; nothing is shared but what
 * bmc_setup() makes.
 */
#ifndef TESTS_BENCH_BMC_H
#define TESTS_BENCH_BMC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	BMC_PACKET_MAX = 512
};

/* What a packet did to the machine. */
enum bmc_did {
	BMC_NOTHING,
	BMC_OFF,
	BMC_ON,
	BMC_CYCLE,
	BMC_RESET
};

struct bmc;

/* Once per process. False: the library of cryptography does not start. */
bool bmc_setup(void);
/* user and password are borrowed. Off. */
struct bmc *bmc_new(const char *user, const char *password);
void bmc_free(struct bmc *b);
bool bmc_is_on(const struct bmc *b);
/*
 * Takes a packet and writes the answer into out; returns its length, 0 for no
 * answer (nonsense, or nobody's session). *ret_did: the machine was switched.
 */
size_t bmc_packet(struct bmc *b, const uint8_t *in, size_t len,
    uint8_t out[BMC_PACKET_MAX], enum bmc_did *ret_did);

#endif
