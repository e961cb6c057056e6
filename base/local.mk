# SPDX-License-Identifier: GPL-3.0-or-later
noinst_LIBRARIES += %D%/libbase.a
%C%_libbase_a_SOURCES = \
	%D%/banned.h \
	%D%/buf.c %D%/buf.h \
	%D%/child.c %D%/child.h \
	%D%/clock.c %D%/clock.h \
	%D%/conf.c %D%/conf.h %D%/conf_get.c \
	%D%/err.c %D%/err.h \
	%D%/fs.c %D%/fs.h \
	%D%/hash.c %D%/hash.h \
	%D%/log.c %D%/log.h \
	%D%/loop.c %D%/loop.h \
	%D%/map.c %D%/map.h \
	%D%/mem.c %D%/mem.h \
	%D%/str.c %D%/str.h

check_PROGRAMS += tests/unit/base_core
TESTS += tests/unit/base_core
tests_unit_base_core_SOURCES = tests/unit/base_core.c
tests_unit_base_core_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_base_core_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/base_conf
TESTS += tests/unit/base_conf
tests_unit_base_conf_SOURCES = tests/unit/base_conf.c
tests_unit_base_conf_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_base_conf_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/base_loop
TESTS += tests/unit/base_loop
tests_unit_base_loop_SOURCES = tests/unit/base_loop.c
tests_unit_base_loop_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_base_loop_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/base_map
TESTS += tests/unit/base_map
tests_unit_base_map_SOURCES = tests/unit/base_map.c
tests_unit_base_map_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_base_map_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/base_child
TESTS += tests/unit/base_child
tests_unit_base_child_SOURCES = tests/unit/base_child.c
tests_unit_base_child_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS)
tests_unit_base_child_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)

check_PROGRAMS += tests/unit/base_log
TESTS += tests/unit/base_log
tests_unit_base_log_SOURCES = tests/unit/base_log.c
tests_unit_base_log_LDADD = $(BASE_LIBS) $(CMOCKA_LIBS) -lpthread
tests_unit_base_log_CPPFLAGS = $(AM_CPPFLAGS) $(CMOCKA_CFLAGS)
