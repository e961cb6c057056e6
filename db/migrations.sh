#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Prints db/migrations.c: the numbered SQL files given as arguments, in order,
# as C strings. A gap in the numbers is an error.
set -eu

n=0
echo '/* Made by db/migrations.sh: do not edit. */'
echo '#include "db/migrate.h"'
for file; do
	n=$((n + 1))
	case ${file##*/} in
	"$(printf '%04d' "$n")"-*.sql) ;;
	*)
		echo "$file: number $n expected" >&2
		exit 1
		;;
	esac
	printf '\nstatic const char sql_%04d[] =\n' "$n"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' \
	    "$file"
	echo '    "";'
done
printf '\nconst struct migration migrations[] = {\n'
i=0
for file; do
	i=$((i + 1))
	printf '    {"%s", sql_%04d},\n' "${file##*/}" "$i"
done
printf '};\nconst int migrations_count = %d;\n' "$n"
