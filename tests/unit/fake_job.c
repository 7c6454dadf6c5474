/* fake_job.c - see fake_shadow.h: the job's identity, image and log */
#include "tests/unit/fake_shadow.h"

#include <stdio.h>

static size_t image_len;

bool_t shadow_null_1_svc(void *args, void *res, struct svc_req *req)
{
    UNUSED;
    return TRUE;
}

bool_t shadow_identity_1_svc(void *args, shadow_identity *res,
                             struct svc_req *req)
{
    char cwd[4096], host[256] = "";
    ZERO;
    gethostname(host, sizeof host - 1);
    mode_t mask = umask(0);
    umask(mask);
    *res = (shadow_identity){
        .pid = getpid(),
        .ppid = getppid(),
        .pgid = getpgrp(),
        .sid = getsid(0),
        .uid = getuid(),
        .euid = geteuid(),
        .gid = getgid(),
        .egid = getegid(),
        .user = strdup("user"),
        .hostname = strdup(host),
        .domainname = strdup("home"),
        .cwd = strdup(getcwd(cwd, sizeof cwd)),
        .umask = mask,
    };
    return TRUE;
}

SERVICE(image_put, shadow_image_put_args, shadow_status_res)
{
    const char *to = getenv("FAKE_SHADOW_IMAGE");
    const shadow_data *d = &args->data;
    int flags = O_WRONLY | O_CREAT | (args->offset == 0 ? O_TRUNC : 0);
    UNUSED;
    int fd = to ? open(to, flags, 0600) : -1;
    ssize_t n =
        pwrite(fd, d->shadow_data_val, d->shadow_data_len, (off_t)args->offset);
    tell(res, n);
    close(fd);
    image_len = args->offset + d->shadow_data_len;
    return TRUE;
}

SERVICE(image_commit, shadow_image_commit_args, shadow_status_res)
{
    UNUSED;
    res->status = args->size == image_len ? 0 : EINVAL;
    return TRUE;
}

bool_t shadow_image_stat_1_svc(void *args, shadow_image_stat_res *res,
                               struct svc_req *req)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

SERVICE(image_get, shadow_image_get_args, shadow_read_res)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

bool_t shadow_start_1_svc(void *args, shadow_start_res *res,
                          struct svc_req *req)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

SERVICE(exe_get, shadow_image_get_args, shadow_read_res)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

SERVICE(event, shadow_event_args, shadow_status_res)
{
    ZERO;
    return TRUE;
}

bool_t shadow_rules_1_svc(void *args, shadow_rules *res, struct svc_req *req)
{
    ZERO;
    return TRUE;
}

bool_t shadow_grants_1_svc(void *args, shadow_grants_res *res,
                           struct svc_req *req)
{
    ZERO;
    res->status = ENOSYS;
    return TRUE;
}

bool_t shadow_rhythm_1_svc(void *args, shadow_rhythm_res *res,
                           struct svc_req *req)
{
    ZERO;
    return TRUE;
}

SERVICE(log, shadow_log_args, shadow_status_res)
{
    ZERO;
    const char *to = getenv("FAKE_SHADOW_LOG");
    FILE *f = to ? fopen(to, "a") : NULL;
    if (f) {
        fprintf(f, "%s\n", args->text);
        fclose(f);
    }
    return TRUE;
}
