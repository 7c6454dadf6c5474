# cli: ckpt, one file per command; see main.c
bin_PROGRAMS += ckpt
ckpt_SOURCES = cli/main.c cli/cli.c cli/cli.h cli/json.c cli/json.h \
	lib/common/program.c lib/common/program.h \
	cli/run.c cli/checkpoint.c cli/restart.c cli/restart.h cli/check.c \
	cli/config.c cli/pool.c cli/pool_edit.c cli/pool_edit.h \
	cli/home.c cli/home.h cli/remote.c \
	cli/submit.c cli/submit_send.c cli/submit_send.h cli/submit_file.c cli/submit_impl.h cli/submit_spec.c cli/submit_file.h cli/submit_words.c \
	cli/front_end.c cli/front_end.h cli/submit_keys.c cli/submit_keys.h cli/submit_macro.c cli/submit_macro.h \
	cli/submit_queue.c cli/submit_queue.h \
	cli/q.c cli/status.c cli/act.c cli/why.c cli/wait.c \
	cli/sim.c cli/tty.c cli/tty.h
ckpt_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_LDADD = scheduler/sim/libsim.a scheduler/core/libpolicy.a \
	scheduler/core/libjob.a $(RESTART_LIBS) $(POOL_LIBS)
ckpt_SOURCES += cli/image.c cli/image.h cli/image_show.c \
	cli/image_kept.c cli/image_kept.h \
	cli/image_backtrace.c cli/image_unwind.c cli/image_unwind.h \
	cli/image_symbols.c cli/image_symbols.h
ckpt_CPPFLAGS += $(UNWIND_CFLAGS)
ckpt_LDADD += $(UNWIND_LIBS)

# For machines with another libc, where nothing of ours is installed: `make
# ckpt-static`, where all libraries are there as archives, too.
ckpt-static: $(ckpt_OBJECTS) $(ckpt_DEPENDENCIES)
	$(AM_V_CCLD)$(CC) $(AM_CFLAGS) $(CFLAGS) -static $(LDFLAGS) -o $@ \
		$(ckpt_OBJECTS) $(ckpt_LDADD) $(LIBS) -llzma -lz
CLEANFILES += ckpt-static
