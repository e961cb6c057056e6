#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A Linux kernel and its initrd, booted by iPXE over HTTP on a machine that is
# power-cycled. Its first process is a guest test: it says what it finds on the
# serial line. Another one ends, which a kernel does not survive.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

guest=$("$IB_SRCDIR/fixtures/linux/build-guest") || bail "no Linux guest"
bundle=$IB_TMP/bundle
mkdir -p "$bundle"
cp "$guest/vmlinuz" "$bundle"

# initrd NAME: what stands on standard input is its first process
initrd() {
	root=$IB_TMP/$1
	mkdir -p "$root/bin" "$root/dev" "$root/proc"
	cp "$(command -v busybox)" "$root/bin/busybox"
	{
		echo '#!/bin/busybox sh'
		cat
	} >"$root/init"
	chmod 755 "$root/init"
	(cd "$root" && find . | busybox cpio -o -H newc 2>/dev/null) |
		gzip >"$bundle/$1.img"
}

initrd test <<'END'
bb=/bin/busybox
$bb mount -t devtmpfs dev /dev
$bb mount -t proc proc /proc
exec >/dev/ttyS0 2>&1
words=$($bb cat /proc/cmdline)
echo "SOTEST VERSION 1 BEGIN 3"
case $($bb uname -s) in
Linux) echo 'SOTEST SUCCESS "is_linux"' ;;
*) echo 'SOTEST FAIL "is_linux"' ;;
esac
case " $words " in
*" greeting=hello "*) echo 'SOTEST SUCCESS "command_line_arrived"' ;;
*) echo 'SOTEST FAIL "command_line_arrived"' ;;
esac
echo 'SOTEST SKIP'
read -r up rest </proc/uptime
echo "SOTEST BENCHMARK:uptime:s:${up%.*}"
echo "SOTEST END"
$bb poweroff -f
END
initrd ends <<'END'
exit 1
END

cat >"$bundle/linux.yaml" <<'END'
boot_panic_patterns: [ "Kernel panic" ]
boot_items:
  - name: linux
    exec: vmlinuz console=@{linux_terminal} quiet greeting=hello
    load: [ test.img ]
    timeout: 150
  - name: panic
    exec: vmlinuz console=@{linux_terminal} panic=0
    load: [ ends.img ]
    timeout: 150
    expect: panic
END

lab_start --machines 1
wait_for 20 machines_are 1 || bail "the daemon did not take the lab"
run=$("$IRONBENCH" submit "$bundle/linux.yaml" --name linux)
ok "the run is a success" timeout 400 "$IRONBENCH" watch "$run"
matrix=$("$IRONBENCH" matrix "$run" --format csv)
diag "$matrix"

job_of() {
	echo "$matrix" | awk -F, -v i="$1" '$1 == i { print $3 }'
}

linux=$("$IRONBENCH" job "$(job_of linux)" --format json)
like "its cases are what it said" "$(echo "$linux" | tr -d ' \n')" \
	'"name":"is_linux","result":"pass".*"name":"command_line_arrived","result":"pass".*"result":"skip"'
like "so is its benchmark" "$(echo "$linux" | tr -d ' \n')" \
	'"metric":"[^"]*uptime","unit":"s"'
like "the kernel that lost its first process has panicked" \
	"$("$IRONBENCH" logs "$(job_of panic)")" 'Kernel panic - not syncing'
like "as it should" "$("$IRONBENCH" show "$run")" '✗\(e\)|fails as expected|2 passed|✓ 2'

done_testing
