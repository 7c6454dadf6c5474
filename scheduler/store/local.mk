# scheduler/store: the queue in SQLite; see scheduler/local.mk
noinst_LIBRARIES += scheduler/store/libstore.a
scheduler_store_libstore_a_SOURCES = scheduler/store/store.c scheduler/store/store.h \
	scheduler/store/store_jobs.c scheduler/store/store_schema.c \
	scheduler/store/store_waits.c scheduler/store/store_books.c \
	scheduler/store/store_sql.c scheduler/store/store_sql.h
scheduler_store_libstore_a_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
