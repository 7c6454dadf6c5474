# cli: ckpt, one file per command; see main.c
bin_PROGRAMS += ckpt
ckpt_SOURCES = cli/main.c cli/cli.c cli/cli.h cli/json.c cli/json.h \
	cli/program.c cli/program.h \
	cli/run.c cli/checkpoint.c cli/restart.c cli/check.c \
	cli/config.c
ckpt_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_LDADD = scheduler/core/libjob.a $(RESTART_LIBS) $(POOL_LIBS)
