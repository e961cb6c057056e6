/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the daemon and the agent say to each other, and both ends' state.
 *
 * Pure: no I/O and no clock. Bytes come in with *_feed(), time with every call
 * as monotonic milliseconds of the caller's own clock, and everything that is
 * to be done goes out through an ops struct. Neither end trusts the other:
 * every field has a ceiling and nonsense ends the link, never the process.
 *
 * A frame is one JSON object on one line, UTF-8, at most WIRE_FRAME_MAX bytes
 * with its newline. Direction, name and fields ("?" may be null or absent):
 *
 *   > hello   v [lowest, highest], lab, fence, attempt, have
 *   < hello   v, agent, boot, fence, attempt, state, first, last, mono_ms
 *   < refuse  why ("fence", "version", "lab"), highest
 *   > start   c, spec_sha256, spec
 *   > cancel  c, why      > reboot  c, next_step      > forget  c
 *   < ok      c, dup      < no      c, layer, why
 *   > ack     s           > again   from
 *   = ping    n, last?    = pong    n         (last: highest s sent by agent)
 *
 * Events are frames with s = 1, 2, 3, ..., mono_ms and t:
 *
 *   env    key, value                      boot  guest, variant, pair,
 * position, step   n, of, text                           argv case   name,
 * result (pass, fail,       proof variant, backend, evidence skip), text? note
 * text file   name, sha256, size              end   outcome, layer?, cases,
 * samples, sample metric, unit, variant, guest,         chain, text?
 *          controller?, pair, position,
 *          value, raw?, valid, why?
 *
 * chain is a running hash over the records before: h(0) is 32 zero bytes,
 * h(s) = SHA-256(h(s - 1) || line s without its newline); "end" with s = M
 * carries h(M - 1) in hexadecimal.
 */
#ifndef AGENT_WIRE_H
#define AGENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/mem.h"

/* ---- limits and times ---------------------------------------------------- */

#define WIRE_VERSION 1 /* the highest version this code speaks */
#define WIRE_VERSION_MIN 1
#define WIRE_FRAME_MAX (1 << 20)    /* bytes of a frame with its newline */
#define WIRE_WINDOW_BYTES (4 << 20) /* sent and not acked, at most */
#define WIRE_WINDOW_EVENTS 4096     /* the same, counted */
#define WIRE_EVENTS_MAX 1000000     /* of an attempt */
#define WIRE_BYTES_MAX (1LL << 30)  /* of an attempt's events */
#define WIRE_PING_MS 3000           /* both ends ping this often */
#define WIRE_DEAD_MS 10000          /* silent for so long: the link is dead */
#define WIRE_RESEND_MS 10000        /* an unanswered command is said again */
#define WIRE_REDIAL_MIN_MS 100      /* first wait after a lost link */
#define WIRE_REDIAL_MAX_MS 5000
#define WIRE_WORD_MAX 160   /* bytes of a name in an event */
#define WIRE_TEXT_MAX 65536 /* bytes of a text in an event */
#define WIRE_DONE_MAX 64    /* reboots of one attempt, at most */

/*
 * Numbers of commands (c). They are the same after a crash of the daemon, so
 * nothing about them is stored. Reboot number n (from 0) is WIRE_C_REBOOT + n.
 */
enum {
	WIRE_C_START = 1,
	WIRE_C_CANCEL = 2,
	WIRE_C_FORGET = 3,
	WIRE_C_REBOOT = 16
};

/* ---- events -------------------------------------------------------------- */

enum wire_kind {
	WIRE_UNKNOWN, /* of a newer agent: only counts as s */
	WIRE_ENV,
	WIRE_BOOT,
	WIRE_STEP,
	WIRE_CASE,
	WIRE_SAMPLE,
	WIRE_PROOF,
	WIRE_NOTE,
	WIRE_FILE,
	WIRE_END
};

/* "env", "boot", ... ; "unknown" for a bad number. */
const char *wire_kind_name(enum wire_kind kind);

