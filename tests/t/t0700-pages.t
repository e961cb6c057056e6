#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The pages in a browser, with a machine that works: they fill by themselves,
# can be used by everybody, act for those who may, and find back to a daemon
# that was away. What is looked at stands in tests/browser/pages.mjs.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"
. "$IB_SRCDIR/tests/lib/node.sh"

IB_CHROMIUM=$(command -v chromium) || skip_all "no chromium"
command -v npm >/dev/null || skip_all "no npm"
export IB_CHROMIUM

folder=$(node_packages tests/browser) || {
	diag "$folder"
	bail "the packages of tests/browser are not to be had"
}
lab_start --machines 1 --platforms virtual
wait_for 20 machines_are 1 || bail "the daemon did not take the lab"
IB_BUNDLE=$(bundle)
IB_READ_TOKEN=$(token_add reader read)
export IB_BUNDLE IB_READ_TOKEN IRONBENCH_LAB LAB_DIR

# The browser asks for a restart of the daemon with the file "restart".
said() {
	[ -e "$IB_TMP/$1" ] || ! is_running browser
}

start browser sh -c 'cd "$1" && exec node "$2"' sh "$folder" \
	"$IB_SRCDIR/tests/browser/pages.mjs"
wait_for 400 said restart || diag "the browser did not get so far"
if is_running browser; then
	stop daemon 20
	: >"$IB_TMP/down"
	wait_for 30 said seen
	daemon_start "${IRONBENCH_SERVER#http://}" "${BOOT_URL#http://}"
	: >"$IB_TMP/up"
fi
wait_for 60 browser_ended || stop browser
browser_results
done_testing
