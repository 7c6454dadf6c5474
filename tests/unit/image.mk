# Unit tests of lib/image.
IMAGE_TEST_SAMPLE = tests/unit/image_sample.c tests/unit/image_sample.h
image_tests = tests/unit/test_image tests/unit/test_file_sink \
	tests/unit/test_image_damage tests/unit/test_image_chain \
	tests/unit/test_image_write
check_PROGRAMS += $(image_tests)
TESTS += $(image_tests)

tests_unit_test_image_SOURCES = tests/unit/test_image.c $(IMAGE_TEST_SAMPLE)
tests_unit_test_image_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_image_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)

tests_unit_test_image_write_SOURCES = tests/unit/test_image_write.c \
	$(IMAGE_TEST_SAMPLE)
tests_unit_test_image_write_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_image_write_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)

tests_unit_test_file_sink_SOURCES = tests/unit/test_file_sink.c \
	$(IMAGE_TEST_SAMPLE)
tests_unit_test_file_sink_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_file_sink_LDFLAGS = -Wl,--wrap=ckpt_gate
tests_unit_test_file_sink_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)

tests_unit_test_image_chain_SOURCES = tests/unit/test_image_chain.c \
	lib/image/notes.c lib/image/notes_read.c lib/image/merge.c
tests_unit_test_image_chain_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSOURCE_DIR='"$(abs_srcdir)"'
tests_unit_test_image_chain_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_image_chain_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)

# The reader once more, watched by the sanitizers.
tests_unit_test_image_damage_SOURCES = tests/unit/test_image_damage.c \
	$(IMAGE_TEST_SAMPLE) $(IMAGE_WRITER_SOURCES) $(IMAGE_READER_SOURCES) \
	lib/image/notes.c lib/image/notes_read.c $(COMMON_SOURCES)
tests_unit_test_image_damage_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS) \
	$(ZSTD_CFLAGS) $(XXHASH_CFLAGS)
tests_unit_test_image_damage_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS) \
	$(SANITIZE_CFLAGS)
tests_unit_test_image_damage_LDADD = $(ZSTD_LIBS) $(ZLIB_LIBS) $(CHECK_LIBS)

# Frozen images.
check_PROGRAMS += tests/unit/test_image_golden
TESTS += tests/unit/test_image_golden
tests_unit_test_image_golden_SOURCES = tests/unit/test_image_golden.c \
	lib/image/notes.c lib/image/notes_read.c
tests_unit_test_image_golden_CPPFLAGS = $(AM_CPPFLAGS) \
	-DSOURCE_DIR='"$(abs_srcdir)"'
tests_unit_test_image_golden_CFLAGS = $(AM_CFLAGS) $(CHECK_CFLAGS)
tests_unit_test_image_golden_LDADD = $(IMAGE_LIBS) $(CHECK_LIBS)
EXTRA_DIST += tests/golden/README.md tests/golden/image-v1-none.ckpt \
	tests/golden/image-v1-zstd.ckpt tests/golden/image-v1-zlib.ckpt \
	tests/golden/chain-v2.ckpt \
	tests/golden/chain-v2.ckpt.bases/a001020304050607.0 \
	tests/golden/chain-v2.ckpt.bases/a001020304050607.1

# Any bytes as an image: over the golden ones in `make check`; longer with
# libFuzzer.
check_PROGRAMS += tests/fuzz/fuzz_image
TESTS += tests/fuzz/image_corpus.sh
CHECK_LONG_TESTS += tests/fuzz/image_search.sh
dist_check_SCRIPTS += tests/fuzz/image_corpus.sh tests/fuzz/image_search.sh
tests_fuzz_fuzz_image_SOURCES = tests/fuzz/fuzz_image.c $(IMAGE_TEST_SAMPLE) \
	$(IMAGE_WRITER_SOURCES) $(IMAGE_READER_SOURCES) \
	lib/image/notes.c lib/image/notes_read.c $(COMMON_SOURCES)
tests_fuzz_fuzz_image_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
tests_fuzz_fuzz_image_CFLAGS = $(AM_CFLAGS) $(SANITIZE_CFLAGS)
tests_fuzz_fuzz_image_LDADD = $(ZSTD_LIBS) $(ZLIB_LIBS)
