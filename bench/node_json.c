/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON, byte by byte. The invariant: the path has a name for each open object
 * whose value is being read, and a # for each open array.
 */
#include <string.h>

#include "bench/node.h"
#include "bench/number.h"
#include "bench/text.h"

#define NUMBER_MAX 63

enum state {
	SKIP,        /* lines before the document */
	VALUE,       /* a value must follow */
	FIRST_VALUE, /* behind [ */
	FIRST_KEY,   /* behind { */
	KEY,         /* behind , in an object */
	COLON,
	AFTER, /* behind a value in a container */
	STRING,
	ESCAPE,
	ESCAPE_HEX,
	NUMBER,
	WORD,
	DONE,
};

void node_json_init(
    struct node_json *j, enum node_json_mode mode, node_fn *fn, void *arg)
{
	*j = (struct node_json){
	    .fn = fn,
	    .arg = arg,
	    .mode = mode,
	    .state = mode == NODE_JSON_ALONE ? VALUE : SKIP,
	    .line_start = true,
	    .text = BUF_INIT(NODE_TEXT_MAX),
	    .line = 1,
	};
}

void node_json_done(struct node_json *j)
{
	buf_done(&j->text);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int unexpected(const struct node_json *j, char c, struct err *err)
{
	static const char *const wanted[] = {
	    [SKIP] = "an object",
	    [VALUE] = "a value",
	    [FIRST_VALUE] = "a value or ']'",
	    [FIRST_KEY] = "a key or '}'",
	    [KEY] = "a key",
	    [COLON] = "':'",
	    [AFTER] = "',' or the end of the list or object",
	    [STRING] = "more of the string",
	    [ESCAPE] = "an escape",
	    [ESCAPE_HEX] = "four hexadecimal digits",
	    [NUMBER] = "a number",
	    [WORD] = "true, false or null",
	    [DONE] = "nothing behind the document",
	};

	if (c > ' ' && c < 0x7f)
		return err_set(err, ERR_PROTO, "found '%c'; expected %s", c,
		    wanted[j->state]);
	return err_set(err, ERR_PROTO, "found byte 0x%02x; expected %s",
	    (unsigned)(unsigned char)c, wanted[j->state]);
}

static int tell(
    struct node_json *j, enum node_kind kind, double number, struct err *err)
{
	struct node n = {.kind = kind, .path = j->path.text, .number = number};

	if (kind == NODE_TEXT) {
		n.text = buf_str(&j->text);
		n.len = j->text.len;
		n.cut = j->cut;
	}
	return j->fn(j->arg, &n, err);
}

/* A value is complete: what may follow it? */
static void value_done(struct node_json *j)
{
	if (!j->depth) {
		j->state = DONE;
		return;
	}
	if (!j->arrays[j->depth - 1])
		node_path_pop(&j->path);
	j->state = AFTER;
}

static int too_deep(struct err *err)
{
	return err_set(
	    err, ERR_LIMIT, "nested more than %d deep", NODE_DEPTH_MAX);
}

static int open_container(struct node_json *j, bool array, struct err *err)
{
	int r = tell(j, NODE_BEGIN, 0, err);

	if (r < 0)
		return r;
	if (j->depth == NODE_DEPTH_MAX)
		return too_deep(err);
	j->arrays[j->depth++] = array;
	j->state = array ? FIRST_VALUE : FIRST_KEY;
	if (array && !node_path_push(&j->path, "#", 1))
		return too_deep(err);
	return 0;
}

static int close_container(struct node_json *j, char c, struct err *err)
{
	bool array = c == ']';
	int r;

	if (!j->depth || j->arrays[j->depth - 1] != array)
		return unexpected(j, c, err);
	if (array)
		node_path_pop(&j->path);
	j->depth--;
	r = tell(j, NODE_END, 0, err);
	value_done(j);
	return r;
}

static void begin_text(struct node_json *j, enum state state, bool is_key)
{
	buf_reset(&j->text);
	j->cut = false;
	j->is_key = is_key;
	j->surrogate = 0;
	j->state = (int)state;
}

static int begin_value(struct node_json *j, char c, struct err *err)
{
	static const char *const words[] = {"true", "false", "null"};

	if (c == '{' || c == '[')
		return open_container(j, c == '[', err);
	if (c == '"') {
		begin_text(j, STRING, false);
		return 0;
	}
	if (c == '-' || (c >= '0' && c <= '9')) {
		begin_text(j, NUMBER, false);
		buf_putc(&j->text, c);
		return 0;
	}
	for (size_t i = 0; i < 3; i++) {
		if (*words[i] != c)
			continue;
		j->word = words[i];
		j->word_at = 1;
		j->state = WORD;
		return 0;
	}
	return unexpected(j, c, err);
}

static int word_byte(struct node_json *j, char c, struct err *err)
{
	int r;

	if (c != j->word[j->word_at])
		return unexpected(j, c, err);
	if (j->word[++j->word_at])
		return 0;
	r = tell(
	    j, *j->word == 'n' ? NODE_NULL : NODE_BOOL, *j->word == 't', err);
	value_done(j);
	return r;
}

/* No leading zeros, and a digit on both sides of the point. */
static bool is_json_number(const char *s)
{
	s += *s == '-';
	if (*s == '0' && s[1] >= '0' && s[1] <= '9')
		return false;
	if (*s < '0' || *s > '9')
		return false;
	s = strchr(s, '.');
	return !s || (s[1] >= '0' && s[1] <= '9');
}

static int number_done(struct node_json *j, struct err *err)
{
	const char *s = buf_str(&j->text);
	double v;
	int r;

	if (!is_json_number(s) ||
	    bench_number(s, j->text.len, &v) != j->text.len)
		return err_set(err, ERR_PROTO, "'%s' is no number", s);
	r = tell(j, NODE_NUMBER, v, err);
	value_done(j);
	return r;
}

static void add(struct node_json *j, const char *bytes, size_t len)
{
	if (j->text.len + len >= NODE_TEXT_MAX)
		j->cut = true;
	if (!j->cut)
		buf_add(&j->text, bytes, len);
}

static void add_character(struct node_json *j, unsigned c)
{
	char s[4];

	add(j, s, text_utf8(c, s));
}

static int string_done(struct node_json *j, struct err *err)
{
	int r;

	if (j->is_key) {
		j->state = COLON;
		return node_path_push(&j->path, buf_str(&j->text), j->text.len)
		    ? 0
		    : too_deep(err);
	}
	r = tell(j, NODE_TEXT, 0, err);
	value_done(j);
	return r;
}

static int string_byte(struct node_json *j, char c, struct err *err)
{
	if (c == '"')
		return string_done(j, err);
	if (c == '\\')
		j->state = ESCAPE;
	else if ((unsigned char)c < 0x20)
		return unexpected(j, c, err);
	else
		add(j, &c, 1);
	return 0;
}

static int escape_byte(struct node_json *j, char c, struct err *err)
{
	static const char from[] = "\"\\/bfnrt";
	static const char to[] = "\"\\/\b\f\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	if (c == 'u') {
		j->state = ESCAPE_HEX;
		j->escape = 0;
		j->escape_digits = 0;
		return 0;
	}
	if (!at)
		return unexpected(j, c, err);
	add(j, &to[at - from], 1);
	j->state = STRING;
	return 0;
}