/* Strings are borrowed with the event; a NULL stands for null or absent. */
struct wire_env {
	const char *key;
	const char *value;
};
struct wire_boot {
	const char *guest;
	const char *variant;
	int pair;           /* from 0 */
	int position;       /* in the pair: 0 or 1 */
	const json_t *argv; /* array of strings */
};
struct wire_step {
	int n; /* from 1 */
	int of;
	const char *text;
};
struct wire_case {
	const char *name;
	const char *result; /* "pass", "fail", "skip" */
	const char *text;   /* or NULL */
};
struct wire_sample {
	const char *metric;
	const char *unit;
	const char *variant;
	const char *guest;
	const char *controller; /* or NULL */
	int pair;
	int position;
	double value;    /* finite */
	const char *raw; /* SHA-256 of the raw output in hex, or NULL */
	bool valid;
	const char *why; /* not valid: why; else NULL */
};
struct wire_proof {
	const char *variant;
	const char *backend;
	const char *evidence;
};
struct wire_note {
	const char *text;
};
struct wire_file {
	const char *name; /* without a slash */
	const char *sha256;
	int64_t size; /* bytes */
};
struct wire_end {
	const char *outcome; /* pass, fail, error, timeout, cancelled */
	const char *layer;   /* for error only: a layer's name; else NULL */
	int64_t cases;
	int64_t samples;
	const char *chain; /* hexadecimal */
	const char *text;  /* why, for a person; or NULL */
};

struct wire_event {
	int64_t s;
	int64_t mono_ms; /* of the machine's clock */
	enum wire_kind kind;
	size_t size; /* bytes of the frame without its newline */
	const json_t *json;
	union {
		struct wire_env env;
		struct wire_boot boot;
		struct wire_step step;
		struct wire_case kase;
		struct wire_sample sample;
		struct wire_proof proof;
		struct wire_note note;
		struct wire_file file;
		struct wire_end end;
	};
};

/*
 * Reads an event from a parsed frame; everything in ret is borrowed from json.
 * Checks every field of its kind against its ceiling. Errors: PROTO.
 */
int wire_event_read(
    const json_t *json, size_t size, struct wire_event *ret, struct err *err);

/* ---- frames -------------------------------------------------------------- */

/* Bytes of a stream, cut into lines. Initialise with WIRE_LINES_INIT. */
struct wire_lines {
	struct buf in; /* the line that has no end yet */
};
#define WIRE_LINES_INIT                  \
	{                                \
		BUF_INIT(WIRE_FRAME_MAX) \
	}
/*
 * Takes the next line from (*data, *len), which it moves on: 1 and a line
 * (without its newline; borrowed from data or l until the next call), or 0 when
 * the rest was kept for later. Errors: LIMIT (over WIRE_FRAME_MAX).
 */
int wire_lines_next(struct wire_lines *l, const char **data, size_t *len,
    const char **ret_line, size_t *ret_len, struct err *err);
void wire_lines_done(struct wire_lines *l);

/*
 * Parses one frame: an object with a string "t". Caller frees with
 * json_decref(). Errors: PROTO.
 */
int wire_parse(const char *line, size_t len, json_t **ret, struct err *err);
/* The object as one line with its newline into ret. Errors: LIMIT. */
int wire_format(const json_t *json, struct buf *ret, struct err *err);
/*
 * A specification as it is hashed: keys sorted, no blanks. Caller frees text;
 * hex holds its SHA-256.
 */
char *wire_canonical(const json_t *spec, char hex[HASH_HEX + 1]);

/* Moves the running hash on by one record (a line without its newline). */
void wire_chain_add(uint8_t chain[HASH_BYTES], const char *line, size_t len);

/* ---- the daemon's end ---------------------------------------------------- */

/*
 * What the daemon stores of an attempt, in the same batch as the event it was
 * handed with; restored after a crash. Whoever stores only have (agent_seq)
 * leaves the rest zero: then totals begin again and the chain and counts of
 * "end" are not compared.
 */
