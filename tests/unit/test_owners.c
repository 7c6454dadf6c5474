/* test_owners.c - libc's locks, held and not, are told apart by their looks */
#include "lib/capture/owners.h"

#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROOM = 256, AT = 72, OWNER_OF_MUTEX = 8, OWNER_OF_RWLOCK = 24 };

static _Alignas(64) unsigned char room[ROOM];
static struct ckpt_thread me;

/* Where the owner's word was found in the room; -1: nowhere. */
static long find(void)
{
    struct ckpt_held_lock lock;

    if (!ckpt_owners_find_in(room, ROOM, 1 << 20, &me, &lock))
        return -1;
    ck_assert_int_eq(lock.tid, gettid());
    return (long)lock.at - (1 << 20);
}

static void clear(void)
{
    memset(room, 0, ROOM);
    me.tid = gettid();
}

/* False where such a lock cannot be had. */
static int take(pthread_mutex_t *m, int type, int robust, int protocol)
{
    pthread_mutexattr_t a;

    pthread_mutexattr_init(&a);
    pthread_mutexattr_settype(&a, type);
    pthread_mutexattr_setrobust(&a, robust);
    pthread_mutexattr_setprotocol(&a, protocol);
    int made = pthread_mutex_init(m, &a);
    pthread_mutexattr_destroy(&a);
    return made == 0 && pthread_mutex_lock(m) == 0;
}

START_TEST(mutexes)
{
    pthread_mutex_t *m = (void *)(room + AT);
    int type = _i & 3, robust = _i >> 2 & 1, inherit = _i >> 3 & 1;

    clear();
    if (!take(m, type, robust, inherit ? PTHREAD_PRIO_INHERIT : 0))
        return;
    int knows = type == PTHREAD_MUTEX_RECURSIVE ||
                type == PTHREAD_MUTEX_ERRORCHECK || robust || inherit;
    ck_assert_int_eq(find(), knows ? AT + OWNER_OF_MUTEX : -1);
    if (type == PTHREAD_MUTEX_RECURSIVE) {
        pthread_mutex_lock(m);
        ck_assert_int_eq(find(), AT + OWNER_OF_MUTEX);
        pthread_mutex_unlock(m);
    }
    me.tid++; /* not a thread of ours */
    ck_assert_int_eq(find(), -1);
    me.tid--;
    pthread_mutex_unlock(m);
    ck_assert_int_eq(find(), -1);
    pthread_mutex_destroy(m);
}
END_TEST

START_TEST(rwlocks)
{
    pthread_rwlock_t *l = (void *)(room + AT);

    clear();
    pthread_rwlock_init(l, NULL);
    pthread_rwlock_rdlock(l);
    ck_assert_int_eq(find(), -1);
    pthread_rwlock_unlock(l);
    pthread_rwlock_wrlock(l);
    ck_assert_int_eq(find(), AT + OWNER_OF_RWLOCK);
    pthread_rwlock_unlock(l);
    ck_assert_int_eq(find(), -1);
    pthread_rwlock_destroy(l);
}
END_TEST

/* One of several threads; and a lock that is cut by the end of what is seen is
 * rather taken for one. */
START_TEST(others)
{
    struct ckpt_thread first = {.tid = gettid() - 7, .next = &me};
    struct ckpt_held_lock lock;
    pthread_mutex_t *m = (void *)(room + AT);

    clear();
    ck_assert(take(m, PTHREAD_MUTEX_RECURSIVE, 0, 0));
    ck_assert(ckpt_owners_find_in(room, ROOM, 0, &first, &lock));
    ck_assert_int_eq(lock.tid, gettid());
    memcpy(room, room + AT + OWNER_OF_MUTEX, sizeof *m - OWNER_OF_MUTEX);
    ck_assert(ckpt_owners_find_in(room, 64, 0, &me, &lock));
}
END_TEST

/* Numbers that happen to be the id are none. */
START_TEST(numbers)
{
    uint32_t *word = (void *)room;

    clear();
    for (uint32_t k = 0; k < 4; k++) {
        for (size_t i = 0; i < ROOM / sizeof *word; i++)
            word[i] = i % 4 == k ? (uint32_t)gettid() : (uint32_t)i % 2;
        ck_assert_int_eq(find(), -1);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("owners");
    TCase *tc = tcase_create("locks");

    tcase_add_loop_test(tc, mutexes, 0, 16);
    tcase_add_test(tc, rwlocks);
    tcase_add_test(tc, others);
    tcase_add_test(tc, numbers);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
