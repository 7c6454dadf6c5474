/* start.c - remote mode begins, stands still for a checkpoint, goes on after
 * a restart */
#include "lib/remote/remote.h"
#include "lib/remote/state.h"

#include "lib/common/io.h"

#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

bool ckpt_remote_active(void)
{
    return ckpt_state && ckpt_state->active;
}

bool ckpt_remote_owns_fd(int fd)
{
    return ckpt_remote_active() && fd >= 0 && ckpt_fd_remote((uint64_t)fd);
}

static int fail(struct ckpt_err *err, long rc, const char *what)
{
    errno = (int)-rc;
    return ckpt_err_sys(err, "%s", what);
}

static bool_t no_arguments(XDR *xdr, void *none)
{
    (void)xdr;
    (void)none;
    return TRUE;
}

/* The answer is decoded into memory of the table.  A program that was restarted
 * has another shadow, and keeps the numbers that it knows: the first one's. */
static int fetch_identity(struct ckpt_err *err)
{
    struct shadow_identity *id = &ckpt_state->id;
    const struct shadow_identity known = *id;
    XDR xdr;

    id->user = ckpt_state->id_text[0];
    id->hostname = ckpt_state->id_text[1];
    id->domainname = ckpt_state->id_text[2];
    id->groups.groups_val = ckpt_state->id_groups;
    id->cwd = ckpt_state->id_cwd;
    struct ckpt_slot *slot =
        ckpt_wire_begin(SHADOW_IDENTITY, (xdrproc_t)no_arguments, NULL);
    ckpt_wire_issue(slot);
    ckpt_wire_wait(slot, &xdr);
    if (!xdr_shadow_identity(&xdr, id))
        return fail(err, -EPROTO, "the shadow does not tell who we are");
    if (known.pid > 0) {
        id->pid = known.pid;
        id->ppid = known.ppid;
        id->pgid = known.pgid;
        id->sid = known.sid;
    }
    return 0;
}

/* --- standard streams --- */

/* Bytes written to a file that is a standard stream go to its end, whoever
 * else writes there at home. */
static int standard_flags(int fd, const struct shadow_attr *attr)
{
    if (S_ISCHR(attr->mode))
        return O_RDWR;
    if (fd == 0)
        return O_RDONLY;
    return S_ISREG(attr->mode) ? O_WRONLY | O_APPEND : O_WRONLY;
}

static const char *const standard_name[] = {"/dev/stdin", "/dev/stdout",
                                            "/dev/stderr"};

/* A stream that is closed at home stays what the station made it. */
static int take_standard(int fd, struct ckpt_err *err)
{
    shadow_handle_args args = {(uint32_t)fd};
    shadow_attr_res res = {.status = EIO};
    const struct shadow_attr *attr = &res.shadow_attr_res_u.attr;

    if (ckpt_session_call(SHADOW_FSTAT, (xdrproc_t)xdr_shadow_handle_args,
                          &args, (xdrproc_t)xdr_shadow_attr_res, &res) != 0)
        return 0;
    struct ckpt_file *file = ckpt_file_new(
        (uint32_t)fd, standard_flags(fd, attr), standard_name[fd], attr);
    if (!file)
        return fail(err, -ENFILE, "standard streams");
    file->standard = true;
    long rc = ckpt_fd_stand_in(fd, file, false);
    return rc < 0 ? fail(err, rc, "cannot take over a standard stream") : 0;
}

/* --- start --- */

static void make_private(void)
{
    long fd = ckpt_sys(SYS_fcntl, 2, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0)
        fd = ckpt_fd_hide((int)fd);
    ckpt_link->message = fd >= 0 ? (int)fd : -1;
    fd = ckpt_sys(SYS_eventfd2, 0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd >= 0)
        fd = ckpt_fd_hide((int)fd);
    ckpt_link->wake = fd >= 0 ? (int)fd : -1;
}

