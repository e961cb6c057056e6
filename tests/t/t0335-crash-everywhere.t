#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon is killed at many moments of boot items and a benchmark, in every
# state from LEASED to CLEANUP: each job is done once, with one verdict and one
# set of samples; each attempt has its end; the benchmark goes on with its
# attempt and its agent; what was cut at its console is tried again, and says
# why. LEASED and a boot item's COLLECT are never on disk alone: there it is
# killed before their commit.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

seed=${IB_TEST_SEED:-$(od -An -N3 -tu4 /dev/urandom | tr -d ' ')}
diag "IB_TEST_SEED=$seed"
all_log=$IB_TMP/all.log
: >"$all_log"

# One moment a line: a regular expression of the log and milliseconds after its
# first hit. Boot items are killed in a random order.
boot_moments() {
	awk -v seed="$seed" '
		function add(state, low, high) {
			moment[++n] = "from=.*to=" state " " \
				int(low + rand() * (high - low + 1))
		}
		BEGIN {
			srand(seed)
			add("leased", 0, 0); add("leased", 0, 0)
			add("prepare", 0, 1500); add("prepare", 1500, 3500)
			add("run", 0, 400); add("run", 400, 1500)
			add("collect", 0, 0); add("collect", 0, 0)
			add("cleanup", 0, 20); add("cleanup", 20, 250)
			add("done", 0, 10)
			while (n) {
				i = 1 + int(rand() * n)
				print moment[i]
				moment[i] = moment[n--]
			}
		}'
}

# Those of the benchmark come in the order of its states. Without a state: when
# the daemon has taken up what is unfinished.
bench_moments() {
	awk -v seed="$seed" '
		function add(state, low, high) {
			print (state ? state : "-"), \
				int(low + rand() * (high - low + 1))
		}
		BEGIN {
			srand(seed + 1)
			add("leased", 0, 0)
			add("prepare", 0, 600)
			add("", 0, 300)
			add("run", 0, 2000)
			add("", 0, 3000)
			add("", 0, 3000)
			add("", 3000, 5000)
			add("collect", 0, 20)
			add("", 0, 100)
			add("cleanup", 0, 10)
			add("", 0, 10)
		}'
}

ended() {
	tap_has_ended "$(pid_of daemon)"
}

agent_pid() {
	pgrep -f "ironbench-agent run --dir $LAB_DIR/home/state"
}

# The states that the jobs which said something in this life were in at its end.
states_at_end() {
	sed -n 's/.* job=\([0-9]*\) .*to=\([a-z]*\) .*/\1 \2/p' "$1" |
		awk '{ state[$1] = $2 } END { for (j in state) print state[j] }' |
		sort -u | tr '\n' ' '
}

# kill_at REGEX MS: one life of the daemon
lives=0
kill_at() {
	local status
	DAEMON_UNDER="$IB_BUILDDIR/tests/lib/crash_at $1 $2"
	daemon_spawn "$address" "$boot"
	DAEMON_UNDER= # the next life may be one that is not to end here
	wait_for 120 ended || {
		tail -n 30 "$(log_of daemon)" | diag
		bail "moment $1 $2 never came"
	}
	status=0
	wait "$(pid_of daemon)" || status=$?
	[ "$status" = 137 ] || {
		tail -n 30 "$(log_of daemon)" | diag
		bail "the daemon ended with $status before $1 $2"
	}
	lives=$((lives + 1))
	# The log is complete when its reader has ended.
	wait_for 10 grep -q 'crash_at: killed' "$(log_of daemon)" ||
		bail "nobody killed it"
	cat "$(log_of daemon)" >>"$all_log"
	states="$states $(states_at_end "$(log_of daemon)")"
	diag "$lives: $1 + $2 ms: $(states_at_end "$(log_of daemon)")"
}
states=

job_json() {
	"$IRONBENCH" job "$1" --format json
}

count_of() {
	grep -c -e "$1" "$2"
}

# boot_suite NUMBER: its path
boot_suite() {
	{
		echo 'boot_items:'
		for n in $(seq "$1"); do
			case $((n % 3)) in
			0) exec="cpuid.elf32 --serial" ;;
			*) exec="slow.elf32 --serial --seconds=1" ;;
			esac
			echo "  - { name: item-$n, exec: $exec, platforms: [ virtual ] }"
		done
	} >"$dir/boot-$1.yaml"
	echo "$dir/boot-$1.yaml"
}

# accepted SUITE: submits it, and kills the daemon as soon as it has said so.
accepted() {
	run=$("$IRONBENCH" submit "$1" --name "killed everywhere" \
		2>"$IB_TMP/err") || bail "not submitted: $(cat "$IB_TMP/err")"
	crash || bail "not killed"
	runs="$runs $run"
	lives=$((lives + 1))
	diag "$lives: run $run accepted"
	cat "$(log_of daemon)" >>"$all_log"
}
runs=

not_done() {
	sql 'SELECT count(*) FROM job WHERE state < 6'
}

guest=$("$IB_SRCDIR/fixtures/linux/build-guest") || bail "no Linux guest"
lab_start --machines 2 --platforms virtual,virtual --this-computer
wait_for 20 machines_are 3 || bail "the daemon did not take the lab"
dir=$(bundle)
cp "$guest/vmlinux" "$guest/initrd.img" "$dir"
cat >"$dir/bench.yaml" <<-EOT
	variants:
	  single: { hypervisor: qemu, backend: tcg, options: { thread: single }, role: baseline }
	  multi:  { hypervisor: qemu, backend: tcg, options: { thread: multi }, role: candidate }
	guests:
	  linux: { kernel: vmlinux, initrd: initrd.img, cpus: 1, memory_mib: 384 }
	benchmarks:
	  - { name: cpu, workload: sysbench, threads: [ 1 ], guests: [ linux ], pairs: 1, runtime: 3 }
	EOT

