/* owner.c - one thread that never asked for its id holds locks that know it
 *
 * After the restart it can release them, so it has its old id.
 */
#include "tests/progs/prog.h"

#include <errno.h>
#include <pthread.h>

static pthread_mutex_t recursive = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static pthread_mutex_t checking = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static pthread_rwlock_t writing = PTHREAD_RWLOCK_INITIALIZER;

int main(void)
{
    prog_check(pthread_mutex_lock(&recursive) == 0);
    prog_check(pthread_mutex_lock(&recursive) == 0);
    prog_check(pthread_mutex_lock(&checking) == 0);
    prog_check(pthread_rwlock_wrlock(&writing) == 0);
    prog_ready();
    prog_wait();
    prog_check(pthread_mutex_trylock(&recursive) == 0);
    for (int i = 0; i < 3; i++)
        prog_check(pthread_mutex_unlock(&recursive) == 0);
    prog_check(pthread_mutex_lock(&checking) == EDEADLK);
    prog_check(pthread_mutex_unlock(&checking) == 0);
    prog_check(pthread_rwlock_unlock(&writing) == 0);
    prog_check(pthread_rwlock_tryrdlock(&writing) == 0);
    return prog_end();
}
