# tests/unit/scheduler

check_PROGRAMS += tests/unit/test_job tests/unit/test_store
TESTS += tests/unit/test_job tests/unit/test_store
tests_unit_test_job_SOURCES = tests/unit/test_job.c
tests_unit_test_job_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_job_LDADD = scheduler/core/libjob.a lib/libcommon.a $(CHECK_LIBS)
tests_unit_test_store_SOURCES = tests/unit/test_store.c
tests_unit_test_store_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_store_LDADD = scheduler/store/libstore.a \
	scheduler/core/libjob.a lib/libcommon.a $(SQLITE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_waits
TESTS += tests/unit/test_waits
tests_unit_test_waits_SOURCES = tests/unit/test_waits.c
tests_unit_test_waits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) $(SQLITE_CFLAGS)
tests_unit_test_waits_LDADD = scheduler/store/libstore.a \
	scheduler/core/libjob.a lib/libcommon.a $(SQLITE_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_expr
TESTS += tests/unit/test_expr
tests_unit_test_expr_SOURCES = tests/unit/test_expr.c
tests_unit_test_expr_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_expr_LDADD = scheduler/core/libjob.a lib/libcommon.a $(CHECK_LIBS)

# Input devices, by FIFOs.
check_PROGRAMS += tests/unit/test_input
TESTS += tests/unit/test_input
tests_unit_test_input_SOURCES = tests/unit/test_input.c \
	scheduler/station/owner.c scheduler/station/owner.h \
	scheduler/station/owner_impl.h scheduler/station/owner_look.c \
	scheduler/station/owner_helper.c \
	scheduler/station/helper.c scheduler/station/helper.h
tests_unit_test_input_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_input_LDADD = lib/libcommon.a $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_station
TESTS += tests/unit/test_station
tests_unit_test_station_SOURCES = tests/unit/test_station.c \
	scheduler/station/owner.c scheduler/station/owner.h \
	scheduler/station/owner_impl.h scheduler/station/owner_look.c \
	scheduler/station/owner_helper.c \
	scheduler/station/helper.c scheduler/station/helper.h
tests_unit_test_station_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_station_LDADD = $(POOL_LIBS) -lutil $(CHECK_LIBS)

# What pool_points.sh goes through.
check_PROGRAMS += tests/unit/transitions
tests_unit_transitions_SOURCES = tests/unit/transitions.c
tests_unit_transitions_LDADD = scheduler/core/libjob.a $(POOL_LIBS)
