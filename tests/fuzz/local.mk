# tests/fuzz: libFuzzer targets, compiled by run.sh with clang.
EXTRA_DIST += tests/fuzz/README.md tests/fuzz/run.sh tests/fuzz/fuzz.h \
	tests/fuzz/fuzz.c tests/fuzz/fuzz_boot.c tests/fuzz/fuzz_channel.c \
	tests/fuzz/fuzz_xdr.c tests/fuzz/fuzz_call.c tests/fuzz/fuzz_reply.c \
	tests/fuzz/corpus/fuzz_boot.hex tests/fuzz/corpus/fuzz_channel.hex \
	tests/fuzz/corpus/fuzz_xdr.hex tests/fuzz/corpus/fuzz_call.hex \
	tests/fuzz/corpus/fuzz_reply.hex
CHECK_LONG_TESTS += tests/fuzz/run.sh
