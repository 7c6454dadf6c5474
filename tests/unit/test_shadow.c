/* test_shadow.c - ckpt-shadow over the real channel, from a client's side */
#include "tests/unit/run_tests.h"
#include "tests/unit/shadow_client.h"

/* --- tests --- */

START_TEST(who_does_not_know_the_token_is_refused)
{
    struct client client = {0};

    start_shadow();
    token[3] ^= 1;
    ck_assert_int_eq(connect_as(&client, spec.epoch), -1);
    token[3] ^= 1;
    ck_assert_int_eq(connect_as(&client, spec.epoch - 1), -1);
    ck_assert(log_has("refused"));
    /* a session that is not ours */
    memset(client.session, 9, sizeof client.session);
    ck_assert_int_eq(connect_as(&client, spec.epoch), 0);
    ck_assert_int_eq(bind_as(&client, SHADOW_ROLE_JOB), ESTALE);
    cut(&client);
    /* a call without a session ends the connection */
    memset(client.session, 0, sizeof client.session);
    ck_assert_int_eq(connect_as(&client, spec.epoch), 0);
    shadow_image_stat_res res = {0};
    ck_assert_int_ne(shadow_image_stat_1(NULL, &res, next(&client)),
                     RPC_SUCCESS);
    cut(&client);
    ck_assert(log_has("no session"));
    end_shadow(SIGTERM);
}
END_TEST

START_TEST(a_call_sent_again_is_not_done_again)
{
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    int64_t handle = open_file(&client, "f", O_WRONLY | O_CREAT);
    ck_assert_int_gt(handle, 0);
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(
            append(&client, next(&client), (uint32_t)handle, "line\n"), 0);
        cut(&client); /* the reply might have been lost */
        ck_assert_int_eq(connect_as(&client, spec.epoch), 0);
        ck_assert_int_eq(bind_as(&client, SHADOW_ROLE_JOB), 0);
        ck_assert_int_eq(
            append(&client, again(&client), (uint32_t)handle, "line\n"), 0);
    }
    ck_assert_uint_eq(strlen(get_file(path_in(work, "f"))), 100);
    /* NULL counts when it names a slot, and does not otherwise */
    ck_assert_int_eq(shadow_null_1(NULL, NULL, next(&client)), RPC_SUCCESS);
    ck_assert_int_eq(shadow_null_1(NULL, NULL, client.rpc), RPC_SUCCESS);
    ck_assert_int_eq(append(&client, next(&client), (uint32_t)handle, "last\n"),
                     0);
    /* a gap in the sequence is an error of the peer */
    client.seq += 5;
    ck_assert_int_ne(append(&client, next(&client), (uint32_t)handle, "line\n"),
                     0);
    cut(&client);
    ck_assert(log_has("out of order"));
    end_shadow(SIGTERM);
}
END_TEST

START_TEST(nothing_outside_the_grants_is_reached)
{
    put_file(path_in(other, "secret"), "secret");
    ck_assert_int_eq(symlink(other, path_in(work, "dirlink")), 0);
    ck_assert_int_eq(symlink("../other/secret", path_in(work, "link")), 0);
    ck_assert_int_eq(symlink("/proc/self/root", path_in(work, "magic")), 0);
    ck_assert_int_eq(symlink("nowhere", path_in(work, "dangling")), 0);
    ck_assert_int_eq(mkfifo(path_in(work, "fifo"), 0600), 0);
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    static const char *const outside[] = {
        "../other/secret",      "link",
        "dirlink/secret",       "/etc/passwd",
        "magic/etc/passwd",     "/proc/self/environ",
        "x/../../other/secret", "../job/job.conf"};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        int64_t rc = open_file(&client, outside[i], O_RDONLY);
        ck_assert_msg(rc == -EACCES || rc == -ENOENT, "%s: %ld", outside[i],
                      (long)rc);
        rc = open_file(&client, outside[i], O_WRONLY | O_CREAT);
        ck_assert_msg(rc == -EACCES || rc == -ENOENT, "%s: %ld", outside[i],
                      (long)rc);
        ck_assert_int_ne(stat_file(&client, outside[i], true), 0);
    }
    ck_assert_int_eq(open_file(&client, "fifo", O_RDONLY), -ENXIO);
    ck_assert_int_eq(stat_file(&client, "link", false), 0);
    ck_assert_int_eq(stat_file(&client, top, true), 0); /* above a grant */
    ck_assert_int_eq(open_file(&client, top, O_RDONLY), -EACCES);
    ck_assert_int_ne(unlink_file(&client, "../other/secret"), 0);
    ck_assert_int_ne(unlink_file(&client, "dirlink/secret"), 0);
    ck_assert_int_gt(open_file(&client, "dangling", O_WRONLY | O_CREAT), 0);
    ck_assert_int_eq(stat_file(&client, "nowhere", true), 0);
    ck_assert(log_has("denied 0 /etc/passwd"));
    cut(&client);
    end_shadow(SIGTERM);
}
END_TEST

