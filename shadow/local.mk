# shadow: ckpt-shadow, and the job's directory as the home station sees it

noinst_LIBRARIES += shadow/libjobdir.a
shadow_libjobdir_a_SOURCES = shadow/jobdir.c shadow/jobdir.h \
	shadow/jobspec.c shadow/jobrecord.c shadow/escape.c

# What the daemon is made of, apart from main(); unit tests link it, too.
noinst_LIBRARIES += shadow/libshadow.a
shadow_libshadow_a_SOURCES = shadow/change.c shadow/change.h \
	shadow/change_impl.h shadow/change_name.c \
	shadow/pace.c shadow/pace.h \
	shadow/path.c shadow/path.h shadow/quota.c shadow/quota.h

pkglibexec_PROGRAMS += ckpt-shadow
ckpt_shadow_SOURCES = shadow/main.c shadow/server.h \
	shadow/start.c shadow/start.h shadow/confine.c \
	shadow/session.c shadow/survive.c shadow/survive.h shadow/note.h \
	shadow/stream.c shadow/stream.h shadow/handle.c shadow/image.c shadow/record_job.c \
	shadow/call.h shadow/call_at.c shadow/call_file.c shadow/call_attr.c \
	shadow/call_name.c shadow/call_job.c shadow/call_quota.c
ckpt_shadow_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(SODIUM_CFLAGS)
ckpt_shadow_LDADD = shadow/libshadow.a shadow/libjobdir.a lib/libundo.a \
	lib/libproto.a \
	lib/libcommon.a $(TIRPC_LIBS) $(SODIUM_LIBS) $(ZLIB_LIBS)
