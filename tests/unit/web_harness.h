/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A web process over a small database, with the daemon's end of the link
 * played by a thread, and a client that speaks just enough HTTP.
 */
#ifndef TESTS_UNIT_WEB_HARNESS_H
#define TESTS_UNIT_WEB_HARNESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/hash.h"
#include "db/db.h"

#define PATIENCE_MS 20000
#define GAP_LOG_BYTES (66 << 20)
#define GOOD_MAC "52:54:00:ab:00:01"

struct harness;

enum harness_reads {
	READS_OPEN,
	READS_NEED_TOKEN
};
struct harness *harness_new(enum harness_reads reads);
/* Ends the link, asserts that the web process exits with 0, frees. */
void harness_free(struct harness *h);

int harness_port(const struct harness *h);
int harness_boot_port(const struct harness *h);
int64_t harness_run(const struct harness *h);
int64_t harness_job(const struct harness *h); /* done, with a log */
/* A job whose log of GAP_LOG_BYTES has a gap. */
int64_t harness_gap_job(const struct harness *h);
const char *harness_sha256(const struct harness *h); /* of "stored file\n" */
/* What it holds can be added to while the web process runs. */
struct db *harness_db(struct harness *h);
/* Posts a transaction and waits until it is durable. */
void harness_commit(struct harness *h, struct db_tx *tx);
/* Takes a job through its life, to a pass; returns its attempt. */
int64_t harness_live(struct harness *h, struct db_tx *tx, int64_t run,
    int64_t job_id, int64_t machine);
/* Stores a text as a file. */
void harness_store(
    struct harness *h, const char *text, uint8_t ret[HASH_BYTES]);
/* The last op of that name the web process sent, or NULL. Caller decrefs. */
json_t *harness_op(struct harness *h, const char *op);
int harness_count(struct harness *h, const char *op);
/* Waits until so many ops of that name came. */
void harness_wait_count(struct harness *h, const char *op, int n);
/* Bytes written to an upload. Caller frees with buf_done(). */
struct buf harness_upload(struct harness *h, int64_t upload);
/*
 * The body of the last op "hook"; one for project "silent" is never answered.
 * Caller frees with buf_done().
 */
struct buf harness_hook(struct harness *h);
void harness_event(struct harness *h, const char *header);

struct reply {
	int status;
	struct buf all;
	const char *body;
	size_t body_len;
};
void reply_done(struct reply *r);
/* The value of a header, or NULL. Caller frees. */
char *reply_header(const struct reply *r, const char *name);

/* Sends bytes on a new connection and reads until the server closes it. */
struct reply http_send(int port, const void *data, size_t len);
/* "GET path" with extra header lines, each with its \r\n ("" for none). */
struct reply http_get(int port, const char *path, const char *headers);
struct reply http_post(
    int port, const char *path, const char *headers, const struct buf *body);

/* The JSON of a path; fails the test at another status. Caller decrefs. */
json_t *harness_json(struct harness *h, const char *path, int status);
/* A member of a document: "(none)", -1 and NAN if it is no such thing. */
const char *doc_text(const json_t *doc, const char *key);
int64_t doc_number(const json_t *doc, const char *key);
double doc_real(const json_t *doc, const char *key);
/* The i-th element of a list in it, borrowed; and how many there are. */
json_t *doc_at(const json_t *doc, const char *key, size_t i);
size_t doc_size(const json_t *doc, const char *key);

int client_connect(int port);
void client_send(int fd, const void *data, size_t len);
/* Reads until the text is there; asserts that it comes. */
void client_read_until(int fd, struct buf *to, const char *text);

#endif
