# The pool's daemons: master, coordinator, station, starter; and what they
# share with the commands (scheduler/pool).

noinst_LIBRARIES += scheduler/pool/libpool.a scheduler/core/libstationstate.a
scheduler_core_libstationstate_a_SOURCES = \
	scheduler/core/station_state.c scheduler/core/station_state.h
scheduler_pool_libpool_a_SOURCES = \
	scheduler/pool/pooldir.c scheduler/pool/pooldir.h \
	scheduler/pool/peer.c scheduler/pool/peer.h \
	scheduler/pool/program.c scheduler/pool/program.h \
	scheduler/pool/log.c scheduler/pool/log.h \
	scheduler/pool/serving.c scheduler/pool/serving.h \
	scheduler/pool/testpoint.c scheduler/pool/testpoint.h \
	scheduler/pool/remove.c scheduler/pool/remove.h \
	scheduler/pool/words.c scheduler/pool/words.h \
	scheduler/pool/settings.c scheduler/pool/settings.h
scheduler_pool_libpool_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)

# In this order: each uses those after it.
POOL_LIBS = scheduler/pool/libpool.a scheduler/pool/libpoolconf.a \
	scheduler/core/libstationstate.a scheduler/core/libpolicy.a \
	lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) $(SODIUM_LIBS) -lm

pkglibexec_PROGRAMS += ckpt-master ckpt-coordinator ckpt-station ckpt-starter \
	ckpt-input

# By itself: it may be given rights.
ckpt_input_SOURCES = scheduler/input/input.c

ckpt_master_SOURCES = scheduler/master/master.c
ckpt_master_LDADD = $(POOL_LIBS)

ckpt_coordinator_SOURCES = scheduler/coordinator/coordinator.c \
	scheduler/coordinator/table.c scheduler/coordinator/table.h \
	scheduler/coordinator/cycle.c scheduler/coordinator/cycle.h \
	scheduler/coordinator/describe.c scheduler/coordinator/describe.h \
	scheduler/coordinator/plans.c scheduler/coordinator/plans.h \
	scheduler/coordinator/balance.c scheduler/coordinator/balance.h
ckpt_coordinator_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_coordinator_LDADD = scheduler/core/libjob.a $(POOL_LIBS)

ckpt_starter_SOURCES = scheduler/starter/starter.c \
	scheduler/starter/job.c scheduler/starter/job.h \
	scheduler/starter/command.c scheduler/starter/command.h \
	lib/common/program.c lib/common/program.h \
	scheduler/starter/cgroup.c scheduler/starter/cgroup.h \
	scheduler/starter/disk.c scheduler/starter/disk.h \
	scheduler/starter/slink.c scheduler/starter/slink.h \
	scheduler/starter/confine.c scheduler/starter/confine.h \
	scheduler/starter/confine_calls.c \
	scheduler/starter/view.c scheduler/starter/view.h \
	scheduler/starter/fileserver.c scheduler/starter/fileserver.h \
	scheduler/starter/frontend.c scheduler/starter/frontend.h
ckpt_starter_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_starter_LDADD = $(POOL_LIBS)

ckpt_station_SOURCES = scheduler/station/main.c \
	scheduler/station/exec.c scheduler/station/exec.h \
	scheduler/station/exec_claim.c scheduler/station/exec_calls.c \
	scheduler/station/exec_describe.c \
	scheduler/station/halt.c scheduler/station/halt.h \
	scheduler/station/advert.c scheduler/station/advert.h \
	scheduler/station/ask.c scheduler/station/ask.h \
	scheduler/station/closed.c scheduler/station/closed.h \
	scheduler/station/owner.c scheduler/station/owner.h \
	scheduler/station/owner_impl.h scheduler/station/owner_look.c \
	scheduler/station/owner_helper.c \
	scheduler/station/helper.c scheduler/station/helper.h \
	scheduler/station/sessions.c scheduler/station/sessions.h \
	scheduler/station/load.c scheduler/station/load.h \
	scheduler/station/measure.c scheduler/station/measure.h \
	scheduler/station/home.c scheduler/station/home.h \
	scheduler/station/home_start.c scheduler/station/home_grants.c \
	scheduler/station/home_active.c scheduler/station/home_watch.c scheduler/station/home_events.c \
	scheduler/station/home_end.c scheduler/station/home_orders.c \
	scheduler/station/home_ask.c scheduler/station/home_rpc.c scheduler/station/home_submit.c scheduler/station/home_log.c \
	scheduler/station/home_rhythm.c scheduler/station/home_hooks.c \
	scheduler/station/home_quota.c \
	scheduler/station/home_stray.c \
	scheduler/starter/view.c scheduler/starter/view.h
ckpt_station_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS) $(SYSTEMD_CFLAGS)
ckpt_station_LDADD = -lpthread $(SYSTEMD_LIBS) scheduler/store/libstore.a scheduler/core/libjob.a \
	shadow/libjobdir.a $(POOL_LIBS) $(SQLITE_LIBS)
