# cli: ckpt, one file per command; see main.c
bin_PROGRAMS += ckpt
ckpt_SOURCES = cli/main.c cli/cli.c cli/cli.h cli/json.c cli/json.h \
	cli/program.c cli/program.h \
	cli/run.c cli/checkpoint.c cli/restart.c cli/check.c \
	cli/config.c cli/sim.c
ckpt_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_LDADD = scheduler/sim/libsim.a scheduler/core/libpolicy.a \
	scheduler/core/libjob.a $(RESTART_LIBS) $(POOL_LIBS)
