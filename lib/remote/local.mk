# lib/remote: the client of the shadow inside a program
noinst_LIBRARIES += lib/libremote.a
lib_libremote_a_SOURCES = lib/remote/remote.h lib/remote/state.h \
	lib/remote/wire.h lib/remote/link.c lib/remote/lock.c \
	lib/remote/filter.c lib/remote/trap.c lib/remote/session.c \
	lib/remote/wire.c lib/remote/table.c lib/remote/cache.c \
	lib/remote/cache.h lib/remote/cache_read.c lib/remote/cache_write.c \
	lib/remote/fast.c lib/remote/names.c lib/remote/names.h \
	lib/remote/stdio.c \
	lib/remote/got.c lib/remote/attrs.c lib/remote/attrs.h lib/remote/park.c lib/remote/map.c \
	lib/remote/path.c lib/remote/rules.c lib/remote/start.c lib/remote/sink.c \
	lib/remote/calls_open.c lib/remote/calls_rw.c lib/remote/calls_stat.c \
	lib/remote/calls_name.c lib/remote/calls_dir.c lib/remote/readdir.c lib/remote/calls_attr.c \
	lib/remote/calls_fcntl.c lib/remote/calls_mmap.c \
	lib/remote/calls_identity.c lib/remote/calls_signal.c \
	lib/remote/calls_other.c
nodist_lib_libremote_a_SOURCES = lib/wrap/syscalls.inc
lib_libremote_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
