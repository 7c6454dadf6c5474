# tests/unit/shadow

check_PROGRAMS += tests/unit/test_jobdir
TESTS += tests/unit/test_jobdir
tests_unit_test_jobdir_SOURCES = tests/unit/test_jobdir.c
tests_unit_test_jobdir_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_jobdir_LDADD = shadow/libjobdir.a lib/libcommon.a $(CHECK_LIBS)

# The journal: particular cases, and random ones.
journal_tree = tests/unit/journal_tree.c tests/unit/journal_tree.h
journal_libs = shadow/libshadow.a shadow/libjobdir.a lib/libundo.a \
	lib/libcommon.a $(CHECK_LIBS) $(ZLIB_LIBS)
check_PROGRAMS += tests/unit/test_journal tests/unit/test_journal_random
TESTS += tests/unit/test_journal tests/unit/test_journal_random
tests_unit_test_journal_SOURCES = tests/unit/test_journal.c $(journal_tree)
tests_unit_test_journal_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_journal_LDADD = $(journal_libs)
tests_unit_test_journal_random_SOURCES = tests/unit/test_journal_random.c \
	$(journal_tree)
tests_unit_test_journal_random_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_journal_random_LDADD = $(journal_libs)

# Several jobs and one file.
check_PROGRAMS += tests/unit/test_change
TESTS += tests/unit/test_change
tests_unit_test_change_SOURCES = tests/unit/test_change.c
tests_unit_test_change_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_change_LDADD = shadow/libshadow.a shadow/libjobdir.a \
	lib/libundo.a lib/libcommon.a $(CHECK_LIBS) $(ZLIB_LIBS)

check_PROGRAMS += tests/unit/test_pace
TESTS += tests/unit/test_pace
tests_unit_test_pace_SOURCES = tests/unit/test_pace.c
tests_unit_test_pace_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_pace_LDADD = shadow/libshadow.a lib/libcommon.a $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_shadow
TESTS += tests/unit/test_shadow
tests_unit_test_shadow_SOURCES = tests/unit/test_shadow.c
tests_unit_test_shadow_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_unit_test_shadow_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_shadow_LDADD = shadow/libjobdir.a lib/libproto.a \
	lib/libcommon.a $(CHECK_LIBS) $(TIRPC_LIBS) $(SODIUM_LIBS)

check_PROGRAMS += tests/unit/test_survive
TESTS += tests/unit/test_survive
EXTRA_DIST += tests/unit/shadow_client.h
tests_unit_test_survive_SOURCES = tests/unit/test_survive.c
tests_unit_test_survive_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_unit_test_survive_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_survive_LDADD = shadow/libjobdir.a lib/libproto.a \
	lib/libcommon.a $(CHECK_LIBS) $(TIRPC_LIBS) $(SODIUM_LIBS)

# An attacker's script.
check_PROGRAMS += tests/unit/test_attack
TESTS += tests/unit/test_attack
tests_unit_test_attack_SOURCES = tests/unit/test_attack.c
tests_unit_test_attack_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_unit_test_attack_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_attack_LDADD = shadow/libjobdir.a lib/libproto.a \
	lib/libcommon.a $(CHECK_LIBS) $(TIRPC_LIBS) $(SODIUM_LIBS)

# What ckpt-mount gives up.
check_PROGRAMS += tests/unit/test_mount_confine
TESTS += tests/unit/test_mount_confine
tests_unit_test_mount_confine_SOURCES = tests/unit/test_mount_confine.c \
	mount/confine.c mount/confine.h
tests_unit_test_mount_confine_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_mount_confine_LDADD = lib/libcommon.a $(CHECK_LIBS)
