#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What no file of this tree may contain.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

names=$(sed -n 's/^#pragma GCC poison //p' base/banned.h | tr '\n' ' ')
[ -n "$names" ] || bail "base/banned.h names no function"
pattern=$(echo "$names alloca" | sed 's/ *$//; s/  */|/g')

c_code() {
	c_files | grep -v '^base/banned\.h$' | xargs awk -f tests/lib/code.awk "$@"
}

# Only the name itself, and not a member of that name.
banned_calls() {
	c_code | grep -v ':[0-9]*:[[:space:]]*#[[:space:]]*include' |
		grep -E ":[0-9]+:(.*[^A-Za-z0-9_.>])?($pattern)[[:space:]]*\("
}

# Programs that only tests run may leak a descriptor into a child of theirs.
inherited() {
	c_code -v keep=1 | grep -Ev '^(tests|fixtures)/' |
		awk -f tests/lib/cloexec.awk
}

not_licensed() {
	{
		c_files
		shell_files
		find_sources \( -name '*.mk' -o -name '*.sql' -o -name '*.ts' \
			-o -name '*.tsx' -o -name '*.S' -o -name '*.awk' \
			-o -name '*.[1-8]' \)
		ls Makefile.am configure.ac
	} | xargs awk '
		FNR == 1 { file[++n] = FILENAME }
		FNR <= 3 && /SPDX-License-Identifier: GPL-3.0-or-later/ {
			found[FILENAME] = 1
		}
		END {
			for (i = 1; i <= n; i++)
				if (!(file[i] in found))
					print file[i] ": no SPDX line"
		}'
}

# The words are put together here, as this file is searched too.
unfinished() {
	{
		c_files
		shell_files
		find_sources \( -name '*.mk' -o -name '*.sql' -o -name '*.ts' \
			-o -name '*.tsx' -o -name '*.S' -o -name '*.md' \)
	} | xargs grep -nwE "TO""DO|FIX""ME|XX""X"
}

plan 4
ok "no banned function is called" reports_nothing banned_calls
ok "every descriptor is opened close-on-exec" reports_nothing inherited
ok "every source file has its SPDX line" reports_nothing not_licensed
ok "nothing is marked as unfinished" reports_nothing unfinished
done_testing
