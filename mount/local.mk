# mount: ckpt-mount, which serves a job's files to the kernel

if HAVE_FUSE
pkglibexec_PROGRAMS += ckpt-mount
endif
EXTRA_PROGRAMS += ckpt-mount
ckpt_mount_SOURCES = mount/main.c mount/server.h mount/tree.c mount/tree.h \
	mount/home.c mount/ops_name.c mount/ops_file.c mount/ops_dir.c mount/special.c \
	mount/ops_lock.c mount/locks.c mount/confine.c mount/confine.h
ckpt_mount_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(FUSE_CFLAGS)
ckpt_mount_LDADD = lib/libremote.a lib/libproto.a lib/libcommon.a \
	$(FUSE_LIBS) $(TIRPC_LIBS) $(SODIUM_LIBS)
