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
	scheduler/pool/loop.c scheduler/pool/loop.h \
	scheduler/pool/service.c \
	scheduler/pool/settings.c scheduler/pool/settings.h
scheduler_pool_libpool_a_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)

# In this order: each uses those after it.
POOL_LIBS = scheduler/pool/libpool.a scheduler/pool/libpoolconf.a \
	scheduler/core/libstationstate.a scheduler/core/libpolicy.a \
	lib/libproto.a lib/libcommon.a $(TIRPC_LIBS) $(SODIUM_LIBS) -lm

pkglibexec_PROGRAMS += ckpt-master ckpt-coordinator ckpt-starter

ckpt_master_SOURCES = scheduler/master/master.c
ckpt_master_LDADD = $(POOL_LIBS)

ckpt_coordinator_SOURCES = scheduler/coordinator/coordinator.c \
	scheduler/coordinator/table.c scheduler/coordinator/table.h \
	scheduler/coordinator/cycle.c scheduler/coordinator/cycle.h
ckpt_coordinator_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_coordinator_LDADD = $(POOL_LIBS)

ckpt_starter_SOURCES = scheduler/starter/starter.c \
	scheduler/starter/job.c scheduler/starter/job.h \
	scheduler/starter/slink.c scheduler/starter/slink.h \
	scheduler/starter/confine.c scheduler/starter/confine.h
ckpt_starter_CPPFLAGS = $(AM_CPPFLAGS) $(TIRPC_CFLAGS)
ckpt_starter_LDADD = $(POOL_LIBS)