/* Halves of a pair that stand alone become question marks. */
static void escape_done(struct node_json *j)
{
	unsigned c = j->escape;
	unsigned high = j->surrogate;

	j->surrogate = 0;
	if (c >= 0xd800 && c < 0xdc00)
		j->surrogate = c;
	else if (c >= 0xdc00 && c < 0xe000)
		add_character(j,
		    high ? 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00)
		         : '?');
	else
		add_character(j, c);
	j->state = STRING;
}

static int hex_byte(struct node_json *j, char c, struct err *err)
{
	static const char digits[] = "0123456789abcdef";
	char lower = (char)(c | 0x20);
	const char *at = memchr(digits, c >= 'A' ? lower : c, 16);

	if (!at)
		return unexpected(j, c, err);
	j->escape = j->escape << 4 | (unsigned)(at - digits);
	if (++j->escape_digits == 4)
		escape_done(j);
	return 0;
}

static int after_byte(struct node_json *j, char c, struct err *err)
{
	if (c == '}' || c == ']')
		return close_container(j, c, err);
	if (c != ',')
		return unexpected(j, c, err);
	j->state = j->arrays[j->depth - 1] ? VALUE : KEY;
	return 0;
}

static int key_byte(struct node_json *j, char c, struct err *err)
{
	if (c == '}' && j->state == FIRST_KEY)
		return close_container(j, c, err);
	if (c != '"')
		return unexpected(j, c, err);
	begin_text(j, STRING, true);
	return 0;
}

