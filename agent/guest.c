/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The guest's side of the serial line, read line by line.
 *
 * Everything comes from inside a virtual machine and is hostile: the order of
 * the lines is checked, each raw output has a ceiling and a hash.
 */
#include "agent/guest.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/str.h"

enum {
	LINE_MAX_BYTES = 8192,
	NAME_MAX_BYTES = 200
};

enum guest_state {
	G_BOOTING,
	G_WORKING, /* between measurements and in them */
	G_RAW,
	G_OVER
};

/* A reading of both clocks: of several the one least delayed. */
struct reading {
	bool set;
	int64_t guest_ns;
	int64_t host_ns;
};

struct guest {
	const struct guest_ops *ops;
	void *arg;
	enum guest_state state;
	struct buf line;
	bool skipping; /* a line that was too long */
	char words[240];
	struct reading begin;
	struct reading end;
	struct buf raw;
	char name[NAME_MAX_BYTES + 1];
	int64_t want;  /* bytes of raw that are announced */
	uint32_t bits; /* of base64, not yet whole bytes */
	int n_bits;
};

struct guest *guest_new(const struct guest_ops *ops, void *arg)
{
	struct guest *g = xcalloc(1, sizeof(*g));

	g->ops = ops;
	g->arg = arg;
	g->line = (struct buf)BUF_INIT(LINE_MAX_BYTES);
	g->raw = (struct buf)BUF_INIT(GUEST_RAW_MAX);
	return g;
}

void guest_free(struct guest *g)
{
	if (!g)
		return;
	buf_done(&g->line);
	buf_done(&g->raw);
	free(g);
}

const char *guest_last_words(const struct guest *g)
{
	return g->words;
}

bool guest_clock_is_true(const struct guest_raw *raw)
{
	return raw->host_ns > 0 &&
	    fabs((double)raw->guest_ns / (double)raw->host_ns - 1) <= 1e-3;
}

bool guest_word_is_safe(const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i < n; i++)
		if (word[i] <= ' ' || word[i] > '~' ||
		    strchr("\"'\\`$;&|<>(){}*?!#", word[i]))
			return false;
	return n > 0;
}

static void nonsense(struct guest *g, const char *what, const char *line)
{
	struct err err = ERR_INIT;

	g->state = G_OVER;
	(void)err_set(&err, ERR_PROTO, "%s: %.100s", what, line);
	g->ops->error(g->arg, err.msg);
}

static void on_time(struct guest *g, const char *line, int64_t host_ns)
{
	bool begin = str_starts(line, "BEGIN ");
	struct reading *r = begin ? &g->begin : &g->end;
	int64_t ns;

	if ((!begin && !str_starts(line, "END ")) ||
	    str_to_i64(strchr(line, ' ') + 1, 0, INT64_MAX, &ns, NULL) < 0) {
		nonsense(g, "a time that is none", line);
		return;
	}
	/* A new measurement begins. */
	if (begin && g->end.set)
		g->begin.set = g->end.set = false;
	if (r->set && host_ns - ns >= r->host_ns - r->guest_ns)
		return;
	*r = (struct reading){true, ns, host_ns};
}

static void on_raw_begin(struct guest *g, const char *rest)
{
	const char *blank = strrchr(rest, ' ');
	size_t n = blank ? (size_t)(blank - rest) : 0;

	if (!n || n > NAME_MAX_BYTES || !g->begin.set || !g->end.set ||
	    str_to_i64(blank + 1, 0, GUEST_RAW_MAX, &g->want, NULL) < 0) {
		nonsense(g, "raw output that is none", rest);
		return;
	}
	memcpy(g->name, rest, n);
	g->name[n] = '\0';
	buf_reset(&g->raw);
	g->bits = 0;
	g->n_bits = 0;
	g->state = G_RAW;
}

static void on_raw_end(struct guest *g, const char *rest)
{
	struct guest_raw raw = {.name = g->name,
	    .data = buf_str(&g->raw),
	    .len = g->raw.len,
	    .guest_ns = g->end.guest_ns - g->begin.guest_ns,
	    .host_ns = g->end.host_ns - g->begin.host_ns};
	size_t n = strlen(g->name);
	uint8_t hash[HASH_BYTES];

	hash_sha256(raw.data, raw.len, hash);
	hash_hex(hash, sizeof(hash), raw.sha256);
	if (strncmp(rest, g->name, n) != 0 || rest[n] != ' ' ||
	    (int64_t)raw.len != g->want ||
	    strcmp(rest + n + 1, raw.sha256) != 0) {
		nonsense(g, "raw output came damaged", rest);
		return;
	}
	g->state = G_WORKING;
	g->begin.set = g->end.set = false;
	g->ops->raw(g->arg, &raw);
}

static int base64_digit(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	                             "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void add_base64(struct guest *g, const char *line, size_t len)
{
	/* A message of the kernel is no base64: the hash decides in the end. */
	for (size_t i = 0; i < len; i++)
		if (base64_digit(line[i]) < 0 && line[i] != '=')
			return;
	for (size_t i = 0; i < len && line[i] != '='; i++) {
		g->bits = g->bits << 6 | (uint32_t)base64_digit(line[i]);
		g->n_bits += 6;
		if (g->n_bits >= 8) {
			g->n_bits -= 8;
			buf_putc(&g->raw, (char)(g->bits >> g->n_bits));
		}
	}
	if (g->raw.failed || (int64_t)g->raw.len > g->want)
		nonsense(g, "raw output is longer than announced", g->name);
}

static void on_guest(struct guest *g, const char *rest)
{
	struct err err = ERR_INIT;

	if (str_starts(rest, "ERROR ")) {
		g->state = G_OVER;
		(void)err_set(&err, ERR_IO, "%.400s", rest + 6);
		g->ops->error(g->arg, err.msg);
	} else if (strcmp(rest, "1 READY") == 0 && g->state == G_BOOTING) {
		g->state = G_WORKING;
		g->ops->ready(g->arg);
	} else if (strcmp(rest, "DONE") == 0 && g->state == G_WORKING) {
		g->state = G_OVER;
		g->ops->done(g->arg);
	} else {
		nonsense(g, "the guest says what it may not", rest);
	}
}

static void on_other(struct guest *g, const char *line)
{
	if (!*line)
		return;
	(void)snprintf(g->words, sizeof(g->words), "%s", line);
	str_tidy(g->words);
}

static void on_line(struct guest *g, char *line, size_t len, int64_t host_ns)
{
	if (len && line[len - 1] == '\r')
		line[--len] = '\0';
	if (str_starts(line, "IB-GUEST "))
		on_guest(g, line + 9);
	else if (g->state == G_RAW && str_starts(line, "IB-RAW END "))
		on_raw_end(g, line + 11);
	else if (g->state == G_RAW)
		add_base64(g, line, len);
	else if (g->state == G_WORKING && str_starts(line, "IB-TIME "))
		on_time(g, line + 8, host_ns);
	else if (g->state == G_WORKING && str_starts(line, "IB-RAW BEGIN "))
		on_raw_begin(g, line + 13);
	else
		on_other(g, line);
}

void guest_feed(struct guest *g, const char *data, size_t len, int64_t host_ns)
{
	while (len && g->state != G_OVER) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;

		buf_add(&g->line, data, n);
		if (g->line.failed)
			g->skipping = true;
		data += end ? n + 1 : n;
		len -= end ? n + 1 : n;
		if (!end)
			return;
		if (!g->skipping && g->line.len)
			on_line(g, g->line.data, g->line.len, host_ns);
		buf_reset(&g->line);
		g->skipping = false;
	}
}
