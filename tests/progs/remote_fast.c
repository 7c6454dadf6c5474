/* remote_fast.c - small reads and writes against a model; with threads, with
 * signals that come in the middle of them, and that never return to them
 *
 * Prints the same wherever its files are.
 */
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#define CHECK(x)                                                               \
    do {                                                                       \
        if (!(x)) {                                                            \
            dprintf(1, "line %d: %s\n", __LINE__, #x);                         \
            exit(1);                                                           \
        }                                                                      \
    } while (0)

/* --- random calls on three descriptions of one file -------------------------
 */

enum { MODEL_MAX = 1 << 16, STEPS = 30000, DESCRIPTORS = 3 };
static char model[MODEL_MAX + 4096];
static long model_len, offsets[DESCRIPTORS];
static unsigned seed = 7;

static unsigned draw(unsigned below)
{
    seed = seed * 1103515245 + 12345;
    return (seed >> 8) % below;
}

static void note_write(long at, const char *data, long len)
{
    if (at > model_len)
        memset(model + model_len, 0, (size_t)(at - model_len));
    memcpy(model + at, data, (size_t)len);
    if (at + len > model_len)
        model_len = at + len;
}

static long there(long at, long len)
{
    long n = at < model_len ? model_len - at : 0;

    return n < len ? n : len;
}

static void step(const int *fds)
{
    char data[300];
    unsigned i = draw(DESCRIPTORS);
    long len = 1 + (long)draw(draw(4) ? 64 : 300);
    long at = draw(4) ? offsets[i] : (long)draw((unsigned)model_len + 100);

    memset(data, (int)draw(256), sizeof data);
    if (offsets[i] + len > MODEL_MAX || at + len > MODEL_MAX) {
        offsets[i] = lseek(fds[i], 0, SEEK_SET);
        return;
    }
    switch (draw(8)) {
    case 0:
        CHECK(lseek(fds[i], at, SEEK_SET) == at);
        offsets[i] = at;
        break;
    case 1:
        CHECK(pwrite(fds[i], data, (size_t)len, at) == len);
        note_write(at, data, len);
        break;
    case 2:
        CHECK(pread(fds[i], data, (size_t)len, at) == there(at, len));
        CHECK(memcmp(data, model + at, (size_t)there(at, len)) == 0);
        break;
    case 3:
        CHECK(lseek(fds[i], 0, SEEK_CUR) == offsets[i]);
        break;
    case 4:
    case 5:
        CHECK(write(fds[i], data, (size_t)len) == len);
        note_write(offsets[i], data, len);
        offsets[i] += len;
        break;
    default:
        CHECK(read(fds[i], data, (size_t)len) == there(offsets[i], len));
        CHECK(memcmp(data, model + offsets[i],
                     (size_t)there(offsets[i], len)) == 0);
        offsets[i] += there(offsets[i], len);
    }
}

static void random_calls(void)
{
    static char whole[MODEL_MAX];
    int fds[DESCRIPTORS];

    for (int i = 0; i < DESCRIPTORS; i++)
        fds[i] = open("random", O_RDWR | O_CREAT, 0600);
    for (int i = 0; i < STEPS; i++)
        step(fds);
    CHECK(pread(fds[0], whole, MODEL_MAX, 0) == model_len);
    CHECK(memcmp(whole, model, (size_t)model_len) == 0);
    for (int i = 0; i < DESCRIPTORS; i++)
        close(fds[i]);
    printf("random: %ld bytes\n", model_len);
}

/* --- threads, and a handler that reads and writes ----------------------------
 */

enum { THREADS = 3, RECORDS = 40000, RECORD = 64 };
static int log_fd, input_fd;
static atomic_long ticks;

static void on_tick(int sig)
{
    char record[RECORD];
    long n = atomic_fetch_add(&ticks, 1);

    (void)sig;
    CHECK(pread(input_fd, record, RECORD, n % 100 * RECORD) == RECORD);
    CHECK(record[0] == (char)(n % 100));
    CHECK(write(log_fd, "x", 1) == 1);
}

static void *worker(void *arg)
{
    long id = (long)arg;
    char name[20], record[RECORD];

    snprintf(name, sizeof name, "worker.%ld", id);
    int fd = open(name, O_RDWR | O_CREAT | (id == 1 ? O_APPEND : 0), 0600);
    for (long i = 0; i < RECORDS; i++) {
        memset(record, (int)(i + id), RECORD);
        CHECK(write(fd, record, RECORD) == RECORD);
    }
    CHECK(lseek(fd, 0, SEEK_CUR) == (long)RECORDS * RECORD);
    CHECK(lseek(fd, 0, SEEK_SET) == 0);
    for (long i = 0; i < RECORDS; i++) {
        CHECK(read(fd, record, RECORD) == RECORD);
        CHECK(record[0] == (char)(i + id) && record[63] == (char)(i + id));
    }
    close(fd);
    return NULL;
}

static void set_timer(long usec)
{
    struct itimerval tick = {{0, usec}, {0, usec}};

    setitimer(ITIMER_REAL, &tick, NULL);
}

static void threads_and_signals(void)
{
    pthread_t threads[THREADS];
    struct stat st;

    signal(SIGALRM, on_tick);
    set_timer(500);
    for (long i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, worker, (void *)i);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    set_timer(0);
    fstat(log_fd, &st);
    CHECK(st.st_size == atomic_load(&ticks) && st.st_size > 0);
    printf("threads: %d records each\n", RECORDS);
}

/* --- a handler that jumps away -----------------------------------------------
 */

enum { JUMPS = 200 };
static sigjmp_buf back;
static pthread_t jumper;
static atomic_int done;

static void on_jump(int sig)
{
    if (!pthread_equal(pthread_self(), jumper))
        pthread_kill(jumper, sig);
    else
        siglongjmp(back, 1);
}

static void *bystander(void *arg)
{
    int fd = open("bystander", O_RDWR | O_CREAT, 0600);
    sigset_t set;

    (void)arg;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    for (long i = 0; !done; i++)
        CHECK(write(fd, "0123456789", 10) == 10 &&
              (i % 100 || lseek(fd, 0, SEEK_SET) == 0));
    close(fd);
    return NULL;
}

static void jumps(void)
{
    static volatile int count;
    char record[RECORD];
    pthread_t other;
    int fd = open("jumps", O_RDWR | O_CREAT, 0600);

    jumper = pthread_self();
    pthread_create(&other, NULL, bystander, NULL);
    signal(SIGALRM, on_jump);
    sigsetjmp(back, 1);
    set_timer(0);
    long len = lseek(fd, 0, SEEK_END);
    CHECK(len % RECORD == 0); /* whole records, and none at a wrong place */
    if (count++ < JUMPS) {
        set_timer(1000);
        for (long i = len / RECORD;; i++) {
            memset(record, (int)i, RECORD);
            if (write(fd, record, RECORD) != RECORD)
                abort();
            if (i >= 20000)
                i = lseek(fd, 0, SEEK_SET) - 1;
        }
    }
    done = 1;
    pthread_join(other, NULL);
    lseek(fd, 0, SEEK_SET);
    for (long i = 0; i < len / RECORD; i++)
        CHECK(read(fd, record, RECORD) == RECORD && record[0] == (char)i &&
              record[63] == (char)i);
    close(fd);
    printf("jumps: %d\n", JUMPS);
}

int main(void)
{
    char record[RECORD];

    input_fd = open("input", O_RDWR | O_CREAT, 0600);
    log_fd = open("log", O_WRONLY | O_CREAT | O_APPEND, 0600);
    for (int i = 0; i < 100; i++) {
        memset(record, i, RECORD);
        CHECK(write(input_fd, record, RECORD) == RECORD);
    }
    random_calls();
    threads_and_signals();
    jumps();
    unlink("log"); /* as long as there were ticks */
    unlink("jumps");
    unlink("bystander");
    return 0;
}
