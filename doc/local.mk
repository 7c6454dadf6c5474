# doc: pages for those who work on it, and the manual
EXTRA_DIST += doc/architecture.md doc/image-format.md doc/limits.md

dist_man_MANS += doc/man/ckpt-cc.1 doc/man/ckpt-c++.1 doc/man/ckpt-fc.1 \
	doc/man/ckpt-run.1 doc/man/ckpt-checkpoint.1 doc/man/ckpt-restart.1 \
	doc/man/ckpt-check.1 doc/man/ckpt-image.1 \
	doc/man/ckpt_checkpoint.3 \
	doc/man/ckpt_disable.3 doc/man/ckpt_enable.3 \
	doc/man/ckpt_exclude.3 doc/man/ckpt_include.3 \
	doc/man/ckpt_migrate.3 doc/man/ckpt_on_checkpoint.3 doc/man/ckpt_on_restart.3

# The pool.
EXTRA_DIST += doc/job-states.md
dist_man_MANS += doc/man/ckpt-config.1 doc/man/ckpt-history.1 \
	doc/man/ckpt-hold.1 doc/man/ckpt-log.1 doc/man/ckpt-migrate.1 \
	doc/man/ckpt-pool.1 doc/man/ckpt-prio.1 doc/man/ckpt-q.1 \
	doc/man/ckpt-release.1 doc/man/ckpt-rm.1 doc/man/ckpt-status.1 \
	doc/man/ckpt-submit.1 doc/man/ckpt-vacate.1 \
	doc/man/ckpt-wait.1 doc/man/ckpt-why.1 doc/man/ckpt.1 \
	doc/man/pool.conf.5

# Remote files.
EXTRA_DIST += doc/remote-io.md doc/decisions/0003-remote-front-end.md

# The daemons.
EXTRA_DIST += doc/station-states.md
dist_man_MANS += doc/man/ckpt-shadow.8 doc/man/ckpt-master.8 doc/man/ckpt-coordinator.8 \
	doc/man/ckpt-station.8 doc/man/ckpt-starter.8 doc/man/ckpt-mount.8 doc/man/ckpt-input.8
EXTRA_DIST += doc/decisions/0001-restore-before-the-jump.md doc/decisions/0004-stage-then-move.md \
	doc/decisions/0006-interrupted-calls.md doc/decisions/0010-names-before-traps.md doc/decisions/0012-no-mount.md doc/decisions/0013-owners-of-locks.md doc/decisions/0018-home-queue.md doc/decisions/0015-pager.md \
	doc/decisions/0016-plain-transport.md doc/decisions/0017-scale-and-faults.md doc/decisions/0023-stopping-at-once.md doc/decisions/0019-own-memory-functions.md doc/decisions/0020-mount.md \
	doc/decisions/0005-pool-daemons.md doc/decisions/0007-ids.md \
	doc/decisions/0008-keeper.md doc/decisions/0009-increments.md \
	doc/decisions/0011-pages-by-pipe.md doc/decisions/0014-who-pays-for-a-checkpoint.md \
	doc/decisions/0022-what-is-left-of-a-checkpoint.md

# The simulator.
EXTRA_DIST += doc/simulator.md doc/simulator-grace.svg
dist_man_MANS += doc/man/ckpt-sim.1

# Measurements.
EXTRA_DIST += doc/performance.md doc/performance-pause.svg \
	doc/performance-total.svg
