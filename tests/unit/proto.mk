# Unit tests of lib/proto, on loopback and socketpairs with forked peers.
PROTO_TEST_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(SODIUM_CFLAGS) \
	$(CHECK_CFLAGS)
PROTO_TEST_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS) $(CHECK_LIBS)

PROTO_TESTS = tests/unit/test_boot tests/unit/test_record \
	tests/unit/test_handshake tests/unit/test_channel \
	tests/unit/test_rpc tests/unit/test_rpc_peers tests/unit/test_serve
check_PROGRAMS += $(PROTO_TESTS) tests/unit/inside_static \
	tests/unit/inside_dynamic
TESTS += $(PROTO_TESTS)

tests_unit_test_boot_SOURCES = tests/unit/test_boot.c
tests_unit_test_boot_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_boot_LDADD = $(PROTO_TEST_LDADD)

CHANNEL_HAND = tests/unit/channel_hand.c tests/unit/channel_hand.h
tests_unit_test_record_SOURCES = tests/unit/test_record.c $(CHANNEL_HAND)
tests_unit_test_record_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_record_LDADD = $(PROTO_TEST_LDADD)
tests_unit_test_handshake_SOURCES = tests/unit/test_handshake.c $(CHANNEL_HAND)
tests_unit_test_handshake_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_handshake_LDADD = $(PROTO_TEST_LDADD)
tests_unit_test_channel_SOURCES = tests/unit/test_channel.c $(CHANNEL_HAND)
tests_unit_test_channel_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_channel_LDADD = $(PROTO_TEST_LDADD)

ECHO_SERVICE = tests/unit/echo_service.c tests/unit/echo_service.h
tests_unit_test_rpc_peers_SOURCES = tests/unit/test_rpc_peers.c $(ECHO_SERVICE)
tests_unit_test_rpc_peers_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_rpc_peers_LDADD = tests/unit/libecho.a $(PROTO_TEST_LDADD)
tests_unit_test_rpc_SOURCES = tests/unit/test_rpc.c $(ECHO_SERVICE)
tests_unit_test_rpc_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_rpc_LDADD = tests/unit/libecho.a $(PROTO_TEST_LDADD)

tests_unit_test_serve_SOURCES = tests/unit/test_serve.c
tests_unit_test_serve_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_test_serve_LDADD = $(PROTO_TEST_LDADD)

# Programs with the client side inside, which test_rpc_peers runs.
INSIDE_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_A) $(SODIUM_A)
tests_unit_inside_static_SOURCES = tests/unit/inside_client.c
tests_unit_inside_static_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_inside_static_LDFLAGS = -static
tests_unit_inside_static_LDADD = $(INSIDE_LDADD)
tests_unit_inside_dynamic_SOURCES = tests/unit/inside_client.c
tests_unit_inside_dynamic_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_unit_inside_dynamic_LDADD = $(INSIDE_LDADD)

# The service of test_rpc.
EXTRA_DIST += tests/unit/echo.x
ECHO_GENERATED = tests/unit/echo.h tests/unit/echo_xdr.c \
	tests/unit/echo_clnt.c tests/unit/echo_svc.c
BUILT_SOURCES += tests/unit/echo.h
CLEANFILES += $(ECHO_GENERATED)
tests/unit/echo.h: tests/unit/echo.x
	$(RPCGEN_RUN) -h -o "$$to" tests/unit/echo.x
tests/unit/echo_xdr.c: tests/unit/echo.x
	$(RPCGEN_RUN) -c -o "$$to" tests/unit/echo.x
tests/unit/echo_clnt.c: tests/unit/echo.x
	$(RPCGEN_RUN) -l -o "$$to" tests/unit/echo.x
tests/unit/echo_svc.c: tests/unit/echo.x
	$(RPCGEN_RUN) -m -o "$$to" tests/unit/echo.x
check_LIBRARIES += tests/unit/libecho.a
nodist_tests_unit_libecho_a_SOURCES = tests/unit/echo_xdr.c \
	tests/unit/echo_clnt.c tests/unit/echo_svc.c
tests_unit_libecho_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_unit_libecho_a_CFLAGS = $(GENERATED_CFLAGS)
$(tests_unit_libecho_a_OBJECTS): tests/unit/echo.h
