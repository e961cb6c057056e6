#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every header compiles alone: it includes what it uses.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/sources.sh"

CC=${CC:-cc}
IB_FLAGS="-std=c17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -I."
HOST_FLAGS=$(pkg-config --cflags libuv jansson yaml-0.1 libsodium sqlite3 \
	libzstd libmicrohttpd libcurl libssh2 libarchive libfreeipmi libRmath cmocka)
[ ! -f "$IB_BUILDDIR/config.h" ] ||
	HOST_FLAGS="-include $IB_BUILDDIR/config.h $HOST_FLAGS"
GUEST_FLAGS="-m32 -march=i686 -mgeneral-regs-only -ffreestanding"
export CC IB_FLAGS HOST_FLAGS GUEST_FLAGS

# One compiler for each header.  The second include finds a missing guard.
compile() {
	headers | xargs -P "$JOBS" -n 1 sh -c '
		flags=$HOST_FLAGS
		case $1 in fixtures/guests/*) flags=$GUEST_FLAGS ;; esac
		printf "#include \"%s\"\n#include \"%s\"\n" "$1" "$1" |
			$CC $IB_FLAGS $flags -x c - 2>&1 ||
			echo "$1: does not compile alone"' sh
}

plan 1
ok "every header compiles alone" reports_nothing compile
done_testing
