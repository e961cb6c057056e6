/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * When the bytes of a console arrived. Bounded: an answer covers a stretch of
 * the log, and says where the next one begins.
 */
#include "web/json.h"
#include "web/log.h"
#include "web/routes.h"

#define STRETCH_BYTES (4 << 20) /* read for one answer */
#define TIMES_MAX 20000         /* of one answer */

const struct query_param log_times_query[] = {
    [LOG_ATTEMPT] = {"attempt", QUERY_INT, 1, INT32_MAX,
        "number of the attempt within the job; absent: the last"},
    [LOG_TIMES_FROM] = {"from", QUERY_INT, 0, INT64_MAX - 1,
        "offset of the first byte that is of interest"},
    {NULL, QUERY_INT, 0, 0, NULL},
};

struct times {
	struct jw *w;
	int64_t n;
	int64_t at_ms; /* of the last one */
	int64_t to;    /* behind the last piece */
};

static bool on_piece(
    void *arg, int64_t offset, const char *data, size_t len, int64_t at_ms)
{
	struct times *t = arg;

	(void)data;
	if (!t->n || at_ms != t->at_ms) {
		if (t->n == TIMES_MAX)
			return false;
		jw_array(t->w, NULL);
		jw_int(t->w, NULL, offset);
		jw_int(t->w, NULL, at_ms);
		jw_array_end(t->w);
		t->n++;
		t->at_ms = at_ms;
	}
	t->to = offset + (int64_t)len;
	return true;
}

static int times_render(
    struct request *rq, int64_t id, struct jw *w, struct err *err)
{
	const char *dir = rq->web->opts->dir;
	int64_t from = rq->query.values[LOG_TIMES_FROM].number;
	int64_t to =
	    from < INT64_MAX - STRETCH_BYTES ? from + STRETCH_BYTES : INT64_MAX;
	struct db_log_info info = {0};
	struct times t = {.w = w};
	int64_t attempt = 0;
	int r = log_attempt(rq, id, &attempt, err);

	if (r == 0)
		r = db_log_stat(dir, attempt, &info, err);
	if (r < 0)
		return r;
	/* From inside the gap the next stretch is the kept end. */
	if (from >= info.gap_from && from < info.gap_to)
		to = info.gap_to + STRETCH_BYTES;
	if (to > info.size)
		to = info.size;
	log_cut(&info, &from, &to);
	t.to = from;
	jw_object(w, NULL);
	jw_int(w, "from", from);
	jw_array(w, "times");
	if (from < to)
		r = db_log_read(dir, attempt, from, to, on_piece, &t, err);
	jw_array_end(w);
	jw_int(w, "to", t.to);
	jw_bool(w, "open", info.open);
	jw_object_end(w);
	return r;
}

enum MHD_Result api_log_times(struct request *rq)
{
	return answer_of_id(rq, times_render);
}
