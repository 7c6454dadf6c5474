/* ops_lock.c - see server.h: flock(2) and fcntl(2)
 *
 * Who has to wait is asked about again and again, while others are served.
 * Who gets a lock sees what others wrote under it: what the kernel and
 * lib/remote know of files is forgotten first.  The kernel's pages may be
 * waiting for this server to fill them, so they are dropped by another thread,
 * which answers then.  It does nothing else.
 */
#include "mount/server.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

struct waiting {
    struct waiting *next;
    fuse_req_t req;
    fuse_ino_t ino;
    struct locking want;
};

static struct fuse_session *session;
static struct waiting *waiting; /* for a lock */

/* --- who has got one ---------------------------------------------------------
 */

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t more = PTHREAD_COND_INITIALIZER;
static struct waiting *got;

static void *drop_pages(void *none)
{
    for (;;) {
        pthread_mutex_lock(&mutex);
        while (!got)
            pthread_cond_wait(&more, &mutex);
        struct waiting *w = got;
        got = w->next;
        pthread_mutex_unlock(&mutex);
        fuse_lowlevel_notify_inval_inode(session, w->ino, 0, 0);
        fuse_reply_err(w->req, 0);
        free(w);
    }
    return none;
}

int locks_start(struct fuse_session *of, struct ckpt_err *err)
{
    pthread_t thread;

    session = of;
    int rc = pthread_create(&thread, NULL, drop_pages, NULL);
    return rc == 0 ? 0 : ckpt_err_set(err, rc, "a thread for locks");
}

static void forget_node(struct node *node)
{
    if (node == tree_root() || node->fixed)
        return;
    node->seen = false;
    fuse_lowlevel_notify_inval_inode(session, server_ino(node), -1, 0);
}

static void answer(struct waiting *w, long rc)
{
    if (rc < 0 || w->want.type == F_UNLCK) {
        server_reply(w->req, rc);
        free(w);
        return;
    }
    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++)
        ckpt_cache_drop(&ckpt_state->nodes[i]);
    tree_each(forget_node);
    server_node(w->ino)->seen = false;
    pthread_mutex_lock(&mutex);
    w->next = got;
    got = w;
    pthread_cond_signal(&more);
    pthread_mutex_unlock(&mutex);
}

/* --- who waits
 * ----------------------------------------------------------------
 */

bool locks_waiting(void)
{
    return waiting != NULL;
}

static bool time_to_try(void)
{
    static struct timespec last;
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if ((now.tv_sec - last.tv_sec) * 1000 +
            (now.tv_nsec - last.tv_nsec) / 1000000 <
        LOCK_POLL_MS)
        return false;
    last = now;
    return true;
}

void locks_try_again(void)
{
    struct waiting **at = &waiting, *w;

    if (!waiting || !time_to_try())
        return;
    while ((w = *at)) {
        long rc = fuse_req_interrupted(w->req)
                      ? -EINTR
                      : locks_set(server_node(w->ino), &w->want);
        if (rc == -EAGAIN) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        answer(w, rc);
    }
}

static void ask(fuse_req_t req, fuse_ino_t ino, const struct locking *want,
                bool wait)
{
    struct waiting *w = malloc(sizeof *w), **at = &waiting;
    struct node *node = server_node(ino);

    if (!w || node->kind != TREE_FILE) {
        free(w);
        server_reply(req, -ENOLCK);
        return;
    }
    *w = (struct waiting){NULL, req, ino, *want};
    long rc = locks_set(node, want);
    if (rc != -EAGAIN || !wait) {
        answer(w, rc);
        return;
    }
    while (*at)
        at = &(*at)->next;
    *at = w;
}

/* --- operations
 * ---------------------------------------------------------------
 */

static struct locking wanted(const struct fuse_file_info *fi,
                             const struct flock *lock)
{
    return (struct locking){
        .owner = fi->lock_owner,
        .fh = fi->fh,
        .type = lock->l_type,
        .pid = lock->l_pid,
        .start = lock->l_start,
        .last = lock->l_len == 0 ? INT64_MAX : lock->l_start + lock->l_len - 1};
}

void op_setlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
              struct flock *lock, int sleep)
{
    struct locking want = wanted(fi, lock);

    ask(req, ino, &want, sleep);
}

void op_flock(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, int op)
{
    int what = op & ~LOCK_NB;
    struct locking want = {.owner = fi->lock_owner,
                           .fh = fi->fh,
                           .flock = true,
                           .type = what == LOCK_EX   ? F_WRLCK
                                   : what == LOCK_SH ? F_RDLCK
                                                     : F_UNLCK,
                           .last = INT64_MAX};

    ask(req, ino, &want, !(op & LOCK_NB));
}

/* Home is not asked who else has it: as in a trapped program. */
void op_getlk(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi,
              struct flock *lock)
{
    struct node *node = server_node(ino);
    struct locking want = wanted(fi, lock);
    const struct locking *other = locks_against(node, &want);

    if (!other && !locks_cover(node, &want)) {
        ckpt_session_log("refused: F_GETLK: home is not asked for locks");
        server_reply(req, -ENOLCK);
        return;
    }
    lock->l_type = F_UNLCK;
    if (other)
        *lock = (struct flock){.l_type = other->type,
                               .l_whence = SEEK_SET,
                               .l_start = other->start,
                               .l_len = other->last == INT64_MAX
                                            ? 0
                                            : other->last - other->start + 1,
                               .l_pid = other->pid};
    fuse_reply_lock(req, lock);
}
