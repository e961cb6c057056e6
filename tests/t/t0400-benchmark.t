#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# From a benchmark to an overhead: this computer, over the lab's own sshd,
# compares QEMU's thread=multi with thread=single; the demo does more of it. The
# connection is cut in mid-fio, and the daemon is killed: agent, QEMU and
# attempt stay what they were, and no sample is missing or twice. Then the agent
# is killed: another attempt does the job. A plan says how many pairs are
# measured, and a placebo what the machine's noise is.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

guest=$("$IB_SRCDIR/fixtures/linux/build-guest") || bail "no Linux guest"
mkdir -p "$IB_TMP/bundle"
cp "$guest/vmlinux" "$guest/initrd.img" "$IB_TMP/bundle"

lab_start --machines 1 --this-computer
is "all machines of this computer keep quiet for a benchmark" \
	"$(grep -c 'quiet_group: this_computer' "$LAB_DIR/lab.yaml")" 2
wait_for 20 machines_are 2 || bail "the daemon did not take the lab"

head='
variants:
  single: { hypervisor: qemu, backend: tcg, options: { thread: single }, role: baseline }
  multi:  { hypervisor: qemu, backend: tcg, options: { thread: multi }, role: candidate }
guests:
  linux: { kernel: vmlinux, initrd: initrd.img, cpus: 2, memory_mib: 512 }
benchmarks:'

does() {
	"$IRONBENCH" machines | grep -q "$1"
}
home=$LAB_DIR/home/state/ironbench-agent
pid_in() {
	cut -d ' ' -f 1 "$home/$1" 2>/dev/null
}
agent_pid() {
	pgrep -f "ironbench-agent run --dir $LAB_DIR/home/state"
}

# ---- cuts ------------------------------------------------------------------------

cat >"$IB_TMP/bundle/disk.yaml" <<EOF
$head
  - { name: disk, workload: fio, profiles: [ SEQ128K Q32T1 RD, RND4K Q1T1 WR ],
      controllers: [ sata, nvme ], guests: [ linux ], pairs: 1, runtime: 3, ramp: 0, disk_mib: 64 }
EOF
run=$("$IRONBENCH" submit "$IB_TMP/bundle/disk.yaml" --name cuts)
wait_for 120 does "pair 1/1 " || bail "the benchmark did not begin"
wait_for 60 test -s "$home/vm.pid" ||
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

# ---- an agent that is killed, a plan, a placebo ------------------------------------

# Its margin is the widest there is, to be reached soon even here.
cat >"$IB_TMP/bundle/cpu.yaml" <<EOF
$head
  - { name: cpu, workload: sysbench, threads: [ 1 ], guests: [ linux ], runtime: 1,
      pairs: { margin: 50%, least: 6, most: 10 }, placebos: 1 }
EOF
run=$("$IRONBENCH" submit "$IB_TMP/bundle/cpu.yaml" --name planned)

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
has_two() {
	[ "$(left_of | wc -l)" -ge 2 ]
}
all_gone() {
	for pid in $old; do
		! is_alive "$pid" || return 1
	done
}
ok "its machine runs" wait_for 120 test -s "$home/vm.pid"
ok "under a guard" wait_for 20 has_two
old=$(left_of)
kill -KILL "$(agent_pid)"
ok "when the agent is killed, all of it goes" wait_for 5 all_gone
ok "a planned benchmark and its placebo are a success all the same" \
	timeout 600 "$IRONBENCH" watch "$run"
job=$(sql 'SELECT min(id) FROM job WHERE id > 1')
is "by two attempts, the first an error of the agent" \
	"$(sql "SELECT no, outcome, layer FROM attempt WHERE job_id = $job")" \
	"1|3|5
2|1|0"
like "which says why" "$("$IRONBENCH" job "$job")" \
	'error.*agent.*the agent died while the attempt ran'
