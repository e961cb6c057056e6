/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of a benchmark's lab share. */
#ifndef TESTS_BENCH_LAB_PRIVATE_H
#define TESTS_BENCH_LAB_PRIVATE_H

/* Of webhooks; in the file "secret". */
#define LAB_SECRET "the secret of the farm"

#endif