/* Lines before and behind a document that stands among them. */
static int outside_byte(struct node_json *j, char c, struct err *err)
{
	if (!j->line_start || c != '{')
		return 0;
	if (j->state == DONE)
		return err_set(err, ERR_PROTO,
		    "a second document begins here; give each its own file");
	return begin_value(j, c, err);
}

static int structure_byte(struct node_json *j, char c, struct err *err)
{
	switch (j->state) {
	case FIRST_VALUE:
		if (c == ']')
			return close_container(j, c, err);
		return begin_value(j, c, err);
	case VALUE:
		return begin_value(j, c, err);
	case FIRST_KEY:
	case KEY:
		return key_byte(j, c, err);
	case COLON:
		if (c != ':')
			return unexpected(j, c, err);
		j->state = VALUE;
		return 0;
	case AFTER:
		return after_byte(j, c, err);
	default:
		return unexpected(j, c, err);
	}
}

static bool in_number(char c)
{
	return (c >= '0' && c <= '9') || c == '.' || c == 'e' || c == 'E' ||
	    c == '+' || c == '-';
}

static int byte(struct node_json *j, char c, struct err *err)
{
	if (j->state == NUMBER) {
		int r;

		if (in_number(c) && j->text.len < NUMBER_MAX) {
			buf_putc(&j->text, c);
			return 0;
		}
		r = in_number(c)
		    ? err_set(err, ERR_PROTO, "a number of over %d characters",
		          NUMBER_MAX)
		    : number_done(j, err);
		if (r < 0)
			return r;
	}
	switch (j->state) {
	case STRING:
		return string_byte(j, c, err);
	case ESCAPE:
		return escape_byte(j, c, err);
	case ESCAPE_HEX:
		return hex_byte(j, c, err);
	case WORD:
		return word_byte(j, c, err);
	default:
		break;
	}
	if ((j->state == SKIP || j->state == DONE) &&
	    j->mode == NODE_JSON_AMONG_LINES)
		return outside_byte(j, c, err);
	return is_blank(c) ? 0 : structure_byte(j, c, err);
}

int node_json_feed(
    struct node_json *j, const char *data, size_t len, struct err *err)
{
	for (size_t i = 0; i < len; i++) {
		int r;

		j->column++;
		r = byte(j, data[i], err);
		if (r < 0)
			return r;
		j->line_start = data[i] == '\n';
		if (data[i] == '\n') {
			j->line++;
			j->column = 0;
		}
	}
	return 0;
}

bool node_json_begun(const struct node_json *j)
{
	return j->state != SKIP;
}

int node_json_end(struct node_json *j, struct err *err)
{
	if (j->state == NUMBER && !j->depth) {
		int r = number_done(j, err);

		if (r < 0)
			return r;
	}
	if (j->state == SKIP)
		return err_set(
		    err, ERR_PROTO, "no line begins a JSON document");
	if (j->state != DONE)
		return err_set(
		    err, ERR_PROTO, "the JSON document ends before its end");
	return 0;
}
