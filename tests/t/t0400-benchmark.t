#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From a benchmark to an overhead: this computer, over the lab's own sshd,
# compares QEMU's thread=multi with thread=single; the demo does more of it. The
# connection is cut in mid-fio, and the daemon is killed: agent, QEMU and
# attempt stay what they were, and no sample is missing or twice.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

guest=$("$IB_SRCDIR/fixtures/linux/build-guest") || bail "no Linux guest"
mkdir -p "$IB_TMP/bundle"
cp "$guest/vmlinuz" "$guest/initrd.img" "$IB_TMP/bundle"

lab_start --machines 1 --this-computer
is "all machines of this computer keep quiet for a benchmark" \
	"$(grep -c 'quiet_group: this_computer' "$LAB_DIR/lab.yaml")" 2
wait_for 20 machines_are 2 || bail "the daemon did not take the lab"

head='
variants:
  single: { hypervisor: qemu, backend: tcg, options: { thread: single }, role: baseline }
  multi:  { hypervisor: qemu, backend: tcg, options: { thread: multi }, role: candidate }
guests:
  linux: { kernel: vmlinuz, initrd: initrd.img, cpus: 2, memory_mib: 512 }
benchmarks:'

does() {
	"$IRONBENCH" machines | grep -q "$1"
}
pid_in() {
	cut -d ' ' -f 1 "$LAB_DIR/home/state/ironbench-agent/$1" 2>/dev/null
}
agent_pid() {
	pgrep -f "ironbench-agent run --dir $LAB_DIR/home/state"
}

# ---- cuts ------------------------------------------------------------------------

cat >"$IB_TMP/bundle/disk.yaml" <<EOF
$head
  - { name: disk, workload: fio, profiles: [ SEQ128K Q32T1 RD, RND4K Q1T1 WR ],
      controllers: [ sata, nvme ], guests: [ linux ], pairs: 1, runtime: 8, disk_mib: 64 }
EOF
run=$("$IRONBENCH" submit "$IB_TMP/bundle/disk.yaml" --name cuts)
wait_for 120 does "pair 1/1 " || bail "the benchmark did not begin"
wait_for 60 test -s "$LAB_DIR/home/state/ironbench-agent/vm.pid" ||
	bail "no QEMU"
agent=$(agent_pid)
vm=$(pid_in vm.pid)
step=$("$IRONBENCH" machines | grep -o 'linux [a-z]* pair 1/1 [BC]')
# Each session of sshd is one connection: it is ended by its id.
for pid in $(pgrep -P "$(cat "$LAB_DIR/run/sshd.pid")"); do
	kill -9 "$pid"
done
ok "the daemon notices the cut" \
	wait_for 30 grep -q 'no link' "$(log_of daemon)"
wait_for 30 does "$step" || bail "the link did not come back in this step"
is "the agent is the same process" "$(agent_pid)" "$agent"
is "so is its QEMU" "$(pid_in vm.pid)" "$vm"

address=${IRONBENCH_SERVER#http://}
boot=${BOOT_URL#http://}
crash
is "it outlives the daemon" "$(agent_pid)" "$agent"
daemon_start "$address" "$boot"
ok "the run is a success in the end" timeout 600 "$IRONBENCH" watch "$run"
job=$("$IRONBENCH" matrix "$run" --format csv |
	awk -F, '$1 == "disk" { print $3 }')
is "by one attempt" \
	"$("$IRONBENCH" job "$job" --format json | grep -o '"no": *[0-9]*' |
		tail -n 1 | tr -d ' ')" '"no":1'
like "no sample is missing or twice" "$("$IRONBENCH" verify "$run")" \
	'^8 samples verified from 8 raw outputs'
attempt=$("$IRONBENCH" job "$job" --format json |
	tr -d '\n ' | sed 's/.*"attempts":\[{"id":\([0-9]*\).*/\1/')
like "what it was measured with is known" \
	"$(curl -s "$IRONBENCH_SERVER/api/v1/attempts/$attempt/files")" \
	'"agent":"[0-9].*"guest.linux":"kernel [0-9a-f]{64} initrd [0-9a-f]{64}".*"hypervisor.qemu":"QEMU emulator version .*"tool.fio":"fio-'
overhead=$("$IRONBENCH" overhead "$run")
diag "$overhead"
like "the overhead has its definition under it" "$overhead" \
	'overhead = baseline/candidate for this higher-is-better metric'
is "what was written has its row as well" \
	"$("$IRONBENCH" overhead "$run" --format csv --long |
		grep 'disk\.rnd4k_q1t1\.wr' | grep -c here)" 2

# ---- what must not be left ----------------------------------------------------------

agent_gone() {
	! agent_pid >/dev/null
}
stop lab
ok "the end of the lab is the end of the agent" wait_for 20 agent_gone

done_testing
