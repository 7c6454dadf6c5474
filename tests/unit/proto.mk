# Unit tests of lib/proto, on loopback and socketpairs with forked peers.
PROTO_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(SODIUM_CFLAGS) \
	$(CHECK_CFLAGS)
PROTO_TEST_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS) $(CHECK_LIBS)

check_PROGRAMS += tests/unit/test_channel
TESTS += tests/unit/test_channel
tests_unit_test_channel_SOURCES = tests/unit/test_channel.c
tests_unit_test_channel_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_channel_LDADD = $(PROTO_TEST_LDADD)

check_PROGRAMS += tests/unit/test_rpc
TESTS += tests/unit/test_rpc
tests_unit_test_rpc_SOURCES = tests/unit/test_rpc.c
tests_unit_test_rpc_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_rpc_LDADD = $(PROTO_TEST_LDADD)

check_PROGRAMS += tests/unit/test_serve
TESTS += tests/unit/test_serve
tests_unit_test_serve_SOURCES = tests/unit/test_serve.c
tests_unit_test_serve_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_serve_LDADD = $(PROTO_TEST_LDADD)
