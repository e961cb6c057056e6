# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=sh
# Packages for tests that need node. Source after tap.sh.
#
#	node_packages FOLDER    what FOLDER/package-lock.json names is in
#				FOLDER/npm of the build; prints its path

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
