# lib/remote: see lib/local.mk
