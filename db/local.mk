# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libdb.a
%C%_libdb_a_CPPFLAGS = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(ZSTD_CFLAGS)
%C%_libdb_a_SOURCES = \
	%D%/agent.c %D%/agent.h \
	%D%/attempt.c \
	%D%/case.c %D%/case.h \
	%D%/changes.c %D%/changes.h \
	%D%/db.h \
	%D%/delivery.c \
	%D%/environment.c %D%/environment.h \
	%D%/fault.c %D%/fault.h \
	%D%/file.c \
	%D%/filter.c %D%/filter.h \
	%D%/history.c %D%/history.h \
	%D%/import.c %D%/import.h \
	%D%/import_facts.c %D%/import_facts.h \
	%D%/job.c %D%/job.h \
	%D%/like.c %D%/like.h \
	%D%/load.c \
	%D%/log.c \
	%D%/log_file.c %D%/log_file.h \
	%D%/log_read.c \
	%D%/log_sync.c %D%/log_sync.h \
	%D%/machine.c \
	%D%/machine_alias.c \
	%D%/mark.c %D%/mark.h \
	%D%/migrate.c %D%/migrate.h \
	%D%/metric.c \
	%D%/open.c \
	%D%/pack.c %D%/pack.h \
	%D%/plan.c %D%/plan.h \
	%D%/point.c %D%/point.h \
	%D%/read.h \
	%D%/read_cells.h \
	%D%/read_metric.h \
	%D%/read_noise.h \
	%D%/read_series.h \
	%D%/reader.c %D%/reader.h \
	%D%/reader_attempt.c \
	%D%/reader_branches.c \
	%D%/reader_cells.c \
	%D%/reader_changes.c \
	%D%/reader_import.c \
	%D%/reader_imports.c \
	%D%/reader_job.c \
	%D%/reader_machine.c \
	%D%/reader_noise.c \
	%D%/reader_points.c \
	%D%/reader_run.c \
	%D%/reader_scan.c \
	%D%/reader_series.c \
	%D%/recall.c %D%/recall.h \
	%D%/run.c \
	%D%/run_file.c %D%/run_file.h \
	%D%/sample.c %D%/sample.h \
	%D%/series.h \
	%D%/sql.h \
	%D%/stmt.c %D%/stmt.h \
	%D%/store.h \
	%D%/token.c \
	%D%/tx.c %D%/tx.h \
	%D%/words.c %D%/words.h \
	%D%/writer.c %D%/writer.h
nodist_%C%_libdb_a_SOURCES = %D%/migrations.c

# In the order of their numbers.
db_migrations = \
	%D%/migrations/0001-initial.sql \
	%D%/migrations/0002-agent.sql \
	%D%/migrations/0003-hooks.sql \
	%D%/migrations/0004-numbers.sql \
	%D%/migrations/0005-points.sql \
	%D%/migrations/0006-evidence.sql \
	%D%/migrations/0007-rerun.sql \
	%D%/migrations/0008-metrics.sql \
	%D%/migrations/0009-samples.sql \
	%D%/migrations/0010-logarithms.sql
EXTRA_DIST += %D%/migrations.sh $(db_migrations)
BUILT_SOURCES += %D%/migrations.c
CLEANFILES += %D%/migrations.c

# The file names are given from inside the source folder: the same output
# wherever it is built.
%D%/migrations.c: $(db_migrations) %D%/migrations.sh
	$(AM_V_GEN)$(MKDIR_P) %D% && \
	(cd $(srcdir) && $(SHELL) %D%/migrations.sh $(db_migrations)) >$@.tmp && \
	mv $@.tmp $@

