# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libweb.a
%C%_libweb_a_CPPFLAGS = $(AM_CPPFLAGS) $(MHD_CFLAGS)
%C%_libweb_a_SOURCES = \
	%D%/answer.c \
	%D%/api_bench.c \
	%D%/api_changes.c \
	%D%/api_compare.c \
	%D%/api_hook.c \
	%D%/api_import.c \
	%D%/api_imports.c \
	%D%/api_jobs.c \
	%D%/api_machines.c \
	%D%/api_meta.c \
	%D%/api_metrics.c \
	%D%/api_noise.c \
	%D%/api_runs.c \
	%D%/api_series.c \
	%D%/api_series_changes.c \
	%D%/api_session.c \
	%D%/api_submit.c \
	%D%/assets.c %D%/assets.h \
	%D%/auth.c %D%/auth.h \
	%D%/boot.c \
	%D%/compare.c %D%/compare.h %D%/compare_private.h \
	%D%/compare_sum.c \
	%D%/compare_summary.c \
	%D%/compare_table.c %D%/compare_table.h \
	%D%/events.c %D%/events.h \
	%D%/frame.c \
	%D%/hook.h \
	%D%/http.c %D%/http.h \
	%D%/json.c %D%/json.h \
	%D%/link.c %D%/link.h \
	%D%/log.c %D%/log.h \
	%D%/log_times.c \
	%D%/metric.h \
	%D%/main.c \
	%D%/openapi.c \
	%D%/origin.c %D%/origin.h \
	%D%/overhead.c %D%/overhead.h \
	%D%/overhead_all.c \
	%D%/pages.c \
	%D%/path.c %D%/path.h \
	%D%/render.c %D%/render.h \
	%D%/route_find.c \
	%D%/routes.c %D%/routes.h \
	%D%/series.c %D%/series.h \
	%D%/series_changes.c %D%/series_changes.h \
	%D%/series_render.c \
	%D%/throttle.c %D%/throttle.h \
	%D%/upload.c %D%/upload.h \
	%D%/web.h
# The assembler puts the pages into it.
%D%/libweb_a-assets.$(OBJEXT): $(ui_pages) $(web_packed)

# They are packed once, and not with every answer.
web_packed = %D%/app.css.gz %D%/app.js.gz %D%/index.html.gz
%D%/app.css.gz: web/ui/dist/app.css
%D%/app.js.gz: web/ui/dist/app.js
%D%/index.html.gz: web/ui/dist/index.html
$(web_packed):
	$(AM_V_GEN)$(MKDIR_P) %D% && $(GZIP_PROGRAM) -9nc $< >$@.tmp && mv $@.tmp $@
CLEANFILES += $(web_packed)

web_tests = \
	tests/unit/web_bench \
	tests/unit/web_changes \
	tests/unit/web_compare \
	tests/unit/web_compare_imports \
	tests/unit/web_compare_runs \
	tests/unit/web_events \
	tests/unit/web_frame \
	tests/unit/web_histories \
	tests/unit/web_hook \
	tests/unit/web_http \
	tests/unit/web_link \
	tests/unit/web_pages \
	tests/unit/web_metrics \
	tests/unit/web_noise \
	tests/unit/web_series \
	tests/unit/web_series_changes \
	tests/unit/web_session \
	tests/unit/web_submit
# Makes the database of tests/t/t0810-history.t.
check_PROGRAMS += $(web_tests) tests/unit/series_gen
tests_unit_series_gen_SOURCES = tests/unit/series_gen.c $(series_world)
tests_unit_series_gen_LDADD = $(web_test_libs)
TESTS += $(web_tests)
web_harness = \
	tests/unit/web_client.c \
	tests/unit/web_harness.c tests/unit/web_harness.h
series_world = tests/unit/series_world.c tests/unit/series_world.h
web_test_libs = $(WEB_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_web_bench_SOURCES = tests/unit/web_bench.c $(web_harness)
tests_unit_web_bench_LDADD = $(web_test_libs)
tests_unit_web_changes_SOURCES = tests/unit/web_changes.c $(web_harness)
tests_unit_web_changes_LDADD = $(web_test_libs)
tests_unit_web_compare_SOURCES = tests/unit/web_compare.c
tests_unit_web_compare_LDADD = $(web_test_libs)
tests_unit_web_compare_imports_SOURCES = tests/unit/web_compare_imports.c
tests_unit_web_compare_imports_LDADD = $(web_test_libs)
tests_unit_web_compare_runs_SOURCES = tests/unit/web_compare_runs.c \
	$(series_world) $(web_harness)
tests_unit_web_compare_runs_LDADD = $(web_test_libs)
tests_unit_web_events_SOURCES = tests/unit/web_events.c $(web_harness)
tests_unit_web_events_LDADD = $(web_test_libs)
tests_unit_web_frame_SOURCES = tests/unit/web_frame.c
tests_unit_web_frame_LDADD = $(web_test_libs)
tests_unit_web_histories_SOURCES = tests/unit/web_histories.c \
	$(series_world) $(web_harness)
tests_unit_web_histories_LDADD = $(web_test_libs)
tests_unit_web_hook_SOURCES = tests/unit/web_hook.c $(web_harness)
tests_unit_web_hook_LDADD = $(web_test_libs)
tests_unit_web_http_SOURCES = tests/unit/web_http.c $(web_harness)
tests_unit_web_http_LDADD = $(web_test_libs)
tests_unit_web_link_SOURCES = tests/unit/web_link.c
tests_unit_web_link_LDADD = $(web_test_libs)
tests_unit_web_metrics_SOURCES = tests/unit/web_metrics.c \
	$(series_world) $(web_harness)
tests_unit_web_metrics_LDADD = $(web_test_libs)
tests_unit_web_noise_SOURCES = tests/unit/web_noise.c \
	$(series_world) $(web_harness)
tests_unit_web_noise_LDADD = $(web_test_libs)
tests_unit_web_pages_SOURCES = tests/unit/web_pages.c $(web_harness)
tests_unit_web_pages_LDADD = $(web_test_libs)
tests_unit_web_series_SOURCES = tests/unit/web_series.c \
	$(series_world) $(web_harness)
tests_unit_web_series_LDADD = $(web_test_libs)
tests_unit_web_series_changes_SOURCES = \
	tests/unit/web_series_changes.c $(series_world) $(db_kit)
tests_unit_web_series_changes_LDADD = $(web_test_libs)
tests_unit_web_session_SOURCES = tests/unit/web_session.c $(web_harness)
tests_unit_web_session_LDADD = $(web_test_libs)
tests_unit_web_submit_SOURCES = tests/unit/web_submit.c $(web_harness)
tests_unit_web_submit_LDADD = $(web_test_libs)
