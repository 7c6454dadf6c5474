# tests/unit/shadow

check_PROGRAMS += tests/unit/test_jobdir
TESTS += tests/unit/test_jobdir
tests_unit_test_jobdir_SOURCES = tests/unit/test_jobdir.c
tests_unit_test_jobdir_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_jobdir_LDADD = shadow/libjobdir.a lib/libcommon.a $(CHECK_LIBS)
