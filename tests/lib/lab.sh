# SPDX-License-Identifier: GPL-3.0-or-later
# A virtual lab with its daemon, for end-to-end tests. Source after tap.sh.
#
#	lab_start [ironbench-lab options]   daemon and lab; sets the variables
#	bundle                              folder with suites and test kernels
#	daemon_start [LISTEN [BOOT]]        a daemon, with lab.yaml if there is one
#	daemon_spawn [LISTEN [BOOT]]        the same, not waiting until it is ready
#	sql QUERY                           rows of its database, | between columns
#	token_add NAME SCOPES               prints it
#	ends_with SECONDS CODE              the daemon ends, with this exit code
#	crash                               kills the daemon
#	no_report                           no sanitizer has said anything

LAB_DIR=$IB_TMP/l
STATE_DIR=$IB_TMP/s
IRONBENCH=$IB_BUILDDIR/cli/ironbench
IRONBENCHD=$IB_BUILDDIR/orchestrator/ironbenchd
IRONBENCH_LAB=$IB_BUILDDIR/fixtures/lab/ironbench-lab

# A build with sanitizers: what any process has to say goes into files.
ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}log_path=$IB_TMP/report
UBSAN_OPTIONS=print_stacktrace=1:log_path=$IB_TMP/report
export ASAN_OPTIONS UBSAN_OPTIONS

no_report() {
	! cat "$IB_TMP"/report.* 2>/dev/null
}

# The fields of the daemon's "ready" line, set when it is there.
daemon_ready() {
	read -r _ready_word IRONBENCH_SERVER BOOT_URL <"$IB_TMP/daemon.log.out" \
		2>/dev/null && [ "$_ready_word" = ready ]
}

# DAEMON_UNDER is a program with its arguments, or empty.
daemon_spawn() {
	local listen boot
	listen=${1:-127.0.0.1:0}
	boot=${2:-127.0.0.1:0}
	set --
	[ ! -e "$LAB_DIR/lab.yaml" ] || set -- --lab "$LAB_DIR/lab.yaml"
	: >"$IB_TMP/daemon.log.out"
	# shellcheck disable=SC2086
	start daemon sh -c 'out=$1; shift; exec "$@" >"$out"' sh \
		"$IB_TMP/daemon.log.out" ${DAEMON_UNDER:-} "$IRONBENCHD" \
		--state "$STATE_DIR" \
		--listen "$listen" --boot-listen "$boot" \
		--agent "$IB_BUILDDIR/agent/ironbench-agent" "$@"
}

daemon_start() {
	daemon_spawn "$@"
	wait_for 20 daemon_ready || {
		diag <"$(log_of daemon)"
		bail "the daemon did not start"
	}
	export IRONBENCH_SERVER
}

sql() {
	"$IB_BUILDDIR/tests/lib/sql" "$STATE_DIR/ironbench.db" "$1"
}

token_add() {
	"$IRONBENCHD" token add "$1" --scope "$2" --state "$STATE_DIR"
}

ends_with() {
	local pid status
	pid=$(pid_of daemon)
	wait_for "$1" tap_has_ended "$pid" || return 1
	status=0
	wait "$pid" || status=$?
	[ "$status" = "$2" ] || echo "exit code $status"
	[ "$status" = "$2" ]
}

crash() {
	kill -KILL "$(pid_of daemon)"
	ends_with 10 137
}

machines_are() {
	[ "$("$IRONBENCH" machines --format csv | grep -c ',good')" = "$1" ]
}

# The daemon starts with an empty lab, since the lab must know its boot port;
# then it reads the real one.
lab_start() {
	mkdir -p "$LAB_DIR"
	echo 'machines: []' >"$LAB_DIR/lab.yaml"
	daemon_start
	start lab "$IRONBENCH_LAB" --dir "$LAB_DIR" --wait 600 \
		--boot-port "${BOOT_URL##*:}" "$@"
	wait_for 640 grep -q '^ready ' "$IB_TMP/lab.log" ||
		bail "the lab did not start"
	kill -HUP "$(pid_of daemon)"
	IRONBENCH_TOKEN=$(token_add "test-$$" read,submit,operate)
	export IRONBENCH_TOKEN
}

# The test kernels are built, the suites and the module are not.
bundle() {
	mkdir -p "$IB_TMP/bundle"
	cp "$IB_BUILDDIR"/fixtures/guests/*.elf32 \
		"$IB_SRCDIR"/fixtures/guests/*.yaml \
		"$IB_SRCDIR"/fixtures/guests/module.txt "$IB_TMP/bundle"
	echo "$IB_TMP/bundle"
}
