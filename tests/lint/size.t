#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A function stops at 60 lines, a file at 600.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

ctags --version 2>/dev/null | grep -q '^Universal Ctags' ||
	skip_all "no universal-ctags"

functions() {
	c_files | ctags --quiet --options=NONE --languages=C --langmap=C:.c.h \
		--kinds-C=f --fields=ne --sort=no -f - -L -
}

long_functions() {
	functions | awk -F '\t' '
		{
			first = last = 0
			for (i = 4; i <= NF; i++) {
				if ($i ~ /^line:/)
					first = substr($i, 6)
				if ($i ~ /^end:/)
					last = substr($i, 5)
			}
			if (last - first + 1 > 60)
				printf "%s:%d: %s has %d lines\n", $2, first,
				    $1, last - first + 1
		}'
}

long_files() {
	c_files | while read -r file; do
		lines=$(wc -l <"$file")
		[ "$lines" -le 600 ] || echo "$file: $lines lines"
	done
}

plan 3
ok "the functions are found" sh -c '[ "$1" -gt 0 ]' sh "$(functions | wc -l)"
ok "no function is longer than 60 lines" reports_nothing long_functions
ok "no file is longer than 600 lines" reports_nothing long_files
done_testing
