/* test_remote.c - the pure parts of the client: path rules and joining */
#include "lib/remote/state.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

void *ckpt_unsaved_memory(size_t len)
{
    return mmap(NULL, len, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
}

static const char *joined(const char *dir, const char *path)
{
    static char out[PATH_MAX];
    return ckpt_path_join(out, dir, path) == 0 ? out : NULL;
}

START_TEST(join_normalizes)
{
    ck_assert_str_eq(joined("/home/u", "a/b"), "/home/u/a/b");
    ck_assert_str_eq(joined("/home/u", "../v//./w/"), "/home/v/w");
    ck_assert_str_eq(joined("/home/u", "../../../.."), "/");
    ck_assert_str_eq(joined("/home/u", "/etc//passwd"), "/etc/passwd");
    ck_assert_str_eq(joined("/", "x"), "/x");
    ck_assert_str_eq(joined("/a", ""), "/a");
}
END_TEST

START_TEST(join_is_bounded)
{
    char path[PATH_MAX], out[PATH_MAX];

    memset(path, 'x', sizeof path);
    path[PATH_MAX - 1] = '\0';
    ck_assert_int_eq(ckpt_path_join(out, "/", path), -ENAMETOOLONG);
    path[PATH_MAX - 2] = '\0';
    ck_assert_int_eq(ckpt_path_join(out, "/", path), 0);
    ck_assert_uint_eq(strlen(out), PATH_MAX - 1);
}
END_TEST

START_TEST(rules)
{
    static const char *const local[] = {"/proc/self/maps",  "/usr",
                                        "/usr/lib/x.so",    "/dev/null",
                                        "/etc/ld.so.cache", "/lib64/l"};
    static const char *const home[] = {"/",           "/home/u",   "/tmp/x",
                                       "/etc/passwd", "/usrlocal", "/dev/tty",
                                       "/dev/nullx"};

    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++)
        ck_assert_msg(ckpt_path_is_local(local[i]), "%s", local[i]);
    for (size_t i = 0; i < sizeof home / sizeof home[0]; i++)
        ck_assert_msg(!ckpt_path_is_local(home[i]), "%s", home[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("remote");
    TCase *paths = tcase_create("paths");

    tcase_add_test(paths, join_normalizes);
    tcase_add_test(paths, join_is_bounded);
    tcase_add_test(paths, rules);
    suite_add_tcase(suite, paths);
    return run_suite(suite);
}
