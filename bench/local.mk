# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libbench.a
%C%_libbench_a_SOURCES = \
	%D%/bench.h \
	%D%/changes.c %D%/changes.h %D%/changes_private.h \
	%D%/changes_maxt.c \
	%D%/changes_otava.c \
	%D%/fio.c \
	%D%/guest_test.c \
	%D%/json.h \
	%D%/measure.h \
	%D%/metric.c %D%/metric.h \
	%D%/number.c %D%/number.h \
	%D%/order.c %D%/order.h \
	%D%/ratio.c %D%/ratio.h %D%/ratio_private.h \
	%D%/ratio_rank.c \
	%D%/rmath.c %D%/rmath.h \
	%D%/sotest.c %D%/sotest.h \
	%D%/spec.c %D%/spec.h \
	%D%/suite.c %D%/suite_parse.h \
	%D%/suite_bench.c \
	%D%/suite_boot.c \
	%D%/suite_files.c \
	%D%/suite_guest.c \
	%D%/suite_item.c \
	%D%/suite_vars.c \
	%D%/sysbench.c \
	%D%/table.c %D%/table.h \
	%D%/verdict.c

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

# The tests of numbers share fixtures and seeded chance.
bench_kit = tests/unit/bench_kit.c tests/unit/bench_kit.h

check_PROGRAMS += tests/unit/bench_changes
TESTS += tests/unit/bench_changes
tests_unit_bench_changes_SOURCES = tests/unit/bench_changes.c $(bench_kit)
tests_unit_bench_changes_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_changes_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_coverage
TESTS += tests/unit/bench_coverage
tests_unit_bench_coverage_SOURCES = tests/unit/bench_coverage.c $(bench_kit)
tests_unit_bench_coverage_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_coverage_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_measure
TESTS += tests/unit/bench_measure
tests_unit_bench_measure_SOURCES = tests/unit/bench_measure.c $(bench_kit)
tests_unit_bench_measure_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_measure_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_order
TESTS += tests/unit/bench_order
tests_unit_bench_order_SOURCES = tests/unit/bench_order.c $(bench_kit)
tests_unit_bench_order_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_order_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_ratio
TESTS += tests/unit/bench_ratio
tests_unit_bench_ratio_SOURCES = tests/unit/bench_ratio.c $(bench_kit)
tests_unit_bench_ratio_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_ratio_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_spec
TESTS += tests/unit/bench_spec
tests_unit_bench_spec_SOURCES = tests/unit/bench_spec.c $(bench_kit)
tests_unit_bench_spec_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_spec_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_table
TESTS += tests/unit/bench_table
tests_unit_bench_table_SOURCES = tests/unit/bench_table.c $(bench_kit)
tests_unit_bench_table_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_table_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_verdict
TESTS += tests/unit/bench_verdict
tests_unit_bench_verdict_SOURCES = tests/unit/bench_verdict.c $(bench_kit)
tests_unit_bench_verdict_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_verdict_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

fuzz_targets += tests/fuzz/fuzz_fio tests/fuzz/fuzz_sysbench
tests_fuzz_fuzz_fio_SOURCES = tests/fuzz/fuzz_fio.c
tests_fuzz_fuzz_fio_LDADD = $(fuzz_main) $(BENCH_LIBS)
tests_fuzz_fuzz_fio_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_sysbench_SOURCES = tests/fuzz/fuzz_sysbench.c
tests_fuzz_fuzz_sysbench_LDADD = $(fuzz_main) $(BENCH_LIBS)
tests_fuzz_fuzz_sysbench_LDFLAGS = $(fuzz_ldflags)

EXTRA_DIST += \
	fixtures/README.md \
	fixtures/published \
	fixtures/streams \
	fixtures/vectors
