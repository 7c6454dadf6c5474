# The undo journal: ordinary code, for those who change files on behalf of a
# program, and for a restart.
noinst_LIBRARIES += lib/libundo.a
lib_libundo_a_SOURCES = \
	lib/undo/copy.c lib/undo/copy.h lib/undo/journal.c lib/undo/journal.h \
	lib/undo/journal_impl.h lib/undo/journal_lazy.c \
	lib/undo/journal_check.c lib/undo/journal_data.c \
	lib/undo/journal_inodes.c lib/undo/journal_names.c \
	lib/undo/map.c lib/undo/map.h lib/undo/record.c lib/undo/record.h \
	lib/undo/rollback.c lib/undo/seen.c lib/undo/seen.h \
	lib/undo/segment.c lib/undo/segment.h \
	lib/undo/undo.h lib/undo/undo_load.c lib/undo/undo_check.c \
	lib/undo/undo_content.c lib/undo/undo_names.c
