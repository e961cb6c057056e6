#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every part of `make bench` runs, at sizes that say nothing; and the farm
# speaks IPMI to a client that is not ours.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

BENCH=$IB_BUILDDIR/tests/bench/bench
FARM=$IB_BUILDDIR/tests/bench/bmc_farm

# ---- the farm ------------------------------------------------------------------

mkfifo "$IB_TMP/tell"
mkdir "$IB_TMP/c"
start farm sh -c 'exec "$1" "$2" 2 <"$3"' sh "$FARM" "$IB_TMP/c" "$IB_TMP/tell"
exec 3>"$IB_TMP/tell"
wait_for 10 grep -qx ready "$(log_of farm)" || bail "the farm is not ready"
port=$(sed -n 's/^machine 1 //p' "$(log_of farm)")

# power PASSWORD WORD
power() {
	timeout 20 ipmitool -I lanplus -C 3 -N 1 -R 2 -H 127.0.0.1 -p "$port" \
		-U farm -P "$1" chassis power "$2" 2>&1
}

if command -v ipmitool >/dev/null; then
	right="a farm's password"
	is "a machine begins switched off" "$(power "$right" status)" \
		"Chassis Power is off"
	power "$right" on >/dev/null
	is "it is on when it was switched on" "$(power "$right" status)" \
		"Chassis Power is on"
	ok "the farm says which machine was switched, and when" \
		wait_for 5 grep -Eqx 'on 1 [0-9]+' "$(log_of farm)"
	nok "a wrong password switches nothing" power wrong off
	is "it is still on" "$(power "$right" status)" "Chassis Power is on"
	echo 'dead 1' >&3
	nok "a dead one does not answer" power "$right" status
else
	skip "the farm speaks IPMI" "no ipmitool"
fi
exec 3>&-
ok "the farm ends with its owner" wait_for 5 tap_has_ended "$(pid_of farm)"

# ---- the parts -----------------------------------------------------------------

table=$IB_TMP/table
ok "every part of the benchmark runs" sh -c '"$@" >"$0"' "$table" \
	"$BENCH" --small --build "$IB_BUILDDIR" --dir "$IB_TMP" \
	--format csv --output "$IB_TMP/bench.json"
for part in scheduler ingest numbers history import power push idle memory \
	index; do
	ok "$part has rows with a number" \
		grep -Eq "^$part,\"[^\"]+\",[0-9]+,[0-9.e+-]+," "$table"
done
ok "a budget stands beside what was measured" \
	grep -Eq '^scheduler,.*,20,100,,(within|MISSED),' "$table"
ok "the same rows are there for programs" grep -q '"ratio"' "$IB_TMP/bench.json"
nok "a part that does not exist is refused" "$BENCH" nothing
done_testing
