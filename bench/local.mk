# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libbench.a
%C%_libbench_a_SOURCES = \
	%D%/bench.h \
	%D%/case.h \
	%D%/cell.c %D%/cell.h \
	%D%/changes.c %D%/changes.h %D%/changes_private.h \
	%D%/changes_maxt.c \
	%D%/changes_otava.c \
	%D%/changes_place.c \
	%D%/compare.c %D%/compare.h \
	%D%/fio.c \
	%D%/fio_read.c %D%/fio_read.h \
	%D%/guest_test.c \
	%D%/history.c %D%/history.h %D%/history_private.h \
	%D%/history_environment.c \
	%D%/import.c %D%/import.h %D%/import_engine.h %D%/import_private.h \
	%D%/import_cpu.c \
	%D%/import_decode.c \
	%D%/import_disk.c \
	%D%/import_diskmark.c \
	%D%/import_diskspd.c \
	%D%/import_fio.c \
	%D%/import_geekbench.c \
	%D%/import_google_benchmark.c \
	%D%/import_googletest.c \
	%D%/import_hyperfine.c \
	%D%/import_kvm_unit_tests.c \
	%D%/import_phoronix.c \
	%D%/import_ratios.c \
	%D%/import_sotest.c \
	%D%/import_sysbench.c \
	%D%/import_tap.c \
	%D%/import_tell.c \
	%D%/json.h \
	%D%/measure.h \
	%D%/metric.c %D%/metric.h \
	%D%/node.c %D%/node.h \
	%D%/node_json.c \
	%D%/node_xml.c \
	%D%/number.c %D%/number.h \
	%D%/order.c %D%/order.h \
	%D%/plan.c %D%/plan.h \
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
	%D%/suite_metrics.c \
	%D%/suite_pairs.c \
	%D%/suite_vars.c \
	%D%/sysbench.c %D%/sysbench.h \
	%D%/table.c %D%/table.h \
	%D%/text.c %D%/text.h \
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
bench_noise = tests/unit/bench_noise.c tests/unit/bench_noise.h

check_PROGRAMS += tests/unit/bench_changes
TESTS += tests/unit/bench_changes
tests_unit_bench_changes_SOURCES = tests/unit/bench_changes.c $(bench_kit) \
	$(bench_noise)
tests_unit_bench_changes_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_changes_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_cell
TESTS += tests/unit/bench_cell
tests_unit_bench_cell_SOURCES = tests/unit/bench_cell.c $(bench_kit)
tests_unit_bench_cell_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_cell_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_compare
TESTS += tests/unit/bench_compare
tests_unit_bench_compare_SOURCES = tests/unit/bench_compare.c $(bench_kit)
tests_unit_bench_compare_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_compare_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_compare_pairs
TESTS += tests/unit/bench_compare_pairs
tests_unit_bench_compare_pairs_SOURCES = tests/unit/bench_compare_pairs.c \
	$(bench_kit)
tests_unit_bench_compare_pairs_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_compare_pairs_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_coverage
TESTS += tests/unit/bench_coverage
tests_unit_bench_coverage_SOURCES = tests/unit/bench_coverage.c $(bench_kit)
tests_unit_bench_coverage_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_coverage_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

bench_import_kit = tests/unit/bench_import_kit.c \
	tests/unit/bench_import_kit.h $(bench_kit)

check_PROGRAMS += tests/unit/bench_import
TESTS += tests/unit/bench_import
tests_unit_bench_import_SOURCES = tests/unit/bench_import.c \
	$(bench_import_kit)
tests_unit_bench_import_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_import_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_import_formats
TESTS += tests/unit/bench_import_formats
tests_unit_bench_import_formats_SOURCES = tests/unit/bench_import_formats.c \
	$(bench_import_kit)
tests_unit_bench_import_formats_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_import_formats_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_import_options
TESTS += tests/unit/bench_import_options
tests_unit_bench_import_options_SOURCES = tests/unit/bench_import_options.c \
	$(bench_import_kit)
tests_unit_bench_import_options_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_import_options_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_history
TESTS += tests/unit/bench_history
tests_unit_bench_history_SOURCES = tests/unit/bench_history.c $(bench_kit)
tests_unit_bench_history_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_history_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

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

check_PROGRAMS += tests/unit/bench_plan
TESTS += tests/unit/bench_plan
tests_unit_bench_plan_SOURCES = tests/unit/bench_plan.c $(bench_kit)
tests_unit_bench_plan_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_plan_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/bench_rates
TESTS += tests/unit/bench_rates
tests_unit_bench_rates_SOURCES = tests/unit/bench_rates.c $(bench_kit) \
	$(bench_noise)
tests_unit_bench_rates_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_rates_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

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

# What runs in threads is compiled for the thread sanitizer, unless all is for
# others, which exclude it.
if SANITIZERS
bench_tsan =
else
bench_tsan = -O1 -fsanitize=thread
endif
check_PROGRAMS += tests/unit/bench_threads tests/unit/bench_threads_work
TESTS += tests/unit/bench_threads
tests_unit_bench_threads_SOURCES = tests/unit/bench_threads.c
tests_unit_bench_threads_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_threads_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_bench_threads_work_SOURCES = \
	base/buf.c base/err.c base/mem.c base/str.c \
	%D%/cell.c \
	%D%/changes.c %D%/changes_maxt.c %D%/changes_otava.c \
	%D%/changes_place.c \
	%D%/compare.c \
	%D%/history.c %D%/history_environment.c \
	%D%/order.c \
	%D%/plan.c \
	%D%/ratio.c %D%/ratio_rank.c \
	%D%/rmath.c \
	%D%/table.c \
	%D%/verdict.c \
	tests/unit/bench_threads_work.c
tests_unit_bench_threads_work_CFLAGS = $(AM_CFLAGS) $(bench_tsan)
tests_unit_bench_threads_work_LDFLAGS = $(AM_LDFLAGS) $(bench_tsan)
tests_unit_bench_threads_work_LDADD = $(RMATH_LIBS) -lm -lpthread

check_PROGRAMS += tests/unit/bench_verdict
TESTS += tests/unit/bench_verdict
tests_unit_bench_verdict_SOURCES = tests/unit/bench_verdict.c $(bench_kit)
tests_unit_bench_verdict_LDADD = $(BENCH_LIBS) $(CMOCKA_LIBS)
tests_unit_bench_verdict_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

fuzz_targets += tests/fuzz/fuzz_fio tests/fuzz/fuzz_import \
	tests/fuzz/fuzz_sysbench
tests_fuzz_fuzz_import_SOURCES = tests/fuzz/fuzz_import.c
tests_fuzz_fuzz_import_LDADD = $(fuzz_main) $(BENCH_LIBS)
tests_fuzz_fuzz_import_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_fio_SOURCES = tests/fuzz/fuzz_fio.c
tests_fuzz_fuzz_fio_LDADD = $(fuzz_main) $(BENCH_LIBS)
tests_fuzz_fuzz_fio_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_fuzz_sysbench_SOURCES = tests/fuzz/fuzz_sysbench.c
tests_fuzz_fuzz_sysbench_LDADD = $(fuzz_main) $(BENCH_LIBS)
tests_fuzz_fuzz_sysbench_LDFLAGS = $(fuzz_ldflags)

dist_man_MANS += doc/ironbench-statistics.7

EXTRA_DIST += \
	fixtures/README.md \
	fixtures/imports \
	fixtures/published \
	fixtures/streams \
	fixtures/vectors
