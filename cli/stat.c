/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Statistics of files, without a server: the ratio of two arms, and the
 * changes in a series. What stands behind the tables of the server is computed
 * by the same functions.
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/str.h"
#include "bench/bench.h"
#include "cli/api.h"

#define FILE_BYTES (4u << 20)
#define VALUES_MAX BENCH_CHANGES_MAX
#define TEXT_BYTES 65536
#define SPIKES_SHOWN 20
#define BLANKS " \t"
/* Equal within 1 %, as for processors: a file names no metric. */
#define MARGIN .01

static const uint64_t ratio_options =
    OPT_BIT(OPT_DIRECTION) | OPT_BIT(OPT_PAIRED) | OPT_BIT(OPT_FORMAT);
static const uint64_t changes_options = OPT_BIT(OPT_DETECTOR) |
    OPT_BIT(OPT_ALPHA) | OPT_BIT(OPT_WINDOW) | OPT_BIT(OPT_MAX_PVALUE) |
    OPT_BIT(OPT_MIN_MAGNITUDE) | OPT_BIT(OPT_FORMAT);

/* ---- files ----------------------------------------------------------- */

struct numbers {
	double *v;
	size_t n;
	size_t cap;
};

static void numbers_done(struct numbers *x)
{
	free(x->v);
}

static void numbers_add(struct numbers *x, double v)
{
	if (x->n == x->cap) {
		x->cap = x->cap ? 2 * x->cap : 64;
		x->v = xrealloc(x->v, x->cap, sizeof(x->v[0]));
	}
	x->v[x->n++] = v;
}

/* A file that is read line by line. */
struct lines {
	struct cli *cli;
	const char *name;
	struct buf text;
	size_t at; /* begin of the next line */
	int number;
	char *line; /* the last one, ended by a zero byte */
};

static void lines_done(struct lines *l)
{
	buf_done(&l->text);
}

/*
 * Text without zero bytes, behind which a number would lose its digits. A mark
 * before UTF-8 and empty lines at the end mean nothing.
 */
static int lines_open(struct cli *cli, struct lines *l)
{
	struct err err = ERR_INIT;
	const char *data;
	const char *zero;

	l->cli = cli;
	l->name = cli->opts.args[2];
	if (fs_read(l->name, FILE_BYTES, &l->text, &err) < 0)
		return cli_bad(cli, "%s", err.msg);
	data = buf_str(&l->text);
	if (str_starts(data, "\xff\xfe") || str_starts(data, "\xfe\xff"))
		return cli_bad(cli, "%s: it is UTF-16; must be UTF-8", l->name);
	zero = memchr(data, '\0', l->text.len);
	if (zero)
		return cli_bad(cli, "%s: byte %td: a zero byte; must be text",
		    l->name, zero - data);
	l->at = str_starts(data, "\xef\xbb\xbf") ? 3 : 0;
	while (
	    l->text.len > l->at && strchr(BLANKS "\r\n", data[l->text.len - 1]))
		l->text.len--;
	return CLI_OK;
}

/* "file:line:column: what"; returns CLI_USAGE. */
static int bad_line(
    const struct lines *l, const char *at, const char *what, const char *must)
{
	return cli_bad(l->cli, "%s:%d:%td: %s; must be %s", l->name, l->number,
	    at - l->line + 1, what, must);
}

static bool next_line(struct lines *l)
{
	char *begin;
	char *end;

	if (l->at >= l->text.len)
		return false;
	begin = l->text.data + l->at;
	end = memchr(begin, '\n', l->text.len - l->at);
	l->at = end ? (size_t)(end - l->text.data) + 1 : l->text.len;
	if (!end)
		end = l->text.data + l->text.len;
	if (end > begin && end[-1] == '\r')
		end--;
	*end = '\0';
	l->line = begin;
	l->number++;
	return true;
}

/* The number that fills the rest of the line from text on. */
static int read_number(const struct lines *l, const char *text, double *ret)
{
	static const char must[] = "a decimal number";
	const char *plain;
	char *end;
	double v;

	text += strspn(text, BLANKS);
	plain = text + strspn(text, "+-.0123456789eE");
	if (!*text)
		return bad_line(l, text, "nothing found", must);
	/* The scan keeps strtod() from nan, inf and hexadecimal forms. */
	if (plain[strspn(plain, BLANKS)])
		return bad_line(l, plain, "not a digit", must);
	v = strtod(text, &end);
	if (end == text || end[strspn(end, BLANKS)])
		return bad_line(l, end, "no number", must);
	if (!isfinite(v))
		return bad_line(l, text, "too large", must);
	*ret = v;
	return CLI_OK;
}

