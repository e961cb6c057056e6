# SPDX-License-Identifier: GPL-3.0-or-later
# The operator's command. All but main() is a library, so that tests link it.
noinst_LIBRARIES += %D%/libcli.a
%C%_libcli_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
%C%_libcli_a_SOURCES = \
	%D%/api.c %D%/api.h \
	%D%/cli.c %D%/cli.h \
	%D%/compare.c \
	%D%/date.c %D%/date.h \
	%D%/escape.c %D%/escape.h \
	%D%/git.c %D%/git.h \
	%D%/help.c \
	%D%/history.c \
	%D%/history_changed.c \
	%D%/hook.c \
	%D%/http.c %D%/http.h %D%/http_private.h \
	%D%/import.c \
	%D%/imports.c \
	%D%/interrupt.c %D%/interrupt.h \
	%D%/job.c \
	%D%/junit.c %D%/junit.h \
	%D%/logs.c \
	%D%/machines.c \
	%D%/matrix.c \
	%D%/noise.c \
	%D%/options.c %D%/options.h \
	%D%/overhead.c %D%/overhead.h \
	%D%/overhead_wide.c \
	%D%/suggest.c %D%/suggest.h \
	%D%/progress.c %D%/progress.h \
	%D%/runs.c \
	%D%/series.c %D%/series.h \
	%D%/settings.c %D%/settings.h \
	%D%/sse.c %D%/sse.h \
	%D%/stat.c \
	%D%/stream.c \
	%D%/submit.c \
	%D%/table.c %D%/table.h \
	%D%/term.c %D%/term.h \
	%D%/text.c %D%/text.h \
	%D%/verify.c \
	%D%/watch.c

bin_PROGRAMS += %D%/ironbench
%C%_ironbench_SOURCES = %D%/main.c
%C%_ironbench_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS)
%C%_ironbench_LDADD = %D%/libcli.a $(BENCH_LIBS) $(CURL_LIBS)

dist_man_MANS += %D%/ironbench.1
bashcompletiondir = $(datadir)/bash-completion/completions
dist_bashcompletion_DATA = %D%/completion/ironbench.bash

# The table and text tests link the library; cli_fake_api is the stand-in
# server that t0200 starts, cli_fake_hooks that of t0220 and t0500.
check_PROGRAMS += \
	tests/unit/cli_table \
	tests/unit/cli_fake_api \
	tests/unit/cli_fake_hooks
tests_unit_cli_table_SOURCES = tests/unit/cli_table.c
tests_unit_cli_table_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_cli_table_LDADD = \
	%D%/libcli.a $(BENCH_LIBS) $(CURL_LIBS) $(CMOCKA_LIBS)
tests_unit_cli_fake_api_SOURCES = \
	tests/unit/cli_fake_api.c tests/unit/cli_fake_api.h \
	tests/unit/cli_fake_files.c
tests_unit_cli_fake_api_CPPFLAGS = $(AM_CPPFLAGS) $(MHD_CFLAGS)
tests_unit_cli_fake_api_LDADD = $(JANSSON_LIBS) $(MHD_LIBS) -lpthread
tests_unit_cli_fake_hooks_SOURCES = tests/unit/cli_fake_hooks.c
tests_unit_cli_fake_hooks_CPPFLAGS = $(AM_CPPFLAGS) $(MHD_CFLAGS)
tests_unit_cli_fake_hooks_LDADD = $(MHD_LIBS) -lpthread
TESTS += tests/unit/cli_table tests/t/t0200-cli-basics.t
EXTRA_DIST += tests/t/t0200-cli-basics.t

TESTS += tests/t/t0210-cli-stat.t tests/t/t0220-cli-hook.t
EXTRA_DIST += tests/t/t0210-cli-stat.t tests/t/t0220-cli-hook.t
