#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The agent is killed in the middle of a benchmark: the attempt is an error of
# the agent, no machine of it is left, and the job is done by another attempt.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

guest=$("$IB_SRCDIR/fixtures/linux/build-guest") || bail "no Linux guest"
lab_start --machines 1 --this-computer
wait_for 20 machines_are 2 || bail "the daemon did not take the lab"
home=$LAB_DIR/home/state/ironbench-agent
mkdir "$IB_TMP/bundle"
cp "$guest/vmlinux" "$guest/initrd.img" "$IB_TMP/bundle"
cat >"$IB_TMP/bundle/cpu.yaml" <<-EOT
	variants:
	  single: { hypervisor: qemu, backend: tcg, options: { thread: single }, role: baseline }
	  multi:  { hypervisor: qemu, backend: tcg, options: { thread: multi }, role: candidate }
	guests:
	  linux: { kernel: vmlinux, initrd: initrd.img, cpus: 1, memory_mib: 384 }
	benchmarks:
	  - { name: cpu, workload: sysbench, threads: [ 1 ], guests: [ linux ], pairs: 1, runtime: 3 }
	EOT

agent_pid() {
	pgrep -f "ironbench-agent run --dir $LAB_DIR/home/state"
}

# Processes that stand in the agent's folder, the agent itself not among them.
left_of() {
	for entry in /proc/[0-9]*; do
		[ "$(readlink "$entry/cwd" 2>/dev/null)" = "$home" ] &&
			is_alive "${entry#/proc/}" || continue
		case $(tr '\0' ' ' <"$entry/cmdline" 2>/dev/null) in
		*"ironbench-agent run "* | *"ironbench-agent attach"*) ;;
		*) echo "${entry#/proc/}" ;;
		esac
	done
}

run=$("$IRONBENCH" submit "$IB_TMP/bundle/cpu.yaml" --name "agent killed" \
	2>"$IB_TMP/err")
ok "its machine runs" wait_for 120 test -s "$home/vm.pid"
has_two() {
	[ "$(left_of | wc -l)" -ge 2 ]
}
ok "under a guard" wait_for 20 has_two
old=$(left_of)
agent=$(agent_pid)
kill -KILL "$agent"
all_gone() {
	for pid in $old; do
		! is_alive "$pid" || return 1
	done
}
ok "when the agent is killed, all of it goes" wait_for 5 all_gone
ok "the run is right in the end" timeout 300 "$IRONBENCH" watch "$run"
job=$(sql 'SELECT max(id) FROM job')
is "by two attempts, the first an error of the agent" \
	"$(sql "SELECT no, outcome, layer FROM attempt WHERE job_id = $job")" \
	"1|3|5
2|1|0"
like "which says why" "$("$IRONBENCH" job "$job")" \
	'error.*agent.*the agent died while the attempt ran'
is "the one that failed has no samples" "$(sql "SELECT count(*) FROM sample JOIN
	attempt ON attempt.id = attempt_id WHERE outcome <> 1")" 0
like "the one that counts has all" "$("$IRONBENCH" verify "$run")" \
	'^2 samples verified from 2 raw outputs'
is "no machine is left" "$(left_of)" ""
is "one agent is" "$(agent_pid | wc -l)" 1
ok "no sanitizer has a complaint" no_report
done_testing
