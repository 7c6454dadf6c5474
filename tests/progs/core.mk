# Programs that are checkpointed at their worst place and check themselves:
# each is a test, carried out by tests/system/core_prog.sh.

TEST_EXTENSIONS += .c .cc .f90
C_LOG_COMPILER = $(BASH) $(srcdir)/tests/system/core_prog.sh
CC_LOG_COMPILER = $(C_LOG_COMPILER)
F90_LOG_COMPILER = $(C_LOG_COMPILER)

core_progs = \
	tests/progs/advice.c tests/progs/advice_all.c tests/progs/api.c tests/progs/async.c tests/progs/code.c \
	tests/progs/attributes.c tests/progs/directed.c tests/progs/events.c tests/progs/exceptions.cc \
	tests/progs/files.c tests/progs/guards.c tests/progs/guards_unseen.c tests/progs/heap.c tests/progs/hints.c tests/progs/ids.c tests/progs/inside.c tests/progs/lazy.c tests/progs/leaderless.c tests/progs/locks.c tests/progs/manythreads.c tests/progs/modules.c \
	tests/progs/nameless.c tests/progs/nodes.c tests/progs/openmp.f90 tests/progs/owner.c tests/progs/ownsignal.c tests/progs/pipes.c tests/progs/procself.c tests/progs/ptys.c \
	tests/progs/rseq.c tests/progs/sealed.c tests/progs/shared.c tests/progs/signals.c \
	tests/progs/sleeping.c tests/progs/socketpairs.c tests/progs/sparse.c tests/progs/stack.c \
	tests/progs/threads.c tests/progs/timers.c tests/progs/timerthread.c tests/progs/vectors.c tests/progs/waiting.c \
	tests/progs/watching.c
TESTS += $(core_progs)
EXTRA_DIST += $(core_progs) tests/progs/prog.h tests/system/core_prog.sh

TESTS += tests/system/core_around.sh tests/system/core_children.sh tests/system/core_huge.sh tests/system/core_kinds.sh tests/system/core_links.sh
dist_check_SCRIPTS += tests/system/core_around.sh tests/system/core_children.sh tests/system/core_huge.sh tests/system/core_kinds.sh tests/system/core_links.sh
EXTRA_DIST += tests/progs/hugepages.c
TESTS += tests/system/core_writer.sh tests/system/core_given.sh tests/system/core_appended.sh tests/system/core_lazy.sh tests/system/core_paged.sh tests/system/core_refused.sh tests/system/core_exec.sh \
	tests/system/core_ids.sh tests/system/core_owner.sh tests/system/core_clock.sh \
	tests/system/core_terminal.sh
dist_check_SCRIPTS += tests/system/core_writer.sh tests/system/core_given.sh tests/system/core_appended.sh tests/system/core_lazy.sh tests/system/core_paged.sh tests/system/core_refused.sh tests/system/core_exec.sh \
	tests/system/core_ids.sh tests/system/core_owner.sh tests/system/core_clock.sh \
	tests/system/core_terminal.sh

TESTS += tests/system/core_increments.sh tests/system/core_chain.sh tests/system/core_merge.sh tests/system/core_merging.sh tests/system/core_auto.sh
dist_check_SCRIPTS += tests/system/core_increments.sh tests/system/core_chain.sh tests/system/core_merge.sh tests/system/core_merging.sh tests/system/core_auto.sh
EXTRA_DIST += tests/progs/children.c tests/progs/kinds.c tests/progs/dirty.c tests/progs/pages.c

# Faults while an image is made, and damage to it afterwards.
TESTS += tests/system/core_faults.sh tests/system/core_damaged.sh
dist_check_SCRIPTS += tests/system/core_faults.sh tests/system/core_damaged.sh \
	tests/system/core_harm_long.sh
CHECK_LONG_TESTS += tests/system/core_harm_long.sh

# The same at random instants, with programs of some weight.
TESTS += tests/system/core_instants.sh tests/system/core_refused.sh
dist_check_SCRIPTS += tests/system/core_instants.sh tests/system/core_refused.sh
EXTRA_DIST += tests/system/random_instants.sh

check_PROGRAMS += tests/system/harm
tests_system_harm_SOURCES = tests/system/harm.c
tests_system_harm_LDADD = $(RESTART_LIBS)

check_PROGRAMS += tests/system/kill_at
tests_system_kill_at_SOURCES = tests/system/kill_at.c

EXTRA_DIST += tests/progs/vmflags.h
