#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon is killed while machines work: every job is done once and right in
# the end, and no machine stays on. Draining ends what runs and starts nothing.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

# run_of NAME SECONDS ITEM...: submits a run of slow kernels
run_of() {
	local name seconds
	name=$1
	seconds=$2
	shift 2
	{
		echo 'boot_items:'
		for item; do
			echo "  - { name: $item, exec: slow.elf32 --serial --seconds=$seconds }"
		done
	} >"$dir/$name.yaml"
	"$IRONBENCH" submit "$dir/$name.yaml" --name "$name"
}

# machines_in STATE NUMBER: that many machines or more
machines_in() {
	[ "$("$IRONBENCH" machines --format csv |
		awk -F, -v s="$1" '$11 == s { n++ } END { print n + 0 }')" -ge "$2" ]
}

# The jobs of a run, one a line.
jobs_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, 'NR > 1 { print $3 }'
}

# How often a job was done; one that waits when it is cancelled has no more.
ends_of() {
	"$IRONBENCH" job "$1" --format json |
		grep -c -e '"event": "done"' -e '"event": "cancel"'
}

# done_once RUN: every job of it is
done_once() {
	for job in $(jobs_of "$1"); do
		[ "$(ends_of "$job")" = 1 ] || {
			"$IRONBENCH" job "$job"
			return 1
		}
	done
}

# evidence RUN: of all attempts
evidence() {
	for job in $(jobs_of "$1"); do
		"$IRONBENCH" job "$job"
	done
}

all_off() {
	! "$IRONBENCH_LAB" --dir "$LAB_DIR" status | grep -q ' on '
}

restart() {
	daemon_start "${IRONBENCH_SERVER#http://}" "${BOOT_URL#http://}"
}

logs_say() {
	for job in $(jobs_of "$1"); do
		"$IRONBENCH" logs "$job" 2>/dev/null | grep -q "$2" && return
	done
	return 1
}

lab_start --machines 3 --platforms virtual
wait_for 20 machines_are 3 || bail "the daemon did not take the lab"
dir=$(bundle)

# ---- killed in PREPARE ------------------------------------------------------

run=$(run_of prepare 1 a b c d)
ok "machines prepare" wait_for 30 machines_in prepare 1
ok "the daemon is killed" crash
restart
ok "the run is right in the end" timeout 300 "$IRONBENCH" watch "$run"
ok "every job is done once" done_once "$run"
unlike "nothing was judged that was not seen" "$(evidence "$run")" \
	'console gap'
ok "all machines are off" wait_for 20 all_off

# ---- killed in RUN, twice ------------------------------------------------------

run=$(run_of run 8 a b c)
ok "a kernel is in the middle" wait_for 60 logs_say "$run" 'second 2 of'
ok "the daemon is killed" crash
# What the machine prints now is seen by nobody.
restart
ok "a boot item that was cut is tried again" \
	wait_for 60 logs_say "$run" 'second 2 of'
ok "the daemon is killed again" crash
restart
ok "the run is right in the end" timeout 400 "$IRONBENCH" watch "$run"
ok "every job is done once" done_once "$run"
said=$(evidence "$run")
like "the cut attempt is an error of the lab, and says why" "$said" \
	'error.*harness.*console gap'
like "which was not counted" "$said" 'no machine is to blame'
is "no machine is blamed" "$(machines_are 3 && echo yes)" yes
ok "all machines are off" wait_for 20 all_off

# ---- killed at random ----------------------------------------------------------

run=$(run_of random 2 a b c d)
for ms in 300 1700 4100; do
	end=$(($(now_ms) + ms))
	past() {
		[ "$(now_ms)" -ge "$end" ]
	}
	wait_for 10 past
	crash >/dev/null || bail "the daemon was gone"
	restart
done
ok "a run through three crashes is right in the end" \
	timeout 300 "$IRONBENCH" watch "$run"
ok "every job is done once" done_once "$run"
ok "all machines are off" wait_for 20 all_off

# ---- cancelling what runs ------------------------------------------------------

run=$(run_of cancel 60 a b c d)
ok "a kernel is in the middle" wait_for 60 logs_say "$run" 'second 2 of'
ok "its run is cancelled" "$IRONBENCH" cancel "$run"
timeout 60 "$IRONBENCH" watch "$run"
is "the run ends as disabled" $? 3
is "all of its jobs are cancelled" "$("$IRONBENCH" matrix "$run" --format csv |
	awk -F, 'NR > 1 { print $6 }' | sort -u)" cancelled
ok "every job is done once" done_once "$run"
ok "the machines are switched off" wait_for 20 all_off
is "and nobody is blamed" "$(machines_are 3 && echo yes)" yes

# ---- draining --------------------------------------------------------------------

run=$(run_of drain 4 a b c d e)
ok "machines run" wait_for 60 machines_in run 2
kill -TERM "$(pid_of daemon)"
ok "a daemon that drains still answers" wait_for 5 curl -sf -o "$IB_TMP/health" \
	"$IRONBENCH_SERVER/health"
like "and says so" "$(cat "$IB_TMP/health")" 'draining'
ok "it ends with 0 when the machines are free" ends_with 120 0
is "nothing was started after the signal" "$(awk '/draining/ { d = 1 }
	d && /to=(leased|prepare)/' "$(log_of daemon)")" ""
ok "all machines are off" wait_for 20 all_off
restart
ok "the rest is done by the next daemon" timeout 300 "$IRONBENCH" watch "$run"
unlike "nothing was cut" "$(evidence "$run")" 'console gap'
ok "every job is done once" done_once "$run"

# ---- two signals -------------------------------------------------------------------

run=$(run_of two 8 a)
ok "a kernel is in the middle" wait_for 60 logs_say "$run" 'second 2 of'
kill -TERM "$(pid_of daemon)"
said_draining() {
	grep -q 'draining' "$(log_of daemon)"
}
wait_for 5 said_draining
kill -TERM "$(pid_of daemon)"
ok "a second signal ends it at once" ends_with 5 0
restart
ok "its job is tried again" timeout 300 "$IRONBENCH" watch "$run"
like "and says why" "$(evidence "$run")" 'console gap'

kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 20 0
ok "no sanitizer has a complaint" no_report
done_testing
