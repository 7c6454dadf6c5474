# libckpt: what is linked into programs of others.
#
# All of it, with the parts of other libraries that it needs, becomes one
# object whose only global names are those of ckpt.h: nothing in it can clash
# with a name, or a version of a library, that the program has.
#
#   lib/libckpt.o   what ckpt-cc adds to a link
#   lib/libckpt.so  what ckpt run preloads into other dynamic programs

include_HEADERS += lib/ckpt.h

CAPTURE_SOURCES = \
	lib/capture/advice.c lib/capture/advice.h \
	lib/capture/api.c lib/capture/arena.c lib/capture/arena.h \
	lib/capture/attributes.c lib/capture/attributes.h \
	lib/capture/capture.c lib/capture/gather.c lib/capture/gathered.h lib/capture/log.c lib/capture/notes.c lib/capture/save.c lib/capture/capture.h \
	lib/capture/child.c lib/capture/child.h \
	lib/capture/children.c lib/capture/children.h \
	lib/capture/filters.c lib/capture/filters.h \
	lib/capture/policies.c lib/capture/policies.h \
	lib/capture/guards.c lib/capture/guards.h lib/capture/pagemap.h \
	lib/capture/owners.c lib/capture/owners.h \
	lib/capture/seals.c lib/capture/seals.h \
	lib/capture/huge.c lib/capture/huge.h \
	lib/capture/processor.c lib/capture/processor.h \
	lib/capture/handler.c \
	lib/capture/environment.c lib/capture/environment.h \
	lib/capture/lazy.c lib/capture/lazy.h lib/capture/lazy_load.c \
	lib/capture/lazy_paged.c lib/capture/lazy_state.h lib/capture/lazy_trap.c \
	lib/capture/corenotes.c lib/capture/corenotes.h lib/capture/marker.h \
	lib/capture/contents.c \
	lib/capture/dirty.c lib/capture/dirty.h \
	lib/capture/hashes.c lib/capture/hashes.h \
	lib/capture/changes.c lib/capture/changes.h \
	lib/capture/increment.c lib/capture/increment.h \
	lib/capture/rhythm.c lib/capture/rhythm.h \
	lib/capture/softdirty.c lib/capture/softdirty.h \
	lib/capture/written.c lib/capture/written.h \
	lib/capture/kept.c lib/capture/kept.h lib/keep/protocol.h \
	lib/capture/memory.c lib/capture/memory.h \
	lib/capture/merger.c lib/capture/merger.h \
	lib/capture/mounted.c lib/capture/mounted.h \
	lib/capture/pages.c lib/capture/pages.h \
	lib/capture/pending.c lib/capture/pending.h \
	lib/capture/process.c lib/capture/process.h \
	lib/capture/release.c lib/capture/release.h \
	lib/capture/request.h lib/capture/request_take.c \
	lib/capture/revive.c lib/capture/revive.h \
	lib/capture/settings.c lib/capture/settings.h \
	lib/capture/start.c lib/capture/state.c lib/capture/state.h \
	lib/capture/stop.c lib/capture/stop.h \
	lib/capture/timers.c lib/capture/timers.h \
	lib/capture/thread.c lib/capture/thread.h lib/capture/unsaved.h \
	lib/capture/unstable.c lib/capture/unstable.h \
	lib/files/around.c lib/files/around.h \
	lib/files/digest.c lib/files/digest.h \
	lib/files/fdinfo.c lib/files/kinds.h \
	lib/files/look.c lib/files/look.h lib/files/look_anon.c \
	lib/files/look_content.c lib/files/look_pipe.c \
	lib/files/look_habits.c lib/files/look_pty.c lib/files/pty.c lib/files/pty.h \
	lib/files/look_socket.c lib/files/look_terminal.c \
	lib/files/look_watch.c \
	lib/image/notes.c lib/image/notes.h \
	lib/wrap/advice.c lib/wrap/exec.c lib/wrap/ids.c lib/wrap/signals.c lib/wrap/sigwait.c \
	lib/wrap/sleep.c lib/wrap/timers.c \
	lib/wrap/sysv.c lib/wrap/wait.c lib/wrap/wait.h lib/wrap/wrap.h

noinst_LIBRARIES += lib/libckptparts.a
lib_libckptparts_a_SOURCES = $(COMMON_SOURCES) $(CAPTURE_SOURCES) \
	$(IMAGE_WRITER_SOURCES)
lib_libckptparts_a_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
# A program may have been compiled with anything; libckpt keeps out of its way.
lib_libckptparts_a_CFLAGS = $(AM_CFLAGS) -fno-stack-protector \
	-fasynchronous-unwind-tables

# What libckpt does with the program's memory, no function of the program's sees.
noinst_LIBRARIES += lib/libckptbytes.a
lib_libckptbytes_a_SOURCES = lib/common/bytesown.c
lib_libckptbytes_a_CFLAGS = $(lib_libckptparts_a_CFLAGS) -fno-builtin \
	$(NO_LOOP_CALLS)

