# Tests.  Unit tests mirror the sources; every other directory says in its
# README what it holds.  Each area's tests are named in its own file.

TEST_EXTENSIONS = .sh

# Every test finds the commands on PATH, and both trees by absolute names.
AM_TESTS_ENVIRONMENT = PATH='$(abs_builddir)/bin':"$$PATH"; \
	top_srcdir='$(abs_srcdir)'; top_builddir='$(abs_builddir)'; \
	export PATH top_srcdir top_builddir;

include tests/unit/common.mk
include tests/unit/image.mk
include tests/unit/proto.mk
include tests/unit/shadow.mk
include tests/unit/remote.mk
include tests/unit/scheduler.mk
include tests/unit/cli.mk
include tests/progs/local.mk
include tests/progs/core.mk
include tests/system/local.mk
include tests/real/local.mk
include tests/sim/local.mk
include tests/bench/local.mk
include tests/fuzz/local.mk
