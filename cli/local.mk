# cli: ckpt, one file per command; see main.c
bin_PROGRAMS += ckpt
ckpt_SOURCES = cli/main.c cli/cli.c cli/cli.h cli/json.c cli/json.h \
	cli/config.c
ckpt_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_LDADD = scheduler/core/libjob.a $(POOL_LIBS)
