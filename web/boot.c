/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What machines ask while they boot. The name at the end of a file's path is
 * for the machine's boot loader; nothing here looks at it.
 */
#include <ctype.h>
#include <string.h>

#include "base/hash.h"
#include "web/routes.h"

#define MAC_LEN 17
#define NONCE_MAX 64

/* "52:54:00:AB:00:01" (or with dashes) in lower case; false if it is none. */
static bool mac_normalise(const char *text, char ret[MAC_LEN + 1])
{
	if (strlen(text) != MAC_LEN)
		return false;
	for (size_t i = 0; i < MAC_LEN; i++) {
		unsigned char c = (unsigned char)text[i];

		if (i % 3 == 2 ? c != ':' && c != '-' : !isxdigit(c))
			return false;
		ret[i] = (char)(i % 3 == 2 ? ':' : tolower(c));
	}
	ret[MAC_LEN] = '\0';
	return true;
}

enum MHD_Result boot_script(struct request *rq)
{
	char mac[MAC_LEN + 1];

	if (rq->step)
		return answer_passed(rq);
	if (!mac_normalise(rq->args.text[0], mac))
		return answer_error(rq, 404, "no such machine");
	return request_ask(rq, json_pack("{ss ss}", "op", "boot", "mac", mac),
	    WEB_DEADLINE_MS);
}

static bool nonce_is_good(const char *nonce)
{
	size_t len = strlen(nonce);

	if (!len || len > NONCE_MAX)
		return false;
	for (; *nonce; nonce++)
		if (!isalnum((unsigned char)*nonce) && *nonce != '-' &&
		    *nonce != '_')
			return false;
	return true;
}

enum MHD_Result boot_file(struct request *rq)
{
	const char *nonce = rq->args.text[0];
	uint8_t sha256[HASH_BYTES];
	char hex[HASH_HEX + 1];

	if (!nonce_is_good(nonce) ||
	    !hash_unhex(rq->args.text[1], sha256, HASH_BYTES))
		return answer_error(rq, 404, "no such file");
	if (rq->step)
		return rq->answer.status == 200 ? answer_file(rq, sha256)
		                                : answer_passed(rq);
	return request_ask(rq,
	    json_pack("{ss ss ss}", "op", "file", "nonce", nonce, "sha256",
	        hash_hex(sha256, HASH_BYTES, hex)),
	    WEB_DEADLINE_MS);
}
