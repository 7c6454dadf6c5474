# doc: pages for those who work on it, and the manual
EXTRA_DIST += doc/architecture.md doc/limits.md

dist_man_MANS += doc/man/ckpt-cc.1 doc/man/ckpt-c++.1 doc/man/ckpt-fc.1 \
	doc/man/ckpt-run.1 doc/man/ckpt-checkpoint.1 doc/man/ckpt-restart.1 \
	doc/man/ckpt-check.1 doc/man/ckpt-image.1 \
	doc/man/ckpt_checkpoint.3 \
	doc/man/ckpt_disable.3 doc/man/ckpt_enable.3 \
	doc/man/ckpt_exclude.3 doc/man/ckpt_include.3 \
	doc/man/ckpt_on_checkpoint.3 doc/man/ckpt_on_restart.3
