/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages inside a session, and the one that is asked before there is any
 * (IPMI v2.0, 13.8): checksums, network functions, commands.
 */
#include <string.h>

#include "base/mem.h"
#include "tests/bench/bmc_private.h"

enum {
	NETFN_CHASSIS = 0x00,
	NETFN_APP = 0x06,
	HEAD_BYTES = 6, /* addresses, function, checksum, sequence, command */
	DONE_OK = 0x00,
	BAD_COMMAND = 0xc1,
	BAD_LENGTH = 0xc7,
	BAD_DATA = 0xcc
};

/* A response's completion code and data. */
struct reply {
	uint8_t code;
	uint8_t data[32];
	size_t len;
};

struct request {
	struct bmc *b;
	struct session *s; /* NULL: outside */
	const uint8_t *data;
	size_t len;
	enum bmc_did did;
};

static void put(struct reply *to, const uint8_t *data, size_t len)
{
	memcpy(to->data, data, len);
	to->len = len;
}

/* 22.13: IPMI 2.0 as well as 1.5, user names, no K_G, no login without. */
static void auth_capabilities(struct request *q, struct reply *to)
{
	static const uint8_t data[] = {1, 0x80, 0x04, 0x03, 0, 0, 0, 0};

	(void)q;
	put(to, data, sizeof(data));
}

/* 20.1: of a device that is in no list. */
static void device_id(struct request *q, struct reply *to)
{
	static const uint8_t data[] = {
	    0x20, 0x01, 1, 0, 0x02, 0x80, 0, 0, 0, 0, 0};

	(void)q;
	put(to, data, sizeof(data));
}

/* 22.18 */
static void set_privilege(struct request *q, struct reply *to)
{
	if (q->len < 1)
		to->code = BAD_LENGTH;
	else
		put(to, q->data, 1);
}

/* 22.19 */
static void close_session(struct request *q, struct reply *to)
{
	(void)to;
	/* Answered with its keys, and forgotten by the next one. */
	if (q->s)
		q->s->is_open = false;
}

/* 28.2 */
static void chassis_status(struct request *q, struct reply *to)
{
	const uint8_t data[] = {q->b->on, 0, 0};

	put(to, data, sizeof(data));
}

/* 28.3 */
static void chassis_control(struct request *q, struct reply *to)
{
	static const enum bmc_did acts[] = {
	    BMC_OFF, BMC_ON, BMC_CYCLE, BMC_RESET};

	if (q->len < 1) {
		to->code = BAD_LENGTH;
		return;
	}
	if (q->data[0] >= ARRAY_LEN(acts)) {
		to->code = BAD_DATA;
		return;
	}
	q->did = acts[q->data[0]];
	q->b->on = q->did != BMC_OFF;
}

static const struct {
	uint8_t netfn;
	uint8_t command;
	bool outside; /* answered without a session */
	void (*run)(struct request *q, struct reply *to);
} commands[] = {
    {NETFN_APP, 0x38, true, auth_capabilities},
    {NETFN_APP, 0x01, false, device_id},
    {NETFN_APP, 0x3b, false, set_privilege},
    {NETFN_APP, 0x3c, false, close_session},
    {NETFN_CHASSIS, 0x01, false, chassis_status},
    {NETFN_CHASSIS, 0x02, false, chassis_control},
};

static void run(struct request *q, const uint8_t *in, struct reply *to)
{
	uint8_t netfn = in[1] >> 2;

	to->code = BAD_COMMAND;
	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		if (commands[i].netfn != netfn ||
		    commands[i].command != in[5] ||
		    (!q->s && !commands[i].outside))
			continue;
		to->code = DONE_OK;
		commands[i].run(q, to);
		return;
	}
}

/* Two's complement of the sum (13.8). */
static uint8_t checksum(const uint8_t *data, size_t len)
{
	unsigned sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += data[i];
	return (uint8_t)(0x100U - (sum & 0xffU));
}

/* Back to who asked: the addresses change places. */
static size_t answer(const uint8_t *in, const struct reply *r, uint8_t *out)
{
	size_t n = 7;

	out[0] = in[3];
	out[1] = (uint8_t)((((in[1] >> 2) | 1) << 2) | (in[4] & 3));
	out[2] = checksum(out, 2);
	out[3] = in[0];
	out[4] = (uint8_t)((in[4] & 0xfc) | (in[1] & 3));
	out[5] = in[5];
	out[6] = r->code;
	memcpy(out + n, r->data, r->len);
	n += r->len;
	out[n] = checksum(out + 3, n - 3);
	return n + 1;
}

size_t bmc_message(struct bmc *b, struct session *s, const uint8_t *in,
    size_t len, uint8_t *out, enum bmc_did *ret_did)
{
	struct reply reply = {0};
	struct request q = {.b = b, .s = s};

	if (len < HEAD_BYTES + 1 || checksum(in, 3) != 0 ||
	    checksum(in + 3, len - 3) != 0)
		return 0;
	q.data = in + HEAD_BYTES;
	q.len = len - HEAD_BYTES - 1;
	run(&q, in, &reply);
	*ret_did = q.did;
	return answer(in, &reply, out);
}
