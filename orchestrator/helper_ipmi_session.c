/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * IPMI 2.0 through libfreeipmi, which blocks: this is for the helper's threads.
 *
 * The library's errors become kinds in fail(), once. A password is in the
 * caller's request and in the session, and in no message.
 */
#include "orchestrator/helper_ipmi_session.h"

#include <errno.h>
#include <freeipmi/freeipmi.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
	CIPHER_SUITE = 3 /* RAKP-HMAC-SHA1, HMAC-SHA1-96, AES-CBC-128 */
};

struct ipmi_session {
	char *host;
	char *user; /* of the open session, as the password */
	char *password;
	ipmi_ctx_t ctx; /* NULL: not open */
};

SCOPED_DEFINE(struct fiid_obj, fiid_obj_destroy);

static const char *const op_names[] = {
    [IPMI_OP_STATUS] = "status",
    [IPMI_OP_ON] = "on",
    [IPMI_OP_OFF] = "off",
    [IPMI_OP_CYCLE] = "cycle",
    [IPMI_OP_RESET] = "reset",
};

bool ipmi_op_find(const char *name, enum ipmi_op *ret)
{
	for (size_t i = 0; name && i < ARRAY_LEN(op_names); i++) {
		if (strcmp(name, op_names[i]) != 0)
			continue;
		*ret = (enum ipmi_op)i;
		return true;
	}
	return false;
}

/* What the library calls it, in the kinds of ours. */
static const struct {
	ipmi_errnum_type_t number;
	enum err_kind kind;
} kinds[] = {
    {IPMI_ERR_PERMISSION, ERR_DENIED},
    {IPMI_ERR_USERNAME_INVALID, ERR_DENIED},
    {IPMI_ERR_PASSWORD_INVALID, ERR_DENIED},
    {IPMI_ERR_K_G_INVALID, ERR_DENIED},
    {IPMI_ERR_PRIVILEGE_LEVEL_INSUFFICIENT, ERR_DENIED},
    {IPMI_ERR_PRIVILEGE_LEVEL_CANNOT_BE_OBTAINED, ERR_DENIED},
    {IPMI_ERR_PASSWORD_VERIFICATION_TIMEOUT, ERR_DENIED},
    {IPMI_ERR_CONNECTION_TIMEOUT, ERR_UNREACH},
    {IPMI_ERR_SESSION_TIMEOUT, ERR_UNREACH},
    {IPMI_ERR_MESSAGE_TIMEOUT, ERR_UNREACH},
    {IPMI_ERR_DRIVER_TIMEOUT, ERR_UNREACH},
    {IPMI_ERR_HOSTNAME_INVALID, ERR_UNREACH},
    {IPMI_ERR_DRIVER_BUSY, ERR_AGAIN},
    {IPMI_ERR_BMC_BUSY, ERR_AGAIN},
    {IPMI_ERR_PARAMETERS, ERR_INVAL},
    {IPMI_ERR_OUT_OF_MEMORY, ERR_IO},
};

/* errno_value: as the library left it, which hides it in "system error". */
static int fail(const struct ipmi_session *s, ipmi_ctx_t ctx, int errno_value,
    const char *what, struct err *err)
{
	int number = ipmi_ctx_errnum(ctx);
	enum err_kind kind = ERR_PROTO;

	if (number == IPMI_ERR_SYSTEM_ERROR)
		return err_errno(err, errno_value, "bmc %s: %s", s->host, what);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if ((int)kinds[i].number == number)
			kind = kinds[i].kind;
	(void)err_set(err, kind, "bmc %s: %s: %s", s->host, what,
	    ipmi_ctx_strerror(number));
	if (err)
		err->code = number;
	return -(int)kind;
}

int ipmi_session_setup(struct err *err)
{
	/* Else the first sessions would do it, several at a time. */
	if (ipmi_rmcpplus_init() < 0)
		return err_errno(err, errno, "start of IPMI's cryptography");
	return 0;
}

struct ipmi_session *ipmi_session_new(const char *host)
{
	struct ipmi_session *s = xcalloc(1, sizeof(*s));

	s->host = xstrdup(host);
	return s;
}

static void wipe(char **secret)
{
	if (*secret)
		explicit_bzero(*secret, strlen(*secret));
	free(*secret);
	*secret = NULL;
}

void ipmi_session_close(struct ipmi_session *s)
{
	if (s->ctx) {
		/* The BMC forgets a session it is not told of in a minute. */
		(void)ipmi_ctx_close(s->ctx);
		ipmi_ctx_destroy(s->ctx);
	}
	s->ctx = NULL;
	wipe(&s->user);
	wipe(&s->password);
}

void ipmi_session_free(struct ipmi_session *s)
{
	if (!s)
		return;
	ipmi_session_close(s);
	free(s->host);
	free(s);
}

