/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What `--helper import` leaves in its scratch folder. Its answer is
 * {"format", "title", "files", "facts", "warnings", "samples", "ratios",
 * "cases"}, or {"error", "kind"}.
 */
#ifndef ORCHESTRATOR_HELPER_IMPORT_H
#define ORCHESTRATOR_HELPER_IMPORT_H

/* The values of all samples of kind 1 (IMPORT_SAMPLE), in their order. */
#define HELPER_IMPORT_VALUES "values"

#endif
