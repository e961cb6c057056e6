#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The daemon starts, or says in one line why not and touches nothing. Tokens,
# a new lab file, a lost web process and the end are taken in good order.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

lab=$LAB_DIR/lab.yaml
mkdir -p "$LAB_DIR"

# says CODE ARGUMENT...: runs the daemon to its end and prints what it says on
# standard error, or why that is not as it must be.
says() {
	local want status
	want=$1
	shift
	status=0
	timeout 20 "$IRONBENCHD" "$@" >"$IB_TMP/out" 2>"$IB_TMP/err" ||
		status=$?
	[ "$status" = "$want" ] || echo "exit code $status"
	[ ! -s "$IB_TMP/out" ] || echo "on standard output: $(cat "$IB_TMP/out")"
	cat "$IB_TMP/err"
}

# Starts with free ports, which fails.
refuses() {
	says 1 --state "$STATE_DIR" --listen 127.0.0.1:0 \
		--boot-listen 127.0.0.1:0 "$@"
}

# wrong DESCRIPTION LINE:COLUMN REGEX, the lab file being on standard input
wrong() {
	cat >"$lab"
	said=$(refuses --lab "$lab")
	like "refused: $1" "$said" "^ironbenchd: $lab:$2: .*$3"
	is "  in one line" "$(echo "$said" | wc -l)" 1
	is "  and --check says the same" "$(says 1 --check --lab "$lab")" "$said"
}

# ---- wrong usage -----------------------------------------------------------

like "--help is on standard output" "$("$IRONBENCHD" --help)" '^usage: '
like "--version too" "$("$IRONBENCHD" --version)" '^ironbenchd [0-9]+\.[0-9]'
like "no --state is wrong usage" "$(says 2)" '^ironbenchd: --state DIR'
like "so is an unknown option" "$(says 2 --stat3 x)" 'stat3'
like "so is one too many" "$(says 2 --state "$STATE_DIR" x)" 'arguments'
like "so is half a token command" "$(says 2 token add --state "$STATE_DIR")" \
	'token: add NAME'
like "so is a token without a scope" \
	"$(says 2 token add x --state "$STATE_DIR")" 'scope is missing'
like "so is an unknown token command" \
	"$(says 2 token give x --state "$STATE_DIR")" 'add, list or revoke'
like "a wrong scope is told with those that exist" \
	"$(says 1 token add x --scope submit,all --state "$STATE_DIR")" \
	"^ironbenchd: token add: scope 'all' .*read, submit, operate, admin"

# ---- wrong lab files ---------------------------------------------------------

wrong "an unknown key" 3:5 "'?plattform'?" <<-EOT
	machines:
	  - name: m1
	    plattform: a
EOT
wrong "an unknown section" 1:1 "'?machine'?" <<-EOT
	machine: []
EOT
wrong "no map" 1:1 "map" <<-EOT
	- name: m1
