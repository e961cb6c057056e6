#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs fuzz targets built with --enable-fuzzers, FUZZ_SECONDS each (default 5),
# beginning with their corpora.  FUZZ_TARGETS names them (default: all that are
# built).  FUZZ_SEED (default 1) chooses the inputs, so that two runs of one tree
# try the same ones; 0 takes others each time.  `make fuzz` calls this.  What
# fails stays in tests/fuzz/ of the build.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

seconds=${FUZZ_SECONDS:-5}
seed=${FUZZ_SEED:-1}
targets=${FUZZ_TARGETS:-$(find "$IB_BUILDDIR/tests/fuzz" -name 'fuzz_*' \
	-type f -perm -1 -print)}

# What the fuzzer finds goes to a new folder, the corpus stays as it is. What is
# asked for and never used is the business of the process' own limits.
cat >"$IB_TMP/fuzz" <<'END'
name=${1##*/fuzz_}
mkdir -p "$IB_TMP/new/$name" || exit
"$IB_BUILDDIR/tests/fuzz/fuzz_$name" -max_total_time="$seconds" \
	-seed="$seed" -timeout=10 -rss_limit_mb=2048 -malloc_limit_mb=8192 \
	-print_final_stats=1 \
	-artifact_prefix="$IB_BUILDDIR/tests/fuzz/$name-" \
	"$IB_TMP/new/$name" "$IB_SRCDIR/tests/fuzz/corpus/$name" \
	>"$IB_TMP/$name.out" 2>&1
echo $? >"$IB_TMP/$name.status"
END

# One for each processor at a time: each has its seconds, and one to itself.
export IB_TMP IB_BUILDDIR IB_SRCDIR seconds seed
# shellcheck disable=SC2086
printf '%s\n' $targets |
	xargs -P "$(nproc)" -I TARGET sh "$IB_TMP/fuzz" TARGET

# What was found, without the thousands of inputs that came before it.
ended_well() {
	grep -v '^#[0-9]' "$IB_TMP/$1.out"
	[ "$(cat "$IB_TMP/$1.status")" = 0 ]
}
for target in $targets; do
	name=${target##*/fuzz_}
	if ok "fuzz_$name finds nothing in $seconds s" ended_well "$name"; then
		sed -n 's/^stat::number_of_executed_units: */# inputs: /p' \
			"$IB_TMP/$name.out"
	fi
done
done_testing
