/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads YAML or JSON into a tree of nodes, by libyaml's events.
 *
 * The files come from outside: nothing here recurses, the open containers are
 * a stack of MAX_DEPTH, and every node hangs on one list, so that freeing does
 * not follow the tree. A map keeps its keys in the file's order and an index
 * sorted by key, which finds duplicates and looks keys up.
 */
#include "base/conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/mem.h"
#include "base/str.h"

enum {
	MAX_DEPTH = 32,
	MAX_NODES = 200000
};

struct conf_node {
	enum conf_type type;
	bool quoted;
	int line;
	int column;
	const struct conf *conf;
	struct conf_node *next; /* of all nodes of the file */
	char *key;              /* if its parent is a map */
	char *text;
	struct conf_node **items;
	struct conf_node **by_key; /* items of a map, sorted */
	size_t n_items;
	size_t cap;
};

struct conf {
	char *name;
	struct conf_node *all;
	struct conf_node *root;
	size_t n_nodes;
};

struct reader {
	struct conf *conf;
	yaml_parser_t yaml;
	struct conf_node *stack[MAX_DEPTH];
	int depth;
	/* A key that waits for its value; its position is the value's. */
	char *key;
	int key_line;
	int key_column;
	int n_documents;
	struct err *err;
};

static void conf_node_free(struct conf_node *n)
{
	free(n->key);
	free(n->text);
	free(n->items);
	free(n->by_key);
	free(n);
}

void conf_free(struct conf *conf)
{
	if (!conf)
		return;
	while (conf->all) {
		struct conf_node *n = conf->all;

		conf->all = n->next;
		conf_node_free(n);
	}
	free(conf->name);
	free(conf);
}

static int line_of(const yaml_mark_t *m)
{
	return (int)m->line + 1;
}

static int column_of(const yaml_mark_t *m)
{
	return (int)m->column + 1;
}

__attribute__((format(printf, 4, 5))) static int refuse(struct reader *rd,
    const yaml_mark_t *at, enum err_kind kind, const char *fmt, ...)
{
	char msg[200];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	return err_set(rd->err, kind, "%s:%d:%d: %s", rd->conf->name,
	    line_of(at), column_of(at), msg);
}

/* Position of a byte of the text, counted in characters as libyaml does. */
static void mark_of(
    const char *text, size_t len, size_t offset, yaml_mark_t *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < len && i < offset; i++) {
		if (text[i] == '\n') {
			ret->line++;
			ret->column = 0;
		} else if (((unsigned char)text[i] & 0xc0) != 0x80) {
			ret->column++;
		}
	}
}

static int compare_keys(const void *a, const void *b)
{
	const struct conf_node *const *x = a;
	const struct conf_node *const *y = b;

	return strcmp((*x)->key, (*y)->key);
}

/* Sorts the index of a finished map and refuses a key that is there twice. */
static int map_close(struct reader *rd, struct conf_node *map)
{
	const struct conf_node *again = NULL;

	if (!map->n_items)
		return 0;
	map->by_key = xcalloc(map->n_items, sizeof(map->by_key[0]));
	memcpy(map->by_key, map->items, map->n_items * sizeof(map->items[0]));
	qsort(map->by_key, map->n_items, sizeof(map->by_key[0]), compare_keys);
	for (size_t i = 1; i < map->n_items && !again; i++) {
		const struct conf_node *a = map->by_key[i - 1];
		const struct conf_node *b = map->by_key[i];

		if (strcmp(a->key, b->key) != 0)
			continue;
		/* The sort is not stable; the later one is to blame. */
		again = b->line > a->line ||
		        (b->line == a->line && b->column > a->column)
		    ? b
		    : a;
	}
	if (!again)
		return 0;
	return conf_error(
	    again, rd->err, "%.60s: this key is there twice", again->key);
}

static void append(struct conf_node *to, struct conf_node *n)
{
	if (to->n_items == to->cap) {
		to->cap = to->cap ? 2 * to->cap : 4;
		to->items = xrealloc(to->items, to->cap, sizeof(to->items[0]));
	}
	to->items[to->n_items++] = n;
}

/* A new node in the innermost open container, or the root. */
static int node_new(struct reader *rd, enum conf_type type,
    const yaml_mark_t *at, struct conf_node **ret)
{
	struct conf_node *n;

	if (rd->conf->n_nodes == MAX_NODES)
		return refuse(rd, at, ERR_LIMIT, "over %d values", MAX_NODES);
	n = xcalloc(1, sizeof(*n));
	n->type = type;
	n->conf = rd->conf;
	n->line = rd->key ? rd->key_line : line_of(at);
	n->column = rd->key ? rd->key_column : column_of(at);
	n->key = take(rd->key);
	n->next = rd->conf->all;
	rd->conf->all = n;
	rd->conf->n_nodes++;
	if (rd->depth)
		append(rd->stack[rd->depth - 1], n);
	else
		rd->conf->root = n;
	*ret = n;
	return 0;
}

