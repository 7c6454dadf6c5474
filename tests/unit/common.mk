# tests/unit/common

check_PROGRAMS += tests/unit/test_conf
TESTS += tests/unit/test_conf
tests_unit_test_conf_SOURCES = tests/unit/test_conf.c
tests_unit_test_conf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_conf_LDADD = scheduler/pool/libpoolconf.a lib/libcommon.a \
	$(CHECK_LIBS) -lm

check_PROGRAMS += tests/unit/test_owners
TESTS += tests/unit/test_owners
tests_unit_test_owners_SOURCES = tests/unit/test_owners.c lib/capture/owners.c
tests_unit_test_owners_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_owners_LDADD = $(CHECK_LIBS)
