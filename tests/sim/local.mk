# tests/sim: the policies and the simulator against theory, C1 to C24.
# `SIMTEST_SHOW=1 tests/sim/check_queues` prints every figure;
# SIMTEST_LONG=1 adds what needs many jobs.

sim_checks = tests/sim/check_queues tests/sim/check_moves \
	tests/sim/check_pool tests/sim/check_protocols tests/sim/check_shelf \
	tests/sim/check_habits
policy_checks = tests/unit/test_policy tests/unit/test_policy_load \
	tests/unit/test_policy_numbers tests/unit/test_policy_pool
EXTRA_DIST += tests/unit/run_tests.h
check_PROGRAMS += $(sim_checks) $(policy_checks)
TESTS += $(sim_checks) $(policy_checks)

check_LIBRARIES += tests/sim/libsimtest.a
tests_sim_libsimtest_a_SOURCES = tests/sim/simtest.c tests/sim/simtest.h
tests_sim_libsimtest_a_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)

sim_test_libs = tests/sim/libsimtest.a scheduler/sim/libsim.a \
	scheduler/core/libpolicy.a lib/libcommon.a $(CHECK_LIBS) -lm
tests_sim_check_queues_SOURCES = tests/sim/check_queues.c
tests_sim_check_queues_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sim_check_queues_LDADD = $(sim_test_libs)
tests_sim_check_moves_SOURCES = tests/sim/check_moves.c
tests_sim_check_moves_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sim_check_moves_LDADD = $(sim_test_libs)
tests_sim_check_pool_SOURCES = tests/sim/check_pool.c
tests_sim_check_pool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sim_check_pool_LDADD = $(sim_test_libs)
tests_sim_check_protocols_SOURCES = tests/sim/check_protocols.c
tests_sim_check_protocols_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sim_check_protocols_LDADD = $(sim_test_libs)

tests_sim_check_habits_SOURCES = tests/sim/check_habits.c
tests_sim_check_habits_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sim_check_habits_LDADD = $(sim_test_libs)
tests_sim_check_shelf_SOURCES = tests/sim/check_shelf.c
tests_sim_check_shelf_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_sim_check_shelf_LDADD = $(sim_test_libs)

tests_unit_test_policy_SOURCES = tests/unit/test_policy.c
tests_unit_test_policy_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_LDADD = scheduler/core/libpolicy.a $(CHECK_LIBS) -lm

tests_unit_test_policy_load_SOURCES = tests/unit/test_policy_load.c
tests_unit_test_policy_load_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_load_LDADD = scheduler/core/libpolicy.a $(CHECK_LIBS) -lm
tests_unit_test_policy_numbers_SOURCES = tests/unit/test_policy_numbers.c
tests_unit_test_policy_numbers_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_numbers_LDADD = scheduler/core/libpolicy.a $(CHECK_LIBS) -lm
tests_unit_test_policy_pool_SOURCES = tests/unit/test_policy_pool.c
tests_unit_test_policy_pool_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_policy_pool_LDADD = scheduler/core/libpolicy.a $(CHECK_LIBS) -lm

dist_check_SCRIPTS += tests/sim/sim_command.sh tests/sim/sim_history.sh \
	tests/sim/sim_long.sh
TESTS += tests/sim/sim_command.sh tests/sim/sim_history.sh
CHECK_LONG_TESTS += tests/sim/sim_long.sh
EXTRA_DIST += tests/sim/golden.conf tests/sim/golden.txt
