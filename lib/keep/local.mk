# The keeper of a local program's files: ordinary code of `ckpt`.
noinst_LIBRARIES += lib/libkeep.a
lib_libkeep_a_SOURCES = lib/keep/protocol.h \
	lib/keep/calls.c lib/keep/calls.h lib/keep/calls_impl.h \
	lib/keep/calls_name.c lib/keep/filter.c lib/keep/filter.h \
	lib/keep/keep.c lib/keep/keep.h lib/keep/keeper.c lib/keep/keeper.h \
	lib/keep/states.c lib/keep/states.h lib/keep/target.c lib/keep/target.h
