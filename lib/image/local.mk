# lib/image: see image.h.  The writing half is linked into programs too.

IMAGE_WRITER_SOURCES = lib/image/image.h lib/image/format.h \
	lib/image/checksum.c lib/image/checksum.h \
	lib/image/checksum_avx2.c lib/image/checksum_xxh3.h \
	lib/image/workers.c lib/image/workers.h \
	lib/image/codec.c lib/image/codec.h \
	lib/image/frames.c lib/image/frames.h \
	lib/image/corenotes.c lib/image/corenotes.h \
	lib/image/layout.c lib/image/layout.h \
	lib/image/chunker.c lib/image/chunker.h \
	lib/image/bases.c lib/image/bases.h \
	lib/image/stale.c lib/image/stale.h \
	lib/image/stream.c lib/image/stream.h \
	lib/image/file_sink.c lib/image/stamp.c lib/image/stamp.h lib/image/writer.c
IMAGE_READER_SOURCES = lib/image/decode.c \
	lib/image/source.c lib/image/source.h lib/image/reader.c \
	lib/image/headers.c lib/image/contents.c \
	lib/image/load.c lib/image/load.h lib/image/chain.c lib/image/image_impl.h

noinst_LIBRARIES += lib/libimage.a
lib_libimage_a_SOURCES = $(IMAGE_WRITER_SOURCES) $(IMAGE_READER_SOURCES)
lib_libimage_a_CPPFLAGS = $(AM_CPPFLAGS) $(ZLIB_CFLAGS) $(ZSTD_CFLAGS)
# For programs of this tree; after lib/libcommon.a's users, before it.
IMAGE_LIBS = lib/libimage.a lib/libcommon.a $(ZSTD_LIBS) $(ZLIB_LIBS)
