# tests/system: shell tests of the whole; exit 77 is a skip
EXTRA_DIST += tests/system/common.sh tests/system/lazy_common.sh tests/system/chain_common.sh

# The tree keeps its own rules.
structure_tests = tests/system/structure_layers.sh \
	tests/system/structure_symbols.sh \
	tests/system/structure_comments.sh tests/system/structure_format.sh \
	tests/system/structure_shell.sh tests/system/structure_size.sh \
	tests/system/structure_man.sh tests/system/structure_syscalls.sh
dist_check_SCRIPTS += $(structure_tests)
TESTS += $(structure_tests)

# Each example undisturbed and moved.
example_tests = tests/system/example_nbody.sh tests/system/example_heat.sh \
	tests/system/example_walkers.sh
dist_check_SCRIPTS += $(example_tests)
TESTS += $(example_tests)

# The commands against a pool.
EXTRA_DIST += tests/system/pool_common.sh
cli_tests = tests/system/cli_check.sh tests/system/cli_queue.sh tests/system/cli_run.sh \
	tests/system/cli_move.sh tests/system/cli_many.sh
dist_check_SCRIPTS += $(cli_tests)
TESTS += $(cli_tests)

# The main job, end to end.
demo_tests = tests/system/demo.sh tests/system/demo_kill.sh
dist_check_SCRIPTS += $(demo_tests)
TESTS += $(demo_tests)

# Elsewhere.
dist_check_SCRIPTS += tests/system/install.sh
TESTS += tests/system/install.sh

# ckpt image on images of a real program.
dist_check_SCRIPTS += tests/system/image_tools.sh
TESTS += tests/system/image_tools.sh
# The pool's daemons.
daemon_tests = tests/system/pool_quiet.sh tests/system/pool_daemons.sh tests/system/pool_confined.sh \
	tests/system/pool_owner.sh tests/system/pool_programs.sh tests/system/pool_input.sh tests/system/pool_closed.sh tests/system/pool_memory.sh tests/system/pool_rlimit.sh tests/system/pool_disk.sh tests/system/pool_damaged.sh \
	tests/system/pool_grants.sh tests/system/pool_mount.sh tests/system/pool_mount_moves.sh tests/system/pool_mount_locks.sh tests/system/pool_maps.sh tests/system/pool_after.sh tests/system/pool_selfkill.sh tests/system/pool_kills.sh tests/system/pool_plain.sh tests/system/pool_scratch.sh tests/system/pool_balance.sh tests/system/pool_share.sh tests/system/pool_standby.sh
dist_check_SCRIPTS += $(daemon_tests)
TESTS += $(daemon_tests)
EXTRA_DIST += tests/progs/pool_confined.c tests/progs/remote_counter.c \
	tests/progs/mount_files.c tests/progs/mount_counter.c tests/system/mount_common.sh tests/progs/remote_reach.c tests/progs/remote_changes.c \
	tests/system/pool_victims.sh
TESTS += tests/system/pool_migrate.sh tests/system/pool_points_some.sh
EXTRA_DIST += tests/progs/remote_obeys.c tests/progs/pool_spender.c tests/system/pool_points_common.sh
dist_check_SCRIPTS += tests/system/pool_churn.sh tests/system/pool_migrate.sh \
	tests/system/pool_long.sh tests/system/pool_points.sh \
	tests/system/pool_points_some.sh tests/system/pool_return.sh tests/system/pool_clock.sh \
	tests/system/pool_full.sh
TESTS += tests/system/pool_clock.sh tests/system/pool_full.sh
EXTRA_DIST += tests/progs/clock_jump.c
CHECK_LONG_TESTS += tests/system/pool_churn.sh tests/system/pool_long.sh \
	tests/system/pool_points.sh tests/system/pool_return.sh

# What users of a pool see.
user_tests = tests/system/cli_contract.sh tests/system/pool_submit.sh tests/system/pool_hooks.sh tests/system/pool_images.sh \
	tests/system/pool_logs.sh
dist_check_SCRIPTS += $(user_tests)
TESTS += $(user_tests)

# --files save: files go back in time with the program.
keep_tests = tests/system/keep_files.sh tests/system/keep_conflict.sh
dist_check_SCRIPTS += $(keep_tests) tests/system/keep_long.sh
TESTS += $(keep_tests)
CHECK_LONG_TESTS += tests/system/keep_long.sh
EXTRA_DIST += tests/system/keep_cycles.sh tests/progs/keep_log.c \
	tests/progs/keep_names.py tests/progs/keep_sqlite.py
dist_check_SCRIPTS += tests/system/pool_outage.sh
CHECK_LONG_TESTS += tests/system/pool_outage.sh

dist_check_SCRIPTS += tests/system/pool_quota.sh
TESTS += tests/system/pool_quota.sh

# Who may do what.
check_PROGRAMS += tests/system/call_again
tests_system_call_again_SOURCES = tests/system/call_again.c
tests_system_call_again_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_system_call_again_LDADD = $(POOL_LIBS)
dist_check_SCRIPTS += tests/system/pool_trust.sh tests/system/pool_why.sh
TESTS += tests/system/pool_trust.sh tests/system/pool_why.sh

# A pool of several machines.
EXTRA_DIST += tests/system/net_common.sh tests/system/net_pool.sh
check_PROGRAMS += tests/system/rough_link
tests_system_rough_link_SOURCES = tests/system/rough_link.c
tests_system_rough_link_LDADD = -lpthread
dist_check_SCRIPTS += tests/system/pool_net.sh tests/system/pool_net_split.sh \
	tests/system/pool_rough.sh
TESTS += tests/system/pool_net.sh
CHECK_LONG_TESTS += tests/system/pool_net_split.sh tests/system/pool_rough.sh

# 500 kills and more in one run.
dist_check_SCRIPTS += tests/system/pool_kills_long.sh
CHECK_LONG_TESTS += tests/system/pool_kills_long.sh

dist_check_SCRIPTS += tests/system/pool_mount_long.sh
CHECK_LONG_TESTS += tests/system/pool_mount_long.sh
