/* sysv.c - System V semaphores and message queues
 *
 * They belong to the machine and are in no image, so a program that has some is
 * not checkpointed.  The kernel does not tell whose they are: what the program
 * asked for is remembered here, and looked for at a checkpoint.  A checkpoint
 * that is refused ends no wait, either: as in sleep.c.
 */
#include "lib/wrap/wait.h"
#include "lib/wrap/wrap.h"

#include "lib/common/sys.h"

#include <errno.h>
#include <stdatomic.h>
#include <sys/msg.h>
#include <sys/sem.h>

#define PUBLIC __attribute__((visibility("default")))
#define CALL CKPT_WAIT_CALL

PUBLIC int semget(key_t key, int n, int flags);
PUBLIC int msgget(key_t key, int flags);
PUBLIC int semop(int id, struct sembuf *ops, size_t n);
PUBLIC int semtimedop(int id, struct sembuf *ops, size_t n,
                      const struct timespec *timeout);
PUBLIC int msgsnd(int id, const void *message, size_t len, int flags);
PUBLIC ssize_t msgrcv(int id, void *message, size_t len, long type, int flags);

enum { OBJECTS_MAX = 64 };

/* Identifiers, plus 1; the first that find no place are not noticed. */
static _Atomic int semaphores[OBJECTS_MAX], queues[OBJECTS_MAX];

static void remember(_Atomic int *ids, int id)
{
    for (int i = 0; i < OBJECTS_MAX; i++) {
        int none = 0;
        if (atomic_load(&ids[i]) == id + 1 ||
            atomic_compare_exchange_strong(&ids[i], &none, id + 1))
            return;
    }
}

static bool semaphore_exists(int id)
{
    return ckpt_sys(SYS_semctl, id, 0, GETNCNT, 0) >= 0;
}

static bool queue_exists(int id)
{
    struct msqid_ds ds;

    return ckpt_sys(SYS_msgctl, id, IPC_STAT, &ds) >= 0;
}

int ckpt_wrap_sysv(struct ckpt_err *err)
{
    for (int i = 0; i < OBJECTS_MAX; i++) {
        int semaphore = atomic_load(&semaphores[i]) - 1;
        int queue = atomic_load(&queues[i]) - 1;
        if (semaphore >= 0 && semaphore_exists(semaphore))
            return ckpt_err_set(err, EBUSY,
                                "the program has a System V semaphore set "
                                "(id %d), which is not in an image",
                                semaphore);
        if (queue >= 0 && queue_exists(queue))
            return ckpt_err_set(err, EBUSY,
                                "the program has a System V message queue "
                                "(id %d), which is not in an image",
                                queue);
        atomic_store(&semaphores[i], 0);
        atomic_store(&queues[i], 0);
    }
    return 0;
}

PUBLIC int semget(key_t key, int n, int flags)
{
    long id = ckpt_sys(SYS_semget, key, n, flags);

    if (id >= 0)
        remember(semaphores, (int)id);
    return (int)ckpt_sys_errno(id);
}

PUBLIC int msgget(key_t key, int flags)
{
    long id = ckpt_sys(SYS_msgget, key, flags);

    if (id >= 0)
        remember(queues, (int)id);
    return (int)ckpt_sys_errno(id);
}

PUBLIC int semtimedop(int id, struct sembuf *ops, size_t n,
                      const struct timespec *timeout)
{
    struct ckpt_wait w = ckpt_wait_for(timeout ? ckpt_wait_ns(timeout) : -1);
    struct timespec ts;
    long rc;

    if (timeout && !ckpt_wait_valid(timeout))
        return (int)ckpt_sys_errno(-EINVAL);
    do
        rc = CALL(SYS_semtimedop, id, (long)ops, (long)n,
                  (long)ckpt_wait_left(&w, &ts));
    while (ckpt_wait_again(rc));
    return (int)ckpt_sys_errno(rc);
}

PUBLIC int semop(int id, struct sembuf *ops, size_t n)
{
    return semtimedop(id, ops, n, NULL);
}

PUBLIC int msgsnd(int id, const void *message, size_t len, int flags)
{
    long rc;

    while ((rc = CALL(SYS_msgsnd, id, (long)message, (long)len, flags)),
           ckpt_wait_again(rc))
        ;
    return (int)ckpt_sys_errno(rc);
}

PUBLIC ssize_t msgrcv(int id, void *message, size_t len, long type, int flags)
{
    long rc;

    while ((rc = CALL(SYS_msgrcv, id, (long)message, (long)len, type, flags)),
           ckpt_wait_again(rc))
        ;
    return ckpt_sys_errno(rc);
}
