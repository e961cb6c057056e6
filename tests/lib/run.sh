#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs one test for `make check`: run.sh TEST [ARGUMENT...].
#
# No test runs for ever: after IB_TEST_TIMEOUT seconds (default 300, 1200 end
# to end) it is told to end, and 15 s later killed.  IB_TEST_VALGRIND=1 runs
# test programs (not shell tests) under valgrind.

# Why valgrind cannot run program $1; nothing if it can. The sanitizers can run
# all of them.
not_under_valgrind() {
	case ${1##*/} in
	hook_source)
		echo "valgrind knows no openat2()"
		;;
	agent_trial | machine_helper | machine_power)
		echo "it runs itself by /proc/self/exe, which is valgrind then"
		;;
	esac
}

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
		why=$(not_under_valgrind "$1")
		[ -z "$why" ] || {
			echo "1..0 # SKIP $why"
			exit 0
		}
		set -- valgrind --quiet --error-exitcode=99 --leak-check=full \
			--errors-for-leak-kinds=definite --child-silent-after-fork=yes \
			"$@"
	fi
	;;
esac
exec timeout --kill-after=15 "$limit" "$@"
