#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The Linux that benchmarks run in: how it is built and kept, and that it
# measures what it is told on its serial line (agent/guest.h).

. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

build="$IB_SRCDIR/fixtures/linux/build-guest"
serial="$IB_TMP/serial"

for command in qemu-system-x86_64 apt-get dpkg-deb flock xz; do
	command -v $command >/dev/null || skip_all "$command is not installed"
done

# boot NAME KERNEL QEMU-OPTION...: the line is a pair of pipes, its log is
# log_of line
boot() {
	name=$1
	kernel=$2
	shift 2
	rm -f "$serial".in "$serial".out
	mkfifo "$serial".in "$serial".out
	start line cat "$serial.out"
	start "$name" qemu-system-x86_64 -machine q35 -accel tcg -m 512 \
		-smp 2 -nodefaults -display none -no-reboot \
		-kernel "$guest/$kernel" -initrd "$guest/initrd.img" \
		-append "console=ttyS0 quiet panic=-1" \
		-chardev "pipe,id=line,path=$serial" -serial chardev:line "$@"
}

says() {
	tr -d '\r' <"$(log_of line)" | grep -q -e "$1"
}

# decided NAME LINE: the line has come, or cannot come any more.
decided() {
	says "$2" || says '^IB-GUEST ERROR' || ! is_running "$1"
}

# answers NAME SECONDS LINE: the guest comes to say the line.
answers() {
	wait_for "$2" decided "$1" "$3"
	says "$3" || {
		tail -n 5 "$(log_of line)" "$(log_of "$1")"
		return 1
	}
}

# powers_off NAME: the machine ends by itself, and well.
powers_off() {
	wait_for 15 tap_has_ended "$(pid_of "$1")" && wait "$(pid_of "$1")"
}

# raw NAME: the measurement's output into the file NAME
raw() {
	tr -d '\r' <"$(log_of line)" |
		sed -n "/^IB-RAW BEGIN $1 /,/^IB-RAW END $1 /p" >"$IB_TMP/part"
	grep -v '^IB-' "$IB_TMP/part" | base64 -d >"$IB_TMP/$1"
	[ "$(sed -n 's/^IB-RAW BEGIN [^ ]* //p' "$IB_TMP/part")" = \
		"$(wc -c <"$IB_TMP/$1")" ] &&
		[ "$(sed -n 's/^IB-RAW END [^ ]* //p' "$IB_TMP/part")" = \
			"$(sha256sum <"$IB_TMP/$1" | cut -d ' ' -f 1)" ]
}

# reads_bytes NAME: fio's JSON, of a reader that has read.
reads_bytes() {
	busybox awk '/^\{/, /^\}/' "$IB_TMP/$1" | tr -d ' \n' |
		grep -E '"error":0,.*"read":\{.*"bw_bytes":[1-9]'
}

# seconds_of NAME: what the guest's clock says of a measurement, whole seconds
seconds_of() {
	tr -d '\r' <"$(log_of line)" | awk -v name="$1" '
		/^IB-TIME BEGIN / && ended { ended = 0 }
		/^IB-TIME BEGIN / { begin = $3 }
		/^IB-TIME END / && !ended { end = $3; ended = 1 }
		/^IB-RAW BEGIN / && $3 == name {
			printf "%d\n", (end - begin) / 1e9
		}'
}

# --- it is built, or not at all ----------------------------------------------

mkdir "$IB_TMP/bin" "$IB_TMP/c"
printf '#!/bin/sh\necho no such host >&2\nexit 100\n' >"$IB_TMP/bin/apt-get"
chmod +x "$IB_TMP/bin/apt-get"
said=$(PATH="$IB_TMP/bin:$PATH" "$build" "$IB_TMP/c" 2>&1)
is "without packages there is no guest" $? 1
like "the reason is shown" "$said" "no such host"
is "a failure leaves nothing half done" \
	"$(find "$IB_TMP/c" -name 'work*' -o -name 'guest*' -o -name 'state*')" ""

said=$(flock "$IB_TMP/c/lock" timeout 1 "$build" "$IB_TMP/c" 2>&1)
is "a second one waits" $? 124
like "and says so" "$said" "waiting for another"

