# lib/proto: see lib/local.mk
