# lib/proto: the wire runtime, and what rpcgen makes of the .x files.

# One name for each .x file.  The generated files are in the build tree:
# NAME.h, NAME_xdr.c, NAME_clnt.c (stubs), NAME_svc.c (dispatcher).
PROTO_NAMES = shadow pool home station coordinator
PROTO_X = $(PROTO_NAMES:%=lib/proto/%.x)
PROTO_H = $(PROTO_NAMES:%=lib/proto/%.h)
PROTO_GENERATED = $(PROTO_H) $(PROTO_NAMES:%=lib/proto/%_xdr.c) \
	$(PROTO_NAMES:%=lib/proto/%_clnt.c) $(PROTO_NAMES:%=lib/proto/%_svc.c)

EXTRA_DIST += doc/security.md doc/decisions/0002-own-rpc-transport.md \
	doc/decisions/0021-waiting-awake.md \
	lib/proto/shadow.x lib/proto/pool.x lib/proto/home.x \
	lib/proto/station.x lib/proto/coordinator.x
BUILT_SOURCES += $(PROTO_H)
CLEANFILES += $(PROTO_GENERATED)

# rpcgen takes the name of its input into #include lines, so it runs where that
# name is lib/proto/NAME.x; it does not overwrite files.
RPCGEN_RUN = $(AM_V_GEN)$(MKDIR_P) $(@D) && rm -f $@ && \
	to=`pwd`/$@ && cd $(srcdir) && $(RPCGEN) -M
lib/proto/%.h: lib/proto/%.x
	$(RPCGEN_RUN) -h -o "$$to" lib/proto/$*.x
lib/proto/%_xdr.c: lib/proto/%.x
	$(RPCGEN_RUN) -c -o "$$to" lib/proto/$*.x
lib/proto/%_clnt.c: lib/proto/%.x
	$(RPCGEN_RUN) -l -o "$$to" lib/proto/$*.x
lib/proto/%_svc.c: lib/proto/%.x
	$(RPCGEN_RUN) -m -o "$$to" lib/proto/$*.x

# Generated code is not ours to correct: no warnings.
GENERATED_CFLAGS = -w -std=gnu11 -fno-strict-aliasing -fPIC -fvisibility=hidden
noinst_LIBRARIES += lib/libprotogen.a lib/libproto.a
nodist_lib_libprotogen_a_SOURCES = \
	lib/proto/shadow_xdr.c lib/proto/shadow_clnt.c lib/proto/shadow_svc.c \
	lib/proto/pool_xdr.c \
	lib/proto/home_xdr.c lib/proto/home_clnt.c lib/proto/home_svc.c \
	lib/proto/station_xdr.c lib/proto/station_clnt.c \
	lib/proto/station_svc.c \
	lib/proto/coordinator_xdr.c lib/proto/coordinator_clnt.c \
	lib/proto/coordinator_svc.c
lib_libprotogen_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
lib_libprotogen_a_CFLAGS = $(GENERATED_CFLAGS)
$(lib_libprotogen_a_OBJECTS): $(PROTO_H)

# What runs inside programs as well.  There the archive is linked with
# $(TIRPC_A), of which only xdr members come along, and $(SODIUM_A); both are
# compiled for shared objects and static programs alike (lib/libckpt.mk).
PROTO_CLIENT_SOURCES = lib/proto/boot.c lib/proto/boot.h \
	lib/proto/noise.c lib/proto/noise.h \
	lib/proto/record.c lib/proto/record.h \
	lib/proto/channel.c lib/proto/channel.h lib/proto/channel_impl.h \
	lib/proto/channel_plain.c lib/proto/channel_plain.h \
	lib/proto/channel_awake.c \
	lib/proto/handshake.c \
	lib/proto/dial.c lib/proto/dial.h \
	lib/proto/rpc.h lib/proto/rpc_client.c lib/proto/rpc_client.h \
	lib/proto/rpc_in.c lib/proto/rpc_in.h \
	lib/proto/rpc_out.c lib/proto/rpc_out.h

# For the daemons and commands; they link with it
# $(TIRPC_LIBS) $(SODIUM_LIBS), after lib/libproto.a and before
# lib/libcommon.a.
lib_libproto_a_SOURCES = $(PROTO_CLIENT_SOURCES) \
	lib/proto/rpc_client_new.c \
	lib/proto/rpc_server.c lib/proto/rpc_server.h lib/proto/rpc_reply.c \
	lib/proto/serve.c lib/proto/serve_conn.c lib/proto/serve.h \
	lib/proto/serve_impl.h
lib_libproto_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(SODIUM_CFLAGS)
lib_libproto_a_LIBADD = $(lib_libprotogen_a_OBJECTS)
EXTRA_lib_libproto_a_DEPENDENCIES = $(lib_libprotogen_a_OBJECTS)
