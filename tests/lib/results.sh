#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Reads the results that `make check` left in a build folder:
#
#	results.sh clear FOLDER   forgets them
#	results.sh count FOLDER   prints how many passed, failed, were skipped
#	results.sh show FOLDER    prints what was skipped and what failed, the
#	                          latter with what the test said about it

result_files() {
	find "$1/tests" -name '*.trs' 2>/dev/null
}

# A program that fails a test and then says so again by its exit status is one
# failure.
count() {
	result_files "$1" | xargs awk '
		/^:test-result: (PASS|XFAIL)/ { passed++ }
		/^:test-result: SKIP/ { skipped++ }
		/^:test-result: (FAIL|XPASS)/ { failed++; bad[FILENAME] = 1 }
		/^:test-result: ERROR/ { error[FILENAME] = 1 }
		END {
			for (f in error)
				if (!(f in bad))
					failed++
			print passed + 0, failed + 0, skipped + 0
		}' /dev/null
}

show() {
	result_files "$1" | xargs grep '^:test-result: SKIP' /dev/null |
		sed 's/\.trs:/: /; s/:test-result: //; s/^/  /'
	result_files "$1" |
		xargs grep -lE '^:test-result: (FAIL|XPASS|ERROR)' /dev/null |
		while read -r trs; do
			echo "  --- ${trs%.trs}.log"
			grep -Ev '^(PASS|FAIL|SKIP):' "${trs%.trs}.log" |
				grep -E -B 5 -A 25 '^(not ok|ERROR|Bail out)' |
				tail -n 80 | sed 's/^/  | /'
		done
}

case $1 in
clear) result_files "$2" | xargs rm -f ;;
count) count "$2" ;;
show) show "$2" ;;
*) exit 2 ;;
esac
