# scheduler/store: see scheduler/local.mk
