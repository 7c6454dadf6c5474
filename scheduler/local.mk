# scheduler: see Makefile.am.  core is pure and includes only lib/common.

include scheduler/core/local.mk
include scheduler/store/local.mk
include scheduler/daemons.mk
include scheduler/sim/local.mk
