/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens: shown once when they are made; only their SHA-256 is kept. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "orchestrator/daemon.h"

enum {
	NAME_MAX_LEN = 100
};

static const char *const scope_names[] = {"read", "submit", "operate", "admin"};

int token_scopes(const char *text, unsigned *ret, struct err *err)
{
	scoped(free) char *copy = xstrdup(text);
	char *save = NULL;
	unsigned bits = 0;

	for (char *w = strtok_r(copy, ",", &save); w;
	     w = strtok_r(NULL, ",", &save)) {
		size_t i = 0;

		while (i < ARRAY_LEN(scope_names) && strcmp(w, scope_names[i]))
			i++;
		if (i == ARRAY_LEN(scope_names))
			return err_set(err, ERR_INVAL,
			    "scope '%.40s' is unknown; allowed are read, "
			    "submit, operate, admin (with commas)",
			    w);
		bits |= 1u << i;
	}
	if (!bits)
		return err_set(err, ERR_INVAL, "no scope given");
	*ret = bits;
	return 0;
}

/* A name that is safe in tables and logs. */
static bool is_name(const char *name)
{
	size_t n = strspn(name,
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "._@-");

	return n > 0 && n <= NAME_MAX_LEN && !name[n];
}

int token_add(struct db *db, const char *name, unsigned scopes, struct buf *ret,
    struct err *err)
{
	uint8_t secret[32];
	uint8_t sha[HASH_BYTES];
	char hex[2 * sizeof(secret) + 1];
	scoped(free) char *token = NULL;
	int r;

	if (!is_name(name))
		return err_set(err, ERR_INVAL,
		    "'%.60s' is not a name; allowed are 1 to %d letters, "
		    "digits and . _ @ -",
		    name, NAME_MAX_LEN);
	hash_random(secret, sizeof(secret));
	token = xasprintf("ib_%s", hash_hex(secret, sizeof(secret), hex));
	hash_sha256(token, strlen(token), sha);
	r = db_token_add(db, name, sha, scopes, clock_wall_ms(), err);
	if (r == 0)
		buf_puts(ret, token);
	return r;
}

static bool load_one(void *arg, const struct db_token *t)
{
	struct daemon *d = arg;
	struct token *to;

	d->tokens = xrealloc(d->tokens, d->n_tokens + 1, sizeof(*d->tokens));
	to = &d->tokens[d->n_tokens++];
	*to = (struct token){.name = xstrdup(t->name),
	    .scopes = t->scopes,
	    .revoked = t->revoked_at_ms != 0};
	memcpy(to->sha256, t->sha256, HASH_BYTES);
	return true;
}

int tokens_load(struct daemon *d, struct err *err)
{
	tokens_free(d);
	return db_tokens(d->db, load_one, d, err);
}

void tokens_free(struct daemon *d)
{
	for (size_t i = 0; i < d->n_tokens; i++)
		free(d->tokens[i].name);
	free(take(d->tokens));
	d->n_tokens = 0;
}

int token_check(const struct daemon *d, const char *token,
    enum token_scope scope, const char **ret_name)
{
	const struct token *found = NULL;
	uint8_t sha[HASH_BYTES];

	hash_sha256(token, strlen(token), sha);
	/* Every token is compared, so that time tells nothing. */
	for (size_t i = 0; i < d->n_tokens; i++)
		if (hash_equal(d->tokens[i].sha256, sha, HASH_BYTES) &&
		    !d->tokens[i].revoked)
			found = &d->tokens[i];
	if (!found)
		return -ERR_DENIED;
	/* admin may do all, and whoever may do something may read. */
	if (!(found->scopes & (SCOPE_ADMIN | (unsigned)scope)) &&
	    scope != SCOPE_READ)
		return -ERR_CONFLICT;
	*ret_name = found->name;
	return 0;
}