guest=$("$build" 2>"$IB_TMP/build.log") || {
	diag <"$IB_TMP/build.log"
	grep -q "cannot get the packages" "$IB_TMP/build.log" ||
		bail "the guest cannot be built"
	skip "the guest" "Debian's packages cannot be fetched"
	done_testing
}
ok "the folder has all files" \
	test -s "$guest/vmlinuz" -a -s "$guest/vmlinux" -a \
	-s "$guest/initrd.img" -a -s "$guest/MANIFEST"
like "the manifest names a real kernel package" "$(cat "$guest/MANIFEST")" \
	"^package linux-image-[0-9][^ ]* [0-9]"
is "the manifest has the files' hashes" \
	"$(sed -n 's/^sha256 \([^ ]*\) /\1  /p' "$guest/MANIFEST")" \
	"$(cd "$guest" && sha256sum vmlinuz vmlinux initrd.img)"
began=$(now_ms)
is "the second call finds the same" "$("$build" 2>&1)" "$guest"
ok "at once" test $(($(now_ms) - began)) -lt 3000

# --- it measures ----------------------------------------------------------------

truncate -s 64M "$IB_TMP/sata.img" "$IB_TMP/nvme.img"
fio="--rw=read --bs=131072 --iodepth=32 --runtime=1 --time_based --direct=1
	--ioengine=libaio --group_reporting --randrepeat=1 --output-format=json"
{
	for controller in sata nvme; do
		# shellcheck disable=SC2086
		echo M fio:$controller fio --name=m --filename=@$controller $fio
	done
	echo "M sysbench sysbench cpu --time=1 --events=0 --threads=@cpus run"
	# A word that is none by guest.h: the guest evaluates it no more.
	printf 'M words printf [%%s] $(poweroff) * @cpus\r\nGO\n'
} >"$IB_TMP/orders"

boot guest vmlinuz \
	-drive "if=none,id=s,format=raw,file=$IB_TMP/sata.img" \
	-device ich9-ahci,id=a -device ide-hd,drive=s,bus=a.0 \
	-drive "if=none,id=n,format=raw,file=$IB_TMP/nvme.img" \
	-device nvme,drive=n,serial=n1
began=$(now_ms)
ok "it gets ready" answers guest 120 '^IB-GUEST 1 READY$'
diag "ready after $(($(now_ms) - began)) ms, initrd of" \
	"$(($(wc -c <"$guest/initrd.img") / 1000000)) MB"
cat "$IB_TMP/orders" >"$serial.in"
ok "it follows all orders" answers guest 120 '^IB-GUEST DONE$'
ok "then it powers off" powers_off guest
for controller in sata nvme; do
	ok "the output of fio on $controller arrives whole" \
		raw fio:$controller
	ok "and is of a reader that has read" reads_bytes fio:$controller
done
ok "the output of sysbench arrives whole" raw sysbench
like "it ran on all processors" "$(cat "$IB_TMP/sysbench")" \
	"Number of threads: 2"
like "and has a result" "$(cat "$IB_TMP/sysbench")" \
	"events per second: *[1-9]"
ok "its second took the guest a second or a little more" \
	test "$(seconds_of sysbench)" -ge 1 -a "$(seconds_of sysbench)" -le 8
ok "an order of strange words arrives whole" raw words
# What is expected are the characters themselves.
# shellcheck disable=SC2016
is "no shell evaluates an order" "$(cat "$IB_TMP/words")" \
	'[$(poweroff)][*][2]'
is "orders are not echoed" "$(grep -c '^M ' "$(log_of line)")" 0
stop line

# --- it fails -------------------------------------------------------------------

boot diskless vmlinux
ok "it gets ready without disks, and with a kernel that was unpacked" answers diskless 120 '^IB-GUEST 1 READY$'
printf 'M ok mono END\nM bad sysbench --no-such-option cpu run\nGO\n' \
	>"$serial.in"
ok "a program that fails is an error with its last words" \
	answers diskless 60 '^IB-GUEST ERROR bad: exit code 1: .*no-such-option'
nok "nothing is said to be done" says '^IB-GUEST DONE'
ok "it powers off as well" powers_off diskless
stop line

done_testing