EOT
wrong "no YAML" 2:1 "" <<-EOT
	machines: [
EOT
wrong "a machine without a name" 2:5 "name" <<-EOT
	machines:
	  - platform: a
EOT
wrong "a name that is none" 2:5 "'a/b' is not a name" <<-EOT
	machines:
	  - name: a/b
	    platform: a
EOT
wrong "a platform that is a column already" 3:5 "'any'" <<-EOT
	machines:
	  - name: m1
	    platform: any
EOT
wrong "a name twice" 3:5 "'m1' shares a name .* 'm1'" <<-EOT
	machines:
	  - { name: m1, platform: a }
	  - { name: m1, platform: b }
EOT
wrong "an alias that is a name" 3:5 "'m2' shares a name or alias with 'm1'" <<-EOT
	machines:
	  - { name: m1, platform: a, aliases: [ old, m2 ] }
	  - { name: m2, platform: a }
EOT
wrong "an alias twice" 3:5 "'m2' shares a name or alias with 'm1'" <<-EOT
	machines:
	  - { name: m1, platform: a, aliases: [ old ] }
	  - { name: m2, platform: a, aliases: [ new, old ] }
EOT
wrong "a MAC address twice, spelled differently" 3:5 "MAC address of 'm1'" <<-EOT
	machines:
	  - { name: m1, platform: a, boot: { driver: ipxe, mac: "52:54:00:00:00:0a" } }
	  - { name: m2, platform: a, boot: { driver: ipxe, mac: 52-54-00-00-00-0A } }
EOT
wrong "a bad MAC address" 4:27 "mac" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    boot: { driver: ipxe, mac: "52:54:00:00:00" }
EOT
wrong "an unknown power driver" 4:14 "ipmi, none" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    power: { driver: pdu }
EOT
wrong "a power section without a driver" 4:5 "driver" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    power: { host: 127.0.0.1 }
EOT
wrong "a password file that is missing" 5:33 "keys/none" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    power: { driver: ipmi, host: 127.0.0.1,
	             user: x,           password_file: keys/none }
EOT
wrong "an unknown key of a driver" 4:28 "bmc" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    power: { driver: ipmi, bmc: x }
EOT
wrong "a console without its path" 4:5 "path" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    console: { driver: socket }
EOT
wrong "a bad speed" 4:30 "baud" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    console: { driver: none, baud: fast }
EOT
wrong "a variable that is no text" 4:13 "x" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    vars: { x: [ 1 ] }
EOT
wrong "an unknown key of ssh" 4:12 "hots" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    ssh: { hots: x }
EOT
wrong "a port that is none" 4:12 "port" <<-EOT
	machines:
	  - name: m1
	    platform: a
	    ssh: { port: 70000 }
EOT
wrong "a port that is none in the defaults" 2:10 "port" <<-EOT
	defaults:
	  ssh: { port: ssh }
EOT
wrong "a bad speed in the defaults" 2:14 "baud" <<-EOT
	defaults:
	  console: { baud: 0 }
EOT
wrong "an unknown key of a project" 3:5 "repo" <<-EOT
	projects:
	  - name: p
	    repo: x
EOT
wrong "a project twice" 3:5 "'p'" <<-EOT
	projects:
	  - { name: p }
	  - { name: p }
EOT
rm -f "$lab"
said=$(refuses --lab "$lab")
like "a lab file that is missing is named" "$said" \
	"^ironbenchd: .*$lab: No such file"
is "  in one line" "$(echo "$said" | wc -l)" 1
ok "no refusal has made the state folder" test ! -e "$STATE_DIR"

# ---- wrong addresses -------------------------------------------------------

for address in 127.0.0.1 :8080 127.0.0.1:http localhost:0 127.0.0.1:70000 \
	300.0.0.1:0; do
	said=$(says 1 --state "$STATE_DIR" --listen "$address" \
		--boot-listen 127.0.0.1:0)
	like "refused: the address $address" "$said" \
		"^ironbenchd: listen $address: .*ADDR:PORT"
done
said=$(says 1 --state "$STATE_DIR" --listen 192.0.2.1:0 \
	--boot-listen 127.0.0.1:0)
like "refused: the address of another computer" "$said" \
	'^ironbenchd: listen 192.0.2.1:0: '
ok "and no state folder is made" test ! -e "$STATE_DIR"

# ---- the empty lab -------------------------------------------------------------

mkdir -p "$STATE_DIR/tmp/submit-of-a-crash"
daemon_start
ok "the empty lab serves" curl -sSf -o /dev/null "$IRONBENCH_SERVER/health"
is "it has no machines" "$(machines_are 0 && echo yes)" yes
is "only its owner may use the control socket" \
	"$(stat -c %a "$STATE_DIR/control")" 600
ok "what a crash left in tmp is gone" \
	test ! -e "$STATE_DIR/tmp/submit-of-a-crash"

said=$(refuses)
like "a second daemon is refused with the first one's process" "$said" \
	"^ironbenchd: $STATE_DIR: in use by process $(pid_of daemon)\$"
like "--check says the same" "$(says 1 --check --state "$STATE_DIR")" \
	"in use by process $(pid_of daemon)\$"
said=$(says 1 --state "$IB_TMP/other" --listen "${IRONBENCH_SERVER#http://}" \
	--boot-listen 127.0.0.1:0)
like "a port in use is refused" "$said" \
	"^ironbenchd: listen ${IRONBENCH_SERVER#http://}: Address already in use"
is "  in one line" "$(echo "$said" | wc -l)" 1
ok "  before its state folder is made" test ! -e "$IB_TMP/other"
ok "the first one still serves" \
	curl -sSf -o /dev/null "$IRONBENCH_SERVER/health"

# ---- machines that nobody knows --------------------------------------------------

boots() {
	curl -s -o /dev/null -w '%{http_code}' "$BOOT_URL/boot/$1"
}
is "an unknown machine gets no script" "$(boots 52:54:00:00:00:77)" 404
is "  however often it asks" "$(boots 52-54-00-00-00-77)" 404
is "  nor does another" "$(boots 52:54:00:00:00:78)" 404
is "each is logged once" "$(grep -c 'no machine of the lab has it' \
	"$(log_of daemon)")" 2

# ---- tokens ------------------------------------------------------------------

# cancel_with TOKEN: the status of a request that needs a token
cancel_with() {
	curl -s -o /dev/null -w '%{http_code}' -X POST \
		-H "Authorization: Bearer $1" \
		"$IRONBENCH_SERVER/api/v1/runs/1/cancel"
}

token=$(token_add one submit)
like "token add prints the token alone" "$token" '^ib_[0-9a-f]{64}$'
is "  in one line" "$(echo "$token" | wc -l)" 1
is "it is good at once" "$(cancel_with "$token")" 404
is "another is not" "$(cancel_with "ib_$(printf %064d 0)")" 401
like "a name is given once" \
	"$(says 1 token add one --scope read --state "$STATE_DIR")" \
	"^ironbenchd: token add: .*one"
for name in "" "two words" "$(printf 'a\nb')" "$(printf %0101d 0)"; do
	said=$(says 1 token add "$name" --scope read --state "$STATE_DIR")
	like "refused: a token's name that is none" "$said" \
		"^ironbenchd: token add: .* is not a name"
	is "  in one line" "$(echo "$said" | wc -l)" 1
done
reader=$(token_add reader read)
is "a token that reads does not write" "$(cancel_with "$reader")" 403
admin=$(token_add admin admin)
is "one of the administrator does" "$(cancel_with "$admin")" 404
ok "a token is revoked while the daemon runs" \
	"$IRONBENCHD" token revoke one --state "$STATE_DIR"
is "and is refused at once" "$(cancel_with "$token")" 401
like "revoking what is not there fails" \
	"$(says 1 token revoke nobody --state "$STATE_DIR")" \
	'^ironbenchd: token revoke: .*nobody'
said=$("$IRONBENCHD" token list --state "$STATE_DIR")
like "the list has names, scopes and what was revoked" "$said" \
	'^one .* submit  revoked$'
like "  and what was not" "$said" '^admin .* admin$'
unlike "  and no token" "$said" 'ib_'
is "what was done with tokens is kept" "$(sql "SELECT what FROM audit WHERE
	who = 'ironbenchd' AND what LIKE 'token one %'")" \
	"token one added: submit
token one revoked"
is "  and no token is" "$(sql "SELECT count(*) FROM audit WHERE what LIKE
	'%ib\_%' ESCAPE '\'")" 0

# ---- a new lab file -------------------------------------------------------------

kill -HUP "$(pid_of daemon)"
has_read() {
	[ "$(grep -c "$1" "$(log_of daemon)")" = "$2" ]
}
ok "SIGHUP without a lab file is no harm" \
	wait_for 10 has_read 'lab file read: 0 machines' 1

ok "SIGTERM ends an idle daemon" kill -TERM "$(pid_of daemon)"
ok "  with 0" ends_with 20 0
ok "  and takes its control socket with it" test ! -e "$STATE_DIR/control"

two=$(token_add two submit)
like "token add works without the daemon" "$two" '^ib_[0-9a-f]{64}$'
like "so does the list" \
	"$("$IRONBENCHD" token list --state "$STATE_DIR")" '^two .* submit$'
said=$("$IRONBENCHD" token list --state "$IB_TMP/none" 2>&1)
like "a list of nowhere is none" "$said" '^ironbenchd: token list: .*/none'
ok "  and makes no folder" test ! -e "$IB_TMP/none"

cat >"$lab" <<-EOT
	machines:
	  - { name: m1, platform: a }
	  - { name: m2, platform: b, host: m1, tags: [ red ] }
EOT
ok "--check passes a good lab, suites and state" \
	"$IRONBENCHD" --check --lab "$lab" --state "$STATE_DIR" \
	"$IB_SRCDIR/fixtures/guests/suite.yaml" \
	"$IB_SRCDIR/fixtures/guests/failing.yaml"
cat >"$IB_TMP/cost.yaml" <<-EOT
	variants:
	  b: { hypervisor: qemu, backend: tcg, role: baseline }
	  c: { hypervisor: qemu, backend: kvm, role: candidate }
	guests: { g: { kernel: k }, h: { kernel: k } }
	benchmarks:
	  - { name: cpu, workload: sysbench, guests: [ g, h ], pairs: 3, placebos: 1 }
	  - { name: cpu2, workload: sysbench, guests: g, pairs: { most: 20 } }
EOT
is "  and tells what a suite's benchmarks cost" \
	"$("$IRONBENCHD" --check --lab "$lab" "$IB_TMP/cost.yaml" |
		sed 's/.*yaml: //')" \
	"cpu: 12 VM boots on each platform