/* ---- ratio ----------------------------------------------------------- */

struct arms {
	struct numbers x[2]; /* baseline, candidate */
};

static void arms_done(struct arms *a)
{
	numbers_done(&a->x[0]);
	numbers_done(&a->x[1]);
}

/*
 * The two fields of a line, each perhaps in quotes, cut off from it; false if
 * there is one only. What stands behind the second stays, to be refused.
 */
static bool two_fields(char *line, char *ret[2])
{
	bool two = false;

	for (int i = 0; i < 2; i++) {
		bool quoted = *line == '"';
		char *end;

		ret[i] = line += quoted;
		end = strchr(line, quoted ? '"' : ',');
		if (quoted && end && (end[1] == '\0' || (!i && end[1] == ',')))
			*end++ = '\0';
		if (!end || i)
			break;
		two = *end == ',';
		*end = '\0';
		line = end + two;
	}
	return two;
}

static int read_arm(struct lines *l, struct arms *a)
{
	static const char *const names[] = {"baseline", "candidate"};
	char *fields[2] = {NULL, NULL};
	bool two = two_fields(l->line, fields);
	double v = 0;
	int code;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!str_eq(names[i], fields[0]))
			continue;
		if (!two)
			return bad_line(l, fields[0] + strlen(fields[0]),
			    "no value", "arm,value");
		code = read_number(l, fields[1], &v);
		if (code == CLI_OK && v <= 0)
			return bad_line(
			    l, fields[1], "0 or less", "a number above 0");
		if (code == CLI_OK)
			numbers_add(&a->x[i], v);
		return code;
	}
	return bad_line(l, l->line, "no arm", "baseline or candidate");
}

static bool is_heading(char *line)
{
	char *fields[2] = {NULL, NULL};

	return two_fields(line, fields) && str_eq(fields[0], "arm") &&
	    str_eq(fields[1], "value");
}

static int read_arms(struct cli *cli, struct arms *a)
{
	scoped_val(lines_done) struct lines l = {.number = 0};
	int code = lines_open(cli, &l);

	if (code != CLI_OK)
		return code;
	if (!next_line(&l) || !is_heading(l.line)) {
		if (!l.number)
			return cli_bad(cli,
			    "%s:1:1: empty; must begin with arm,value", l.name);
		return bad_line(&l, l.line, "no heading", "arm,value");
	}
	while (code == CLI_OK && next_line(&l)) {
		if (a->x[0].n + a->x[1].n == VALUES_MAX)
			return bad_line(&l, l.line, "too many values",
			    "at most 100000 values");
		code = read_arm(&l, a);
	}
	return code;
}

struct ratio {
	const char *method;
	struct bench_arms arms;
	struct bench_estimate t;
	struct bench_estimate hl;
	enum bench_verdict verdict;
};

static int compute_ratio(
    struct cli *cli, const struct arms *a, struct ratio *ret)
{
	bool paired = options_has(&cli->opts, OPT_PAIRED);
	struct err err = ERR_INIT;
	int r;

	ret->arms = (struct bench_arms){
	    a->x[0].v, a->x[0].n, a->x[1].v, a->x[1].n, ret->arms.direction};
	ret->method = paired ? "paired_log_t" : "log_welch";
	r = paired ? bench_ratio_paired(&ret->arms, &ret->t, &err)
	           : bench_ratio_welch(&ret->arms, &ret->t, &err);
	if (r == 0)
		r = paired
		    ? bench_ratio_signed_rank(&ret->arms, &ret->hl, &err)
		    : bench_ratio_hodges_lehmann(&ret->arms, &ret->hl, &err);
	/* The companion alone is too much; what it goes with is there. */
	if (r == -ERR_LIMIT) {
		ret->hl = (struct bench_estimate){
		    .overhead = NAN, .lo = NAN, .hi = NAN, .p = NAN};
		r = 0;
	}
	if (r < 0)
		return cli_bad(cli, "%s: %s", cli->opts.args[2], err.msg);
	ret->verdict = bench_verdict(&ret->t, MARGIN);
	return CLI_OK;
}

