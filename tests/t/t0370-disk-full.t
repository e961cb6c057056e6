#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The disk under the state folder is full while machines work: nothing new is
# started or taken, everybody is told why, the console that could not be kept is
# a marked gap, and all that was accepted is done when there is room again.

# A small disk of its own, which nobody else sees.
[ -n "${IB_TEST_NAMESPACE:-}" ] || {
	IB_TEST_NAMESPACE=1
	export IB_TEST_NAMESPACE
	for as in -m -rm; do
		! unshare $as mount -t tmpfs none /mnt 2>/dev/null ||
			exec unshare $as sh "$0"
	done
	echo "1..0 # SKIP nobody may mount a file system here"
	exit 0
}

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

mkdir "$STATE_DIR"
mount -t tmpfs -o size=48m none "$STATE_DIR" || bail "no small disk"
# shellcheck disable=SC2154
trap 'status=$?; umount -l "$STATE_DIR"; (exit "$status"); tap_exit' EXIT

fill_disk() {
	dd if=/dev/zero of="$STATE_DIR/filler" bs=64k 2>/dev/null
	dd if=/dev/zero of="$STATE_DIR/filler2" bs=4k 2>/dev/null
	[ "$(df --output=avail "$STATE_DIR" | tail -n 1)" -eq 0 ]
}

free_disk() {
	rm -f "$STATE_DIR/filler" "$STATE_DIR/filler2"
}

# health_is CODE: its body is in $IB_TMP/health
health_is() {
	[ "$(curl -s -o "$IB_TMP/health" -w '%{http_code}' \
		"$IRONBENCH_SERVER/health")" = "$1" ]
}

job_of() {
	"$IRONBENCH" matrix "$run" --format csv |
		awk -F, -v i="$1" '$1 == i { print $3 }'
}

log_has() {
	"$IRONBENCH" logs "$1" 2>/dev/null | grep -q "$2"
}

lab_start --machines 2 --platforms virtual_a,virtual_b
wait_for 20 machines_are 2 || bail "the daemon did not take the lab"
dir=$(bundle)
cat >"$dir/full.yaml" <<-EOT
	boot_items:
	  - { name: talks, exec: chatter.elf32 --serial, platforms: [ virtual_a ], timeout: 20, expect: timeout }
	  - { name: counts, exec: cpuid.elf32 --serial, platforms: [ virtual_a ] }
	  - { name: waits, exec: cpuid.elf32 --serial, platforms: [ virtual_b ] }
	EOT
"$IRONBENCH" machine m2 offline --why "waits for a full disk" >/dev/null

# ---- full ----------------------------------------------------------------------

run=$("$IRONBENCH" submit "$dir/full.yaml" --name "full disk")
talks=$(job_of talks)
ok "a kernel talks" wait_for 60 log_has "$talks" 'chatter line 100:'
ok "the daemon is well" health_is 200
ok "the disk is full" fill_disk
ok "the daemon is not well any more" wait_for 10 health_is 503
like "and says why" "$(cat "$IB_TMP/health")" \
	'"status":"degraded".*(No space left|no room|disk is full)'
was_cut() {
	grep -q "job=$talks .*to=cleanup .*console gap: .*No space left" \
		"$(log_of daemon)"
}
ok "a console that cannot be kept is a gap" wait_for 20 was_cut

nok "nothing new is taken" "$IRONBENCH" submit "$dir/full.yaml" --name "more"
like "and it is said why" "$(cat "$IB_TMP/.out")" \
	'507.*(No space left|no room)|(No space left|no room)'
: >"$IB_TMP/online"
{
	"$IRONBENCH" machine m2 online --why "test" >"$IB_TMP/.online" 2>&1 &&
		echo told >"$IB_TMP/online"
} &
online=$!
ok "a machine comes back" wait_for 10 machines_are 2
told_is_stored() {
	! grep -q told "$IB_TMP/online" ||
		[ "$(sql "SELECT health FROM machine WHERE name = 'm2'")" = 0 ]
}
ok "and whoever is told so can rely on it" told_is_stored
is "but nothing is started on it" "$(awk '/nothing is started/ { full = 1 }
	full && /to=leased/' "$(log_of daemon)")" ""
like "its job waits" "$("$IRONBENCH" machines --format csv | grep '^m2')" \
	',idle,'
ok "all that was there can be read" log_has "$talks" 'chatter line 100:'

# ---- room again -------------------------------------------------------------------

free_disk
ok "with room it is well again" wait_for 20 health_is 200
wait "$online" # told then, if the client still waits
ok "and goes on: the run is right in the end" \
	timeout 300 "$IRONBENCH" watch "$run"
said=$("$IRONBENCH" job "$talks" --format json)
like "the one that was cut says so" "$said" 'console gap: .*No space left'
is "it was tried again" "$(sql "SELECT attempts FROM job WHERE id = $talks")" 2
like "what had been kept of it is there" \
	"$("$IRONBENCH" logs "$talks" --attempt 1 | head -n 200)" \
	'chatter line 100:'
is "without a hole: each line stands behind the one before" \
	"$("$IRONBENCH" logs "$talks" --attempt 1 | sed '$d' |
	sed -n 's/.*chatter line \([0-9]*\): .*/\1/p' |
	awk 'NR > 1 && $1 != last + 1 { print } { last = $1 }' | head -n 3)" ""
is "each job has one DONE event" "$(for job in $talks $(job_of counts) \
	$(job_of waits); do
		"$IRONBENCH" job "$job" --format json | grep -c '"event": "done"'
	done | tr '\n' ' ')" "1 1 1 "
is "each attempt has its end" "$(sql "SELECT count(*) FROM attempt WHERE
	took_ms IS NULL OR outcome = 0")" 0
is "each file is what its name says" "$(find "$STATE_DIR/files" -type f |
	while read -r file; do
		name=${file%/*}
		name=${name##*/}${file##*/}
		[ "$(sha256sum <"$file" | cut -d ' ' -f 1)" = "$name" ] || echo "$file"
	done)" ""
like "no machine is blamed" "$(machines_are 2 && echo yes)" yes

# ---- a start without room ------------------------------------------------------------

kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 20 0
fill_disk || bail "not full"
daemon_spawn "${IRONBENCH_SERVER#http://}" "${BOOT_URL#http://}"
ok "it does not start on a full disk" ends_with 20 1
is "with one line" "$(grep -c '^ironbenchd: ' "$(log_of daemon)")" 1
like "that says why" "$(cat "$(log_of daemon)")" \
	'^ironbenchd: .*(No space left|disk is full|no room)'
free_disk
daemon_start "${IRONBENCH_SERVER#http://}" "${BOOT_URL#http://}"
ok "with room it starts, and knows its run" "$IRONBENCH" show "$run"
kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 20 0
ok "no sanitizer has a complaint" no_report
done_testing