cpu2: at most 40 VM boots on each platform
cpu placebo: 12 VM boots on each platform"
printf 'boot_items:\n  - { name: a, exec: b, colour: red }\n' \
	>"$IB_TMP/suite.yaml"
printf 'boot_item:\n' >"$IB_TMP/suite2.yaml"
said=$(says 1 --check --lab "$lab" "$IB_TMP/suite.yaml" "$IB_TMP/suite2.yaml")
like "--check tells each wrong suite with its position" "$said" \
	"^ironbenchd: $IB_TMP/suite.yaml:2:.*colour"
like "  the second one too" "$said" "^ironbenchd: $IB_TMP/suite2.yaml:1:1: "

daemon_start
names() {
	"$IRONBENCH" machines --format csv |
		awk -F, 'NR > 1 { printf "%s:%s ", $1, $5 }'
}
is "the lab has its machines" "$(names)" "m1:good m2:good "
is "the token of before is good" "$(cancel_with "$two")" 404
is "the revoked one is not" "$(cancel_with "$token")" 401

# The lab file is NAME-of-the-machines.
lab_of() {
	echo 'machines:'
	for m; do
		echo "  - { name: $m, platform: a }"
	done
}
lab_of m1 m1 >"$lab"
kill -HUP "$(pid_of daemon)"
ok "SIGHUP with a bad file says so, with its position" wait_for 10 \
	has_read "lab file refused, the old one stays: $lab:3:5: " 1
