#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every C file is as clang-format would write it.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

command -v clang-format >/dev/null || skip_all "no clang-format"

# The places, without the lines of source that clang-format shows.
not_formatted() {
	c_files | xargs -P "$JOBS" -n 10 clang-format --dry-run -Werror \
		--ferror-limit=3 2>&1 | grep -E '^[^ ]+:[0-9]+:|rror:'
}

plan 1
ok "every C file is formatted" reports_nothing not_formatted
done_testing
