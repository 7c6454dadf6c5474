# lib/image: see lib/local.mk
