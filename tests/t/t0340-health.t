#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Machines that are broken beside one that is well: their jobs end well
# elsewhere, they are suspected, tried and taken out with the reason, and come
# back when a person has repaired them.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

# suite NAME PLATFORM ITEM...: prints its path
suite() {
	local name platform
	name=$1
	platform=$2
	shift 2
	{
		echo 'boot_items:'
		for item; do
			echo "  - name: $item"
			echo "    exec: slow.elf32 --serial --seconds=1"
			echo "    platforms: [ $platform ]"
		done
	} >"$dir/$name.yaml"
	echo "$dir/$name.yaml"
}

submit() {
	"$IRONBENCH" submit "$1" --name "${2:-test}" 2>"$IB_TMP/err"
}

jobs_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, 'NR > 1 { print $3 }'
}

evidence() {
	for job in $(jobs_of "$1"); do
		"$IRONBENCH" job "$job"
	done
}

health_is() {
	[ "$("$IRONBENCH" machines --format csv |
		awk -F, -v m="$1" '$1 == m { print $5 }')" = "$2" ]
}

state_is() {
	[ "$("$IRONBENCH" machines --format csv |
		awk -F, -v m="$1" '$1 == m { print $11 }')" = "$2" ]
}

now_of() {
	"$IRONBENCH" machines | grep "^$1 "
}

reload() {
	local n
	n=$(grep -c 'lab file read' "$(log_of daemon)")
	kill -HUP "$(pid_of daemon)"
	has_read() {
		[ "$(grep -c 'lab file read' "$(log_of daemon)")" -gt "$n" ]
	}
	wait_for 10 has_read || bail "the daemon did not take the lab"
}

lab_start --machines 2 --platforms virtual
wait_for 20 machines_are 2 || bail "the daemon did not take the lab"
dir=$(bundle)

# m1 loses its console; m3 has a BMC that nobody can reach.
cp "$LAB_DIR/lab.yaml" "$IB_TMP/good.yaml"
sed '/name: m1$/,/name: m2$/s/m1\.serial/none.serial/' "$IB_TMP/good.yaml" \
	>"$LAB_DIR/lab.yaml"
cmp -s "$LAB_DIR/lab.yaml" "$IB_TMP/good.yaml" &&
	bail "the console of m1 is not where it was"
cat >"$IB_TMP/m3" <<-EOT
	  - name: m3
	    platform: dead
	    power:   { driver: ipmi, host: "127.0.0.1:1", user: x, password: y }
	    console: { driver: socket, path: run/m2.serial }
	    boot:    { driver: ipxe, mac: "52:54:00:ff:ff:03" }
EOT
sed -i "/^machines:/r $IB_TMP/m3" "$LAB_DIR/lab.yaml"
reload
is "three machines are good before anybody tries" \
	"$(machines_are 3 && echo yes)" yes

# ---- a dead console ----------------------------------------------------------

dead=$(submit "$(suite dead dead x)" "dead BMC")
run=$(submit "$(suite console virtual a b c d e f)" "dead console")
ok "the jobs of a machine without a console end well elsewhere" \
	timeout 300 "$IRONBENCH" watch "$run"
said=$(evidence "$run")
like "what it did to them is an error of its console" "$said" \
	'm1 .*error.*console.*no connection within'
like "and is tried again" "$said" 'tried again, elsewhere'
ok "it is quarantined in the end" wait_for 60 health_is m1 quarantined
like "the lab says why" "$(now_of m1)" 'its canary ended as error/console'
like "so does the table for programs" \
	"$("$IRONBENCH" machines --format csv | grep '^m1,')" \
	'its canary ended as error/console'
like "it was suspected before" "$(cat "$(log_of daemon)")" \
	'machine=m1 health=suspect why="2 errors in a row'
like "its canary is a run" "$("$IRONBENCH" runs)" 'canary m1'
ok "the machine beside it is good" health_is m2 good

# ---- a dead BMC ----------------------------------------------------------------

ok "a machine that cannot be switched is being left" \
	wait_for 120 state_is m3 cleanup
ok "its run is cancelled meanwhile" "$IRONBENCH" cancel "$dead"
timeout 120 "$IRONBENCH" watch "$dead"
is "the run ends as disabled" $? 3
like "its attempt was an error of the power" "$(evidence "$dead")" \
	'error.*power.*power off: '
is "and it was not tried again" "$("$IRONBENCH" job "$(jobs_of "$dead")" \
	--format json | grep -o '"lease"' | wc -l)" 1
ok "the machine is quarantined at once" wait_for 20 health_is m3 quarantined
like "the lab says why" "$(now_of m3)" 'cannot be switched off after job'
run=$(submit "$(suite waits dead x)")
like "a job that waits for it says so" \
	"$("$IRONBENCH" why "$(jobs_of "$run")")" 'm3.*quarantined'
like "  with the reason" \
	"$("$IRONBENCH" why "$(jobs_of "$run")")" 'cannot be switched off'
"$IRONBENCH" cancel "$run" >/dev/null

# ---- a restart remembers ----------------------------------------------------------

kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 60 0
daemon_start "${IRONBENCH_SERVER#http://}" "${BOOT_URL#http://}"
ok "a restart forgets no quarantine" health_is m1 quarantined
like "and no reason" "$(now_of m1)" 'its canary ended as error/console'
run=$(submit "$(suite waits dead x)")
like "nor does a job that waits" \
	"$("$IRONBENCH" why "$(jobs_of "$run")")" 'cannot be switched off'
"$IRONBENCH" cancel "$run" >/dev/null

# ---- repaired -------------------------------------------------------------------------

cp "$IB_TMP/good.yaml" "$LAB_DIR/lab.yaml"
reload
ok "a machine that left the lab file is retired" health_is m3 retired
ok "a repaired machine waits for a person" health_is m1 quarantined
ok "who gives it back" "$IRONBENCH" machine m1 online --why "new cable"
ok "then it is good" wait_for 5 health_is m1 good
ok "the other one is taken out" "$IRONBENCH" machine m2 offline --why "dust"
like "with the reason" "$(now_of m2)" 'maintenance.*offline by .*: dust'
run=$(submit "$(suite again virtual a)")
ok "the repaired one does its jobs" timeout 120 "$IRONBENCH" watch "$run"
like "and no other" "$(evidence "$run")" 'm1 '
ok "a machine that is well stays good" health_is m1 good

kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 60 0
ok "no sanitizer has a complaint" no_report
done_testing
