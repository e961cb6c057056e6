#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The shell scripts parse, and shellcheck has nothing to say.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

parse() {
	shell_files | while read -r file; do
		case $(head -n 1 "$file") in
		*bash*) bash -n "$file" ;;
		*) sh -n "$file" ;;
		esac
	done
}

# 1090, 1091: a sourced file is checked on its own; 2034, 2119, 2120: it does
# not see who uses it; 3043: `local` is not POSIX, but every sh here has it.
check() {
	without="SC1090,SC1091,SC2034,SC2119,SC2120,SC3043"
	shell_files | grep -v '^\.ci/run$' |
		xargs -P "$JOBS" -n 4 shellcheck -s sh -S warning -e $without &&
		shellcheck -s bash -S warning .ci/run
}

plan 2
ok "every shell script parses" reports_nothing parse
if command -v shellcheck >/dev/null; then
	ok "shellcheck finds nothing" check
else
	skip "shellcheck finds nothing" "no shellcheck"
fi
done_testing