struct wire_resume {
	int64_t have;   /* last event applied; 0: none */
	int64_t events; /* of the attempt so far */
	int64_t bytes;  /* of their frames */
	int64_t cases;
	int64_t samples;
	bool complete; /* the fields above and chain are of all events */
	bool ended;    /* "end" was applied */
	uint8_t chain[HASH_BYTES];
};
/* As one line of text of less than 256 bytes, for one column. */
#define WIRE_RESUME_TEXT 256
const char *wire_resume_format(
    const struct wire_resume *r, char to[WIRE_RESUME_TEXT]);
/* The reverse. Errors: INVAL. */
int wire_resume_parse(
    const char *text, struct wire_resume *ret, struct err *err);

/* What the agent said when the link came up; strings are borrowed. */
struct wire_hello {
	int version;
	const char *agent; /* SHA-256 of its program, in hex */
	const char *boot;  /* boot id of the machine */
	const char *state; /* idle, running, ended, foreign */
	int64_t first;     /* records in its journal; 0, 0: empty */
	int64_t last;
	int64_t mono_ms;
};

/* The answer to a command; strings are borrowed. */
struct wire_answer {
	int64_t c;
	bool ok;
	bool dup;          /* ok: it was done before */
	const char *layer; /* not ok: whose fault ("host", "agent", ...) */
	const char *why;   /* not ok: one line */
};

/*
 * Called from within wire_daemon_*(). They may call any wire_daemon_*() but
 * wire_daemon_free(), wire_daemon_feed() and wire_daemon_tick().
 */
struct wire_daemon_ops {
	/* Queue bytes (whole frames) for the link. */
	void (*send)(void *arg, const char *data, size_t len);
	/*
	 * The next event, each exactly once and in order. Store its effect
	 * and *after in one batch; when that is durable, call
	 * wire_daemon_durable(). An unknown kind has no effect but is stored
	 * alike. After kind WIRE_END no other comes.
	 */
	void (*event)(void *arg, const struct wire_event *e,
	    const struct wire_resume *after);
	/* The link is up and both ends agree. */
	void (*up)(void *arg, const struct wire_hello *h);
	/* A command was answered; once each while this object lives. */
	void (*answer)(void *arg, const struct wire_answer *a);
	/*
	 * The link is dead or speaks nonsense: close it and dial again after
	 * wait_ms. The state machine has already forgotten the link.
	 */
	void (*drop)(void *arg, const char *why, int64_t wait_ms);
	/*
	 * The attempt cannot go on: an error of this layer ("host", "agent",
	 * "harness"). Once; nothing more is sent or applied. Close the link.
	 */
	void (*fail)(void *arg, const char *layer, const char *why);
};

struct wire_daemon_options {
	const char *lab; /* UUID of the lab; copied, as every string here */
	int64_t fence;
	int64_t attempt;
	struct wire_resume resume; /* what is durable; zero for a new attempt,
	                              with complete = true */
	const char *boot;    /* boot id stored at an earlier up(), or NULL */
	bool started;        /* "start" was answered ok before a crash */
	bool reboot_planned; /* a reboot was asked for and up() has not come
	                        since: another boot id is no error */
	const struct wire_daemon_ops *ops; /* borrowed */
	void *arg;
};

struct wire_daemon;

/* Begins without a link. Caller frees. */
struct wire_daemon *wire_daemon_new(const struct wire_daemon_options *opts);
void wire_daemon_free(struct wire_daemon *d); /* NULL is allowed */
SCOPED_DEFINE(struct wire_daemon, wire_daemon_free);

/*
 * A link to `ironbench-agent attach` is open: says hello. One that was there
 * before is forgotten (its bytes must not be fed any more).
 */
