# Parts of libckpt.  Three convenience libraries for the programs of this
# tree, and libckpt itself, which is linked into programs of others.

COMMON_SOURCES = lib/arch/x86_64.S lib/arch/x86_64.h \
	lib/arch/x86_64_trap.h \
	lib/common/err.c lib/common/err.h lib/common/sys.h \
	lib/common/io.c lib/common/io.h lib/common/bpf.h lib/common/fdpass.h lib/common/stdfds.h lib/common/bytes.c lib/common/bytes.h \
	lib/common/dirent.h lib/common/mounted.h lib/common/futex.h \
	lib/common/units.c lib/common/units.h \
	lib/common/interval.c lib/common/interval.h \
	lib/arch/x86_64_cpu.c lib/arch/x86_64_cpu.h

noinst_LIBRARIES += lib/libcommon.a
# Settings are for daemons and commands; libckpt takes COMMON_SOURCES only.
lib_libcommon_a_SOURCES = $(COMMON_SOURCES) lib/common/conf.c lib/common/conf.h

noinst_HEADERS += lib/capture/unsaved.h lib/image/image.h

include lib/proto/local.mk
include lib/image/local.mk
include lib/undo/local.mk
include lib/keep/local.mk
include lib/remote/local.mk
include lib/wrap/local.mk
include lib/libckpt.mk
