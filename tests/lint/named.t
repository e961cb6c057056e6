#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every C file and every test stands in a local.mk: none is forgotten by the
# build, by `make check` or by a release.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

# The words of every local.mk, %D% being its folder.
named() {
	find_sources -name local.mk | while read -r file; do
		sed "s|%D%|$(dirname "$file")|g" "$file"
	done | tr -s ' \t\\=' '\n' | sort -u
}

not_named() {
	named >"$IB_TMP/named"
	{
		c_files
		find_sources -name '*.t'
	} | grep -vxF -f "$IB_TMP/named"
}

plan 1
ok "every C file and test stands in a local.mk" reports_nothing not_named
done_testing