CKPT_WHOLE = lib/libckptparts.a lib/libremote.a lib/libckptbytes.a
CKPT_ARCHIVES = lib/libproto.a $(ZSTD_A) $(ZLIB_A) $(SODIUM_A) $(TIRPC_A)
# Names of libc that libckpt stands in front of; weak, as a program may have
# functions of its own under them.
CKPT_WRAPPED = sigaction signal sigprocmask pthread_sigmask sigsuspend pause \
	nanosleep clock_nanosleep usleep sleep poll ppoll select pselect \
	epoll_wait epoll_pwait epoll_pwait2 sigwait sigwaitinfo sigtimedwait \
	signalfd semget msgget semop semtimedop msgsnd msgrcv \
	execve execv execvp execvpe execl execlp execle fexecve \
	getpid gettid madvise mlock mlock2 munlock mlockall munlockall \
	timer_create timer_delete
# For static programs, which ckpt-cc links with --wrap.
CKPT_WRAPS = __wrap_read __wrap___read __wrap_write __wrap___write \
	__wrap_pread __wrap_pread64 __wrap___pread64 __wrap_pwrite \
	__wrap_pwrite64 __wrap___pwrite64 __wrap_lseek __wrap_lseek64 \
	__wrap___lseek __wrap___lseek64
CKPT_PUBLIC = ckpt_checkpoint ckpt_disable ckpt_enable ckpt_exclude \
	ckpt_include ckpt_migrate ckpt_on_checkpoint ckpt_on_restart $(CKPT_WRAPPED) \
	$(CKPT_WRAPS)

lib/libckpt.o: $(CKPT_WHOLE) lib/libproto.a
	$(AM_V_GEN)$(LD) -r -o $@.tmp --whole-archive $(CKPT_WHOLE) \
		--no-whole-archive $(CKPT_ARCHIVES)
	@for f in $(CKPT_PUBLIC); do echo $$f; done > $@.sym
	@for f in $(CKPT_WRAPPED); do echo $$f; done > $@.weak
	@$(OBJCOPY) --keep-global-symbols=$@.sym --weaken-symbols=$@.weak \
		$@.tmp $@ && rm -f $@.tmp $@.sym $@.weak

lib/libckpt.so: lib/libckpt.o
	@$(OBJCOPY) --rename-section .preinit_array=.init_array \
		--rename-section .rela.preinit_array=.rela.init_array $< $@.tmp.o
	$(AM_V_CCLD)$(CC) -shared -Wl,-z,now -Wl,-z,initfirst \
		-Wl,-soname,libckpt.so -o $@ $@.tmp.o && rm -f $@.tmp.o

ckptlibdir = $(libdir)
ckptlib_DATA = lib/libckpt.o lib/libckpt.so
CLEANFILES += lib/libckpt.o lib/libckpt.so

# ckpt-cc, ckpt-c++ and ckpt-fc are one script that knows its name.
bin_SCRIPTS += lib/ckpt-cc lib/ckpt-c++ lib/ckpt-fc
lib/ckpt-c++ lib/ckpt-fc: lib/ckpt-cc
	$(AM_V_GEN)cp lib/ckpt-cc $@ && chmod +x $@
CLEANFILES += lib/ckpt-c++ lib/ckpt-fc

# Restarting: ordinary code of `ckpt`, and the piece that runs with nothing
# underfoot.
noinst_LIBRARIES += lib/librestart.a lib/libbare.a
lib_libbare_a_SOURCES = lib/bare/bare.c lib/bare/bare.h
lib_libbare_a_CFLAGS = $(WARN_CFLAGS) -std=gnu11 -O2 -g -fPIE \
	-ffreestanding -fno-builtin -fno-stack-protector -fno-jump-tables \
	$(NO_LOOP_CALLS) -fno-asynchronous-unwind-tables \
	-fcf-protection=none
lib_librestart_a_SOURCES = \
	lib/capture/marker.h lib/capture/request.h \
	lib/capture/request_find.c lib/capture/request_find.h \
	lib/capture/request_send.c lib/capture/settings.c \
	lib/files/digest.c lib/files/digest.h \
	lib/image/merge.c lib/image/merge_file.c lib/image/merge_file.h \
	lib/image/notes_read.c \
	lib/restart/choose.c lib/restart/choose.h \
	lib/restart/around.c lib/restart/around.h \
	lib/restart/files.c lib/restart/files.h \
	lib/restart/files_anon.c lib/restart/files_content.c \
	lib/restart/files_kinds.h lib/restart/files_locks.c \
	lib/restart/files_habits.c lib/restart/files_pair.c lib/restart/files_pty.c \
	lib/files/pty.c lib/files/pty.h lib/restart/files_terminal.c \
	lib/restart/files_watch.c \
	lib/restart/clock.c lib/restart/clock.h \
	lib/restart/ids.c lib/restart/ids.h \
	lib/restart/namespace.c lib/restart/namespace.h \
	lib/restart/pager.c lib/restart/pager.h lib/restart/pager_serve.c \
	lib/restart/parent.c lib/restart/parent.h \
	lib/restart/lazy.c lib/restart/lazy.h \
	lib/restart/kept.c lib/restart/kept.h \
	lib/restart/process.c lib/restart/process.h \
	lib/restart/restart.c lib/restart/restart.h \
	lib/restart/space.c lib/restart/space.h \
	lib/restart/stage.c lib/restart/stage.h lib/restart/stage_impl.h \
	lib/restart/stage_fill.c lib/restart/stage_region.c \
	lib/restart/stage_vdso.c \
	lib/restart/vdso.c lib/restart/vdso.h
RESTART_LIBS = lib/librestart.a lib/libbare.a lib/libkeep.a lib/libundo.a \
	$(IMAGE_LIBS)
