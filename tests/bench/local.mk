# SPDX-License-Identifier: GPL-3.0-or-later
# `make bench` measures what this program promises (doc/performance.md); it is
# no test. `make check` only sees to it that every part still runs.
#
# The BMCs of the farm need SHA-1 and AES, which libsodium does not have;
# libgcrypt is what libfreeipmi, on the other end, has them from.

check_PROGRAMS += %D%/bench %D%/bmc_farm
%C%_bmc_farm_SOURCES = \
	%D%/bmc.c %D%/bmc.h %D%/bmc_private.h \
	%D%/bmc_crypt.c \
	%D%/bmc_farm.c %D%/bmc_farm.h \
	%D%/bmc_message.c
%C%_bmc_farm_CPPFLAGS = $(AM_CPPFLAGS) $(GCRYPT_CFLAGS)
%C%_bmc_farm_LDADD = $(BASE_LIBS) $(GCRYPT_LIBS)
%C%_bench_SOURCES = \
	%D%/archive.c \
	%D%/bench.c %D%/bench.h \
	%D%/kept.c %D%/kept.h \
	%D%/lab.c %D%/lab.h %D%/lab_private.h \
	%D%/lab_http.c \
	%D%/numbers.c %D%/numbers.h \
	%D%/part_history.c \
	%D%/part_import.c \
	%D%/part_index.c \
	%D%/part_ingest.c \
	%D%/part_numbers.c \
	%D%/part_power.c \
	%D%/part_push.c \
	%D%/part_scheduler.c \
	%D%/peers.c \
	%D%/process.c %D%/process.h \
	%D%/report.c
%C%_bench_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
%C%_bench_LDADD = $(WEB_LIBS) $(CURL_LIBS)

bench_tests = %D%/bench.t
TESTS += $(bench_tests)
EXTRA_DIST += $(bench_tests)

# Arguments of the program: make bench BENCH='--runs 60616 index'.
BENCH =
bench: all %D%/bench %D%/bmc_farm
	%D%/bench --build $(abs_top_builddir) --output bench.json $(BENCH)
.PHONY: bench
CLEANFILES += bench.json