void wire_daemon_link_up(struct wire_daemon *d, int64_t now_ms);
/* Bytes from the link; ignored without one. */
void wire_daemon_feed(
    struct wire_daemon *d, const char *data, size_t len, int64_t now_ms);
/*
 * The link ended by itself. Returns how long to wait before dialling again, in
 * ms: 100, 200, ... 5000, from 100 again after a hello was answered.
 */
int64_t wire_daemon_link_down(struct wire_daemon *d, int64_t now_ms);
/* Events up to s are on disk: they are acked. Never earlier. */
void wire_daemon_durable(struct wire_daemon *d, int64_t s, int64_t now_ms);

/*
 * Commands. Each is sent when the link is up, again on every new link and every
 * WIRE_RESEND_MS until it is answered; giving one again changes nothing.
 * Whether it is answered already is known from answer(), or started in the
 * options. spec is the specification (doc/spec.md), a JSON object; it is sent
 * with sorted keys and without blanks, and spec_sha256 is the hash of that.
 * Errors: INVAL (no JSON object), LIMIT (does not fit in a frame).
 */
int wire_daemon_start(
    struct wire_daemon *d, const char *spec, int64_t now_ms, struct err *err);
void wire_daemon_cancel(struct wire_daemon *d, const char *why, int64_t now_ms);
/* n: the number of this reboot in the attempt, from 0. */
void wire_daemon_reboot(
    struct wire_daemon *d, int n, const char *next_step, int64_t now_ms);
/* Only after the verdict is durable: the agent deletes everything. */
void wire_daemon_forget(struct wire_daemon *d, int64_t now_ms);

/* When wire_daemon_tick() must be called at the latest; INT64_MAX: never. */
int64_t wire_daemon_deadline(const struct wire_daemon *d);
/* Pings, finds dead links, says unanswered commands again. */
void wire_daemon_tick(struct wire_daemon *d, int64_t now_ms);

/* True from an answered hello to the loss of the link. */
bool wire_daemon_is_up(const struct wire_daemon *d);
/* Frames with an unknown t so far (ignored). */
int64_t wire_daemon_unknown(const struct wire_daemon *d);
/* What was applied so far, durable or not. Borrowed. */
const struct wire_resume *wire_daemon_resume(const struct wire_daemon *d);

/* ---- the agent's end ----------------------------------------------------- */

/* What the agent keeps beside its journal, on disk (zero when new). */
struct wire_saved {
	char lab[64];
	int64_t fence;                  /* the highest ever accepted */
	int64_t attempt;                /* 0: none */
	char spec_sha256[HASH_HEX + 1]; /* "" before start */
	bool cancelled;
	int n_done; /* commands done under this fence */
	int64_t done[WIRE_DONE_MAX];
	int64_t orphan_ms; /* of the attempt's specification */
};

/* How soon a record must survive a crash of the machine. */
enum wire_durability {
	WIRE_SOON, /* within 100 ms */
	WIRE_NOW   /* before append() returns */
};

/*
 * Called from within wire_agent_*(). They may call wire_agent_event() and
 * wire_agent_end() (as run() and cancel() will want to), nothing else.
 */
