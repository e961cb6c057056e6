#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs one test for `make check`: run.sh TEST [ARGUMENT...].
#
# No test runs for ever: after IB_TEST_TIMEOUT seconds (default 300, 1200 end
# to end) it is told to end, and 15 s later killed.  IB_TEST_VALGRIND=1 runs
# test programs (not shell tests) under valgrind.

limit=300
case $1 in
*tests/t/*)
	limit=1200
	;;
esac
limit=${IB_TEST_TIMEOUT:-$limit}

case $1 in
*.t)
	set -- sh "$@"
	;;
*)
	if [ "${IB_TEST_VALGRIND:-}" = 1 ]; then
		set -- valgrind --quiet --error-exitcode=99 --leak-check=full \
			--errors-for-leak-kinds=definite --child-silent-after-fork=yes \
			"$@"
	fi
	;;
esac
exec timeout --kill-after=15 "$limit" "$@"
