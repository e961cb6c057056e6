/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tables of routes. The OpenAPI document is made from api_routes. */
#include "web/routes.h"

const struct route api_routes[] = {
    {METHOD_GET, "/", ACCESS_NONE, BODY_NONE, NULL, api_root,
        "Where the interface is"},
    {METHOD_GET, "/health", ACCESS_NONE, BODY_NONE, NULL, api_health,
        "Whether the daemon is well; 503 if not"},
    {METHOD_GET, "/events", ACCESS_READ, BODY_NONE, events_query, api_events,
        "Server-sent events run, job, machine; resync: read all again"},
    {METHOD_GET, "/api/v1/openapi.json", ACCESS_NONE, BODY_NONE, NULL,
        api_openapi, "This document"},
    {METHOD_GET, "/api/v1/runs", ACCESS_READ, BODY_NONE, runs_query, api_runs,
        "Runs, newest first, with the number of all that match"},
    {METHOD_POST, "/api/v1/runs", ACCESS_SUBMIT, BODY_FORM, NULL, api_submit,
        "Submits a suite: file parts config, boot_files (ZIP), file; fields "
        "name, url, user, priority"},
    {METHOD_GET, "/api/v1/runs/{id}", ACCESS_READ, BODY_NONE, NULL, api_run,
        "One run"},
    {METHOD_GET, "/api/v1/runs/{id}/matrix", ACCESS_READ, BODY_NONE, NULL,
        api_matrix, "Items x platforms of a run"},
    {METHOD_POST, "/api/v1/runs/{id}/cancel", ACCESS_SUBMIT, BODY_NONE, NULL,
        api_cancel, "Cancels what has not ended"},
    {METHOD_POST, "/api/v1/runs/{id}/rerun", ACCESS_SUBMIT, BODY_NONE, NULL,
        api_rerun, "Submits the same suite and files again"},
    {METHOD_GET, "/api/v1/jobs/{id}", ACCESS_READ, BODY_NONE, NULL, api_job,
        "One job with attempts, events, cases and samples"},
    {METHOD_GET, "/api/v1/jobs/{id}/log", ACCESS_READ, BODY_NONE, log_query,
        api_log,
        "The console of an attempt as text; Range counts the bytes that "
        "arrived"},
    {METHOD_GET, "/api/v1/jobs/{id}/why", ACCESS_READ, BODY_NONE, NULL, api_why,
        "Why a job waits"},
    {METHOD_GET, "/api/v1/runs/{id}/samples", ACCESS_READ, BODY_NONE, NULL,
        api_samples, "Measured values, with the outputs they were read from"},
    {METHOD_GET, "/api/v1/runs/{id}/overhead", ACCESS_READ, BODY_NONE,
        overhead_query, api_overhead,
        "What the candidate costs against the baseline, a table a metric"},
    {METHOD_GET, "/api/v1/attempts/{id}/files", ACCESS_READ, BODY_NONE, NULL,
        api_attempt_files, "Raw outputs and environment of an attempt"},
    {METHOD_GET, "/api/v1/files/{sha256}", ACCESS_READ, BODY_NONE, NULL,
        api_file, "A raw output that an attempt names"},
    {METHOD_GET, "/api/v1/machines", ACCESS_READ, BODY_NONE, NULL, api_machines,
        "The lab"},
    {METHOD_POST, "/api/v1/machines/{name}/power/on", ACCESS_OPERATE, BODY_JSON,
        NULL, api_power_on, "Switches an offline machine on"},
    {METHOD_POST, "/api/v1/machines/{name}/power/off", ACCESS_OPERATE,
        BODY_JSON, NULL, api_power_off, "Switches an offline machine off"},
    {METHOD_POST, "/api/v1/machines/{name}/offline", ACCESS_OPERATE, BODY_JSON,
        NULL, api_offline, "Takes a machine out of service"},
    {METHOD_POST, "/api/v1/machines/{name}/online", ACCESS_OPERATE, BODY_JSON,
        NULL, api_online, "Gives a machine back"},
    {METHOD_POST, "/hooks/{project}", ACCESS_NONE, BODY_HOOK, NULL, api_hook,
        "A push, signed by the forge over the raw body"},
    {METHOD_POST, "/test_runs", ACCESS_SUBMIT, BODY_FORM, NULL,
        api_sotest_submit, "SoTest's: submits, answers with just the id"},
    {METHOD_GET, "/test_runs/{id}/status", ACCESS_READ, BODY_NONE, NULL,
        api_sotest_status, "SoTest's: the status as a JSON string"},
};
const size_t n_api_routes = ARRAY_LEN(api_routes);

const struct route boot_routes[] = {
    {METHOD_GET, "/boot/{mac}", ACCESS_NONE, BODY_NONE, NULL, boot_script,
        "The boot script of a machine"},
    {METHOD_GET, "/files/{nonce}/{sha256}/{name}", ACCESS_NONE, BODY_NONE, NULL,
        boot_file, "A file of the attempt with that nonce"},
};
const size_t n_boot_routes = ARRAY_LEN(boot_routes);