struct wire_agent_ops {
	/* Queue bytes for a link. */
	void (*send)(void *arg, void *link_arg, const char *data, size_t len);
	/* The link is of no use any more: close it once its queue is sent. */
	void (*close)(void *arg, void *link_arg);
	/*
	 * Appends a record with the next s (the machine counts). Errors:
	 * LIMIT (the journal is full), IO. A record of kind WIRE_END may use
	 * the reserve of the journal.
	 */
	int (*append)(void *arg, int64_t s, const char *line, size_t len,
	    enum wire_kind kind, enum wire_durability how, struct err *err);
	/* Reads record s; borrowed until the next call. Errors: IO. */
	int (*read)(void *arg, int64_t s, const char **ret_line,
	    size_t *ret_len, struct err *err);
	/* Stores this durably (fsync) before it returns. Errors: IO. */
	int (*save)(void *arg, const struct wire_saved *saved, struct err *err);
	/*
	 * Checks a specification and stores it durably, starts nothing.
	 * ret_layer is set when it is refused ("host", "harness", "agent").
	 */
	int (*prepare)(void *arg, const json_t *spec, const char *text,
	    const char **ret_layer, int64_t *ret_orphan_ms, struct err *err);
	/* Runs what prepare() stored; called once for an attempt. */
	void (*run)(void *arg);
	/* Ends the job soon, with wire_agent_end(). */
	void (*cancel)(void *arg, const char *why);
	/*
	 * Reboots the machine after this call; the journal is made durable.
	 * NULL: refused, as this agent cannot.
	 */
	void (*reboot)(void *arg, const char *next_step);
	/*
	 * Kills the job without a word and deletes journal, specification and
	 * files of the attempt. Errors: IO.
	 */
	int (*clean)(void *arg, struct err *err);
	/*
	 * No link for the attempt's orphan time: finish the step, clean up,
	 * wait. Once per loss.
	 */
	void (*orphaned)(void *arg);
};

struct wire_agent_options {
	const char *agent;       /* SHA-256 of the program; copied */
	const char *boot;        /* boot id; copied */
	struct wire_saved saved; /* as last stored */
	int64_t last;            /* records in the journal */
	bool ended;              /* the last one is "end" */
	int64_t cases;           /* in the journal */
	int64_t samples;
	uint8_t chain[HASH_BYTES];        /* over all records; zero if none */
	const struct wire_agent_ops *ops; /* borrowed */
	void *arg;
};

struct wire_agent;
struct wire_agent_link;

/*
 * Nothing runs yet. If the saved state says that an attempt was running
 * (wire_agent_is_running()), the caller says how it ended.
 */
struct wire_agent *wire_agent_new(const struct wire_agent_options *opts);
/* Links that are left are freed without a word. NULL is allowed. */
void wire_agent_free(struct wire_agent *a);
SCOPED_DEFINE(struct wire_agent, wire_agent_free);

/*
 * Somebody is there. A link counts only after an accepted hello, and then
 * replaces the one before, which is closed: so a stranger cannot disturb.
 */
struct wire_agent_link *wire_agent_link_new(
    struct wire_agent *a, void *link_arg, int64_t now_ms);
/* The link is gone. Never called by the machine itself. NULL is allowed. */
void wire_agent_link_free(struct wire_agent_link *l, int64_t now_ms);
/* Bytes from the link; ignored after close(). */
void wire_agent_feed(
    struct wire_agent_link *l, const char *data, size_t len, int64_t now_ms);

/*
 * Journals an event and sends it when the window allows. body has t and the
 * fields; takes ownership of it. Refused without an attempt that runs.
 * Errors: CONFLICT (no attempt runs), LIMIT (journal full, too long), INVAL
 * (the event is against the rules: our own bug), IO. A note that does not fit
 * in the journal is dropped and counted, and is no error.
 */
int wire_agent_event(
    struct wire_agent *a, json_t *body, int64_t now_ms, struct err *err);
/*
 * Journals "end": the attempt is over. layer and text may be NULL. Errors as
 * above; a second end is CONFLICT.
 */
int wire_agent_end(struct wire_agent *a, const char *outcome, const char *layer,
    const char *text, int64_t now_ms, struct err *err);

/* An attempt was started and has no end yet. */
bool wire_agent_is_running(const struct wire_agent *a);
/* True from an accepted hello to the loss of the link. */
bool wire_agent_is_linked(const struct wire_agent *a);
int64_t wire_agent_dropped_notes(const struct wire_agent *a);
/* What is to be stored, as last given to save(). Borrowed. */
const struct wire_saved *wire_agent_saved(const struct wire_agent *a);
int64_t wire_agent_deadline(const struct wire_agent *a);
void wire_agent_tick(struct wire_agent *a, int64_t now_ms);

#endif
