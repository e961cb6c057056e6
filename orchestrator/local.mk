# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/liborchestrator.a
%C%_liborchestrator_a_SOURCES = \
	%D%/agentlink.c %D%/agentlink.h \
	%D%/api.c \
	%D%/audit.c \
	%D%/attempt.c %D%/attempt.h \
	%D%/attempt_agent.c %D%/attempt_agent.h \
	%D%/attempt_raw.c \
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
	%D%/helper_git.c \
	%D%/helper_import.c %D%/helper_import.h \
	%D%/helper_ipmi.c \
	%D%/helper_ipmi_pool.c %D%/helper_ipmi_pool.h \
	%D%/helper_ipmi_session.c %D%/helper_ipmi_session.h \
	%D%/helper_source.c %D%/helper_source.h \
	%D%/hook.c \
	%D%/imports.c \
	%D%/lab.c %D%/lab.h \
	%D%/weblink.c %D%/weblink.h \
	%D%/machine.c \
	%D%/metrics.c %D%/metrics.h \
	%D%/runplan.c %D%/runplan.h \
	%D%/project.c %D%/project.h \
	%D%/power.c %D%/power.h %D%/power/driver.h \
	%D%/power/ipmi.c %D%/power/none.c \
	%D%/record.c \
	%D%/rerun.c \
	%D%/resolve.c \
	%D%/room.c %D%/room.h \
	%D%/run.c \
	%D%/samples.c %D%/samples.h \
	%D%/ssh.c %D%/ssh.h %D%/ssh_private.h \
	%D%/ssh_auth.c %D%/ssh_channel.c %D%/ssh_dial.c \
	%D%/ssh_fetch.c %D%/ssh_fetch.h \
	%D%/ssh_install.c %D%/ssh_install.h \
	%D%/ssh_options.c \
	%D%/ssh_run.c %D%/ssh_run.h \
	%D%/ssh_socket.c %D%/ssh_socket.h \
	%D%/submit.c \
	%D%/token.c
%C%_liborchestrator_a_CPPFLAGS = $(AM_CPPFLAGS) $(CURL_CFLAGS) \
	$(ARCHIVE_CFLAGS) $(FREEIPMI_CFLAGS) $(SSH2_CFLAGS)

sbin_PROGRAMS += %D%/ironbenchd
%C%_ironbenchd_SOURCES = %D%/main.c
%C%_ironbenchd_CPPFLAGS = $(AM_CPPFLAGS) -DPKGLIBEXECDIR='"$(pkglibexecdir)"'
%C%_ironbenchd_LDADD = $(ORCHESTRATOR_LIBS) -lpthread
dist_man_MANS += %D%/ironbenchd.8 %D%/ironbench-lab.yaml.5 \
	%D%/ironbench-suite.yaml.5

machine_tests = tests/unit/machine_boot tests/unit/machine_console \
	tests/unit/machine_helper tests/unit/machine_power
check_PROGRAMS += $(machine_tests)
TESTS += $(machine_tests)
MACHINE_TEST_LIBS = %D%/liborchestrator.a $(FREEIPMI_LIBS) $(SSH2_LIBS) \
	agent/libwire.a $(BASE_LIBS) \
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

heard = tests/unit/weblink_heard.c tests/unit/weblink_heard.h
daemon_tests = tests/unit/api_durable tests/unit/daemon_lab tests/unit/daemon_runplan \
	tests/unit/hook_source tests/unit/hook_verify
check_PROGRAMS += $(daemon_tests)
TESTS += $(daemon_tests)
tests_unit_api_durable_SOURCES = tests/unit/api_durable.c $(heard)
tests_unit_api_durable_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=weblink_answer_json,--wrap=weblink_answer_error \
	-Wl,--wrap=weblink_event,--wrap=power_set
tests_unit_api_durable_LDADD = $(ORCHESTRATOR_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_daemon_lab_SOURCES = tests/unit/daemon_lab.c
tests_unit_daemon_lab_LDADD = $(MACHINE_TEST_LIBS)
tests_unit_daemon_runplan_SOURCES = tests/unit/daemon_runplan.c
tests_unit_hook_source_SOURCES = tests/unit/hook_source.c
tests_unit_hook_source_LDADD = $(ORCHESTRATOR_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_hook_verify_SOURCES = tests/unit/hook_verify.c $(heard)
tests_unit_hook_verify_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=weblink_answer_json,--wrap=weblink_answer_error \
	-Wl,--wrap=weblink_event
tests_unit_hook_verify_LDADD = $(ORCHESTRATOR_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_daemon_runplan_LDADD = $(ORCHESTRATOR_LIBS) $(CMOCKA_LIBS) \
	-lpthread

ssh_tests = tests/unit/agentlink_test tests/unit/ssh_link \
	tests/unit/ssh_section
check_PROGRAMS += $(ssh_tests)
TESTS += $(ssh_tests)
SSH_TEST_LIBS = %D%/liborchestrator.a $(SSH2_LIBS) agent/libwire.a \
	$(BASE_LIBS) $(CMOCKA_LIBS) -lpthread
ssh_kit = tests/unit/ssh_kit.c tests/unit/ssh_kit.h tests/unit/cut_proxy.c
tests_unit_agentlink_test_SOURCES = tests/unit/agentlink_test.c \
	tests/unit/agentlink_world.c tests/unit/agentlink_world.h \
	tests/unit/agent_hypervisor.c tests/unit/agent_hypervisor.h $(ssh_kit)
tests_unit_agentlink_test_LDADD = $(SSH_TEST_LIBS)
tests_unit_ssh_link_SOURCES = tests/unit/ssh_link.c \
	tests/unit/ssh_world.c tests/unit/ssh_world.h $(ssh_kit)
tests_unit_ssh_link_LDADD = $(SSH_TEST_LIBS)
tests_unit_ssh_section_SOURCES = tests/unit/ssh_section.c
tests_unit_ssh_section_LDADD = $(SSH_TEST_LIBS)

fuzz_targets += tests/fuzz/fuzz_hook
tests_fuzz_fuzz_hook_SOURCES = tests/fuzz/fuzz_hook.c
tests_fuzz_fuzz_hook_LDADD = $(fuzz_main) $(ORCHESTRATOR_LIBS)
tests_fuzz_fuzz_hook_LDFLAGS = $(fuzz_ldflags) \
	-Wl,--wrap=weblink_answer_json,--wrap=weblink_answer_error \
	-Wl,--wrap=resolve_push,--wrap=resolve_find,--wrap=db_delivery_find
