/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scoped(json_decref), for the files of this folder. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <jansson.h>

#include "base/mem.h"

SCOPED_DEFINE(json_t, json_decref);

#endif
