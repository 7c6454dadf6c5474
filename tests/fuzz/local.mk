# tests/fuzz: libFuzzer targets, compiled by run.sh with clang.
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/run.sh tests/fuzz/fuzz.h \
	tests/fuzz/fuzz.c tests/fuzz/fuzz_boot.c tests/fuzz/fuzz_channel.c \
	tests/fuzz/fuzz_xdr.c tests/fuzz/fuzz_call.c tests/fuzz/fuzz_reply.c
CHECK_LONG_TESTS += tests/fuzz/run.sh