/* What every start and every restart does: the connection, then the traps. */
static int connect_home(int boot_fd, struct ckpt_err *err)
{
    if (ckpt_link_init(boot_fd, err) != 0)
        return -1;
    make_private();
    if (ckpt_session_open_waiting(err) == 0)
        return fetch_identity(err);
    int errnum = errno; /* standard error may be a stand-in by now */
    ckpt_write_full(ckpt_link->message, err->text, strlen(err->text));
    ckpt_write_full(ckpt_link->message, "\n", 1);
    errno = errnum;
    return -1;
}

static int set_traps(struct ckpt_err *err)
{
    ckpt_sys(SYS_umask, ckpt_state->umask);
    if (ckpt_trap_install(err) != 0)
        return -1;
    ckpt_signals_install();
    if (ckpt_filter_install(err) != 0)
        return -1;
    ckpt_state->active = true;
    ckpt_names_install();
    return 0;
}

int ckpt_remote_start(int boot_fd, struct ckpt_err *err)
{
    if (ckpt_state_map(err) != 0 || connect_home(boot_fd, err) != 0 ||
        ckpt_rules_fetch(err) != 0 || ckpt_rules_prepare(err) != 0)
        return -1;
    ckpt_state->umask = ckpt_state->id.umask & 0777;
    strcpy(ckpt_state->cwd, ckpt_state->id_cwd);
    for (int fd = 0; fd < 3; fd++)
        if (take_standard(fd, err) != 0)
            return -1;
    return set_traps(err);
}

/* --- checkpoint --- */

static void note_cloexec(void)
{
    memset(ckpt_state->cloexec, 0, sizeof ckpt_state->cloexec);
    for (uint32_t fd = 0; fd < CKPT_FDS; fd++)
        if (ckpt_fd_remote(fd) &&
            (ckpt_sys(SYS_fcntl, fd, F_GETFD) & FD_CLOEXEC))
            ckpt_state->cloexec[fd / 8] |= (uint8_t)(1u << (fd % 8));
}

static long do_quiesce(struct ckpt_call *call)
{
    (void)call;
    ckpt_maps_write_back();
    ckpt_cache_send_all();
    ckpt_park_cancel_all();
    ckpt_wire_settle(-1);
    for (uint32_t i = 0; i < ckpt_state->nodes_top; i++)
        if (ckpt_state->nodes[i].refs > 0)
            ckpt_cache_drop(&ckpt_state->nodes[i]);
    note_cloexec();
    return 0;
}

int ckpt_remote_quiesce(struct ckpt_err *err)
{
    struct ckpt_call none = {.nr = 0};

    if (ckpt_scratch_is_empty(err) != 0)
        return -1;
    ckpt_locked(do_quiesce, &none); /* an outage is waited for */
    return 0;
}

static long do_log(struct ckpt_call *call)
{
    ckpt_session_log((const char *)(uintptr_t)call->arg[0]);
    return 0;
}

static long do_rhythm(struct ckpt_call *call)
{
    return ckpt_session_call(SHADOW_RHYTHM, (xdrproc_t)no_arguments, NULL,
                             (xdrproc_t)xdr_shadow_rhythm_res,
                             (shadow_rhythm_res *)(uintptr_t)call->arg[0]);
}

static long do_migrate(struct ckpt_call *call)
{
    shadow_event_args args = {
        .event = SHADOW_EV_MIGRATE,
        .text = (char *)(uintptr_t)call->arg[0],
    };

    return ckpt_session_call(SHADOW_EVENT, (xdrproc_t)xdr_shadow_event_args,
                             &args, NULL, NULL);
}

long ckpt_remote_migrate(const char *station)
{
    struct ckpt_call call = {.arg = {(uint64_t)(uintptr_t)station}};

    return ckpt_locked(do_migrate, &call);
}

