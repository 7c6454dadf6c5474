# scheduler: see Makefile.am.  core is pure and includes only lib/common.

include scheduler/core/local.mk
include scheduler/store/local.mk
include scheduler/daemons.mk
include scheduler/sim/local.mk

noinst_LIBRARIES += scheduler/pool/libpoolconf.a
scheduler_pool_libpoolconf_a_SOURCES = \
	scheduler/pool/pool_conf.c scheduler/pool/pool_conf.h
