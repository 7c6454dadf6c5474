# lib/wrap: the table of system calls; everything else here is made from it
EXTRA_DIST += lib/wrap/gen.awk lib/wrap/syscalls.tbl
BUILT_SOURCES += lib/wrap/syscalls.inc
CLEANFILES += lib/wrap/syscalls.inc lib/wrap/syscalls.md

lib/wrap/syscalls.inc: lib/wrap/syscalls.tbl lib/wrap/gen.awk
	$(AM_V_GEN)$(MKDIR_P) lib/wrap && $(AWK) -v out=c \
	  -f $(srcdir)/lib/wrap/gen.awk $(srcdir)/lib/wrap/syscalls.tbl > $@.tmp \
	  && mv $@.tmp $@

# The page for readers: make syscalls-doc
.PHONY: syscalls-doc
syscalls-doc: lib/wrap/syscalls.md
lib/wrap/syscalls.md: lib/wrap/syscalls.tbl lib/wrap/gen.awk
	$(AM_V_GEN)$(MKDIR_P) lib/wrap && $(AWK) -v out=doc \
	  -f $(srcdir)/lib/wrap/gen.awk $(srcdir)/lib/wrap/syscalls.tbl > $@.tmp \
	  && mv $@.tmp $@