static bool wants_key(const struct reader *rd)
{
	return rd->depth && rd->stack[rd->depth - 1]->type == CONF_MAP &&
	    !rd->key;
}

static bool is_null(const char *text)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	return str_in(text, nulls, ARRAY_LEN(nulls));
}

static int on_scalar(struct reader *rd, const yaml_event_t *ev)
{
	const yaml_mark_t *at = &ev->start_mark;
	const char *text = (const char *)ev->data.scalar.value;
	bool quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	struct conf_node *n;
	int r;

	if (strlen(text) != ev->data.scalar.length)
		return refuse(rd, at, ERR_INVAL, "a zero byte in a text");
	if (wants_key(rd)) {
		if (!quoted && is_null(text))
			return refuse(rd, at, ERR_INVAL, "a key is missing");
		rd->key = xstrdup(text);
		rd->key_line = line_of(at);
		rd->key_column = column_of(at);
		return 0;
	}
	r = node_new(rd, CONF_SCALAR, at, &n);
	if (r < 0)
		return r;
	if (!quoted && is_null(text)) {
		n->type = CONF_NULL;
		return 0;
	}
	n->quoted = quoted;
	n->text = xstrdup(text);
	return 0;
}

static int on_open(
    struct reader *rd, enum conf_type type, const yaml_mark_t *at)
{
	struct conf_node *n;
	int r;

	if (wants_key(rd))
		return refuse(
		    rd, at, ERR_INVAL, "a key must be text, not a list or map");
	if (rd->depth == MAX_DEPTH)
		return refuse(
		    rd, at, ERR_LIMIT, "nested deeper than %d", MAX_DEPTH);
	r = node_new(rd, type, at, &n);
	if (r < 0)
		return r;
	rd->stack[rd->depth++] = n;
	return 0;
}

static int on_document(struct reader *rd, const yaml_event_t *ev)
{
	if (ev->data.document_start.tag_directives.start !=
	    ev->data.document_start.tag_directives.end)
		return refuse(
		    rd, &ev->start_mark, ERR_INVAL, "tags are not allowed");
	if (rd->n_documents++)
		return refuse(rd, &ev->start_mark, ERR_INVAL,
		    "a second document; one per file is allowed");
	return 0;
}

/* Refuses what YAML can do and configuration should not. */
static int check_plain(struct reader *rd, const yaml_mark_t *at,
    const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor)
		return refuse(rd, at, ERR_INVAL, "anchors are not allowed");
	if (tag)
		return refuse(rd, at, ERR_INVAL, "tags are not allowed");
	return 0;
}

static int on_event(struct reader *rd, const yaml_event_t *ev)
{
	const yaml_mark_t *at = &ev->start_mark;
	int r;

	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return on_document(rd, ev);
	case YAML_ALIAS_EVENT:
		return refuse(rd, at, ERR_INVAL, "aliases are not allowed");
	case YAML_SCALAR_EVENT:
		r = check_plain(
		    rd, at, ev->data.scalar.anchor, ev->data.scalar.tag);
		return r < 0 ? r : on_scalar(rd, ev);
	case YAML_SEQUENCE_START_EVENT:
		r = check_plain(rd, at, ev->data.sequence_start.anchor,
		    ev->data.sequence_start.tag);
		return r < 0 ? r : on_open(rd, CONF_LIST, at);
	case YAML_MAPPING_START_EVENT:
		r = check_plain(rd, at, ev->data.mapping_start.anchor,
		    ev->data.mapping_start.tag);
		return r < 0 ? r : on_open(rd, CONF_MAP, at);
	case YAML_SEQUENCE_END_EVENT:
		rd->depth--;
		return 0;
	case YAML_MAPPING_END_EVENT:
		return map_close(rd, rd->stack[--rd->depth]);
	default:
		return 0;
	}
}

/* Says in our form what libyaml did not like. */
static int syntax_error(struct reader *rd, const char *text, size_t len)
{
	const yaml_parser_t *p = &rd->yaml;
	const char *problem = p->problem ? p->problem : "cannot be read";
	yaml_mark_t at = p->problem_mark;

	if (p->error == YAML_MEMORY_ERROR)
		return err_set(
		    rd->err, ERR_LIMIT, "%s: out of memory", rd->conf->name);
	if (p->error == YAML_READER_ERROR)
		mark_of(text, len, p->problem_offset, &at);
	return err_set(rd->err, ERR_INVAL, "%s:%d:%d: %s%s%s", rd->conf->name,
	    line_of(&at), column_of(&at), p->context ? p->context : "",
	    p->context ? ": " : "", problem);
}

