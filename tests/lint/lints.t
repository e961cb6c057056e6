#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The lints themselves: each passes on a clean little tree, and each finds the
# one thing that is wrong in it.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

tree=$IB_TMP/tree
spdx='/* SPDX-License-Identifier: GPL-3.0-or-later */'

# clean_tree: one of everything, nothing wrong.
clean_tree() {
	rm -rf "$tree"
	mkdir -p "$tree/.ci" "$tree/base" "$tree/db" "$tree/web" "$tree/tests"
	cp -r "$IB_SRCDIR/tests/lib" "$IB_SRCDIR/tests/lint" "$tree/tests"
	cp "$IB_SRCDIR/.clang-format" "$tree"
	cp "$IB_SRCDIR/base/banned.h" "$tree/base"
	echo '# SPDX-License-Identifier: GPL-3.0-or-later' >"$tree/Makefile.am"
	cp "$tree/Makefile.am" "$tree/configure.ac"
	cp "$tree/Makefile.am" "$tree/.ci/run"
	cp "$tree/Makefile.am" "$tree/bootstrap"
	header base/err.h BASE_ERR_H 'int err_kind(void);'
	header db/db.h DB_DB_H 'int db_open(void);'
	header db/stmt.h DB_STMT_H 'int stmt_get(void);'
	header web/web.h WEB_WEB_H 'int web_start(void);'
	source_file base/err.c '#include "base/err.h"
#include <string.h>

/* strcpy() is named in a comment, "strcat(" in a string. */
int err_kind(void)
{
	return (int)strlen("strcat(a, b)");
}'
	echo '# SPDX-License-Identifier: GPL-3.0-or-later' >"$tree/tests/local.mk"
	(cd "$tree" && find base db web tests -name '*.[cht]' >>tests/local.mk)
}

# header PATH GUARD TEXT
header() {
	printf '%s\n#ifndef %s\n#define %s\n\n%s\n\n#endif\n' "$spdx" "$2" \
		"$2" "$3" >"$tree/$1"
}

# source_file PATH TEXT
source_file() {
	printf '%s\n%s\n' "$spdx" "$2" >"$tree/$1"
}

lint() {
	IB_SRCDIR=$tree IB_BUILDDIR=$tree sh "$tree/tests/lint/$1"
}

# finds LINT WHAT: the tree has just been made wrong; then it is cleaned.
finds() {
	nok "$1 finds $2" lint "$1"
	clean_tree
}

repeat() {
	yes "$2" | head -n "$1"
}

clean_tree
for each in banned format headers layers named shell size; do
	ok "$each passes on a clean tree" lint $each.t
done

header web/x.h WEB_X_H '#include "db/stmt.h"'
finds layers.t "a private header used by another folder"
header base/x.h BASE_X_H '#include "db/db.h"'
finds layers.t "an arrow upwards"
header web/x.h WEB_X_H '#include "x.h"'
finds layers.t "an include without its folder"
header web/x.h WEB_X_H '#include <sqlite3.h>'
finds layers.t "a library of another folder"
header web/x.h WEB_X_H '#include <glib.h>'
finds layers.t "a library that nobody owns"
rm "$tree/db/db.h"
finds layers.t "a folder without its public header"
header web/x.h WEB_Y_H 'int x;'
finds layers.t "a guard of another name"

source_file web/x.c 'int x = strcpy (a, b);'
finds banned.t "a banned call"
source_file web/x.c '/* // */ int x = "\"" + alloca(5);'
finds banned.t "alloca behind a comment and a string"
source_file web/x.c 'int x = open("a",
	O_RDONLY);'
finds banned.t "an open without O_CLOEXEC"
source_file web/x.c 'FILE *x = fopen("e", "r");'
finds banned.t "an fopen without its e"
source_file web/x.c 'int x = dup(1);'
finds banned.t "a dup"
echo 'int x;' >"$tree/web/x.c"
finds banned.t "a file without its licence"
source_file web/x.c "/* TO""DO: all of it */"
finds banned.t "a note of what is not done"

header web/x.h WEB_X_H 'size_t x(void);'
finds headers.t "a header that needs another"

source_file web/x.c 'int x;'
finds named.t "a file that no local.mk names"

source_file web/x.c 'int x ( void ) ;'
finds format.t "a file that is not formatted"

source_file web/x.c "int x(void)
{
$(repeat 58 '	;')
}"
finds size.t "a function of 61 lines"
source_file web/x.c "$(repeat 600 'int x;')"
finds size.t "a file of 601 lines"

echo 'if true' >"$tree/tests/x.sh"
finds shell.t "a script that does not parse"
# shellcheck disable=SC2016
echo 'rm -rf $1/*' >"$tree/tests/x.sh"
finds shell.t "what shellcheck warns of"
done_testing
