# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libbench.a
%C%_libbench_a_SOURCES = \
	%D%/bench.h \
	%D%/fio.c \
	%D%/guest_test.c \
	%D%/json.h \
	%D%/measure.h \
	%D%/metric.c %D%/metric.h \
	%D%/number.c %D%/number.h \
	%D%/sotest.c %D%/sotest.h \
	%D%/suite.c %D%/suite_parse.h \
	%D%/suite_boot.c \
	%D%/suite_files.c \
	%D%/suite_item.c \
	%D%/suite_vars.c \
	%D%/sysbench.c

check_PROGRAMS += tests/unit/bench_guest_test
TESTS += tests/unit/bench_guest_test
tests_unit_bench_guest_test_SOURCES = tests/unit/bench_guest_test.c
tests_unit_bench_guest_test_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_guest_test_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_sotest
TESTS += tests/unit/bench_sotest
tests_unit_bench_sotest_SOURCES = tests/unit/bench_sotest.c
tests_unit_bench_sotest_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_sotest_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_suite
TESTS += tests/unit/bench_suite
tests_unit_bench_suite_SOURCES = tests/unit/bench_suite.c
tests_unit_bench_suite_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_suite_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

EXTRA_DIST += fixtures/streams
