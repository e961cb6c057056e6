# SPDX-License-Identifier: GPL-3.0-or-later
# A virtual lab with its daemon, for end-to-end tests. Source after tap.sh.
#
#	lab_start [ironbench-lab options]   daemon and lab; sets the variables
#	lab_state JOB                       state of a job
#	bundle                              folder with suites and test kernels

LAB_DIR=$IB_TMP/l
STATE_DIR=$IB_TMP/s
IRONBENCH=$IB_BUILDDIR/cli/ironbench
IRONBENCHD=$IB_BUILDDIR/orchestrator/ironbenchd
IRONBENCH_LAB=$IB_BUILDDIR/fixtures/lab/ironbench-lab

# The fields of the daemon's "ready" line, set when it is there.
daemon_ready() {
	read -r _ready_word IRONBENCH_SERVER BOOT_URL <"$IB_TMP/daemon.log.out" \
		2>/dev/null && [ "$_ready_word" = ready ]
}

daemon_start() {
	: >"$IB_TMP/daemon.log.out"
	start daemon sh -c 'out=$1; shift; exec "$@" >"$out"' sh \
		"$IB_TMP/daemon.log.out" "$IRONBENCHD" --state "$STATE_DIR" \
		--lab "$LAB_DIR/lab.yaml" --listen "${1:-127.0.0.1:0}" \
		--boot-listen "${2:-127.0.0.1:0}"
	wait_for 20 daemon_ready || bail "the daemon did not start"
	export IRONBENCH_SERVER
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
	IRONBENCH_TOKEN=$("$IRONBENCHD" token add "test-$$" \
		--scope read,submit,operate --state "$STATE_DIR")
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
