# shadow: ckpt-shadow, and the job's directory as the home station sees it

noinst_LIBRARIES += shadow/libjobdir.a
shadow_libjobdir_a_SOURCES = shadow/jobdir.c shadow/jobdir.h \
	shadow/jobspec.c shadow/jobrecord.c shadow/escape.c
