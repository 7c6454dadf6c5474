# lib/proto: the wire runtime, and what rpcgen makes of the .x files.

# One name for each .x file.  The generated files are in the build tree:
# NAME.h, NAME_xdr.c, NAME_clnt.c (stubs), NAME_svc.c (dispatcher).
PROTO_NAMES = shadow pool home station coordinator
PROTO_X = $(PROTO_NAMES:%=lib/proto/%.x)
PROTO_H = $(PROTO_NAMES:%=lib/proto/%.h)
PROTO_GENERATED = $(PROTO_H) $(PROTO_NAMES:%=lib/proto/%_xdr.c) \
	$(PROTO_NAMES:%=lib/proto/%_clnt.c) $(PROTO_NAMES:%=lib/proto/%_svc.c)

EXTRA_DIST += doc/security.md doc/decisions/0002-own-rpc-transport.md \
	lib/proto/shadow.x lib/proto/pool.x lib/proto/home.x \
	lib/proto/station.x lib/proto/coordinator.x
BUILT_SOURCES += $(PROTO_H)
CLEANFILES += $(PROTO_GENERATED)

# rpcgen takes the name of its input into #include lines, so it runs where that
# name is lib/proto/NAME.x; it does not overwrite files.
RPCGEN_RUN = $(AM_V_GEN)$(MKDIR_P) $(@D) && rm -f $@ && \
	to=`pwd`/$@ && cd $(srcdir) && $(RPCGEN) -M
lib/proto/%.h: lib/proto/%.x
	$(RPCGEN_RUN) -h -o $$to lib/proto/$*.x
lib/proto/%_xdr.c: lib/proto/%.x
	$(RPCGEN_RUN) -c -o $$to lib/proto/$*.x
lib/proto/%_clnt.c: lib/proto/%.x
	$(RPCGEN_RUN) -l -o $$to lib/proto/$*.x
lib/proto/%_svc.c: lib/proto/%.x
	$(RPCGEN_RUN) -m -o $$to lib/proto/$*.x

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

# What runs inside programs as well.
PROTO_CLIENT_SOURCES = lib/proto/boot.c lib/proto/boot.h \
	lib/proto/noise.c lib/proto/noise.h \
	lib/proto/record.c lib/proto/record.h \
	lib/proto/channel.c lib/proto/channel.h lib/proto/channel_impl.h \
	lib/proto/handshake.c \
	lib/proto/dial.c lib/proto/dial.h \
	lib/proto/rpc.h lib/proto/rpc_client.c lib/proto/rpc_client.h \
	lib/proto/rpc_in.c lib/proto/rpc_in.h \
	lib/proto/rpc_out.c lib/proto/rpc_out.h \
	lib/proto/xdr_memory.c lib/proto/xdr_memory.h

# For the daemons and commands; they link with it
# $(TIRPC_LIBS) $(SODIUM_LIBS), after lib/libproto.a and before
# lib/libcommon.a.
lib_libproto_a_SOURCES = $(PROTO_CLIENT_SOURCES) \
	lib/proto/rpc_client_new.c \
	lib/proto/rpc_server.c lib/proto/rpc_server.h lib/proto/rpc_reply.c \
	lib/proto/serve.c lib/proto/serve.h
lib_libproto_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(SODIUM_CFLAGS)
lib_libproto_a_LIBADD = $(lib_libprotogen_a_OBJECTS)
EXTRA_lib_libproto_a_DEPENDENCIES = $(lib_libprotogen_a_OBJECTS)

# For libckpt: one relocatable object with the client side, shadow.x's stubs,
# and what these need of libtirpc (xdr.o, xdr_array.o) and libsodium, all
# compiled for shared objects and for static programs alike.  It needs
# lib/libcommon.a and a C library.  Only the names below stay global; the
# xdr_* routines get memory that is not malloc's.
PROTO_INSIDE = lib/proto/inside.o
PROTO_INSIDE_OBJECTS = lib/proto/libproto_a-boot.o \
	lib/proto/libproto_a-noise.o lib/proto/libproto_a-record.o \
	lib/proto/libproto_a-channel.o lib/proto/libproto_a-handshake.o \
	lib/proto/libproto_a-dial.o lib/proto/libproto_a-rpc_client.o \
	lib/proto/libproto_a-rpc_in.o lib/proto/libproto_a-rpc_out.o \
	lib/proto/libprotogen_a-shadow_xdr.o \
	lib/proto/libprotogen_a-shadow_clnt.o
PROTO_XDR_MEMORY = lib/proto/libproto_a-xdr_memory.o
CLEANFILES += $(PROTO_INSIDE) lib/proto/inside-1.o lib/proto/inside-2.o
lib/proto/inside.o: $(PROTO_INSIDE_OBJECTS) $(PROTO_XDR_MEMORY)
	$(AM_V_GEN)$(LD) -r -o lib/proto/inside-1.o $(PROTO_INSIDE_OBJECTS) \
		$(TIRPC_A) $(SODIUM_A) && \
	$(OBJCOPY) --redefine-sym calloc=ckpt_xdr_calloc \
		--redefine-sym free=ckpt_xdr_free \
		--redefine-sym warnx=ckpt_xdr_warnx lib/proto/inside-1.o && \
	$(LD) -r -o lib/proto/inside-2.o lib/proto/inside-1.o \
		$(PROTO_XDR_MEMORY) && \
	$(OBJCOPY) --wildcard --keep-global-symbol='ckpt_*' \
		--keep-global-symbol='xdr_*' --keep-global-symbol='shadow_*' \
		lib/proto/inside-2.o $@ && \
	rm -f lib/proto/inside-1.o lib/proto/inside-2.o
