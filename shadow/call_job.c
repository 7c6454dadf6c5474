/* call_job.c - identity, images, and what the starter says and asks */
#include "shadow/call.h"

#include "lib/common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_CHECKPOINTED = 85 };

static int groups(shadow_identity *res)
{
    gid_t list[SHADOW_GROUPS_MAX];
    int n = getgroups(SHADOW_GROUPS_MAX, list);

    if (n <= 0)
        return 0;
    res->groups.groups_val = calloc((size_t)n, sizeof(u_int));
    if (!res->groups.groups_val)
        return -1;
    for (int i = 0; i < n; i++)
        res->groups.groups_val[i] = list[i];
    res->groups.groups_len = (u_int)n;
    return 0;
}

/* The job's process at home is this one. */
bool_t shadow_identity_1_svc(void *args, shadow_identity *res,
                             struct svc_req *req)
{
    BEGIN;
    struct utsname name;

    (void)args;
    uname(&name);
    res->pid = getpid();
    res->ppid = getppid();
    res->pgid = getpgrp();
    res->sid = getsid(0);
    res->uid = getuid();
    res->euid = geteuid();
    res->gid = getgid();
    res->egid = getegid();
    res->user = strdup(shadow->spec.user);
    res->hostname = strdup(name.nodename);
    res->domainname = strdup(name.domainname);
    res->cwd = strdup(shadow->cwd);
    res->umask = shadow->spec.umask;
    return groups(res) == 0 && res->user && res->hostname && res->domainname &&
           res->cwd;
}

static enum shadow_rule_kind rule_kind(const char *map)
{
    return strncmp(map, "local ", 6) == 0   ? SHADOW_RULE_LOCAL
           : strncmp(map, "fetch ", 6) == 0 ? SHADOW_RULE_FETCH
                                            : SHADOW_RULE_HOME;
}

bool_t shadow_rules_1_svc(void *args, shadow_rules *res, struct svc_req *req)
{
    BEGIN;
    char **maps = shadow->spec.maps;
    u_int count = 0;

    (void)args;
    while (maps && maps[count] && count < SHADOW_RULES_MAX)
        count++;
    res->rules.rules_val = calloc(count + 1, sizeof *res->rules.rules_val);
    if (!res->rules.rules_val)
        return FALSE;
    for (; res->rules.rules_len < count; res->rules.rules_len++) {
        const char *map = maps[res->rules.rules_len];
        shadow_rule *rule = &res->rules.rules_val[res->rules.rules_len];
        rule->kind = rule_kind(map);
        rule->prefix = strdup(strchr(map, ' ') ? strchr(map, ' ') + 1 : "");
        if (!rule->prefix)
            return FALSE;
    }
    return TRUE;
}

bool_t shadow_grants_1_svc(void *args, shadow_grants_res *res,
                           struct svc_req *req)
{
    BEGIN;
    shadow_grants_ok *ok = &res->shadow_grants_res_u.ok;
    const char *streams[3] = {shadow->spec.in, shadow->spec.out,
                              shadow->spec.err};
    const char *path;
    bool is_dir, write;

    (void)args;
    ok->cwd = strdup(shadow->spec.cwd);
    for (int i = 0; i < 3; i++)
        if (!(ok->streams[i] = strdup(streams[i] ? streams[i] : "")))
            return FALSE;
    ok->umask = shadow->spec.umask;
    ok->uid = geteuid();
    ok->gid = getegid();
    ok->grants.grants_val =
        calloc(SHADOW_GRANTS_MAX, sizeof *ok->grants.grants_val);
    if (!ok->cwd || !ok->grants.grants_val)
        return FALSE;
    for (u_int n = 0; n < SHADOW_GRANTS_MAX; n++) {
        path = paths_grant_path(shadow->paths, n, &is_dir, &write);
        if (!path)
            break;
        ok->grants.grants_val[n] = (shadow_grant){strdup(path), is_dir, write};
        if (!ok->grants.grants_val[n].path)
            return FALSE;
        ok->grants.grants_len++;
    }
    return TRUE;
}

/* --- images --- */

SERVICE(image_put, shadow_image_put_args, shadow_status_res)
{
    BEGIN;
    res->status = status_of(shadow, images_put(shadow, args->offset,
                                               args->data.shadow_data_val,
                                               args->data.shadow_data_len));
    return TRUE;
}

SERVICE(image_commit, shadow_image_commit_args, shadow_status_res)
{
    BEGIN;
    res->status = status_of(shadow, images_commit(shadow, args->size));
    return TRUE;
}

bool_t shadow_image_stat_1_svc(void *args, shadow_image_stat_res *res,
                               struct svc_req *req)
{
    BEGIN;
    (void)args;
    res->shadow_image_stat_res_u.ok = (shadow_image_stat_ok){
        .present = shadow->images.current != 0,
        .size = shadow->images.size,
        .generation = shadow->images.current,
    };
    return TRUE;
}

typedef ssize_t get_fn(struct shadow *shadow, uint64_t offset, void *data,
                       size_t len);

