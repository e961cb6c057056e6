# SPDX-License-Identifier: GPL-3.0-or-later
# libwire.a is both ends of the wire: orchestrator/ links it, and nothing else
# of this folder. The program is static, so that it runs on any machine of the
# lab; with sanitizers it cannot be.
noinst_LIBRARIES += %D%/libwire.a %D%/libagent.a
%C%_libwire_a_SOURCES = \
	%D%/json.h \
	%D%/wire.h \
	%D%/wire_agent.c %D%/wire_agent.h \
	%D%/wire_agent_command.c \
	%D%/wire_daemon.c %D%/wire_daemon.h \
	%D%/wire_daemon_command.c \
	%D%/wire_event.c \
	%D%/wire_frame.c
%C%_libagent_a_SOURCES = \
	%D%/agent.h \
	%D%/attach.c \
	%D%/control.c %D%/control.h \
	%D%/env.c \
	%D%/folder.c \
	%D%/guest.c %D%/guest.h \
	%D%/hypervisor/hypervisor.c %D%/hypervisor/hypervisor.h \
	%D%/hypervisor/qemu.c \
	%D%/journal.c %D%/journal.h \
	%D%/measure.c %D%/measure.h \
	%D%/run.c \
	%D%/runner.c %D%/runner.h \
	%D%/schedule.c %D%/schedule.h \
	%D%/spec.c %D%/spec.h \
	%D%/store.c \
	%D%/trial.c %D%/trial.h \
	%D%/versions.c %D%/versions.h \
	%D%/vm.c %D%/vm.h \
	%D%/vm_exec.c
nodist_%C%_libagent_a_SOURCES = %D%/trial_kernel.c

# The kernel that the trial of KVM boots is part of the program.
EXTRA_DIST += %D%/trial_kernel.sh
CLEANFILES += %D%/trial_kernel.c
%D%/trial_kernel.c: fixtures/guests/hello.elf32 %D%/trial_kernel.sh
	$(AM_V_GEN)$(MKDIR_P) %D% && \
	$(SHELL) $(srcdir)/%D%/trial_kernel.sh \
		fixtures/guests/hello.elf32 >$@.tmp && \
	mv $@.tmp $@

WIRE_LIBS = %D%/libwire.a $(BASE_LIBS)
AGENT_OBJECTS = %D%/libagent.a %D%/libwire.a bench/libbench.a

pkglibexec_PROGRAMS += %D%/ironbench-agent
%C%_ironbench_agent_SOURCES = %D%/main.c
if SANITIZERS
%C%_ironbench_agent_LDADD = $(AGENT_OBJECTS) $(BASE_LIBS) $(RMATH_LIBS) -lm
else
# glibc warns of getpwuid_r in libuv, which the agent does not call.
%C%_ironbench_agent_LDFLAGS = $(AM_LDFLAGS) -static -Wl,--no-warnings
%C%_ironbench_agent_LDADD = $(AGENT_OBJECTS) base/libbase.a \
	-luv_a -ljansson -lsodium -lRmath -lpthread -ldl -lrt -lm
endif
dist_man_MANS += %D%/ironbench-agent.8

agent_tests = tests/unit/agent_guest tests/unit/agent_journal \
	tests/unit/agent_run tests/unit/agent_schedule \
	tests/unit/agent_trial tests/unit/agent_wire \
	tests/unit/agent_wire_rules
check_PROGRAMS += $(agent_tests)
TESTS += $(agent_tests)
AGENT_TEST_LIBS = $(AGENT_OBJECTS) $(BASE_LIBS) $(RMATH_LIBS) $(CMOCKA_LIBS) -lm
tests_unit_agent_guest_SOURCES = tests/unit/agent_guest.c
tests_unit_agent_guest_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_guest_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_agent_journal_SOURCES = tests/unit/agent_journal.c
tests_unit_agent_journal_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_journal_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
# Starts the program, which automake has built by then.
tests_unit_agent_run_SOURCES = tests/unit/agent_run.c \
	tests/unit/agent_hypervisor.c tests/unit/agent_hypervisor.h \
	tests/unit/agent_run_world.c tests/unit/agent_run_world.h
tests_unit_agent_run_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_run_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_agent_schedule_SOURCES = tests/unit/agent_schedule.c
tests_unit_agent_schedule_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_schedule_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
# Has a stand-in for QEMU in itself, and starts the real one if there is one.
tests_unit_agent_trial_SOURCES = tests/unit/agent_trial.c
tests_unit_agent_trial_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_trial_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_agent_wire_SOURCES = tests/unit/agent_wire.c \
	tests/unit/agent_wire_world.c tests/unit/agent_wire_world.h
tests_unit_agent_wire_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_wire_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
tests_unit_agent_wire_rules_SOURCES = tests/unit/agent_wire_rules.c \
	tests/unit/agent_wire_world.c tests/unit/agent_wire_world.h
tests_unit_agent_wire_rules_LDADD = $(AGENT_TEST_LIBS)
tests_unit_agent_wire_rules_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

fuzz_targets += tests/fuzz/fuzz_wire
tests_fuzz_fuzz_wire_SOURCES = tests/fuzz/fuzz_wire.c
tests_fuzz_fuzz_wire_LDADD = $(fuzz_main) $(WIRE_LIBS)
tests_fuzz_fuzz_wire_LDFLAGS = $(fuzz_ldflags)
