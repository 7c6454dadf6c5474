/* channel_awake.c - waiting for bytes without going to sleep, where it pays
 *
 * To sleep and be woken takes longer than a small call, most of all where an
 * idle processor belongs to a virtual machine.  So a wait begins with some
 * looks.  What they cost is bounded: looks that saw nothing are followed by
 * waits that do not look, twice as many each time, up to SLEEPS_MAX; so are
 * those that lost their processor to somebody else, who is kept waiting by us
 * or keeps the peer waiting.  Who hears from the peer now and then, or over a
 * slow line, looks in vain at one wait in SLEEPS_MAX.
 */
#include "lib/proto/channel_impl.h"

#include "lib/common/sys.h"

enum {
    SLEEPS_MAX = 1023,
    DISTURBED = 1024, /* a look takes half a microsecond, a turn of somebody
                         else's some milliseconds */
    CPU_WORDS = 128,
};

static unsigned cpus(void)
{
    unsigned long set[CPU_WORDS] = {0};
    unsigned n = 0;

    ckpt_sys(SYS_sched_getaffinity, 0, sizeof set, set);
    for (unsigned i = 0; i < CPU_WORDS; i++)
        n += (unsigned)__builtin_popcountl(set[i]);
    return n;
}

void ckpt_channel_stay_awake(struct ckpt_channel *channel, unsigned looks)
{
    channel->awake = (struct channel_awake){.looks = cpus() > 1 ? looks : 0};
}

bool ckpt_channel_awake(const struct ckpt_channel *channel)
{
    return channel->awake.looks > 0 && channel->awake.sleeps == 0;
}

static bool is_disturbed(struct channel_awake *awake, uint64_t took_tsc)
{
    if (awake->look_tsc == 0 || took_tsc < awake->look_tsc)
        awake->look_tsc = took_tsc;
    return took_tsc / DISTURBED >= awake->look_tsc;
}

static void sleep_for(struct channel_awake *awake, unsigned penalty)
{
    awake->sleeps = awake->penalty =
        penalty < SLEEPS_MAX ? penalty : SLEEPS_MAX;
}

ssize_t ckpt_channel_look(struct ckpt_channel *channel,
                          ssize_t (*look)(struct ckpt_channel *channel,
                                          const struct iovec *into),
                          const struct iovec *into)
{
    struct channel_awake *awake = &channel->awake;
    bool disturbed = false;

    if (awake->looks > 0 && awake->sleeps > 0) {
        awake->sleeps--;
        goto asleep;
    }
    uint64_t from = __builtin_ia32_rdtsc();
    for (unsigned i = 0; i < awake->looks && !disturbed; i++) {
        ssize_t n = look(channel, into);
        uint64_t now = __builtin_ia32_rdtsc();
        disturbed = is_disturbed(awake, now - from);
        from = now;
        if (n < 0 && errno == EAGAIN)
            continue;
        if (disturbed)
            sleep_for(awake, SLEEPS_MAX);
        else if (i > 0)
            awake->penalty /= 2;
        return n;
    }
    if (awake->looks > 0)
        sleep_for(awake, disturbed ? SLEEPS_MAX : 2 * awake->penalty + 1);
asleep:
    errno = EAGAIN;
    return -1;
}