# ---- killed --------------------------------------------------------------------

address=${IRONBENCH_SERVER#http://}
boot=${BOOT_URL#http://}
accepted "$(boot_suite 9)"
boot_moments >"$IB_TMP/moments"
while read -r when delay; do
	# Each moment takes one or two jobs, and a benchmark must not begin.
	if [ "$(not_done)" -lt 4 ]; then
		daemon_start "$address" "$boot"
		accepted "$(boot_suite 3)"
	fi
	kill_at "$when" "$delay"
done <"$IB_TMP/moments"

daemon_start "$address" "$boot"
accepted "$dir/bench.yaml"
bench=$(sql 'SELECT max(id) FROM job')
boots=$((bench - 1))
bench_moments >"$IB_TMP/moments"
agent=
while read -r state delay; do
	when="job=$bench.machine=.*to=$state"
	# What it has reached already does not come again.
	if [ "$state" = - ] || grep -q "job=$bench .*to=$state " "$all_log"; then
		[ "$state" = leased ] || when=serving
	fi
	kill_at "$when" "$delay"
	[ -n "$agent" ] || ! grep -q "job=$bench .*to=run " "$all_log" ||
		agent=$(agent_pid)
done <"$IB_TMP/moments"
daemon_start "$address" "$boot"
for id in $runs; do
	ok "run $id is right in the end" timeout 300 "$IRONBENCH" watch "$id"
done
ok "there were 20 kills and more" [ "$lives" -ge 20 ]
for state in leased prepare run collect cleanup; do
	like "one was in $state" "$states" "(^| )$state( |$)"
done

# ---- each job ----------------------------------------------------------------------

mkdir "$IB_TMP/jobs"
for job in $(seq $bench); do
	job_json "$job" >"$IB_TMP/jobs/$job"
done
done_once() {
	for job in "$IB_TMP"/jobs/*; do
		[ "$(count_of '"event": "done"' "$job")" = 1 ] || {
			cat "$job"
			return 1
		}
	done
}
ok "each job has one DONE event" done_once
is "each is a pass, and no other job is there" \
	"$(sql 'SELECT count(*), sum(state = 6), sum(outcome = 1) FROM job')" \
	"$bench|$bench|$bench"
is "the runs' counters say the same" "$(sql "SELECT sum(n_total),
	sum(n_passed), sum(n_waiting + n_running + n_failed + n_error +
	n_disabled) FROM run")" "$bench|$bench|0"
is "each attempt has its end and its verdict" "$(sql "SELECT count(*) FROM
	attempt WHERE took_ms IS NULL OR outcome = 0")" 0
is "each job's attempts are numbered without a gap" "$(sql "SELECT count(*)
	FROM job WHERE attempts <> (SELECT count(*) FROM attempt WHERE job_id =
	job.id) OR attempts <> (SELECT max(no) FROM attempt WHERE job_id =
	job.id)")" 0
is "one attempt of each job passed, and it is the last" "$(sql "SELECT
	count(*) FROM attempt a JOIN job ON job.id = a.job_id WHERE
	(a.outcome = 1) <> (a.id = job.last_attempt)")" 0
is "no machine had two at once" "$(sql "SELECT count(*) FROM attempt a JOIN
	attempt b ON a.machine_id = b.machine_id AND a.id < b.id WHERE
	b.started_at_ms < a.started_at_ms + a.took_ms")" 0

# ---- samples -----------------------------------------------------------------------

is "each boot item that counts has its number once" "$(sql "SELECT count(*),
	sum(length(data) / 8) FROM sample JOIN attempt ON attempt.id =
	attempt_id WHERE job_id < $bench")" \
	"$((boots / 3))|$((boots / 3))" # each third is cpuid
is "and each number is once in the sums" "$(sql "SELECT sum(rows), sum(sums)
	FROM (SELECT count(*) AS rows, max(p.n) AS sums FROM point p JOIN
	attempt ON attempt.id = attempt_id WHERE job_id < $bench GROUP BY
	series_id)")" "$((boots / 3))|$((boots / 3))"
is "what does not count has none" "$(sql "SELECT count(*) FROM sample JOIN
	attempt ON attempt.id = attempt_id WHERE outcome <> 1")" 0
like "each sample of the benchmark is what its raw output says" \
	"$("$IRONBENCH" verify "$run")" '^2 samples verified from 2 raw outputs'

# ---- what was cut, and what was not -----------------------------------------------------

cut=$(sql "SELECT DISTINCT job_id FROM attempt JOIN job ON job.id = job_id
	WHERE attempt.outcome <> 1 ORDER BY job_id LIMIT 1")
like "boot items were cut" "$cut" '^[0-9]+$'
said=$("$IRONBENCH" job "${cut:-1}")
like "which is shown as an error of the harness" "$said" \
	'error.*harness.*console gap'
like "that was not counted" "$said" 'no machine is to blame'
is "so was each" "$(sql "SELECT DISTINCT outcome, layer, text FROM attempt
	LEFT JOIN evidence ON evidence.id = evidence_id WHERE outcome <> 1")" "3|9|console gap: the daemon was down"
is "the benchmark had one attempt" \
	"$(sql "SELECT attempts FROM job WHERE id = $bench")" 1
is "and one agent" "$(agent_pid)" "$agent"
ok "all machines are good" machines_are 3
all_off() {
	! "$IRONBENCH_LAB" --dir "$LAB_DIR" status | grep -q ' on '
}
ok "and off" wait_for 20 all_off

kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 20 0
ok "no sanitizer has a complaint" no_report
done_testing
