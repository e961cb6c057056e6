#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Who may include whom, and which library belongs to which folder.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

# Each folder shows one header to the others; base/ shows all, and agent/ has
# wire.h.  The daemon's folder is above all others and shows none.
public_headers() {
	for folder in scheduler bench db web cli; do
		[ ! -d $folder ] || [ -f $folder/$folder.h ] ||
			echo "$folder/$folder.h: missing"
	done
}

guards() {
	headers | while read -r header; do
		guard=$(echo "${header%.h}_H" | tr 'a-z/.-' 'A-Z___')
		grep -q "^#ifndef \([A-Z_]*_\)\?${guard#*_}\$" "$header" ||
			echo "$header: no guard like $guard"
	done
}

includes() {
	c_files | xargs awk -f tests/lib/layers.awk
}

plan 3
ok "every include follows an arrow" reports_nothing includes
ok "every folder has its public header" reports_nothing public_headers
ok "every header has a guard named after it" reports_nothing guards
done_testing
