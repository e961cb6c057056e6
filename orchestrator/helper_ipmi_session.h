/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session with one BMC (IPMI 2.0, RMCP+) through libfreeipmi. Every function
 * may block; different sessions may be used by different threads at a time.
 */
#ifndef ORCHESTRATOR_HELPER_IPMI_SESSION_H
#define ORCHESTRATOR_HELPER_IPMI_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * A BMC that is silent for SESSION_MS is taken for gone; and a session that was
 * unused for as long is over for the library, so it is refreshed before.
 */
enum {
	IPMI_SESSION_MS = 4000,
	IPMI_RESEND_MS = 500,
	IPMI_REFRESH_MS = 2500
};

enum ipmi_op {
	IPMI_OP_STATUS,
	IPMI_OP_ON,
	IPMI_OP_OFF,
	IPMI_OP_CYCLE,
	IPMI_OP_RESET
};

/* False if there is no operation of that name. */
bool ipmi_op_find(const char *name, enum ipmi_op *ret);

struct ipmi_call {
	enum ipmi_op op;
	const char *user;
	const char *password;
	int64_t deadline_ms; /* monotonic: no command is sent after it */
};

struct ipmi_session;

/* Once, before any session and any thread. Errors: IO. */
int ipmi_session_setup(struct err *err);
/* host as in "10.0.0.1", "bmc7:9623" or "[fd00::7]:623"; copied. */
struct ipmi_session *ipmi_session_new(const char *host);
/* Says goodbye to the BMC if it answers. NULL is allowed. */
void ipmi_session_free(struct ipmi_session *s);
void ipmi_session_close(struct ipmi_session *s);
bool ipmi_session_is_open(const struct ipmi_session *s);

/*
 * Opens the session if need be, does the operation and reads the power state
 * after it. A session that turns out to be broken is opened again once; only
 * cycle and reset are not repeated then, for they may have been done. Errors:
 * DENIED, UNREACH, TIMEOUT (the deadline), AGAIN (busy), PROTO, INVAL, IO.
 */
int ipmi_session_call(struct ipmi_session *s, const struct ipmi_call *call,
    bool *ret_on, struct err *err);
/* Keeps an open session alive; closes it if the BMC does not answer. */
void ipmi_session_refresh(struct ipmi_session *s);

#endif
