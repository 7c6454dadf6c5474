# tests/bench

# The channel and RPC against bare TCP.
EXTRA_PROGRAMS += tests/bench/proto_speed
BENCHMARKS += tests/bench/proto_speed
tests_bench_proto_speed_SOURCES = tests/bench/proto_speed.c
tests_bench_proto_speed_CPPFLAGS = $(PROTO_TEST_CPPFLAGS)
tests_bench_proto_speed_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS)

# Images: `make tests/bench/image_write`, then see its opening comment.
EXTRA_PROGRAMS += tests/bench/image_write
tests_bench_image_write_SOURCES = tests/bench/image_write.c
tests_bench_image_write_LDADD = $(IMAGE_LIBS) -lm

# Remote files against bare TCP, local files and sshfs: `make bench-remote`.
EXTRA_PROGRAMS += tests/bench/remote_raw tests/bench/delay_link \
	tests/bench/on_mount
tests_bench_on_mount_SOURCES = tests/bench/on_mount.c scheduler/starter/view.c
tests_bench_on_mount_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_bench_on_mount_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS)
tests_bench_remote_raw_SOURCES = tests/bench/remote_raw.c
tests_bench_remote_raw_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS)
tests_bench_delay_link_SOURCES = tests/bench/delay_link.c
tests_bench_delay_link_LDADD = lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) \
	$(SODIUM_LIBS) -lpthread
EXTRA_DIST += tests/bench/remote_work.c tests/bench/remote_speed.sh \
	tests/bench/remote_report.awk tests/bench/remote_leverage.sh \
	tests/bench/remote_mount.sh \
	tests/bench/remote_calls.c \
	tests/bench/remote_calls.sh
.PHONY: bench-remote bench-remote-calls
bench-remote: all tests/unit/real-shadow tests/bench/remote_raw \
		tests/bench/delay_link tests/bench/on_mount
	@$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/remote_speed.sh
bench-remote-calls: all tests/unit/real-shadow
	@$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/remote_calls.sh

# Checkpoints, restarts and what libckpt costs when idle, against their limits.
BENCHMARKS += tests/bench/core_speed.sh
EXTRA_DIST += tests/bench/core_speed.sh tests/bench/core_report.awk \
	tests/bench/core_plot.gp tests/bench/core_work.c \
	tests/bench/core_loops.c tests/bench/core_spawn.c \
	tests/bench/core_publish.awk
.PHONY: bench-publish
bench-publish:
	@$(AWK) -f $(srcdir)/tests/bench/core_publish.awk \
		-v run=tests/bench/core.out/core.txt \
		$(srcdir)/doc/performance.md >tests/bench/core.out/performance.md
	cp tests/bench/core.out/performance.md $(srcdir)/doc/performance.md
	cp tests/bench/core.out/core-pause.svg \
		$(srcdir)/doc/performance-pause.svg
	cp tests/bench/core.out/core-total.svg \
		$(srcdir)/doc/performance-total.svg

# Many stations and homes, played to a real coordinator.
check_PROGRAMS += tests/bench/coord_play
tests_bench_coord_play_SOURCES = tests/bench/coord_play.c
tests_bench_coord_play_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
tests_bench_coord_play_LDADD = $(POOL_LIBS)
EXTRA_DIST += tests/bench/coord_scale.sh

# What a pool must manage, against its goals.
EXTRA_DIST += tests/bench/pool_speed.sh
.PHONY: bench-pool
bench-pool: all tests/bench/coord_play tests/bench/owner_clock
	@$(AM_TESTS_ENVIRONMENT) $(srcdir)/tests/bench/pool_speed.sh

# How long a job goes on when the owner has come back.
check_PROGRAMS += tests/bench/owner_clock
tests_bench_owner_clock_SOURCES = tests/bench/owner_clock.c
tests_bench_owner_clock_LDADD = -lutil
