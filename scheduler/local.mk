# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libscheduler.a
%C%_libscheduler_a_SOURCES = \
	%D%/bits.h \
	%D%/class.c \
	%D%/core.h \
	%D%/event.c \
	%D%/fleet.c \
	%D%/job.c \
	%D%/machine.c \
	%D%/names.c \
	%D%/queue.c \
	%D%/queue_view.c \
	%D%/scheduler.c %D%/scheduler.h \
	%D%/table.c %D%/table.h \
	%D%/why.c

check_PROGRAMS += \
	tests/unit/scheduler_fleet \
	tests/unit/scheduler_job \
	tests/unit/scheduler_queue \
	tests/unit/scheduler_view \
	tests/unit/scheduler_why \
	tests/sim/sim_scheduler
TESTS += \
	tests/unit/scheduler_fleet \
	tests/unit/scheduler_job \
	tests/unit/scheduler_queue \
	tests/unit/scheduler_view \
	tests/unit/scheduler_why \
	tests/sim/sim_scheduler

tests_unit_scheduler_fleet_SOURCES = tests/unit/scheduler_fleet.c
tests_unit_scheduler_fleet_LDADD = $(SCHEDULER_LIBS) $(CMOCKA_LIBS)
tests_unit_scheduler_fleet_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_scheduler_job_SOURCES = tests/unit/scheduler_job.c
tests_unit_scheduler_job_LDADD = $(SCHEDULER_LIBS) $(CMOCKA_LIBS)
tests_unit_scheduler_job_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_scheduler_queue_SOURCES = tests/unit/scheduler_queue.c \
	tests/unit/scheduler_lab.c tests/unit/scheduler_lab.h
tests_unit_scheduler_queue_LDADD = $(SCHEDULER_LIBS) $(CMOCKA_LIBS)
tests_unit_scheduler_queue_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_scheduler_view_SOURCES = tests/unit/scheduler_view.c \
	tests/unit/scheduler_lab.c tests/unit/scheduler_lab.h
tests_unit_scheduler_view_LDADD = $(SCHEDULER_LIBS) $(CMOCKA_LIBS)
tests_unit_scheduler_view_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_scheduler_why_SOURCES = tests/unit/scheduler_why.c \
	tests/unit/scheduler_lab.c tests/unit/scheduler_lab.h
tests_unit_scheduler_why_LDADD = $(SCHEDULER_LIBS) $(CMOCKA_LIBS)
tests_unit_scheduler_why_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_sim_sim_scheduler_SOURCES = tests/sim/sim_scheduler.c \
	tests/sim/sim_check.c tests/sim/sim_daemon.c tests/sim/sim_lab.h
tests_sim_sim_scheduler_LDADD = $(SCHEDULER_LIBS)
