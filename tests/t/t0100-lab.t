#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The virtual lab: power, console and network boot of real emulated machines,
# and no process left behind, however it ends.

. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

lab="$IB_BUILDDIR/fixtures/lab/ironbench-lab"
guests="$IB_BUILDDIR/fixtures/guests"
dir="$IB_TMP/l"
m1_mac=52:54:00:1b:00:01
m2_mac=52:54:00:1b:00:02

for command in qemu-system-x86_64 ipmi_sim ipmitool busybox; do
	command -v $command >/dev/null || skip_all "$command is not installed"
done

# serve MAC KERNEL ARGS...: what a machine boots from now on
serve() {
	mac=$1
	shift
	{
		echo '#!ipxe'
		echo "kernel /$*"
		echo boot
	} >"$IB_TMP/www/boot/$mac"
}

serves() {
	is_running httpd && busybox wget -q -O /dev/null \
		"http://127.0.0.1:$http_port/hello.elf32"
}

# A port is known to be free only once we listen on it.
start_httpd() {
	mkdir -p "$IB_TMP/www/boot"
	cp "$guests"/*.elf32 "$IB_TMP/www/"
	for i in 1 2 3 4 5 6 7 8 9; do
		http_port=$((20000 + ($$ * 13 + i * 1009) % 12000))
		start httpd busybox httpd -f -vv -p 127.0.0.1:$http_port \
			-h "$IB_TMP/www"
		wait_for 2 serves && return
		stop httpd
	done
	return 1
}

is_ready() {
	has "$(log_of lab)" "ready $dir/lab.yaml"
}

lab_decided() {
	is_ready || ! is_running lab
}

# start_lab OPTIONS...: another lab of this computer is waited for.
start_lab() {
	start lab "$lab" --dir "$dir" --boot-port $http_port --wait 600 "$@"
	wait_for 640 lab_decided
	is_ready
}

# power NAME VERB: on, off or status, by the machine's own BMC
power() {
	port=$(sed -n "/name: $1\$/,/boot:/p" "$dir/lab.yaml" |
		sed -n 's/.*host: "127.0.0.1:\([0-9]*\)".*/\1/p')
	ipmitool -I lanplus -C 3 -H 127.0.0.1 -p "$port" -U ipmiusr \
		-f "$dir/keys/$1.ipmi" power "$2" 2>&1
}

power_is() {
	[ "$(power "$1" status)" = "Chassis Power is $2" ]
}

# How many lines of a file have the text
count() {
	grep -c -F -- "$2" "$1"
}

has() {
	[ "$(count "$1" "$2")" -ge "${3:-1}" ]
}

# The brackets keep grep from finding itself.
processes() {
	grep -l -a -s -e "$dir/run/[m]" -e "$dir/bmc/[m]" /proc/[0-9]*/cmdline
}

no_process_is_left() {
	[ -z "$(processes)" ]
}

# ends_with SIGNAL CODE: the lab, within 10 s
ends_with() {
	pid=$(pid_of lab)
	kill "-$1" "$pid"
	wait_for 10 tap_has_ended "$pid" || return 1
	wait "$pid"
	[ $? -eq "$2" ]
}

# --- a lab comes up -------------------------------------------------------

ok "a web server gives boot scripts" start_httpd
serve $m1_mac hello.elf32 --serial \
	--disable-testcases=is_skipped_by_command_line
serve $m2_mac triplefault.elf32 --serial

ok "a lab of two machines gets ready" \
	start_lab --machines 2 --platforms virtual_a,virtual_b
is "platforms are used in turn" \
	"$(sed -n 's/ *platform: //p' "$dir/lab.yaml" | tr -d '\n')" \
	'"virtual_a""virtual_b"'
is "only the owner reads a password" \
	"$(stat -c %a "$dir/keys/m1.ipmi")" 600
is "status tells that all machines are off" \
	"$("$lab" --dir "$dir" status)" "lab $(pid_of lab)
m1 off -
m2 off -"

second=$("$lab" --dir "$IB_TMP/l2" 2>&1)
is "a second lab is refused" $? 1
like "the refusal names the holder's process and directory" "$second" \
	"process $(pid_of lab), since .*, directory $dir "
is "the refusal is one line" "$(echo "$second" | wc -l)" 1

# --- power, network boot and console --------------------------------------

start console "$lab" --dir "$dir" console m1
console=$(log_of console)
ok "a machine is off at first" power_is m1 off
power m1 on >/dev/null
ok "power on reads back as on" wait_for 5 power_is m1 on
ok "a console opened while off shows the boot to its end" \
	wait_for 60 has "$console" "SOTEST END"
ok "it shows it from the beginning" \
	has "$console" "SOTEST VERSION 1 BEGIN 5"
ok "a machine stays on after the end of its test" power_is m1 on
ok "the other machine stayed off" power_is m2 off

ok "a power cut is possible" "$lab" --dir "$dir" kill-qemu m1
ok "a power cut reads as off within a second" wait_for 1 power_is m1 off
power m1 on >/dev/null
ok "the same reader of the console sees the next boot" \
	wait_for 60 has "$console" "SOTEST END" 2
power m1 off >/dev/null
ok "power off reads back as off" wait_for 5 power_is m1 off
ok "then there is no process of the machine" \
	test -z "$(grep -l -a -s -e "$dir/run/[m]1.qemu" /proc/[0-9]*/cmdline)"

power m2 on >/dev/null
ok "after a triple fault a machine asks for its script again" \
	wait_for 60 has "$(log_of httpd)" "url:/boot/$m2_mac" 2

kill -KILL "$(cat "$dir/run/m2.bmc.pid")"
ok "a BMC that was killed is back" wait_for 10 power_is m2 off
like "its end was told" "$(cat "$(log_of lab)")" "machine=m2 bmc ended"

# --- the end ----------------------------------------------------------------

power m1 on >/dev/null
ok "a machine runs before the end" wait_for 5 power_is m1 on
ok "SIGTERM ends the lab in good order" ends_with TERM 0
ok "SIGTERM leaves no process" no_process_is_left
ok "SIGTERM leaves no console" test ! -e "$dir/run/m1.serial"

ok "a lab starts again in the same directory" start_lab --machines 1
is "it has its own machines only" \
	"$("$lab" --dir "$dir" status | tr '\n' ' ')" "lab $(pid_of lab) m1 off - "
power m1 on >/dev/null
ok "its machine runs" wait_for 5 power_is m1 on
ok "SIGKILL ends the lab" ends_with KILL 137
ok "SIGKILL leaves no process" wait_for 5 no_process_is_left

# --- what cannot work --------------------------------------------------------

long=$IB_TMP/$(printf %0100d 0)
said=$("$lab" --dir "$long" --wait 600 2>&1)
is "a directory too long for sockets is refused" $? 1
like "with its limit" "$said" "at most 107"
said=$(PATH="$IB_TMP" "$lab" --dir "$dir" --wait 600 2>&1)
is "a missing command is refused" $? 1
like "with its Debian package" "$said" "Debian package openipmi"
said=$("$lab" --machines none 2>&1)
is "a bad number of machines is refused" $? 2
like "with the option's name" "$said" "machines"

done_testing