static bool_t get(struct shadow *shadow, const shadow_image_get_args *args,
                  shadow_read_res *res, get_fn *fn)
{
    size_t len = args->count < SHADOW_DATA_MAX ? args->count : SHADOW_DATA_MAX;
    char *data = malloc(len ? len : 1);
    ssize_t n = -1;

    if (args->offset > INT64_MAX)
        errno = EINVAL;
    else if (data)
        n = fn(shadow, args->offset, data, len);
    res->status = status_of(shadow, n);
    if (n < 0)
        free(data);
    else
        res->shadow_read_res_u.ok.data = (shadow_data){(u_int)n, data};
    return TRUE;
}

SERVICE(image_get, shadow_image_get_args, shadow_read_res)
{
    BEGIN;
    return get(shadow, args, res, images_get);
}

/* --- the starter --- */

static ssize_t get_exe(struct shadow *shadow, uint64_t offset, void *data,
                       size_t len)
{
    return ckpt_pread_full(shadow->exe_fd, data, len, (off_t)offset);
}

SERVICE(exe_get, shadow_image_get_args, shadow_read_res)
{
    BEGIN;
    if (!is_starter(req)) {
        res->status = EPERM;
        return TRUE;
    }
    return get(shadow, args, res, get_exe);
}

static shadow_arg *copy_list(char **list, u_int *count)
{
    u_int n = 0;

    while (list && list[n] && n < SHADOW_ARGS_MAX)
        n++;
    shadow_arg *copy = calloc(n ? n : 1, sizeof *copy);
    for (u_int i = 0; copy && i < n; i++)
        copy[i] = strdup(list[i]);
    *count = copy ? n : 0;
    return copy;
}

bool_t shadow_start_1_svc(void *args, shadow_start_res *res,
                          struct svc_req *req)
{
    BEGIN;
    shadow_start_ok *ok = &res->shadow_start_res_u.ok;
    struct stat st;

    (void)args;
    if (!is_starter(req) || fstat(shadow->exe_fd, &st) < 0) {
        res->status = errno;
        return TRUE;
    }
    ok->executable = strdup(shadow->spec.executable);
    ok->executable_size = (uint64_t)st.st_size;
    ok->executable_mode = st.st_mode & 0777;
    ok->args.args_val = copy_list(shadow->spec.args, &ok->args.args_len);
    ok->env.env_val = copy_list(shadow->spec.env, &ok->env.env_len);
    ok->image_size = shadow->images.current ? shadow->images.size : 0;
    ok->checkpoint_every_sec = shadow->spec.checkpoint_every_sec;
    ok->checkpoint_mtbf_sec = shadow->spec.checkpoint_mtbf_sec;
    return ok->executable && ok->args.args_val && ok->env.env_val;
}

bool_t shadow_rhythm_1_svc(void *args, shadow_rhythm_res *res,
                           struct svc_req *req)
{
    BEGIN;
    (void)args;
    res->every_sec = shadow->spec.checkpoint_every_sec;
    res->mtbf_sec = shadow->spec.checkpoint_mtbf_sec;
    return TRUE;
}

static void job_exited(struct shadow *shadow, const shadow_event_args *args)
{
    int status = args->value;
    enum jobexit_how how = JOBEXIT_EXITED;
    int value = WEXITSTATUS(status);

    if (WIFSIGNALED(status)) {
        how = JOBEXIT_SIGNALED;
        value = WTERMSIG(status);
    } else if (value == EXIT_CHECKPOINTED && shadow->images.kept->committed) {
        how = JOBEXIT_VACATED;
    }
    shadow_end(shadow, how, value, args->cpu_usec, args->text);
}

SERVICE(event, shadow_event_args, shadow_status_res)
{
    static const enum jobevent_kind kinds[] = {
        [SHADOW_EV_STARTED] = JOBEVENT_STARTED,
        [SHADOW_EV_SUSPENDED] = JOBEVENT_SUSPENDED,
        [SHADOW_EV_RESUMED] = JOBEVENT_RESUMED,
        [SHADOW_EV_EXITED] = JOBEVENT_EXITED,
        [SHADOW_EV_FAILED] = JOBEVENT_FAILED,
        [SHADOW_EV_REFUSED] = JOBEVENT_REFUSED,
        [SHADOW_EV_MIGRATE] = JOBEVENT_MIGRATE,
    };
    BEGIN;

    if (args->event != SHADOW_EV_MIGRATE && !is_starter(req)) {
        res->status = EPERM;
        return TRUE;
    }
    if (args->event < SHADOW_EV_STARTED || args->event > SHADOW_EV_MIGRATE) {
        res->status = EINVAL;
        return TRUE;
    }
    tell_event(shadow, kinds[args->event], args->value, args->cpu_usec, 0,
               args->text);
    if (args->event == SHADOW_EV_EXITED)
        job_exited(shadow, args);
    if (args->event == SHADOW_EV_FAILED)
        shadow_end(shadow, JOBEXIT_FAILED, args->value, args->cpu_usec,
                   args->text);
    return TRUE;
}

SERVICE(log, shadow_log_args, shadow_status_res)
{
    BEGIN;
    tell_event(shadow, JOBEVENT_LOG, 0, 0, 0, args->text);
    return TRUE;
}

int shadow_program_1_freeresult(SVCXPRT *xprt, xdrproc_t xdr, caddr_t res)
{
    return ckpt_rpc_free_result(xprt, xdr, res);
}
