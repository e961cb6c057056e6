#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The logic of the pages that needs no browser: web/ui/test/*.test.ts, bundled
# by esbuild and run by node. Types of the pages are checked as well.

. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

command -v node >/dev/null && command -v npm >/dev/null ||
	skip_all "no node or npm"

ui=$IB_TMP/ui
mkdir -p "$ui" "$IB_TMP/js"
(cd "$IB_SRCDIR/web/ui" &&
	cp -R package.json package-lock.json tsconfig.json src test "$ui") ||
	bail "the sources cannot be copied"
chmod -R u+w "$ui"

# What a build has installed already is taken as it is.
installed=
for folder in "$IB_BUILDDIR/web/ui" "$IB_SRCDIR/web/ui"; do
	if [ -x "$folder/node_modules/.bin/tsc" ] &&
	    cmp -s "$folder/package-lock.json" "$ui/package-lock.json"; then
		installed=$folder/node_modules
		break
	fi
done
if [ -n "$installed" ]; then
	ln -s "$installed" "$ui/node_modules"
else
	(cd "$ui" && npm ci --include=dev --ignore-scripts --no-audit \
		--no-fund) >"$IB_TMP/npm.log" 2>&1 || {
		diag <"$IB_TMP/npm.log"
		bail "the packages cannot be installed"
	}
fi
cd "$ui" || bail "no folder $ui"

ok "the types of the pages fit" node_modules/.bin/tsc --noEmit

# As packages for node, so that the oldest node runs what the newest does.
ok "the tests can be bundled" node_modules/.bin/esbuild test/*.test.ts \
	--bundle --platform=node --format=esm --target=node18 --jsx=automatic \
	--jsx-import-source=preact --outdir="$IB_TMP/js" --out-extension:.js=.mjs \
	--log-level=warning ||
	bail "nothing to run"

# A line of results for each test of node: "ok N - NAME", at the left.
for file in "$IB_TMP"/js/*.mjs; do
	(cd "$IB_TMP/js" && node --test --test-reporter=tap "$file") \
		>"$file.tap" 2>&1
	status=$?
	grep -cE '^ *(not )?ok [0-9]+ - ' "$file.tap" >"$file.count"
	while IFS= read -r line; do
		name=${line#*ok * - }
		case $line in
		*"${file##*/}"*) ;; # node's own line for the file
		*not\ ok\ *) tap_report 1 "$name" || diag <"$file.tap" ;;
		*) tap_report 0 "$name" ;;
		esac
	done <<-END
		$(grep -E '^ *(not )?ok [0-9]+ - ' "$file.tap")
	END
	ok "${file##*/} ends well and has tests" sh -c \
		'[ "$1" = 0 ] && [ "$2" -gt 1 ]' sh "$status" "$(cat "$file.count")"
done
done_testing
