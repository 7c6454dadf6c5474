# scheduler/core: see scheduler/local.mk