/* A number, or null where it is not known. */
static json_t *number(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *interval(const struct bench_estimate *e)
{
	return isnan(e->lo) ? json_null()
	                    : json_pack("[o, o]", number(e->lo), number(e->hi));
}

static void print_ratio_json(struct cli *cli, const struct ratio *r)
{
	scoped(json_decref) json_t *doc = json_pack(
	    "{s:o, s:o, s:s, s:{s:I, s:I}, s:o, s:{s:o, s:o}, s:s}", "overhead",
	    number(r->t.overhead), "interval", interval(&r->t), "method",
	    r->method, "n", "baseline", (json_int_t)r->arms.n_baseline,
	    "candidate", (json_int_t)r->arms.n_candidate, "p", number(r->t.p),
	    "hodges_lehmann", "overhead", number(r->hl.overhead), "interval",
	    interval(&r->hl), "verdict", bench_verdict_name(r->verdict));

	print_json(&cli->out, doc);
}

static void add_estimate(
    struct table *t, const char *name, const struct bench_estimate *e)
{
	char text[3][BENCH_RATIO_TEXT];
	scoped_val(buf_done) struct buf cell = BUF_INIT(TEXT_BYTES);

	table_text(t, name);
	table_text(t, bench_ratio_text(e->overhead, text[0]));
	if (isnan(e->overhead))
		buf_puts(&cell, "too many values");
	else if (isnan(e->lo))
		buf_puts(&cell, "too few values");
	else
		buf_printf(&cell, "%s to %s", bench_ratio_text(e->lo, text[1]),
		    bench_ratio_text(e->hi, text[2]));
	table_text(t, buf_str(&cell));
	buf_reset(&cell);
	if (!isnan(e->p))
		buf_printf(&cell, "%.3g", e->p);
	table_text(t, buf_str(&cell));
}

static void print_ratio_table(struct cli *cli, const struct ratio *r)
{
	static const struct column columns[] = {
	    {"method", "METHOD", COLUMN_LEFT, COLUMN_ALL},
	    {"overhead", "OVERHEAD", COLUMN_RIGHT, COLUMN_ALL},
	    {"interval", "95 % INTERVAL", COLUMN_LEFT, COLUMN_ALL},
	    {"p", "P", COLUMN_RIGHT, COLUMN_ALL},
	};
	bool paired = options_has(&cli->opts, OPT_PAIRED);
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	scoped(free) char *verdict = xasprintf(
	    "verdict: %s (baseline %zu values, candidate %zu; same is within "
	    "1 %%)",
	    bench_verdict_name(r->verdict), r->arms.n_baseline,
	    r->arms.n_candidate);

	add_estimate(t, paired ? "paired t" : "Welch's t", &r->t);
	add_estimate(t, paired ? "signed rank" : "Hodges-Lehmann", &r->hl);
	table_print(t, &cli->out, FORMAT_TABLE);
	term_line(&cli->out, verdict);
	if (bench_ratio_disagrees(&r->t, &r->hl))
		term_line(&cli->out,
		    "the two disagree whether 1 is inside: look at the values");
	term_line(&cli->out, BENCH_OVERHEAD_TEXT);
}

static int stat_ratio(struct cli *cli)
{
	scoped_val(arms_done) struct arms a = {{{NULL, 0, 0}, {NULL, 0, 0}}};
	struct ratio r = {.verdict = BENCH_UNKNOWN};
	const char *direction = cli->opts.value[OPT_DIRECTION];
	struct err err = ERR_INIT;
	int code;

	/* Without it nobody can tell a ratio from its inverse. */
	if (!direction)
		return cli_bad(cli,
		    "stat ratio: --direction is missing (higher or lower is "
		    "better)");
	if (bench_direction_parse(direction, &r.arms.direction, &err) < 0)
		return cli_bad(cli, "--%s", err.msg);
	code = read_arms(cli, &a);
	if (code == CLI_OK)
		code = compute_ratio(cli, &a, &r);
	if (code != CLI_OK)
		return code;
	if (cli->format == FORMAT_JSON)
		print_ratio_json(cli, &r);
	else
		print_ratio_table(cli, &r);
	return CLI_OK;
}

/* ---- changes --------------------------------------------------------- */

static int read_series(struct cli *cli, struct numbers *x)
{
	scoped_val(lines_done) struct lines l = {.number = 0};
	int code = lines_open(cli, &l);

	while (code == CLI_OK && next_line(&l)) {
		double v = 0;

		if (x->n == VALUES_MAX)
			return bad_line(&l, l.line, "too many values",
			    "at most 100000 values");
		code = read_number(&l, l.line, &v);
		if (code == CLI_OK)
			numbers_add(x, v);
	}
	return code;
}

/* The number given with an option; ret stays as it is if there is none. */
static int option_number(struct cli *cli, enum option_id id, double *ret)
{
	const char *text = cli->opts.value[id];
	char *end;
	double v;

	if (!text)
		return CLI_OK;
	v = strtod(text, &end);
	if (!*text || *end || !isfinite(v))
		return cli_bad(
		    cli, "--%s: %s is no number", option_row(id)->name, text);
	*ret = v;
	return CLI_OK;
}

static int read_options(struct cli *cli, struct bench_changes_options *o)
{
	static const struct {
		enum option_id id;
		enum bench_detector detector;
	} uses[] = {
	    {OPT_ALPHA, BENCH_MAXT},
	    {OPT_WINDOW, BENCH_OTAVA},
	    {OPT_MAX_PVALUE, BENCH_OTAVA},
	    {OPT_MIN_MAGNITUDE, BENCH_OTAVA},
	};
	const char *detector = cli->opts.value[OPT_DETECTOR];
	int64_t window = (int64_t)o->window;
	struct err err = ERR_INIT;
	int code;

	if (detector && str_eq(detector, "otava"))
		o->detector = BENCH_OTAVA;
	else if (detector && !str_eq(detector, "maxt"))
		return cli_bad(
		    cli, "--detector: %s is none (maxt or otava)", detector);
	for (size_t i = 0; i < ARRAY_LEN(uses); i++)
		if (options_has(&cli->opts, uses[i].id) &&
		    uses[i].detector != o->detector)
			return cli_bad(cli,
			    "--%s: no option of this detector (see \"ironbench "
			    "help stat\")",
			    option_row(uses[i].id)->name);
	if (options_has(&cli->opts, OPT_WINDOW) &&
	    str_to_i64(cli->opts.value[OPT_WINDOW], 2, BENCH_WINDOW_MAX,
	        &window, &err) < 0)
		return cli_bad(cli, "--window: %s", err.msg);
	o->window = (size_t)window;
	code = option_number(cli, OPT_ALPHA, &o->alpha);
	if (code == CLI_OK)
		code = option_number(cli, OPT_MAX_PVALUE, &o->max_pvalue);
	if (code == CLI_OK)
		code = option_number(cli, OPT_MIN_MAGNITUDE, &o->min_magnitude);
	return code;
}

static json_t *level(const struct bench_level *l)
{
	return json_pack(
	    "{s:o, s:I}", "mean", number(l->mean), "n", (json_int_t)l->n);
}

static void print_changes_json(
    struct cli *cli, const struct bench_changes *c, size_t n)
{
	json_t *changes = json_array();
	json_t *spikes = json_array();
	scoped(json_decref) json_t *doc = json_pack("{s:I, s:o, s:o}", "n",
	    (json_int_t)n, "changes", changes, "spikes", spikes);

	for (size_t i = 0; doc && i < c->n_changes; i++) {
		const struct bench_change *k = &c->changes[i];

		/* Without memory the output ends early, which is seen. */
		(void)json_array_append_new(changes,
		    json_pack("{s:I, s:o, s:o, s:o, s:o}", "index",
		        (json_int_t)k->index, "p", number(k->p), "before",
		        level(&k->before), "after", level(&k->after), "ratio",
		        number(k->ratio)));
	}
	for (size_t i = 0; doc && i < c->n_spikes; i++)
		(void)json_array_append_new(spikes,
		    json_integer((json_int_t)c->spikes[i])); /* as above */
	print_json(&cli->out, doc);
}

static void add_level(struct table *t, const struct bench_level *l)
{
	scoped(free) char *text = xasprintf("%.6g (%zu)", l->mean, l->n);

	table_text(t, text);
}

static void add_change(struct table *t, const struct bench_change *c)
{
	scoped(free) char *p =
	    isnan(c->p) ? xstrdup("<0.0001") : xasprintf("%.2g", c->p);
	char ratio[BENCH_RATIO_TEXT];

	table_number(t, (int64_t)c->index);
	table_text(t, p);
	add_level(t, &c->before);
	add_level(t, &c->after);
	table_text(t, bench_ratio_text(c->ratio, ratio));
}

/* Of fewer values than least no change can be told. */
static void print_changes_table(
    struct cli *cli, const struct bench_changes *c, size_t n, size_t least)
{
	static const struct column columns[] = {
	    {"index", "INDEX", COLUMN_RIGHT, COLUMN_ALL},
	    {"p", "P", COLUMN_RIGHT, COLUMN_ALL},
	    {"before", "MEAN BEFORE (N)", COLUMN_LEFT, COLUMN_ALL},
	    {"after", "MEAN AFTER (N)", COLUMN_LEFT, COLUMN_ALL},
	    {"ratio", "RATIO", COLUMN_RIGHT, COLUMN_ALL},
	};
	scoped(table_free) struct table *t =
	    table_new(columns, ARRAY_LEN(columns));
	scoped_val(buf_done) struct buf end = BUF_INIT(TEXT_BYTES);

	for (size_t i = 0; i < c->n_changes; i++)
		add_change(t, &c->changes[i]);
	if (c->n_changes)
		table_print(t, &cli->out, FORMAT_TABLE);
	buf_printf(&end, "%zu change%s in %zu values", c->n_changes,
	    c->n_changes == 1 ? "" : "s", n);
	for (size_t i = 0; i < c->n_spikes && i < SPIKES_SHOWN; i++)
		buf_printf(
		    &end, "%s %zu", i ? "," : "; spikes at", c->spikes[i]);
	if (c->n_spikes > SPIKES_SHOWN)
		buf_printf(&end, " and %zu more", c->n_spikes - SPIKES_SHOWN);
	if (n < least)
		buf_printf(&end, "; none can be told of fewer than %zu", least);
	term_line(&cli->out, buf_str(&end));
	if (c->suspect != BENCH_NO_SUSPECT)
		term_line(
		    &cli->out, "the end looks like a new level: measure again");
}

static int stat_changes(struct cli *cli)
{
	struct bench_changes_options o = BENCH_CHANGES_DEFAULTS;
	scoped_val(numbers_done) struct numbers x = {NULL, 0, 0};
	scoped(bench_changes_free) struct bench_changes *c = NULL;
	struct err err = ERR_INIT;
	int code = read_options(cli, &o);

	if (code == CLI_OK)
		code = read_series(cli, &x);
	if (code != CLI_OK)
		return code;
	if (bench_changes(x.v, x.n, &o, &c, &err) < 0)
		return cli_bad(cli, "stat changes: %s", err.msg);
	if (cli->format == FORMAT_JSON)
		print_changes_json(cli, c, x.n);
	else
		print_changes_table(cli, c, x.n,
		    o.detector == BENCH_MAXT ? 2 * BENCH_LEVEL_LEAST : 0);
	return CLI_OK;
}

/* ---- the command ----------------------------------------------------- */

int cmd_stat(struct cli *cli)
{
	static const struct {
		const char *name;
		const uint64_t *options;
		int (*run)(struct cli *cli);
	} rows[] = {
	    {"ratio", &ratio_options, stat_ratio},
	    {"changes", &changes_options, stat_changes},
	};
	const char *what = cli->opts.args[1];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (!str_eq(rows[i].name, what))
			continue;
		for (int o = 0; o < OPT_COUNT; o++)
			if (cli->opts.value[o] &&
			    !(*rows[i].options & OPT_BIT(o)))
				return cli_bad(cli,
				    "stat %s: --%s: no option of it (see "
				    "\"ironbench help stat\")",
				    what, option_row((enum option_id)o)->name);
		return rows[i].run(cli);
	}
	return cli_bad(cli, "stat: %s is none (ratio or changes)", what);
}
