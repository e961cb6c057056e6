#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs fuzz targets built with --enable-fuzzers, FUZZ_SECONDS each (default 5),
# beginning with their corpora.  FUZZ_TARGETS names them (default: all that are
# built).  `make fuzz` calls this.  What fails stays in tests/fuzz/ of the build.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

# What the fuzzer finds goes to a new folder, the corpus stays as it is. What is
# asked for and never used is the business of the process' own limits.
fuzz() {
	mkdir -p "$IB_TMP/$1" || return
	"$IB_BUILDDIR/tests/fuzz/fuzz_$1" -max_total_time="$seconds" \
		-timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=8192 \
		-print_final_stats=1 \
		-artifact_prefix="$IB_BUILDDIR/tests/fuzz/$1-" \
		"$IB_TMP/$1" "$IB_SRCDIR/tests/fuzz/corpus/$1"
}

seconds=${FUZZ_SECONDS:-5}
targets=${FUZZ_TARGETS:-$(find "$IB_BUILDDIR/tests/fuzz" -name 'fuzz_*' \
	-type f -perm -1 -print)}
for target in $targets; do
	name=$(basename "$target")
	if ok "$name finds nothing in $seconds s" fuzz "${name#fuzz_}"; then
		sed -n 's/^stat::number_of_executed_units: */# inputs: /p' \
			"$IB_TMP/.out"
	fi
done
done_testing
