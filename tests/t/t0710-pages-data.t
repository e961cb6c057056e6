#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Pages that show numbers, in a browser: a history of runs and everything that
# can be imported, without a machine. Everybody can use them, on wide and narrow
# screens. What is looked at stands in tests/browser/data.mjs.

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
mkdir "$STATE_DIR"
"$IB_BUILDDIR/tests/unit/series_gen" "$STATE_DIR" >"$IB_TMP/first" ||
	bail "there is no database"
daemon_start
IRONBENCH_TOKEN=$(token_add "test-$$" read,submit,operate)
export IRONBENCH_TOKEN
for file in "$IB_SRCDIR"/fixtures/published/*.csv; do
	"$IRONBENCH" import "$file" >"$IB_TMP/out" || bail "$file"
done
for file in "$IB_SRCDIR"/fixtures/imports/*/*; do
	"$IRONBENCH" import --machine bench-1 --variant plain --guest linux \
		"$file" >"$IB_TMP/out" 2>&1 || bail "$file"
done

# What curl unpacks is what it gets without.
for name in app.js app.css; do
	curl -sS --compressed -o "$IB_TMP/packed" -w '%{size_download}' \
		"$IRONBENCH_SERVER/assets/$name" >"$IB_TMP/sent"
	curl -sS -o "$IB_TMP/plain" "$IRONBENCH_SERVER/assets/$name"
	ok "$name is the same packed and as it is" cmp "$IB_TMP/packed" "$IB_TMP/plain"
	ok "  and less is sent" [ "$(cat "$IB_TMP/sent")" -lt "$(($(wc -c <"$IB_TMP/plain") / 2))" ]
done

start browser sh -c 'cd "$1" && exec node "$2"' sh "$folder" \
	"$IB_SRCDIR/tests/browser/data.mjs"
wait_for 300 browser_ended || stop browser
browser_results
done_testing
