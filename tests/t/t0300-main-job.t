#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The main job: two virtual machines, power-cycled by IPMI and booted over the
# network, run every test kernel; the matrix in the terminal is right. A machine
# that loses its power in the middle is the lab's error, and is tried again.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

# The signs are UTF-8.
LC_ALL=C.UTF-8
export LC_ALL

# The matrix of a run without its legend, blanks squeezed.
table() {
	"$IRONBENCH" matrix "$1" |
		sed -n '/^✓ pass/q; s/  */ /g; s/ *$//; p'
}

# The job of an item on a platform: job_of RUN ITEM PLATFORM.
job_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, -v i="$2" -v p="$3" '$1 == i && $2 == p { print $3 }'
}

lab_start --machines 4 --platforms virtual_a,virtual_b
wait_for 20 machines_are 4 || bail "the daemon did not take the lab"
dir=$(bundle)

# ---- everything as expected ------------------------------------------------

run=$("$IRONBENCH" submit "$dir/suite.yaml" --name "all test kernels")
like "submit prints the run's id alone" "$run" '^[0-9]+$'
bad=$("$IRONBENCH" submit "$dir/failing.yaml" --name "all bad")
ok "the run of all test kernels is a success" \
	timeout 900 "$IRONBENCH" watch "$run"
is "the matrix has every sign in its place" "$(table "$run")" \
" virtual_a virtual_b any
guest-hello * * ✓(s)
guest-hello-not-disabled * * ✗(e)
guest-hello-module * * ✓(s)
guest-cpuid ✓ ✓
guest-exceptions ✓ ✓
guest-skip * * ✓(s)
guest-slow ✓ ✓
guest-slow-quiet ✓ ✓
guest-fail ✗(e) ✗(e)
guest-fail-exception * * ✗(e)
guest-panic * * ✗(e)
guest-panic-pattern * * ✗(e)
guest-hang * * ✗(e)
guest-hang-before-begin * * ✗(e)
guest-chatter * * ✗(e)
guest-triplefault ✗(e) ✗(e)"
like "the table names the signs under it" \
	"$("$IRONBENCH" matrix "$run")" 'lab error'
like "the log of a job is the console's" \
	"$("$IRONBENCH" logs "$run/guest-hello")" \
	'SOTEST SUCCESS "boots_and_runs_a_case"'
like "the benchmark line became a number" \
	"$("$IRONBENCH" job "$(job_of "$run" guest-cpuid virtual_a)" --format json)" \
	'guest_test.cpuid_cycles'

# ---- the lab's errors and the test's failures are kept apart --------------------

nok "a run with failures is none" timeout 900 "$IRONBENCH" watch "$bad"
is "each unexpected end has its sign" "$(table "$bad")" \
" virtual_a virtual_b
passes ✓(s) ✓(s)
fails-a-case ✗ ✗
dies-of-an-exception ✗ ✗
panics ✗ ✗
panics-by-pattern ✗ ✗
hangs-after-begin T T
hangs-before-begin T T
never-ends T T
resets ✗ ✗
is-silent-for-too-long T T
passes-unexpectedly ✗ ✗"

# ---- what failed, once more ------------------------------------------------------

bad_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, '$6 ~ /^(fail|timeout|error)$/ { print $1 "," $2 }'
}
jobs_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, 'NR > 1 && $3 != "" { print $1 "," $2 }'
}
again=$("$IRONBENCH" rerun "$bad" --failed)
is "what failed runs again, and nothing else" "$(jobs_of "$again")" "$(bad_of "$bad")"
like "it says of which run" "$("$IRONBENCH" show "$again")" \
	"only what failed in run $bad\$"
ok "it is cancelled" "$IRONBENCH" cancel "$again"
nok "and ends" timeout 120 "$IRONBENCH" watch "$again"
nok "where nothing failed nothing is run" "$IRONBENCH" rerun "$run" --failed
like "which is said" "$("$IRONBENCH" rerun "$run" --failed 2>&1)" "run $run: no job of it failed"

# From here on there is one machine of each platform.
ok "machines are taken out of service" \
	"$IRONBENCH" machine m3 offline --why "not needed"
"$IRONBENCH" machine m4 offline --why "not needed" >/dev/null

# ---- a power cut in the middle --------------------------------------------

cat >"$dir/one.yaml" <<EOF
boot_items:
  - name: slow
    exec: slow.elf32 --serial --seconds=12
    platforms: [ virtual_a ]
EOF
run=$("$IRONBENCH" submit "$dir/one.yaml" --name "power cut")
in_the_middle() {
	"$IRONBENCH" logs "$run/slow" 2>/dev/null | grep -q 'second 2 of'
}
wait_for 120 in_the_middle || bail "the slow kernel did not get going"
ok "its QEMU is killed" "$IRONBENCH_LAB" --dir "$LAB_DIR" kill-qemu m1
ok "the run is right in the end" timeout 300 "$IRONBENCH" watch "$run"
is "its cell is a plain pass" "$(table "$run")" " virtual_a
slow ✓"
job=$("$IRONBENCH" job "$(job_of "$run" slow virtual_a)")
like "the first attempt was the power's fault, with the reading" "$job" \
	'error.*power.*the machine went off before the test ended .read off'

# ---- a person at the machine -----------------------------------------------------

nok "a machine in service is not switched by hand" "$IRONBENCH" power m1 on
ok "it is taken out of service" "$IRONBENCH" machine m1 offline --why "new disk"
like "then it is switched on, and read back" \
	"$("$IRONBENCH" power m1 on)" 'm1: on'
like "which the lab sees, too" \
	"$("$IRONBENCH_LAB" --dir "$LAB_DIR" status | grep m1)" 'on'
like "a cycle ends with it on again" "$("$IRONBENCH" power m1 cycle)" 'm1: on'
like "and off" "$("$IRONBENCH" power m1 off)" 'm1: off'
ok "it is put back" "$IRONBENCH" machine m1 online
run=$("$IRONBENCH" submit "$dir/one.yaml" --name "a person comes")
wait_for 120 in_the_middle || bail "the slow kernel did not get going"
ok "a busy one can be taken, too" \
	"$IRONBENCH" machine m1 offline --why "new disk"
job=$(job_of "$run" slow virtual_a)
waits() {
	"$IRONBENCH" why "$job" | grep -q maintenance
}
ok "its job waits, and says why" wait_for 20 waits
like "its power is left alone" \
	"$("$IRONBENCH_LAB" --dir "$LAB_DIR" status | grep m1)" 'on'
ok "it is put back again" "$IRONBENCH" machine m1 online
ok "then the job is done" timeout 300 "$IRONBENCH" watch "$run"
like "and nobody is blamed" "$("$IRONBENCH" machines --format csv | grep m1)" \
	',good,'

done_testing
