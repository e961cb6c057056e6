# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/liborchestrator.a
%C%_liborchestrator_a_SOURCES = \
	%D%/api.c \
	%D%/attempt.c %D%/attempt.h \
	%D%/attempt_test.c \
	%D%/boot.c %D%/boot.h \
	%D%/boot/ipxe.c \
	%D%/command.c \
	%D%/console.c %D%/console.h %D%/console/driver.h \
	%D%/console/none.c %D%/console/socket.c %D%/console/tcp.c \
	%D%/control.c %D%/control.h \
	%D%/daemon.c %D%/daemon.h \
	%D%/drive.c \
	%D%/helper.c %D%/helper.h \
	%D%/helper_bundle.c \
	%D%/helper_ipmi.c \
	%D%/helper_ipmi_pool.c %D%/helper_ipmi_pool.h \
	%D%/helper_ipmi_session.c %D%/helper_ipmi_session.h \
	%D%/lab.c %D%/lab.h \
	%D%/weblink.c %D%/weblink.h \
	%D%/machine.c \
	%D%/runplan.c %D%/runplan.h \
	%D%/power.c %D%/power.h %D%/power/driver.h \
	%D%/power/ipmi.c %D%/power/none.c \
	%D%/record.c \
	%D%/run.c \
	%D%/submit.c \
	%D%/token.c
%C%_liborchestrator_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) \
	$(ARCHIVE_CFLAGS) $(FREEIPMI_CFLAGS)

sbin_PROGRAMS += %D%/ironbenchd
%C%_ironbenchd_SOURCES = %D%/main.c
%C%_ironbenchd_LDADD = $(ORCHESTRATOR_LIBS) -lpthread
dist_man_MANS += %D%/ironbenchd.8 %D%/ironbench-lab.yaml.5 \
	%D%/ironbench-suite.yaml.5

machine_tests = tests/unit/machine_boot tests/unit/machine_console \
	tests/unit/machine_helper tests/unit/machine_power
check_PROGRAMS += $(machine_tests)
TESTS += $(machine_tests)
MACHINE_TEST_LIBS = %D%/liborchestrator.a $(FREEIPMI_LIBS) $(BASE_LIBS) \
	$(CMOCKA_LIBS) -lpthread
tests_unit_machine_boot_SOURCES = tests/unit/machine_boot.c
tests_unit_machine_boot_LDADD = $(MACHINE_TEST_LIBS)
tests_unit_machine_console_SOURCES = tests/unit/machine_console.c
tests_unit_machine_console_LDADD = $(MACHINE_TEST_LIBS)
tests_unit_machine_helper_SOURCES = tests/unit/machine_helper.c
tests_unit_machine_helper_LDADD = $(MACHINE_TEST_LIBS)
tests_unit_machine_power_SOURCES = tests/unit/machine_power.c \
	tests/unit/machine_sim.c tests/unit/machine_sim.h
tests_unit_machine_power_LDADD = $(MACHINE_TEST_LIBS)
