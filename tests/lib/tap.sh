# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# TAP for shell tests.  A test begins with
#
#	. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
#
# and ends with done_testing (or has said `plan N`).  It gets
#
#	IB_SRCDIR, IB_BUILDDIR	the source and the build, absolute
#	IB_TMP			a new folder with a short name (a socket's path
#				has 107 bytes), removed at exit unless
#				IB_TEST_KEEP=1
#
# What start() started is ended at exit, however the test ends.
set -u

IB_SRCDIR=$(cd "${IB_SRCDIR:-$(dirname "$0")/../..}" && pwd) || exit 99
IB_BUILDDIR=$(cd "${IB_BUILDDIR:-$IB_SRCDIR/build}" 2>/dev/null && pwd) ||
	IB_BUILDDIR=$IB_SRCDIR/build
IB_TMP=$(mktemp -d /tmp/ib.XXXXXX) || exit 99
export IB_SRCDIR IB_BUILDDIR IB_TMP

tap_count=0
tap_failed=0
tap_planned=
tap_started=

# Milliseconds on a clock that is never set back.
now_ms() {
	local up rest
	read -r up rest </proc/uptime
	: "$rest"
	echo "${up%.*}${up#*.}0"
}

# is_alive PID: runs, and is not merely waiting to be reaped.
is_alive() {
	kill -0 "$1" 2>/dev/null &&
		! grep -q '^State:[[:space:]]*Z' "/proc/$1/status" 2>/dev/null
}

# wait_for SECONDS COMMAND...: asks every 0.1 s until the command succeeds;
# fails at the deadline.
wait_for() {
	local end
	end=$(($(now_ms) + $1 * 1000))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.1
	done
}

# start NAME COMMAND...: in the background, output to the file log_of NAME.
start() {
	local name
	name=$1
	shift
	# Whoever reads it finds nothing of the one before.
	: >"$IB_TMP/$name.log"
	"$@" >"$IB_TMP/$name.log" 2>&1 </dev/null &
	echo $! >"$IB_TMP/$name.pid"
	tap_started="$name $tap_started"
}

pid_of() {
	cat "$IB_TMP/$1.pid"
}

log_of() {
	echo "$IB_TMP/$1.log"
}

is_running() {
	[ -f "$IB_TMP/$1.pid" ] && is_alive "$(pid_of "$1")"
}

tap_has_ended() {
	! is_alive "$1"
}

# stop NAME [SECONDS]: TERM, then KILL at the deadline (default 5 s).  Fails
# if it had to kill.
stop() {
	local pid result
	[ -f "$IB_TMP/$1.pid" ] || return 0
	pid=$(pid_of "$1")
	result=0
	if is_alive "$pid"; then
		kill -TERM "$pid" 2>/dev/null
		if ! wait_for "${2:-5}" tap_has_ended "$pid"; then
			kill -KILL "$pid" 2>/dev/null
			result=1
		fi
		wait "$pid" 2>/dev/null
	fi
	rm -f "$IB_TMP/$1.pid"
	return $result
}

tap_exit() {
	tap_status=$?
	local name
	trap - EXIT
	trap '' HUP INT TERM
	for name in $tap_started; do
		stop "$name" || diag "$name did not end when told; killed"
	done
	if [ "${IB_TEST_KEEP:-}" = 1 ]; then
		diag "kept $IB_TMP"
	else
		rm -rf "$IB_TMP"
	fi
	exit "$tap_status"
}
trap tap_exit EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# diag TEXT...; without arguments, what comes on standard input.
diag() {
	if [ $# -gt 0 ]; then
		printf '%s\n' "$*" | sed 's/^/# /'
	else
		sed 's/^/# /'
	fi
}

plan() {
	tap_planned=$1
	echo "1..$1"
}

# tap_report STATUS DESCRIPTION
tap_report() {
	tap_count=$((tap_count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_count - $2"
		return 0
	fi
	tap_failed=$((tap_failed + 1))
	echo "not ok $tap_count - $2"
	return 1
}

# ok DESCRIPTION COMMAND...: the command must succeed; else its output (the
# last 100 lines of it) is shown.
ok() {
	local desc status
	desc=$1
	shift
	status=0
	"$@" >"$IB_TMP/.out" 2>&1 || status=$?
	tap_report "$status" "$desc" && return 0
	diag "status $status from: $*"
	tail -n 100 "$IB_TMP/.out" | diag
	return 1
}

# nok DESCRIPTION COMMAND...: the command must fail, and not by a signal.
nok() {
	local desc status bad
	desc=$1
	shift
	status=0
	"$@" >"$IB_TMP/.out" 2>&1 || status=$?
	bad=1
	[ "$status" -eq 0 ] || [ "$status" -gt 128 ] || bad=0
	tap_report "$bad" "$desc" && return 0
	diag "status $status, though it must fail: $*"
	tail -n 100 "$IB_TMP/.out" | diag
	return 1
}

# is DESCRIPTION GOT WANT
is() {
	local bad
	bad=0
	[ "$2" = "$3" ] || bad=1
	tap_report $bad "$1" && return 0
	diag "     got: $2"
	diag "expected: $3"
	return 1
}

# like DESCRIPTION TEXT EXTENDED-REGEX
like() {
	local bad
	bad=0
	printf '%s\n' "$2" | grep -Eq -e "$3" || bad=1
	tap_report $bad "$1" && return 0
	diag "          got: $2"
	diag "does not match: $3"
	return 1
}

unlike() {
	local bad
	bad=1
	printf '%s\n' "$2" | grep -Eq -e "$3" || bad=0
	tap_report $bad "$1" && return 0
	diag "    got: $2"
	diag "matches: $3"
	return 1
}

# skip DESCRIPTION WHY
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# skip_all WHY: the whole test, before any other line.
skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

bail() {
	echo "Bail out! $*"
	exit 99
}

done_testing() {
	[ -n "$tap_planned" ] || echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ] || exit 1
	[ -z "$tap_planned" ] || [ "$tap_planned" -eq "$tap_count" ] || exit 1
	exit 0
}
