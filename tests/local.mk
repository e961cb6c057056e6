# SPDX-License-Identifier: GPL-3.0-or-later
# Tests of the tree as a whole.  A folder's own tests are named in its
# local.mk.

lint_tests = \
	%D%/lint/banned.t \
	%D%/lint/format.t \
	%D%/lint/headers.t \
	%D%/lint/layers.t \
	%D%/lint/lints.t \
	%D%/lint/named.t \
	%D%/lint/shell.t \
	%D%/lint/size.t \
	%D%/lint/ui-units.t

end_to_end_tests = \
	%D%/t/t0300-main-job.t \
	%D%/t/t0305-linux.t \
	%D%/t/t0310-daemon-start.t \
	%D%/t/t0320-submit.t \
	%D%/t/t0330-crash.t \
	%D%/t/t0340-health.t \
	%D%/t/t0350-session.t \
	%D%/t/t0370-disk-full.t \
	%D%/t/t0380-checkout-again.t \
	%D%/t/t0410-ssh-refused.t \
	%D%/t/t0500-push.t \
	%D%/t/t0700-pages.t \
	%D%/t/t0710-pages-data.t \
	%D%/t/t0800-import.t \
	%D%/t/t0810-history.t

# These measure on this computer: nothing else should run meanwhile.
measuring_tests = \
	%D%/t/t0335-crash-everywhere.t \
	%D%/t/t0400-benchmark.t \
	%D%/t/t0600-demo.t

TESTS += $(lint_tests) $(end_to_end_tests) $(measuring_tests)

EXTRA_DIST += \
	$(lint_tests) \
	$(end_to_end_tests) \
	$(measuring_tests) \
	%D%/README.md \
	%D%/browser/data.mjs \
	%D%/browser/kit.mjs \
	%D%/browser/package-lock.json \
	%D%/browser/package.json \
	%D%/browser/pages.mjs \
	%D%/fuzz/corpus \
	%D%/lib/cloexec.awk \
	%D%/lib/code.awk \
	%D%/lib/fuzz.t \
	%D%/lib/lab.sh \
	%D%/lib/layers.awk \
	%D%/lib/long.sh \
	%D%/lib/node.sh \
	%D%/lib/results.sh \
	%D%/lib/run.sh \
	%D%/lib/sources.sh \
	%D%/lib/tap.sh

# Programs that shell tests use.
noinst_PROGRAMS += %D%/lib/crash_at %D%/lib/sql
%C%_lib_crash_at_SOURCES = %D%/lib/crash_at.c
%C%_lib_crash_at_LDADD = $(BASE_LIBS)
%C%_lib_sql_SOURCES = %D%/lib/sql.c
%C%_lib_sql_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS)
%C%_lib_sql_LDADD = $(SQLITE_LIBS)

# ---- fuzzing -----------------------------------------------------------------
# Each target is a program of its own, named in fuzz_targets.  In an ordinary
# build standalone.c is its main(), and it is a test that runs its corpus once;
# with --enable-fuzzers it is a fuzzer, and `make fuzz FUZZ_SECONDS=5` runs it.

fuzz_targets += \
	%D%/fuzz/fuzz_conf \
	%D%/fuzz/fuzz_lab \
	%D%/fuzz/fuzz_sotest \
	%D%/fuzz/fuzz_suite \
	%D%/fuzz/fuzz_web_frame \
	%D%/fuzz/fuzz_web_path \
	%D%/fuzz/fuzz_zip
check_PROGRAMS += $(fuzz_targets)

if FUZZERS
fuzz_main =
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
TESTS += $(fuzz_targets)
fuzz_main = %D%/fuzz/libstandalone.a
fuzz_ldflags = $(AM_LDFLAGS)
endif
check_LIBRARIES = %D%/fuzz/libstandalone.a
%C%_fuzz_libstandalone_a_SOURCES = %D%/fuzz/standalone.c

