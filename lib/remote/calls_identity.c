/* calls_identity.c - who and where the job is: as at home
 *
 * The identity does not change while the process lives, so most of these need
 * no lock.  Thread numbers are the station's.
 */
#include "lib/remote/state.h"

#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

#define ANSWER(name, field)                                                    \
    long ckpt_on_##name(struct ckpt_call *call)                                \
    {                                                                          \
        (void)call;                                                            \
        return (long)ckpt_state->id.field;                                     \
    }

ANSWER(getpid, pid)
ANSWER(getppid, ppid)
ANSWER(getpgrp, pgid)
ANSWER(getuid, uid)
ANSWER(geteuid, euid)
ANSWER(getgid, gid)
ANSWER(getegid, egid)

static bool means_us(uint64_t pid)
{
    return (int)pid == ckpt_state->id.pid || (int)pid == ckpt_link->self;
}

long ckpt_on_getpgid(struct ckpt_call *call)
{
    uint64_t pid = call->arg[0];
    return (int)pid == 0 || means_us(pid) ? ckpt_state->id.pgid : -ESRCH;
}

long ckpt_on_getsid(struct ckpt_call *call)
{
    uint64_t pid = call->arg[0];
    return (int)pid == 0 || means_us(pid) ? ckpt_state->id.sid : -ESRCH;
}

static long answer_three(struct ckpt_call *call, uint32_t real, uint32_t eff)
{
    const uint32_t ids[3] = {real, eff, eff};
    long rc = 0;

    for (int i = 0; i < 3 && rc == 0; i++)
        rc = ckpt_user_write(call->arg[i], &ids[i], sizeof ids[i]);
    return rc;
}

long ckpt_on_getresuid(struct ckpt_call *call)
{
    return answer_three(call, ckpt_state->id.uid, ckpt_state->id.euid);
}

long ckpt_on_getresgid(struct ckpt_call *call)
{
    return answer_three(call, ckpt_state->id.gid, ckpt_state->id.egid);
}

long ckpt_on_getgroups(struct ckpt_call *call)
{
    int room = (int)call->arg[0];
    u_int count = ckpt_state->id.groups.groups_len;

    if (room < 0 || (room > 0 && (u_int)room < count))
        return -EINVAL;
    if (room > 0 && count > 0 &&
        ckpt_user_write(call->arg[1], ckpt_state->id_groups,
                        count * sizeof ckpt_state->id_groups[0]) != 0)
        return -EFAULT;
    return (long)count;
}

static void copy_name(char *to, size_t size, const char *name)
{
    size_t len = strnlen(name, size - 1);
    memcpy(to, name, len);
    to[len] = '\0';
}

long ckpt_on_uname(struct ckpt_call *call)
{
    struct utsname name;

    long rc = ckpt_sys(SYS_uname, &name);
    if (rc != 0)
        return rc;
    copy_name(name.nodename, sizeof name.nodename, ckpt_state->id.hostname);
    copy_name(name.domainname, sizeof name.domainname,
              ckpt_state->id.domainname);
    return ckpt_user_write(call->arg[0], &name, sizeof name);
}

/* --- changing it --- */

static bool same(uint64_t wanted, uint32_t is)
{
    return (uint32_t)wanted == UINT32_MAX || (uint32_t)wanted == is;
}

long ckpt_on_setid(struct ckpt_call *call)
{
    const struct shadow_identity *id = &ckpt_state->id;
    const uint64_t *arg = call->arg;
    bool unchanged = false;

    switch (call->nr) {
    case SYS_setfsuid:
        return (long)id->euid;
    case SYS_setfsgid:
        return (long)id->egid;
    case SYS_setuid:
        unchanged = (uint32_t)arg[0] == id->euid;
        break;
    case SYS_setgid:
        unchanged = (uint32_t)arg[0] == id->egid;
        break;
    case SYS_setreuid:
    case SYS_setresuid:
        unchanged = same(arg[0], id->uid) && same(arg[1], id->euid) &&
                    (call->nr == SYS_setreuid || same(arg[2], id->euid));
        break;
    case SYS_setregid:
    case SYS_setresgid:
        unchanged = same(arg[0], id->gid) && same(arg[1], id->egid) &&
                    (call->nr == SYS_setregid || same(arg[2], id->egid));
        break;
    default:
        break;
    }
    return unchanged ? 0 : -EPERM;
}

/* --- calls that name a process --- */

long ckpt_on_pid0(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;

    if ((int)arg[0] != ckpt_state->id.pid)
        return CKPT_LOCAL;
    return ckpt_sys(call->nr, ckpt_link->self, arg[1], arg[2], arg[3], arg[4],
                    arg[5]);
}

long ckpt_on_pid1(struct ckpt_call *call)
{
    const uint64_t *arg = call->arg;
    uint64_t which = arg[0];

    if (which == PRIO_PROCESS && (int)arg[1] == ckpt_state->id.pid)
        return ckpt_sys(call->nr, which, 0, arg[2]);
    return CKPT_LOCAL;
}

/* The whole program gets the signal before the call returns, as the kernel
 * promises a process that signals itself. */
long ckpt_on_kill(struct ckpt_call *call)
{
    int pid = (int)call->arg[0], sig = (int)call->arg[1];

    if (pid != 0 && !means_us(call->arg[0]) && pid != -ckpt_state->id.pgid)
        return -ESRCH;
    if (sig == SIGKILL)
        ckpt_end_with(sig, call->uc);
    return ckpt_sys(SYS_kill, ckpt_link->self, sig);
}

/* The main thread's number is the process's. */
static long thread_of(uint64_t tid)
{
    return means_us(tid) ? ckpt_link->self : (int)tid;
}

long ckpt_on_tkill(struct ckpt_call *call)
{
    return ckpt_sys(SYS_tgkill, ckpt_link->self, thread_of(call->arg[0]),
                    call->arg[1]);
}

long ckpt_on_tgkill(struct ckpt_call *call)
{
    if (!means_us(call->arg[0]))
        return -ESRCH;
    return ckpt_sys(SYS_tgkill, ckpt_link->self, thread_of(call->arg[1]),
                    call->arg[2]);
}

long ckpt_on_rt_sigqueueinfo(struct ckpt_call *call)
{
    if (!means_us(call->arg[0]))
        return -ESRCH;
    return ckpt_sys(call->nr, ckpt_link->self, call->arg[1], call->arg[2]);
}

long ckpt_on_rt_tgsigqueueinfo(struct ckpt_call *call)
{
    if (!means_us(call->arg[0]))
        return -ESRCH;
    return ckpt_sys(call->nr, ckpt_link->self, thread_of(call->arg[1]),
                    call->arg[2], call->arg[3]);
}
