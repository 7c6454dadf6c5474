/* shadow_client.h - a ckpt-shadow in a directory of its own, and a client
 *
 * For the unit tests of the shadow, which include it once each.
 */
#ifndef CKPT_TESTS_SHADOW_CLIENT_H
#define CKPT_TESTS_SHADOW_CLIENT_H

#include "lib/proto/boot.h"
#include "lib/proto/dial.h"
#include "lib/proto/rpc.h"
#include "lib/proto/shadow.h"
#include "shadow/jobdir.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma GCC diagnostic ignored "-Wunused-function"

static char top[64], job[96], work[96], other[96];
static uint8_t token[CKPT_TOKEN_LEN];
static struct ckpt_err err;
static struct jobspec spec;
static pid_t shadow_pid;

/* --- the shadow --- */

static const char *program(void)
{
    const char *dir = getenv("CKPT_BUILDDIR");
    static char path[512];

    snprintf(path, sizeof path, "%s/ckpt-shadow", dir ? dir : ".");
    return path;
}

static char *in_top(const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", top, name);
    return strdup(path);
}

static void put_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq((int)write(fd, text, strlen(text)), (int)strlen(text));
    close(fd);
}

static const char *get_file(const char *path)
{
    static char text[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return NULL;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void setup(void)
{
    static char *args[] = {"prog", "arg", NULL};

    strcpy(top, "/tmp/ckpt-shadow-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(top));
    snprintf(job, sizeof job, "%s/job", top);
    snprintf(work, sizeof work, "%s/work", top);
    snprintf(other, sizeof other, "%s/other", top);
    ck_assert_int_eq(mkdir(work, 0700), 0);
    ck_assert_int_eq(mkdir(other, 0700), 0);
    jobspec_init(&spec);
    spec.lease_sec = 60; /* that of a test that failed ends, too */
    spec.job = 42;
    spec.user = (char *)(geteuid() == 0 ? "root" : getenv("USER"));
    if (!spec.user)
        spec.user = (char *)"nobody";
    spec.executable = in_top("work/prog");
    put_file(spec.executable, "#!/bin/true\n");
    spec.cwd = work;
    spec.in = in_top("other/in");
    put_file(spec.in, "input\n");
    spec.out = in_top("work/out");
    spec.err = spec.out;
    spec.args = args;
    memset(token, 7, sizeof token);
}

static void end_shadow(int sig)
{
    int status;

    if (shadow_pid <= 0)
        return;
    if (sig)
        kill(shadow_pid, sig);
    ck_assert_int_eq(waitpid(shadow_pid, &status, 0), shadow_pid);
    shadow_pid = 0;
}

static void teardown(void)
{
    char command[128];

    end_shadow(SIGKILL);
    snprintf(command, sizeof command, "rm -rf %s", top);
    ck_assert_int_eq(system(command), 0);
}

static void await_shadow(void)
{
    char host[JOBDIR_HOST_MAX];
    uint16_t port;
    struct timespec pause = {.tv_nsec = 2000000};

    for (int i = 0; i < 10000; i++) {
        if (jobdir_addr_read(job, host, &port, &err) == 0)
            return;
        nanosleep(&pause, NULL);
    }
    ck_abort_msg("the shadow does not come up: %s", err.text);
}

static void start_shadow(void)
{
    spec.epoch++;
    ck_assert_int_eq(jobspec_write(job, &spec, &err), 0);
    shadow_pid = jobdir_shadow_start(program(), job, "127.0.0.1", token, &err);
    ck_assert_msg(shadow_pid > 0, "%s", err.text);
    await_shadow();
}

/* Another one, which goes on where the last was killed. */
static void resume_shadow(void)
{
    shadow_pid = jobdir_shadow_resume(program(), job, "127.0.0.1", &err);
    ck_assert_msg(shadow_pid > 0, "%s", err.text);
    await_shadow();
}

static bool log_has(const char *text)
{
    char path[128], all[65536];
    size_t len;

    snprintf(path, sizeof path, "%s", job);
    char *data = jobdir_file_read(path, "shadow.log", sizeof all, &len, &err);
    bool found = data && strstr(data, text);
    free(data);
    return found;
}

/* --- a client --- */

struct client {
    struct ckpt_channel *channel;
    CLIENT *rpc;
    uint8_t session[SHADOW_ID_LEN];
    unsigned seq;
};

static int connect_as(struct client *client, uint32_t epoch)
{
    struct ckpt_boot boot = {.job = spec.job, .epoch = epoch};
    uint8_t prologue[CKPT_BOOT_PROLOGUE_LEN];
    char host[JOBDIR_HOST_MAX];
    uint16_t port;

    ck_assert_int_eq(jobdir_addr_read(job, host, &port, &err), 0);
    int fd = ckpt_proto_connect(host, port, 5000, &err);
    ck_assert_msg(fd >= 0, "%s", err.text);
    client->channel = aligned_alloc(64, (ckpt_channel_size() + 63) & ~63UL);
    size_t len = ckpt_boot_prologue(&boot, prologue);
    if (ckpt_channel_connect(client->channel, fd, token, prologue, len, 5000,
                             &err) < 0) {
        int saved = errno;
        free(client->channel);
        close(fd);
        errno = saved;
        return -1;
    }
    client->rpc =
        ckpt_rpc_client(client->channel, SHADOW_PROGRAM, SHADOW_V1, &err);
    ck_assert_ptr_nonnull(client->rpc);
    return 0;
}

static void cut(struct client *client)
{
    CLNT_DESTROY(client->rpc);
    ckpt_channel_close(client->channel);
    free(client->channel);
}

/* The credential of the next call, in slot 0. */
static CLIENT *next(struct client *client)
{
    uint8_t cred[8] = {0};

    client->seq++;
    for (int i = 0; i < 4; i++)
        cred[4 + i] = (uint8_t)(client->seq >> (24 - 8 * i));
    ckpt_rpc_client_cred(client->rpc, SHADOW_AUTH, cred, sizeof cred);
    return client->rpc;
}

static CLIENT *again(struct client *client)
{
    client->seq--;
    return next(client);
}

static int bind_as(struct client *client, enum shadow_role role)
{
    shadow_bind_args args = {.role = role};
    shadow_bind_res res = {0};

    memcpy(args.session, client->session, SHADOW_ID_LEN);
    ck_assert_int_eq(shadow_bind_1(&args, &res, client->rpc), RPC_SUCCESS);
    if (res.status == 0)
        memcpy(client->session, res.shadow_bind_res_u.ok.session,
               SHADOW_ID_LEN);
    return res.status;
}

static struct client client_new(enum shadow_role role)
{
    struct client client = {0};

    ck_assert_int_eq(connect_as(&client, spec.epoch), 0);
    ck_assert_int_eq(bind_as(&client, role), 0);
    return client;
}

static struct shadow_at at(const char *path)
{
    return (struct shadow_at){.dir = SHADOW_CWD, .path = (char *)path};
}

static int64_t open_file(struct client *client, const char *path, int flags)
{
    shadow_open_args args = {at(path), (unsigned)flags, 0644};
    shadow_open_res res = {0};

    ck_assert_int_eq(shadow_open_1(&args, &res, next(client)), RPC_SUCCESS);
    return res.status ? -res.status : (int64_t)res.shadow_open_res_u.ok.handle;
}

static int append(struct client *client, CLIENT *rpc, uint32_t handle,
                  const char *text)
{
    shadow_write_args args = {.handle = handle, .append = true};
    shadow_write_res res = {0};

    (void)client;
    args.data = (shadow_data){(u_int)strlen(text), (char *)text};
    if (shadow_write_1(&args, &res, rpc) != RPC_SUCCESS)
        return -1;
    return res.status;
}

static int unlink_file(struct client *client, const char *path)
{
    shadow_unlink_args args = {at(path), false};
    shadow_status_res res = {0};

    ck_assert_int_eq(shadow_unlink_1(&args, &res, next(client)), RPC_SUCCESS);
    return res.status;
}

static int stat_file(struct client *client, const char *path, bool follow)
{
    shadow_stat_args args = {at(path), follow};
    shadow_attr_res res = {0};

    ck_assert_int_eq(shadow_stat_1(&args, &res, next(client)), RPC_SUCCESS);
    return res.status;
}

static int put_image(struct client *client, const char *text)
{
    shadow_image_put_args put = {0};
    shadow_image_commit_args commit = {strlen(text)};
    shadow_status_res res = {0};

    put.data = (shadow_data){(u_int)strlen(text), (char *)text};
    ck_assert_int_eq(shadow_image_put_1(&put, &res, next(client)), RPC_SUCCESS);
    ck_assert_int_eq(res.status, 0);
    ck_assert_int_eq(shadow_image_commit_1(&commit, &res, next(client)),
                     RPC_SUCCESS);
    return res.status;
}

static int tell(struct client *client, enum shadow_event event, int value)
{
    shadow_event_args args = {event, value, 1234, (char *)"said"};
    shadow_status_res res = {0};

    ck_assert_int_eq(shadow_event_1(&args, &res, next(client)), RPC_SUCCESS);
    return res.status;
}

static char *path_in(const char *dir, const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

#endif
