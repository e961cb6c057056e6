# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# The files that are ours to check, as paths below IB_SRCDIR (the current
# folder of whoever asks).  Sourced after tap.sh.

FOLDERS="agent base bench cli db doc fixtures orchestrator scheduler tests web"
JOBS=$(nproc)
export JOBS

# find_sources EXPRESSION...: files in our folders, sorted.
find_sources() {
	# A release need not have every folder; find says so and goes on.
	# shellcheck disable=SC2086
	find $FOLDERS -name node_modules -prune -o -type f "$@" -print \
		2>/dev/null | LC_ALL=C sort
}

c_files() {
	find_sources \( -name '*.c' -o -name '*.h' \)
}

headers() {
	find_sources -name '*.h'
}

shell_files() {
	for file in bootstrap .ci/run; do
		[ ! -f $file ] || echo $file
	done
	find_sources \( -name '*.sh' -o -name '*.t' \)
}

# code FILE...: "file:line:text" without comments and without what stands in
# strings.  With `-v keep=1` as first arguments the strings stay.
code() {
	awk -f tests/lib/code.awk "$@"
}

# reports_nothing COMMAND...: prints what the command prints, and fails if
# that is anything.
reports_nothing() {
	"$@" >"$IB_TMP/.report" 2>&1
	cat "$IB_TMP/.report"
	[ ! -s "$IB_TMP/.report" ]
}

cd "$IB_SRCDIR" || bail "no folder $IB_SRCDIR"
