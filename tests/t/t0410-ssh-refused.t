#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A machine whose host key is not the one in the lab file is the lab's error, of
# layer ssh, at once; nothing was begun there, so nothing has to be waited for.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C.UTF-8
export LC_ALL

mkdir -p "$IB_TMP/bundle"
echo kernel >"$IB_TMP/bundle/vmlinuz"
echo initrd >"$IB_TMP/bundle/initrd.img"
cat >"$IB_TMP/bundle/cpu.yaml" <<EOF
variants:
  a: { hypervisor: qemu, backend: tcg, options: { thread: single }, role: baseline }
  b: { hypervisor: qemu, backend: tcg, options: { thread: multi }, role: candidate }
guests:
  linux: { kernel: vmlinuz, initrd: initrd.img }
benchmarks:
  - { name: cpu, workload: sysbench, threads: [ 1 ], guests: [ linux ], pairs: 1 }
EOF

lab_start --machines 0 --this-computer
sed -i 's|SHA256:[A-Za-z0-9+/]*|SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA|' \
	"$LAB_DIR/lab.yaml"
kill -HUP "$(pid_of daemon)"
wait_for 20 machines_are 1 || bail "the daemon did not take the lab"

run=$("$IRONBENCH" submit "$IB_TMP/bundle/cpu.yaml")
"$IRONBENCH" watch "$run" >/dev/null &
watch=$!
ended() {
	! kill -0 "$watch" 2>/dev/null
}
ok "the run ends without waiting for the machine" wait_for 40 ended
job=$("$IRONBENCH" job 1)
diag "$job"
like "it is the lab's error, of layer ssh" "$job" 'error .ssh.'
like "which names the keys" "$job" 'SHA256:AAAA'
like "the machine was left in good order" \
	"$("$IRONBENCH" machines --format csv | grep here)" ',good,'

done_testing