static int read_events(struct reader *rd, const char *text, size_t len)
{
	yaml_event_t ev;
	bool at_end = false;
	int r = 0;

	while (r == 0 && !at_end) {
		if (!yaml_parser_parse(&rd->yaml, &ev))
			return syntax_error(rd, text, len);
		at_end = ev.type == YAML_STREAM_END_EVENT;
		r = on_event(rd, &ev);
		yaml_event_delete(&ev);
	}
	return r;
}

/* An empty file, or one with comments only, is an empty map. */
static int root_default(struct reader *rd)
{
	static const yaml_mark_t start = {0, 0, 0};
	struct conf_node *root = rd->conf->root;
	int r = root ? 0 : node_new(rd, CONF_MAP, &start, &root);

	if (r == 0 && root->type == CONF_NULL)
		root->type = CONF_MAP;
	return r;
}

static int check_text(struct reader *rd, const char *text, size_t len)
{
	size_t good = str_utf8_span(text, len);
	yaml_mark_t at;

	if (len > CONF_MAX_BYTES)
		return err_set(rd->err, ERR_LIMIT, "%s: over %d bytes",
		    rd->conf->name, CONF_MAX_BYTES);
	if (good == len)
		return 0;
	mark_of(text, len, good, &at);
	return refuse(rd, &at, ERR_INVAL, "not valid UTF-8");
}

int conf_parse(const char *name, const char *text, size_t len,
    struct conf **ret, struct err *err)
{
	scoped(conf_free) struct conf *conf = xcalloc(1, sizeof(*conf));
	struct reader rd = {.conf = conf, .err = err};
	int r;

	conf->name = xstrdup(name);
	text = text ? text : "";
	r = check_text(&rd, text, len);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&rd.yaml))
		return err_set(err, ERR_LIMIT, "%s: out of memory", name);
	yaml_parser_set_encoding(&rd.yaml, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(
	    &rd.yaml, (const unsigned char *)text, len);
	r = read_events(&rd, text, len);
	yaml_parser_delete(&rd.yaml);
	/* A broken file may end between a key and its value. */
	free(rd.key);
	if (r == 0)
		r = root_default(&rd);
	if (r < 0)
		return r;
	*ret = take(conf);
	return 0;
}

int conf_load(const char *path, struct conf **ret, struct err *err)
{
	scoped_val(buf_done) struct buf text = BUF_INIT(CONF_MAX_BYTES);
	int r = fs_read(path, CONF_MAX_BYTES, &text, err);

	return r < 0 ? r : conf_parse(path, text.data, text.len, ret, err);
}

const struct conf_node *conf_root(const struct conf *conf)
{
	return conf->root;
}

enum conf_type conf_type(const struct conf_node *n)
{
	return n ? n->type : CONF_NULL;
}

size_t conf_len(const struct conf_node *n)
{
	return n ? n->n_items : 0;
}

const struct conf_node *conf_at(const struct conf_node *n, size_t i)
{
	return i < conf_len(n) ? n->items[i] : NULL;
}

const char *conf_key(const struct conf_node *map, size_t i)
{
	return i < conf_len(map) ? map->items[i]->key : NULL;
}

static int compare_key(const void *key, const void *item)
{
	const struct conf_node *const *n = item;

	return strcmp(key, (*n)->key);
}

const struct conf_node *conf_get(const struct conf_node *map, const char *key)
{
	struct conf_node **found;

	if (conf_type(map) != CONF_MAP || !map->n_items)
		return NULL;
	found = bsearch(key, map->by_key, map->n_items, sizeof(map->by_key[0]),
	    compare_key);
	return found ? *found : NULL;
}

const char *conf_text(const struct conf_node *n)
{
	return n ? n->text : NULL;
}

bool conf_quoted(const struct conf_node *n)
{
	return n && n->quoted;
}

int conf_line(const struct conf_node *n)
{
	return n ? n->line : 0;
}

int conf_column(const struct conf_node *n)
{
	return n ? n->column : 0;
}

int conf_error(const struct conf_node *n, struct err *err, const char *fmt, ...)
{
	char msg[sizeof(err->msg)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (!n)
		return err_set(err, ERR_INVAL, "%s", msg);
	return err_set(err, ERR_INVAL, "%s:%d:%d: %s", n->conf->name, n->line,
	    n->column, msg);
}
