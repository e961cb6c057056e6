# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# For tests that need node. Source after tap.sh.
#
#	node_packages FOLDER    what FOLDER/package-lock.json names is in
#				FOLDER/npm of the build; prints its path
#	browser_ended		whether the program that was started as
#				"browser" has ended
#	browser_results		passes on what it says of its checks

node_packages() {
	local from to
	from=$IB_SRCDIR/$1
	to=$IB_BUILDDIR/$1/npm
	if ! cmp -s "$from/package-lock.json" "$to/node_modules/.installed"; then
		mkdir -p "$to" &&
			cp "$from/package.json" "$from/package-lock.json" "$to" &&
			chmod u+w "$to/package.json" "$to/package-lock.json" &&
			(cd "$to" && npm ci --no-audit --no-fund --ignore-scripts) \
				>"$IB_TMP/npm.log" 2>&1 || {
			diag <"$IB_TMP/npm.log"
			return 1
		}
		cp "$to/package-lock.json" "$to/node_modules/.installed"
	fi
	echo "$to"
}

browser_ended() {
	! is_running browser
}

browser_results() {
	local line finished
	finished=0
	while read -r line; do
		case $line in
		'ok - '*) tap_report 0 "${line#ok - }" ;;
		'not ok - '*) tap_report 1 "${line#not ok - }" ;;
		done) finished=1 ;;
		'# '*) echo "$line" ;;
		*) diag "$line" ;;
		esac
	done <"$(log_of browser)"
	is "the browser went through all of it" "$finished" 1
}
