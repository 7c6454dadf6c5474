# scheduler/sim: the simulator over core's policies

noinst_LIBRARIES += scheduler/sim/libsim.a
scheduler_sim_libsim_a_SOURCES = \
	scheduler/sim/balance.c scheduler/sim/formula.c \
	scheduler/sim/formula.h scheduler/sim/harvest.c \
	scheduler/sim/forward.c scheduler/sim/forward.h \
	scheduler/sim/heap.c scheduler/sim/heap.h \
	scheduler/sim/link.c scheduler/sim/law.c scheduler/sim/law.h scheduler/sim/news.c \
	scheduler/sim/owner.c scheduler/sim/plot.c scheduler/sim/plot.h \
	scheduler/sim/probowner.c scheduler/sim/probowner.h \
	scheduler/sim/arrivals.c scheduler/sim/result.c \
	scheduler/sim/run.c scheduler/sim/run.h \
	scheduler/sim/scenario.c scheduler/sim/scenario.h \
	scheduler/sim/scenario_files.c scheduler/sim/scenario_keys.c \
	scheduler/sim/scenario_impl.h scheduler/sim/setup.c \
	scheduler/sim/selfcheck.c scheduler/sim/selfcheck.h \
	scheduler/sim/shelf.c scheduler/sim/shelf.h \
	scheduler/sim/service.c scheduler/sim/world.h
scheduler_sim_libsim_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off -fno-math-errno
