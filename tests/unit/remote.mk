# tests/unit/remote: the client of the shadow, against a fake one and the real
# one, with the programs of tests/progs/remote_*

# Runs a program in remote mode against itself; cuts connections.
check_PROGRAMS += tests/unit/fake-shadow
tests_unit_fake_shadow_SOURCES = tests/unit/fake_shadow.c \
	tests/unit/fake_shadow.h tests/unit/fake_file.c \
	tests/unit/fake_name.c tests/unit/fake_job.c
tests_unit_fake_shadow_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_unit_fake_shadow_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS)

# Runs a program in remote mode against ckpt-shadow.
check_PROGRAMS += tests/unit/real-shadow
tests_unit_real_shadow_SOURCES = tests/unit/real_shadow.c
tests_unit_real_shadow_LDADD = shadow/libjobdir.a lib/libproto.a \
	lib/libcommon.a $(TIRPC_LIBS) $(SODIUM_LIBS)

# A terminal for interactive jobs.
check_PROGRAMS += tests/unit/terminal
tests_unit_terminal_SOURCES = tests/unit/terminal.c

# What makes a plain program a remote one, without the rest of libckpt.
check_LIBRARIES += tests/unit/libremotestart.a
tests_unit_libremotestart_a_SOURCES = tests/unit/remote_start.c
tests_unit_libremotestart_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)

check_PROGRAMS += tests/unit/test_remote
TESTS += tests/unit/test_remote
tests_unit_test_remote_SOURCES = tests/unit/test_remote.c
tests_unit_test_remote_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) \
	$(CHECK_CFLAGS)
tests_unit_test_remote_LDADD = lib/libremote.a lib/libproto.a lib/libcommon.a \
	$(TIRPC_LIBS) $(SODIUM_LIBS) $(CHECK_LIBS)

EXTRA_DIST += tests/progs/remote_stdio.c tests/progs/remote_rw.c \
	tests/progs/remote_names.c tests/progs/remote_fds.c \
	tests/progs/remote_mmap.c tests/progs/remote_threads.c \
	tests/progs/remote_signals.c tests/progs/remote_abort.c \
	tests/progs/remote_identity.c tests/progs/remote_revive.c \
	tests/progs/remote_refused.c tests/progs/remote_counter.c tests/progs/remote_cancel.c tests/progs/remote_coroutine.c \
	tests/progs/remote_fast.c tests/progs/remote_again.c tests/progs/remote_tty.c tests/progs/remote_trips.c tests/progs/remote_busy.c tests/progs/remote_owner.c tests/progs/remote_full.c \
	tests/progs/remote_iostream.cc \
	tests/progs/remote_fortran.f90 tests/system/remote_common.sh
remote_tests = tests/system/remote_programs.sh tests/system/remote_cut.sh \
	tests/system/remote_revive.sh tests/system/remote_refused.sh \
	tests/system/remote_restart.sh tests/system/remote_owner.sh tests/system/remote_preload.sh \
	tests/system/remote_errors.sh tests/system/remote_shadow.sh \
	tests/system/remote_table.sh tests/system/remote_trips.sh \
	tests/system/pool_tty.sh
dist_check_SCRIPTS += $(remote_tests) tests/system/remote_cut_long.sh
CHECK_LONG_TESTS += tests/system/remote_cut_long.sh
TESTS += $(remote_tests)