is "and the old lab stays" "$(names)" "m1:good m2:good "
lab_of m1 m3 >"$lab"
kill -HUP "$(pid_of daemon)"
names_are() {
	[ "$(names)" = "$1" ]
}
ok "SIGHUP adds and removes machines" \
	wait_for 10 names_are "m1:good m2:retired m3:good "
lab_of m2 m1 >"$lab"
kill -HUP "$(pid_of daemon)"
ok "a machine that comes back is good" \
	wait_for 10 names_are "m1:good m2:good m3:retired "

# ---- the web process ------------------------------------------------------------

web_pid() {
	pgrep -P "$(pid_of daemon)" -f -- --web
}
web=$(web_pid)
ok "the web process is a child of the daemon" test -n "$web"
kill -KILL "$web"
serves() {
	curl -sSf -m 2 -o /dev/null "$IRONBENCH_SERVER/health"
}
another_web() {
	[ -n "$(web_pid)" ] && [ "$(web_pid)" != "$web" ]
}
ok "one that was killed comes back" wait_for 20 another_web
ok "and serves" wait_for 20 serves
ok "with the machines in the daemon's memory" names_are \
	"m1:good m2:good m3:retired "
like "its end was told" "$(cat "$(log_of daemon)")" 'web process ended'

web=$(web_pid)
crash
ok "the web process does not outlive its daemon" \
	wait_for 10 tap_has_ended "$web"
three=$(token_add three submit)
like "a socket left by a crash does not keep token add from working" "$three" \
	'^ib_[0-9a-f]{64}$'
daemon_start
is "the daemon starts again" "$(cancel_with "$three")" 404
kill -INT "$(pid_of daemon)"
ok "SIGINT ends it with 0" ends_with 20 0

# ---- a newer database ---------------------------------------------------------------

db=$(find "$STATE_DIR" -maxdepth 1 -name '*.db' -o -maxdepth 1 -name '*.sqlite*' |
	grep -v -e '-wal' -e '-shm')
# Bytes 60 to 63 of an SQLite file are its user_version.
printf '\0\0\1\0' | dd of="$db" bs=1 seek=60 conv=notrunc status=none
before=$(cksum "$db" && ls "$STATE_DIR")
said=$(refuses)
like "a newer database is refused" "$said" '^ironbenchd: .*newer'
is "  in one line" "$(echo "$said" | wc -l)" 1
like "--check says so" "$(says 1 --check --state "$STATE_DIR")" 'newer'
like "so does token list" \
	"$(says 1 token list --state "$STATE_DIR")" 'newer'
is "and it is the same as before" "$(cksum "$db" && ls "$STATE_DIR")" "$before"

ok "no sanitizer has a complaint" no_report
done_testing