START_TEST(a_link_into_another_grant_works_and_ro_stays_ro)
{
    put_file(path_in(other, "data"), "data");
    ck_assert_int_eq(symlink(path_in(other, "data"), path_in(work, "l")), -1);
    char *target = strdup(path_in(other, "data"));
    ck_assert_int_eq(symlink(target, path_in(work, "l")), 0);
    ck_assert_int_eq(jobspec_grant_add(&spec, work, true), 0);
    ck_assert_int_eq(jobspec_grant_add(&spec, other, false), 0);
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    ck_assert_int_gt(open_file(&client, "l", O_RDONLY), 0);
    ck_assert_int_eq(open_file(&client, "l", O_RDWR), -EROFS);
    ck_assert_int_eq(open_file(&client, "l", O_RDONLY | O_TRUNC), -EROFS);
    ck_assert_int_eq(unlink_file(&client, target), EROFS);
    ck_assert_int_eq(unlink_file(&client, "l"), 0);
    ck_assert_str_eq(get_file(target), "data");
    free(target);
    cut(&client);
    end_shadow(SIGTERM);
}
END_TEST

START_TEST(what_is_denied_is_not_reached_through_a_wider_grant)
{
    static char *deny[2];

    put_file(path_in(other, "secret"), "secret");
    deny[0] = other;
    spec.deny = deny;
    ck_assert_int_eq(jobspec_grant_add(&spec, "/", true), 0);
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    ck_assert_int_eq(open_file(&client, "../other/secret", O_RDONLY), -EACCES);
    ck_assert_int_eq(open_file(&client, "../job/job.conf", O_RDONLY), -EACCES);
    ck_assert_int_eq(unlink_file(&client, path_in(job, "events")), EACCES);
    shadow_two_paths_args args = {at(top), at("/tmp/ckpt-moved"), 0};
    shadow_status_res res = {0};
    ck_assert_int_eq(shadow_rename_1(&args, &res, next(&client)), RPC_SUCCESS);
    ck_assert_int_eq(res.status, EBUSY);
    ck_assert_int_gt(open_file(&client, "ok", O_WRONLY | O_CREAT), 0);
    cut(&client);
    end_shadow(SIGTERM);
    spec.deny = NULL;
}
END_TEST

START_TEST(a_killed_incarnation_leaves_no_trace)
{
    put_file(path_in(work, "f"), "before\n");
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    int64_t f = open_file(&client, "f", O_WRONLY);
    ck_assert_int_eq(append(&client, next(&client), (uint32_t)f, "one\n"), 0);
    ck_assert_int_eq(append(&client, next(&client), 1, "said\n"), 0);
    ck_assert_int_eq(put_image(&client, "image one"), 0);
    ck_assert_int_eq(append(&client, next(&client), (uint32_t)f, "two\n"), 0);
    ck_assert_int_eq(append(&client, next(&client), 1, "more\n"), 0);
    ck_assert_int_gt(open_file(&client, "new", O_WRONLY | O_CREAT), 0);
    end_shadow(SIGKILL);
    cut(&client);

    start_shadow(); /* back to the image */
    ck_assert_str_eq(get_file(path_in(work, "f")), "before\none\n");
    ck_assert_str_eq(get_file(path_in(work, "out")), "said\n");
    ck_assert_ptr_null(get_file(path_in(work, "new")));
    client = client_new(SHADOW_ROLE_JOB);
    f = open_file(&client, "f", O_WRONLY);
    ck_assert_int_eq(append(&client, next(&client), (uint32_t)f, "again\n"), 0);
    end_shadow(SIGKILL);
    cut(&client);

    /* the image is damaged: back to the start */
    ck_assert_int_eq(jobdir_image_set_aside(job, &err), 0);
    start_shadow();
    ck_assert_str_eq(get_file(path_in(work, "f")), "before\n");
    end_shadow(SIGTERM);
}
END_TEST

START_TEST(an_epoch_is_served_once)
{
    int status;

    start_shadow();
    pid_t first = shadow_pid;
    ck_assert_int_eq(jobdir_shadow_pid(job), first);
    /* a second one leaves the first alone */
    pid_t pid = jobdir_shadow_start(program(), job, "127.0.0.1", token, &err);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    ck_assert_int_eq(jobdir_shadow_pid(job), first);
    end_shadow(SIGKILL);
    pid = jobdir_shadow_start(program(), job, "127.0.0.1", token, &err);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    struct jobexit ended;
    ck_assert_int_eq(jobexit_read(job, &ended, &err), 0);
    ck_assert_int_eq(ended.how, JOBEXIT_FAILED);
}
END_TEST

