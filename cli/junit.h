/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JUnit XML, as Jenkins and GitLab read it. */
#ifndef CLI_JUNIT_H
#define CLI_JUNIT_H

#include "cli/api.h"

/* A run and its matrix, as the server answered them. */
void junit_print(struct cli *cli, const json_t *run, const json_t *matrix);

#endif
