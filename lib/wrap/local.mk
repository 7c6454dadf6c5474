# lib/wrap: see lib/local.mk
