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
	echo "-I$IB_BUILDDIR -DPKGLIBEXECDIR=\"libexec\""
	pkg-config --cflags libuv jansson yaml-0.1 libsodium sqlite3 libzstd \
		libmicrohttpd libcurl libarchive libfreeipmi libRmath
}

configured() {
	mkdir -p "$work/$1" && cd "$work/$1" && shift &&
		"$IB_SRCDIR/configure" "$@"
}

long_fuzz() {
	(configured fuzz CC=clang --enable-sanitizers --enable-fuzzers) &&
		make -C "$work/fuzz" -j"$JOBS" fuzz FUZZ_SECONDS=60 FUZZ_SEED=0
}

long_valgrind() {
	(configured valgrind CC=gcc CFLAGS='-g -O1') &&
		IB_TEST_VALGRIND=1 IB_TEST_TIMEOUT=3600 \
			make -C "$work/valgrind" -j"$JOBS" check-programs
}

# An output is written when a function of another file succeeds, which no
# analyzer of one file can know: what it says of null and uninitialized
# outputs is noise here, and these checks are off in both.
long_analyzer() {
	off="-Wno-analyzer-null-dereference -Wno-analyzer-null-argument"
	off="$off -Wno-analyzer-use-of-uninitialized-value"
	(configured analyzer CC=gcc CFLAGS="-g -O2 -fanalyzer $off") &&
		make -C "$work/analyzer" -j"$JOBS" -k
}

# Behind each line of "off": as above; what the house style wants so; what this
# version gets wrong (arrays of pointers, va_start in the second file, memory
# that is no string).
tidy_checks() {
	echo '-*,bugprone-*,cert-*,clang-analyzer-*,performance-*'
	echo 'misc-redundant-expression'
	off=clang-analyzer-core
	echo "-$off.CallAndMessage,-$off.DivideZero,-$off.NonNullParamChecker"
	echo "-$off.NullDereference,-$off.uninitialized.Assign"
	echo '-bugprone-easily-swappable-parameters,-cert-dcl37-c'
	echo '-bugprone-assignment-in-if-condition,-bugprone-branch-clone'
	echo '-bugprone-reserved-identifier,-cert-dcl51-cpp,-cert-err33-c'
	echo '-bugprone-narrowing-conversions,-performance-no-int-to-ptr'
	echo '-bugprone-implicit-widening-of-multiplication-result'
	echo '-bugprone-suspicious-string-compare'
	echo '-clang-analyzer-security.insecureAPI.*'
	echo '-bugprone-sizeof-expression,-clang-analyzer-valist.Uninitialized'
	echo '-bugprone-not-null-terminated-result'
}

long_tidy() {
	product_files | xargs -P "$JOBS" -n 4 sh -c '
		checks=$1 flags=$2; shift 2
		clang-tidy --quiet --warnings-as-errors="*" \
			--checks="$checks" "$@" -- $flags' \
		sh "$(tidy_checks | paste -s -d , -)" "$(flags | tr '\n' ' ')"
}

# It does not know the cleanup attribute, so scoped() is nothing to it, and
# what it says of leaks is not to be heard; the sanitizers see to those.
long_cppcheck() {
	product_files | cppcheck --file-list=- -j "$JOBS" --std=c11 --quiet \
		'-Dscoped(x)=' '-Dscoped_val(x)=' --library=posix \
		--enable=warning,portability,performance --error-exitcode=1 \
		--suppress=memleak --suppress=resourceLeak \
		--suppress=missingInclude --suppress=readdirCalled
}

# The tests end to end have run in the build, one at a time.
long_release() {
	(configured dist) && make -C "$work/dist" -j"$JOBS" check-release
}

mkdir -p "$work" || bail "no folder $work"
for each in ${LONG:-fuzz valgrind analyzer tidy cppcheck release}; do
	ok "$each" "long_$each"
	cp "$IB_TMP/.out" "$work/$each.log"
done
done_testing