is "the one that failed has no samples" "$(sql "SELECT count(*) FROM sample JOIN
	attempt ON attempt.id = attempt_id WHERE outcome <> 1")" 0
is "no machine is left" "$(left_of)" ""
is "one agent is" "$(agent_pid | wc -l)" 1
curl -s "$IRONBENCH_SERVER/api/v1/runs/$run/samples" >"$IB_TMP/samples"
n=$(jq '[.samples[].marks[] | select(.raw)] | length' "$IB_TMP/samples")
like "the other one has all of its own" "$("$IRONBENCH" verify "$run")" \
	"^$n samples verified from $n raw outputs"

# of_item FILTER: of the two series of $item, that of the baseline first
of_item() {
	jq -r --arg item "$item" '[.samples[] | select(.item == $item)] |
		sort_by(.variant != "single") | '"$1" "$IB_TMP/samples" |
		paste -s -d ' ' -
}
# Pairs that count: one with a bad clock takes one of the other order along.
kept='[.[0].marks, .[1].marks] | transpose |
	map(select(.[0].valid and .[1].valid) | .[0].position) |
	2 * ([map(select(. == 0)), map(select(. == 1))] | map(length) | min)'

cap='cap of 10 reached: sysbench.cpu_1 is known to .*% of 50 %'
for item in cpu "cpu placebo"; do
	said=$("$IRONBENCH" job "$(of_item '.[0].job')" | grep -o 'linux: .*')
	diag "$item: $said"
	like "the job of $item says why it stopped" "$said" \
		"^linux: (narrow after (6|8|10) pairs|$cap)\$"
	n=$(echo "$said" | sed 's/.*[^0-9]\([0-9]*\) \(pairs\|reached\).*/\1/')
	is "  after so many pairs of both" \
		"$(of_item '.[].values | length')" "$n $n"
	is "  half of which began with the baseline" "$(of_item \
		'.[].marks | map(select(.position == 0)) | length')" \
		"$((n / 2)) $((n / 2))"
	n=$(of_item "$kept")
	ok "  at least 6 of which count" test "$n" -ge 6
	case $item in
	cpu)
		overhead=$("$IRONBENCH" overhead "$run" --format csv --long)
		diag "$overhead"
		is "they are the one row of the overhead" \
			"$(echo "$overhead" | cut -d , -f 1-4,8 | sed 1d)" \
			"sysbench.cpu_1,here,linux,,$n"
		;;
	*)
		noise=$("$IRONBENCH" noise here --format csv)
		diag "$noise"
		like "they are the noise of the machine, with its interval" \
			"$(echo "$noise" | sed 1d)" \
			"^here,sysbench.cpu_1,linux,,single,1,$n,[0-9.]+,\"\\[[0-9.]+, [0-9.]+\\]\","
		;;
	esac
done
unlike "no table of many runs has the placebo" \
	"$("$IRONBENCH" overhead --format csv --long)" placebo

# points VARIANT: jobs and values of its history
points() {
	"$IRONBENCH" history --metric sysbench.cpu_1 --variant "$1" \
		--format json | jq -c '.points[] | [.job, (.value * 1e6 | round)]'
}
# means VARIANT: the same, from its samples that are valid
means() {
	jq -c --arg variant "$1" '.samples | sort_by(.job)[] |
		select(.variant == $variant) | [.job, ([.values, .marks] |
		transpose | map(select(.[1].valid)[0]) | add / length * 1e6 |
		round)]' "$IB_TMP/samples"
}
is "the placebo's values have a history of their own" \
	"$(points 'single#placebo')" "$(means 'single#placebo')"
is "and are in none of the baseline's" "$(points single)" "$(means single)"

# ---- what must not be left ----------------------------------------------------------

agent_gone() {
	! agent_pid >/dev/null
}
stop lab
ok "the end of the lab is the end of the agent" wait_for 20 agent_gone
ok "no sanitizer has a complaint" no_report

done_testing
