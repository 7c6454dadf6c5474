# scheduler/core: pure decisions.  policy_*: see policy.h.  Equal digits on
# every machine need uncontracted arithmetic.

noinst_LIBRARIES += scheduler/core/libpolicy.a
scheduler_core_libpolicy_a_SOURCES = \
	scheduler/core/policy.c scheduler/core/policy.h \
	scheduler/core/policy_cost.c scheduler/core/policy_cost.h \
	scheduler/core/policy_info.c scheduler/core/policy_info.h \
	scheduler/core/hours.c scheduler/core/hours.h \
	scheduler/core/policy_ladder.c scheduler/core/policy_ladder.h \
	scheduler/core/policy_load.c scheduler/core/policy_load.h \
	scheduler/core/policy_locate.c scheduler/core/policy_negotiate.c \
	scheduler/core/policy_params.c \
	scheduler/core/policy_pool.c scheduler/core/policy_pool.h \
	scheduler/core/policy_rng.c scheduler/core/policy_rng.h \
	scheduler/core/policy_rules.h \
	scheduler/core/policy_select.c \
	scheduler/core/policy_shares.c scheduler/core/policy_shares.h \
	scheduler/core/policy_transfer.c
scheduler_core_libpolicy_a_CFLAGS = $(AM_CFLAGS) -ffp-contract=off -fno-math-errno

# Jobs: what was asked for, their states, their log.
noinst_LIBRARIES += scheduler/core/libjob.a
scheduler_core_libjob_a_SOURCES = \
	scheduler/core/spec.c scheduler/core/spec.h \
	scheduler/core/grant.c scheduler/core/grant.h \
	scheduler/core/job.c scheduler/core/job.h \
	scheduler/core/job_log.c scheduler/core/job_log.h \
	scheduler/core/notify.c scheduler/core/notify.h \
	scheduler/core/expr.c scheduler/core/expr.h \
	scheduler/core/expr_parse.c scheduler/core/expr_impl.h