%C%_fuzz_fuzz_conf_SOURCES = %D%/fuzz/fuzz_conf.c
%C%_fuzz_fuzz_conf_LDADD = $(fuzz_main) $(BASE_LIBS)
%C%_fuzz_fuzz_conf_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_fuzz_lab_SOURCES = %D%/fuzz/fuzz_lab.c
%C%_fuzz_fuzz_lab_LDADD = $(fuzz_main) $(ORCHESTRATOR_LIBS)
%C%_fuzz_fuzz_lab_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_fuzz_sotest_SOURCES = %D%/fuzz/fuzz_sotest.c
%C%_fuzz_fuzz_sotest_LDADD = $(fuzz_main) $(BENCH_LIBS)
%C%_fuzz_fuzz_sotest_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_fuzz_suite_SOURCES = %D%/fuzz/fuzz_suite.c
%C%_fuzz_fuzz_suite_LDADD = $(fuzz_main) $(BENCH_LIBS)
%C%_fuzz_fuzz_suite_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_fuzz_web_frame_SOURCES = %D%/fuzz/fuzz_web_frame.c
%C%_fuzz_fuzz_web_frame_LDADD = $(fuzz_main) $(WEB_LIBS)
%C%_fuzz_fuzz_web_frame_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_fuzz_web_path_SOURCES = %D%/fuzz/fuzz_web_path.c
%C%_fuzz_fuzz_web_path_LDADD = $(fuzz_main) $(WEB_LIBS)
%C%_fuzz_fuzz_web_path_LDFLAGS = $(fuzz_ldflags)
%C%_fuzz_fuzz_zip_SOURCES = %D%/fuzz/fuzz_zip.c
%C%_fuzz_fuzz_zip_LDADD = $(fuzz_main) $(ORCHESTRATOR_LIBS)
%C%_fuzz_fuzz_zip_LDFLAGS = $(fuzz_ldflags)

fuzz: $(fuzz_targets)
if FUZZERS
	FUZZ_TARGETS='$(fuzz_targets)'; export FUZZ_TARGETS; \
	FUZZ_SECONDS='$(FUZZ_SECONDS)'; export FUZZ_SECONDS; \
	FUZZ_SEED='$(FUZZ_SEED)'; export FUZZ_SEED; \
	IB_TEST_TIMEOUT=7200; export IB_TEST_TIMEOUT; \
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS=%D%/lib/fuzz.t
else
	@echo 'make fuzz needs CC=clang and --enable-fuzzers' >&2; exit 1
endif

# Packages that a test has installed.
clean-local:
	rm -rf %D%/browser/npm

# ---- parts of `make check` -----------------------------------------------------

# Programs: unit tests, simulations, corpora.  Those that make things fail need
# the fault points.
if FAULTS
without_faults =
else
without_faults = %D%/fault/%
endif
check-programs:
	$(MAKE) $(AM_MAKEFLAGS) check \
		TESTS='$(filter-out %.t $(without_faults),$(TESTS))'
# Builds all that `make check` runs.
check-build:
	$(MAKE) $(AM_MAKEFLAGS) check TESTS=
check-lint:
	$(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS='$(filter %D%/lint/%,$(TESTS))'
# Everything is built first, and one test runs at a time: each has machines.
check-end-to-end: all
	$(MAKE) $(AM_MAKEFLAGS) -j1 check-TESTS \
		TESTS='$(filter-out $(measuring_tests),$(filter %D%/t/%,$(TESTS)))'
check-measuring: all
	$(MAKE) $(AM_MAKEFLAGS) -j1 check-TESTS TESTS='$(measuring_tests)'
# `make distcheck` without the tests end to end.
check-release:
	$(MAKE) $(AM_MAKEFLAGS) distcheck \
		TESTS='$(filter-out %D%/t/% $(without_faults),$(TESTS))'
# All that takes longer than a coffee: see lib/long.sh.
check-long:
	$(SHELL) $(srcdir)/%D%/lib/long.sh
.PHONY: check-build check-end-to-end check-lint check-long check-measuring \
	check-programs check-release fuzz