bool ipmi_session_is_open(const struct ipmi_session *s)
{
	return s->ctx != NULL;
}

static int session_open(
    struct ipmi_session *s, const struct ipmi_call *call, struct err *err)
{
	ipmi_ctx_t ctx = ipmi_ctx_create();
	int r;

	if (!ctx)
		return err_errno(err, errno, "bmc %s: new session", s->host);
	errno = 0;
	r = ipmi_ctx_open_outofband_2_0(ctx, s->host, call->user,
	    call->password, NULL, 0, IPMI_PRIVILEGE_LEVEL_ADMIN, CIPHER_SUITE,
	    IPMI_SESSION_MS, IPMI_RESEND_MS,
	    IPMI_WORKAROUND_FLAGS_OUTOFBAND_2_0_OPEN_SESSION_PRIVILEGE,
	    IPMI_FLAGS_DEFAULT);
	if (r < 0) {
		r = fail(s, ctx, errno, "open session", err);
		ipmi_ctx_destroy(ctx);
		return r;
	}
	s->ctx = ctx;
	s->user = xstrdup(call->user);
	s->password = xstrdup(call->password);
	return 0;
}

static int read_state(struct ipmi_session *s, bool *ret_on, struct err *err)
{
	scoped(fiid_obj_destroy) fiid_obj_t answer =
	    fiid_obj_create(tmpl_cmd_get_chassis_status_rs);
	uint64_t on = 0;

	if (!answer)
		return err_errno(err, errno, "bmc %s: power status", s->host);
	errno = 0;
	if (ipmi_cmd_get_chassis_status(s->ctx, answer) < 0)
		return fail(s, s->ctx, errno, "power status", err);
	if (fiid_obj_get(answer, "current_power_state.power_is_on", &on) < 0)
		return err_set(err, ERR_PROTO,
		    "bmc %s: power status without a power state", s->host);
	*ret_on = on != 0;
	return 0;
}

static int control(struct ipmi_session *s, enum ipmi_op op, struct err *err)
{
	static const uint8_t codes[] = {
	    [IPMI_OP_ON] = IPMI_CHASSIS_CONTROL_POWER_UP,
	    [IPMI_OP_OFF] = IPMI_CHASSIS_CONTROL_POWER_DOWN,
	    [IPMI_OP_CYCLE] = IPMI_CHASSIS_CONTROL_POWER_CYCLE,
	    [IPMI_OP_RESET] = IPMI_CHASSIS_CONTROL_HARD_RESET,
	};
	scoped(fiid_obj_destroy) fiid_obj_t answer =
	    fiid_obj_create(tmpl_cmd_chassis_control_rs);

	if (!answer)
		return err_errno(
		    err, errno, "bmc %s: power %s", s->host, op_names[op]);
	errno = 0;
	if (ipmi_cmd_chassis_control(s->ctx, codes[op], answer) < 0)
		return fail(s, s->ctx, errno, op_names[op], err);
	return 0;
}

/* One try on the session as it is, or on a new one. */
static int try_call(struct ipmi_session *s, const struct ipmi_call *call,
    bool *ret_on, struct err *err)
{
	int r = 0;

	if (!s->ctx)
		r = session_open(s, call, err);
	/*
	 * A command that was given up may not reach a machine that by now is
	 * in use by somebody else.
	 */
	if (r == 0 && clock_mono_ms() > call->deadline_ms)
		return err_set(err, ERR_TIMEOUT,
		    "bmc %s: no session before the deadline", s->host);
	if (r == 0 && call->op != IPMI_OP_STATUS)
		r = control(s, call->op, err);
	if (r == 0)
		r = read_state(s, ret_on, err);
	/* Whatever went wrong: what is left of the session is not trusted. */
	if (r < 0 && r != -ERR_AGAIN)
		ipmi_session_close(s);
	return r;
}

int ipmi_session_call(struct ipmi_session *s, const struct ipmi_call *call,
    bool *ret_on, struct err *err)
{
	bool was_open;
	int r;

	if (s->ctx &&
	    (strcmp(s->user, call->user) != 0 ||
	        strcmp(s->password, call->password) != 0))
		ipmi_session_close(s);
	was_open = s->ctx != NULL;
	r = try_call(s, call, ret_on, err);
	if (r == -ERR_UNREACH && was_open && call->op != IPMI_OP_CYCLE &&
	    call->op != IPMI_OP_RESET)
		r = try_call(s, call, ret_on, err);
	return r;
}

void ipmi_session_refresh(struct ipmi_session *s)
{
	bool on;

	/* Whatever is wrong with it: the next request opens a new one. */
	if (s->ctx && read_state(s, &on, NULL) < 0)
		ipmi_session_close(s);
}
