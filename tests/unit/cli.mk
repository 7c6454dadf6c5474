# tests/unit/cli

check_PROGRAMS += tests/unit/test_submit tests/unit/test_json
TESTS += tests/unit/test_submit tests/unit/test_json
tests_unit_test_submit_SOURCES = tests/unit/test_submit.c \
	cli/submit_file.c cli/submit_impl.h cli/submit_spec.c cli/submit_words.c \
	cli/submit_keys.c cli/submit_keys.h cli/submit_macro.c cli/submit_macro.h \
	cli/submit_queue.c cli/submit_queue.h
tests_unit_test_submit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_submit_LDADD = scheduler/core/libjob.a lib/libcommon.a $(CHECK_LIBS)
tests_unit_test_json_SOURCES = tests/unit/test_json.c cli/json.c
tests_unit_test_json_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_json_LDADD = $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_pool_edit
TESTS += tests/unit/test_pool_edit
tests_unit_test_pool_edit_SOURCES = tests/unit/test_pool_edit.c cli/pool_edit.c
tests_unit_test_pool_edit_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_pool_edit_LDADD = $(POOL_LIBS) $(CHECK_LIBS)