long ckpt_remote_rhythm(uint32_t *every_sec, uint32_t *mtbf_sec)
{
    shadow_rhythm_res res = {.status = EIO};
    struct ckpt_call call = {.arg = {(uint64_t)(uintptr_t)&res}};
    long rc = ckpt_locked(do_rhythm, &call);

    if (rc == 0) {
        *every_sec = res.every_sec;
        *mtbf_sec = res.mtbf_sec;
    }
    return rc;
}

void ckpt_remote_log(const char *text)
{
    struct ckpt_call call = {.arg = {(uint64_t)(uintptr_t)text}};

    if (ckpt_remote_active())
        ckpt_locked(do_log, &call);
}

/* --- restart --- */

static int go_to_cwd(struct ckpt_err *err)
{
    char text[SHADOW_PATH_MAX + 1], scratch[PATH_MAX];
    shadow_path_args args = {{SHADOW_CWD, ckpt_state->cwd}};
    shadow_path_res res = {.status = EIO, .shadow_path_res_u.path = text};
    long rc;

    if (ckpt_state->cwd_scratch &&
        (rc = ckpt_scratch_name(strcpy(scratch, ckpt_state->cwd))) == 0)
        rc = ckpt_sys(SYS_chdir, scratch);
    else if (ckpt_state->cwd_local)
        rc = ckpt_sys(SYS_chdir, ckpt_state->cwd);
    else
        rc = ckpt_session_call(SHADOW_CHDIR, (xdrproc_t)xdr_shadow_path_args,
                               &args, (xdrproc_t)xdr_shadow_path_res, &res);
    if (rc == 0)
        return 0;
    errno = (int)-rc;
    return ckpt_err_sys(err, "working directory %s", ckpt_state->cwd);
}

static int open_again(struct ckpt_file *file, struct ckpt_err *err)
{
    shadow_open_args args = {
        {SHADOW_CWD, file->path},
        (unsigned int)(file->flags & ~(O_ASYNC | O_DIRECT)),
        0};
    shadow_open_res res = {.status = EIO};
    const shadow_open_ok *ok = &res.shadow_open_res_u.ok;

    if (file->standard)
        return 0;
    long rc = ckpt_session_call(SHADOW_OPEN, (xdrproc_t)xdr_shadow_open_args,
                                &args, (xdrproc_t)xdr_shadow_open_res, &res);
    if (rc != 0) {
        errno = (int)-rc;
        return ckpt_err_sys(err, "cannot open %s at home again", file->path);
    }
    file->handle = ok->handle;
    file->attr_fresh = false;
    ckpt_state->nodes[file->node].dev = ok->attr.dev;
    ckpt_state->nodes[file->node].ino = ok->attr.ino;
    return 0;
}

/* Descriptors of libckpt's own belonged to the process that was saved. */
static void forget_private(void)
{
    for (uint32_t fd = 0; fd < CKPT_FDS; fd++)
        if (ckpt_state->fds[fd] == CKPT_FD_PRIVATE)
            ckpt_state->fds[fd] = 0;
}

static int stand_in_again(struct ckpt_err *err)
{
    for (uint32_t fd = 0; fd < CKPT_FDS; fd++) {
        struct ckpt_file *file = ckpt_file_of(fd);
        if (!file)
            continue;
        bool cloexec = ckpt_state->cloexec[fd / 8] & (1u << (fd % 8));
        long rc = ckpt_fd_stand_in((int)fd, file, cloexec);
        if (rc < 0)
            return fail(err, rc, "cannot make a descriptor again");
    }
    return 0;
}

int ckpt_remote_revive(int boot_fd, struct ckpt_err *err)
{
    forget_private();
    if (connect_home(boot_fd, err) != 0 || ckpt_rules_prepare(err) != 0 ||
        go_to_cwd(err) != 0)
        return -1;
    for (uint32_t i = 0; i < ckpt_state->files_top; i++)
        if (ckpt_state->files[i].refs > 0 &&
            open_again(&ckpt_state->files[i], err) != 0)
            return -1;
    if (stand_in_again(err) != 0)
        return -1;
    return set_traps(err);
}