START_TEST(root_becomes_the_owner)
{
    struct stat st;

    if (geteuid() != 0 || getpwnam("nobody") == NULL)
        return; /* nothing to become */
    struct passwd *pw = getpwnam("nobody");
    ck_assert_int_eq(chmod(top, 0755), 0);
    ck_assert_int_eq(chown(work, pw->pw_uid, pw->pw_gid), 0);
    ck_assert_int_eq(chown(other, pw->pw_uid, pw->pw_gid), 0);
    ck_assert_int_eq(chown(spec.in, pw->pw_uid, pw->pw_gid), 0);
    ck_assert_int_eq(chmod(spec.executable, 0755), 0);
    put_file(path_in(work, "old"), "root's");
    spec.user = (char *)"nobody";
    start_shadow();
    struct client client = client_new(SHADOW_ROLE_JOB);
    int64_t f = open_file(&client, "new", O_WRONLY | O_CREAT);
    ck_assert_int_gt(f, 0);
    ck_assert_int_eq(append(&client, next(&client), (uint32_t)f, "x"), 0);
    ck_assert_int_eq(open_file(&client, "old", O_RDONLY), -EACCES);
    ck_assert_int_eq(stat(path_in(work, "new"), &st), 0);
    ck_assert_uint_eq(st.st_uid, pw->pw_uid);
    end_shadow(SIGKILL);
    cut(&client);
    start_shadow();
    ck_assert_ptr_null(get_file(path_in(work, "new")));
    end_shadow(SIGTERM);
}
END_TEST

START_TEST(the_end_is_recorded)
{
    static const struct {
        int status;
        bool image;
        enum jobexit_how how;
        int value;
    } ends[] = {
        {0, false, JOBEXIT_EXITED, 0},
        {3 << 8, true, JOBEXIT_EXITED, 3},
        {9, false, JOBEXIT_SIGNALED, 9},
        {85 << 8, true, JOBEXIT_VACATED, 85},
        {85 << 8, false, JOBEXIT_EXITED, 85},
    };
    struct jobexit ended;

    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        start_shadow();
        struct client starter = client_new(SHADOW_ROLE_STARTER);
        struct client client = client_new(SHADOW_ROLE_JOB);
        ck_assert_int_eq(tell(&client, SHADOW_EV_EXITED, 0), EPERM);
        ck_assert_int_eq(tell(&starter, SHADOW_EV_STARTED, 99), 0);
        if (ends[i].image)
            ck_assert_int_eq(put_image(&client, "image"), 0);
        cut(&client);
        ck_assert_int_eq(tell(&starter, SHADOW_EV_EXITED, ends[i].status), 0);
        cut(&starter);
        end_shadow(0);
        ck_assert_int_eq(jobexit_read(job, &ended, &err), 0);
        ck_assert_int_eq(ended.how, ends[i].how);
        ck_assert_int_eq(ended.status, ends[i].value);
        ck_assert_uint_eq(ended.cpu_usec, 1234);
        ck_assert_uint_eq(ended.epoch, spec.epoch);
    }
}
END_TEST

START_TEST(a_silent_starter_is_lost)
{
    struct jobexit ended;

    spec.lease_sec = 1;
    start_shadow();
    struct client starter = client_new(SHADOW_ROLE_STARTER);
    cut(&starter);
    end_shadow(0);
    ck_assert_int_eq(jobexit_read(job, &ended, &err), 0);
    ck_assert_int_eq(ended.how, JOBEXIT_LOST);
}
END_TEST

START_TEST(the_starter_gets_what_it_needs)
{
    shadow_start_res res = {0};
    shadow_image_get_args get = {0, 100};
    shadow_read_res bytes = {0};

    start_shadow();
    struct client starter = client_new(SHADOW_ROLE_STARTER);
    ck_assert_int_eq(shadow_start_1(NULL, &res, next(&starter)), RPC_SUCCESS);
    ck_assert_int_eq(res.status, 0);
    const shadow_start_ok *ok = &res.shadow_start_res_u.ok;
    ck_assert_str_eq(ok->executable, spec.executable);
    ck_assert_uint_eq(ok->executable_size, 12);
    ck_assert_uint_eq(ok->args.args_len, 2);
    ck_assert_str_eq(ok->args.args_val[1], "arg");
    ck_assert_uint_eq(ok->image_size, 0);
    ck_assert_int_eq(shadow_exe_get_1(&get, &bytes, next(&starter)),
                     RPC_SUCCESS);
    ck_assert_uint_eq(bytes.shadow_read_res_u.ok.data.shadow_data_len, 12);
    cut(&starter);
    end_shadow(SIGTERM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("shadow");
    TCase *tests = tcase_create("shadow");

    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 120);
    tcase_add_test(tests, who_does_not_know_the_token_is_refused);
    tcase_add_test(tests, a_call_sent_again_is_not_done_again);
    tcase_add_test(tests, nothing_outside_the_grants_is_reached);
    tcase_add_test(tests, a_link_into_another_grant_works_and_ro_stays_ro);
    tcase_add_test(tests, what_is_denied_is_not_reached_through_a_wider_grant);
    tcase_add_test(tests, a_killed_incarnation_leaves_no_trace);
    tcase_add_test(tests, an_epoch_is_served_once);
    tcase_add_test(tests, root_becomes_the_owner);
    tcase_add_test(tests, the_end_is_recorded);
    tcase_add_test(tests, a_silent_starter_is_lost);
    tcase_add_test(tests, the_starter_gets_what_it_needs);
    suite_add_tcase(suite, tests);
    return run_suite(suite);
}
