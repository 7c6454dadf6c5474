# scheduler/sim: see scheduler/local.mk
