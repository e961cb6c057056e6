#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `make check-long`: what takes too long for every change.  Speaks TAP; works
# in long/ of the build, where the logs stay.  LONG="valgrind cppcheck" runs
# some of it only.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

unset MAKEFLAGS MFLAGS MAKELEVEL
work=$IB_BUILDDIR/long

# What is compiled into the product: all but tests and fixtures.
product_files() {
	c_files | grep '\.c$' | grep -Ev '^(tests|fixtures)/'
}

flags() {
	echo "-std=c17 -D_GNU_SOURCE -include $IB_BUILDDIR/config.h -I."
	echo "-I$IB_BUILDDIR"
	pkg-config --cflags libuv jansson yaml-0.1 libsodium sqlite3 libzstd \
		libmicrohttpd libcurl libarchive libfreeipmi libRmath
}

configured() {
	mkdir -p "$work/$1" && cd "$work/$1" && shift &&
		"$IB_SRCDIR/configure" "$@"
}

long_fuzz() {
	(configured fuzz CC=clang --enable-sanitizers --enable-fuzzers) &&
		make -C "$work/fuzz" -j"$JOBS" fuzz FUZZ_SECONDS=60
}

long_valgrind() {
	(configured valgrind CC=gcc CFLAGS='-g -O1') &&
		IB_TEST_VALGRIND=1 IB_TEST_TIMEOUT=3600 \
			make -C "$work/valgrind" -j"$JOBS" check-programs
}

long_analyzer() {
	(configured analyzer CC=gcc CFLAGS='-g -O2 -fanalyzer') &&
		make -C "$work/analyzer" -j"$JOBS" -k
}

long_tidy() {
	checks='-*,bugprone-*,cert-*,clang-analyzer-*,misc-redundant-expression'
	checks="$checks,performance-*"
	# These forbid what the house style wants.
	checks="$checks,-bugprone-easily-swappable-parameters"
	checks="$checks,-bugprone-assignment-in-if-condition,-cert-dcl37-c"
	checks="$checks,-bugprone-reserved-identifier,-cert-dcl51-cpp"
	checks="$checks,-bugprone-narrowing-conversions,-cert-err33-c"
	checks="$checks,-clang-analyzer-security.insecureAPI.*"
	checks="$checks,-performance-no-int-to-ptr"
	# shellcheck disable=SC2046
	product_files | xargs -P "$JOBS" -n 4 sh -c '
		checks=$1 flags=$2; shift 2
		clang-tidy --quiet --warnings-as-errors="*" \
			--checks="$checks" "$@" -- $flags' \
		sh "$checks" "$(flags | tr '\n' ' ')"
}

long_cppcheck() {
	# shellcheck disable=SC2046
	product_files | cppcheck --file-list=- -j "$JOBS" -I. --std=c11 \
		--enable=warning,portability,performance --quiet \
		--inline-suppr --error-exitcode=1 --library=posix \
		--suppress=missingInclude --suppress=normalCheckLevelMaxBranches
}

long_distcheck() {
	(configured dist) && make -C "$work/dist" -j"$JOBS" distcheck
}

mkdir -p "$work" || bail "no folder $work"
for each in ${LONG:-fuzz valgrind analyzer tidy cppcheck distcheck}; do
	ok "$each" "long_$each"
	cp "$IB_TMP/.out" "$work/$each.log"
done
done_testing