db_kit = tests/unit/db_kit.c tests/unit/db_kit.h
db_test_libs = $(DB_LIBS) $(CMOCKA_LIBS) -lpthread
db_test_cppflags = $(AM_CPPFLAGS) $(SQLITE_CFLAGS) $(CMOCKA_CFLAGS)
db_tests = \
	tests/fault/fault_db \
	tests/unit/db_agent \
	tests/unit/db_changes \
	tests/unit/db_crash \
	tests/unit/db_delivery \
	tests/unit/db_environment \
	tests/unit/db_filter \
	tests/unit/db_import \
	tests/unit/db_log \
	tests/unit/db_log_sync \
	tests/unit/db_migrate \
	tests/unit/db_open \
	tests/unit/db_pack \
	tests/unit/db_plan \
	tests/unit/db_points \
	tests/unit/db_read \
	tests/unit/db_read_job \
	tests/unit/db_recall \
	tests/unit/db_series \
	tests/unit/db_write
check_PROGRAMS += $(db_tests)
TESTS += $(db_tests)

tests_fault_fault_db_SOURCES = tests/fault/fault_db.c $(db_kit)
tests_fault_fault_db_LDADD = $(db_test_libs)
tests_fault_fault_db_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_agent_SOURCES = tests/unit/db_agent.c $(db_kit)
tests_unit_db_agent_LDADD = $(db_test_libs)
tests_unit_db_agent_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_changes_SOURCES = tests/unit/db_changes.c $(db_kit)
tests_unit_db_changes_LDADD = $(db_test_libs)
tests_unit_db_changes_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_crash_SOURCES = tests/unit/db_crash.c $(db_kit)
tests_unit_db_crash_LDADD = $(db_test_libs)
tests_unit_db_crash_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_delivery_SOURCES = tests/unit/db_delivery.c $(db_kit)
tests_unit_db_delivery_LDADD = $(db_test_libs)
tests_unit_db_delivery_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_environment_SOURCES = tests/unit/db_environment.c $(db_kit)
tests_unit_db_environment_LDADD = $(db_test_libs)
tests_unit_db_environment_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_import_SOURCES = tests/unit/db_import.c $(db_kit)
tests_unit_db_import_LDADD = $(db_test_libs)
tests_unit_db_import_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_filter_SOURCES = tests/unit/db_filter.c $(db_kit)
tests_unit_db_filter_LDADD = $(db_test_libs)
tests_unit_db_filter_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_log_SOURCES = tests/unit/db_log.c $(db_kit)
tests_unit_db_log_LDADD = $(db_test_libs)
tests_unit_db_log_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_log_sync_SOURCES = tests/unit/db_log_sync.c $(db_kit)
tests_unit_db_log_sync_LDADD = $(db_test_libs)
tests_unit_db_log_sync_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_migrate_SOURCES = tests/unit/db_migrate.c $(db_kit)
tests_unit_db_migrate_LDADD = $(db_test_libs)
tests_unit_db_migrate_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_open_SOURCES = tests/unit/db_open.c $(db_kit)
tests_unit_db_open_LDADD = $(db_test_libs)
tests_unit_db_open_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_pack_SOURCES = tests/unit/db_pack.c
tests_unit_db_pack_LDADD = $(db_test_libs)
tests_unit_db_pack_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_points_SOURCES = tests/unit/db_points.c $(db_kit)
tests_unit_db_points_LDADD = $(db_test_libs)
tests_unit_db_points_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_plan_SOURCES = tests/unit/db_plan.c $(db_kit)
tests_unit_db_plan_LDADD = $(db_test_libs)
tests_unit_db_plan_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_read_SOURCES = tests/unit/db_read.c $(db_kit)
tests_unit_db_read_LDADD = $(db_test_libs)
tests_unit_db_read_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_read_job_SOURCES = tests/unit/db_read_job.c $(db_kit)
tests_unit_db_read_job_LDADD = $(db_test_libs)
tests_unit_db_read_job_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_recall_SOURCES = tests/unit/db_recall.c $(db_kit)
tests_unit_db_recall_LDADD = $(db_test_libs)
tests_unit_db_recall_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_series_SOURCES = tests/unit/db_series.c $(db_kit)
tests_unit_db_series_LDADD = $(db_test_libs)
tests_unit_db_series_CPPFLAGS = $(db_test_cppflags)
tests_unit_db_write_SOURCES = tests/unit/db_write.c $(db_kit)
tests_unit_db_write_LDADD = $(db_test_libs)
tests_unit_db_write_CPPFLAGS = $(db_test_cppflags)
