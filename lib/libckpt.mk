# lib/libckpt.mk: the library that is linked into programs
include_HEADERS += lib/ckpt.h
