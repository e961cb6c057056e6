/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of routes; what is not in them does not exist. */
#ifndef WEB_ROUTES_H
#define WEB_ROUTES_H

#include "web/http.h"

extern const struct route api_routes[];
extern const size_t n_api_routes;
/* The pages, and what they load: no part of the OpenAPI document. */
extern const struct route page_routes[];
extern const size_t n_page_routes;
extern const struct route boot_routes[];
extern const size_t n_boot_routes;

/*
 * The route for a request; NULL if there is none, and *ret_allowed has the
 * methods that the path does take (0: no such path).
 */
const struct route *route_find(const struct route *routes, size_t n,
    enum method method, const char *target, struct path_args *ret,
    unsigned *ret_allowed);

/* "none", "read", "submit", "operate". */
const char *access_name(enum access access);

/* Handlers, by file. */
enum MHD_Result page_show(struct request *rq); /* pages.c */
enum MHD_Result page_root(
    struct request *rq); /* in text, if it is no browser */
enum MHD_Result page_asset(struct request *rq);
/* The document again, which says that there is no such page: 404. */
enum MHD_Result page_not_found(struct request *rq);
/* Whether the client takes HTML. */
bool page_wanted(struct request *rq);
enum MHD_Result api_root(struct request *rq); /* api_meta.c */
enum MHD_Result api_health(struct request *rq);
enum MHD_Result api_events(struct request *rq);
enum MHD_Result api_openapi(struct request *rq); /* openapi.c */
enum MHD_Result api_runs(struct request *rq);    /* api_runs.c */
enum MHD_Result api_run(struct request *rq);
enum MHD_Result api_matrix(struct request *rq);
enum MHD_Result api_cancel(struct request *rq);
enum MHD_Result api_rerun(struct request *rq);
enum MHD_Result api_sotest_status(struct request *rq);
enum MHD_Result api_submit(struct request *rq); /* api_submit.c */
enum MHD_Result api_sotest_submit(struct request *rq);
enum MHD_Result api_job(struct request *rq); /* api_jobs.c */
enum MHD_Result api_why(struct request *rq);
enum MHD_Result api_log(struct request *rq);       /* log.c */
enum MHD_Result api_log_times(struct request *rq); /* log_times.c */
enum MHD_Result api_changes(struct request *rq);   /* api_changes.c */
enum MHD_Result api_job_history(struct request *rq);
enum MHD_Result api_samples(struct request *rq); /* api_bench.c */
enum MHD_Result api_attempt_files(struct request *rq);
enum MHD_Result api_file(struct request *rq);
enum MHD_Result api_overhead(struct request *rq);     /* overhead.c */
enum MHD_Result api_overhead_all(struct request *rq); /* overhead_all.c */
enum MHD_Result api_import(struct request *rq);       /* api_import.c */
enum MHD_Result api_imports(struct request *rq);      /* api_imports.c */
enum MHD_Result api_import_one(struct request *rq);
enum MHD_Result api_compare(struct request *rq);     /* api_compare.c */
enum MHD_Result api_metrics(struct request *rq);     /* api_metrics.c */
enum MHD_Result api_series_list(struct request *rq); /* api_series.c */
enum MHD_Result api_history(struct request *rq);
enum MHD_Result api_lately(struct request *rq);   /* api_series_changes.c */
enum MHD_Result api_machines(struct request *rq); /* api_machines.c */
enum MHD_Result api_machine(struct request *rq);
enum MHD_Result api_noise(struct request *rq);
enum MHD_Result api_queue(struct request *rq);
enum MHD_Result api_offline(struct request *rq);
enum MHD_Result api_power_on(struct request *rq);
enum MHD_Result api_power_off(struct request *rq);
enum MHD_Result api_power_cycle(struct request *rq);
enum MHD_Result api_online(struct request *rq);
enum MHD_Result api_session(struct request *rq); /* api_session.c */
enum MHD_Result api_login(struct request *rq);
enum MHD_Result api_logout(struct request *rq);
enum MHD_Result api_hook(struct request *rq);    /* api_hook.c */
enum MHD_Result boot_script(struct request *rq); /* boot.c */
enum MHD_Result boot_file(struct request *rq);

extern const struct query_param log_query[];       /* log.c */
extern const struct query_param log_times_query[]; /* log_times.c */
enum log_query_index {
	LOG_ATTEMPT,
	LOG_TIMES_FROM /* of log_times_query */
};
extern const struct query_param overhead_query[]; /* overhead.c */
enum overhead_query_index {
	OVERHEAD_METRIC
};
extern const struct query_param compare_query[]; /* api_compare.c */
enum compare_query_index {
	COMPARE_A,
	COMPARE_B,
	COMPARE_PROJECT,
	COMPARE_METRIC,
	COMPARE_VARIANT_A,
	COMPARE_VARIANT_B
};
extern const struct query_param series_query[]; /* api_series.c */
enum series_query_index {
	SERIES_METRIC,
	SERIES_MACHINE,
	SERIES_VARIANT,
	SERIES_GUEST,
	SERIES_CONTROLLER,
	SERIES_BRANCH,
	SERIES_FIND,
	SERIES_AFTER,
	SERIES_LIMIT,
	SERIES_PLACEBOS
};
extern const struct query_param history_query[];
enum history_query_index {
	HISTORY_BRANCH,
	HISTORY_SINCE,
	HISTORY_LIMIT,
	HISTORY_DETECTOR,
	HISTORY_ALPHA,
	HISTORY_VALUES
};
extern const struct query_param lately_query[]; /* api_series_changes.c */
enum lately_query_index {
	LATELY_METRIC,
	LATELY_MACHINE,
	LATELY_BRANCH,
	LATELY_SINCE,
	LATELY_LIMIT
};
extern const struct query_param overhead_all_query[]; /* overhead_all.c */
enum overhead_all_query_index {
	OVERHEAD_ALL_RUN,
	OVERHEAD_ALL_SINCE,
	OVERHEAD_ALL_UNTIL,
	OVERHEAD_ALL_METRIC,
	OVERHEAD_ALL_BASELINE,
	OVERHEAD_ALL_CANDIDATE,
	OVERHEAD_ALL_BY
};
extern const struct query_param imports_query[]; /* api_imports.c */
enum imports_query_index {
	IMPORTS_LIMIT,
	IMPORTS_BEFORE
};
extern const struct query_param import_query[];
enum import_query_index {
	IMPORT_FROM,
	IMPORT_LIMIT,
	IMPORT_CASE
};
extern const struct query_param noise_query[]; /* api_noise.c */
enum noise_query_index {
	NOISE_PAIRS
};
extern const struct query_param runs_query[]; /* api_runs.c */
enum runs_query_index {
	RUNS_LIMIT,
	RUNS_BEFORE,
	RUNS_PAGE,
	RUNS_NAME
};
extern const struct query_param events_query[]; /* api_meta.c */
enum events_query_index {
	EVENTS_RUN
};

#endif
