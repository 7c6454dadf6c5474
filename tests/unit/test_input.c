/* test_input.c - the owner at the keyboard, told by ckpt-input
 *
 * FIFOs stand for the devices.
 */
#include "scheduler/station/helper.h"
#include "scheduler/station/owner.h"
#include "tests/unit/run_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/input.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char dir[64], device[80];
static int keyboard; /* the end that types */

static const char *program(void)
{
    static char path[PATH_MAX];

    ck_assert_ptr_nonnull(realpath("ckpt-input", path));
    return path;
}

static void plug_in(void)
{
    ck_assert_int_eq(mkfifo(device, 0600), 0);
    keyboard = open(device, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ck_assert_int_ge(keyboard, 0);
}

static void setup(void)
{
    strcpy(dir, "/tmp/ckpt-input-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(device, sizeof device, "%s/event3", dir);
}

static void teardown(void)
{
    (void)unlink(device);
    ck_assert_int_eq(rmdir(dir), 0);
}

static void happens(unsigned short type)
{
    struct input_event event = {.type = type, .code = KEY_A, .value = 1};

    ck_assert_int_eq(write(keyboard, &event, sizeof event), sizeof event);
}

/* What it says within that time; 0 when it is silent, -1 when it has ended. */
static int says(int fd, int ms)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char c;

    if (poll(&ready, 1, ms) == 0)
        return 0;
    return read(fd, &c, 1) == 1 ? c : -1;
}

START_TEST(it_tells_of_people)
{
    int status;

    setup();
    plug_in();
    int fd = helper_start(program(), dir);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(says(fd, 5000), 'r');
    happens(EV_SW); /* a lid is shut */
    ck_assert_int_eq(says(fd, 300), 0);
    happens(EV_KEY);
    ck_assert_int_eq(says(fd, 5000), 'a');
    /* the next ones count together, a second later */
    happens(EV_KEY);
    happens(EV_REL);
    ck_assert_int_eq(says(fd, 100), 0);
    ck_assert_int_eq(says(fd, 5000), 'a');
    ck_assert_int_eq(says(fd, 1500), 0);
    close(fd);
    ck_assert_int_gt(wait(&status), 0); /* nobody listens: it ends */
    ck_assert_int_eq(status, 0);
    close(keyboard);
    teardown();
}
END_TEST

START_TEST(without_devices_it_ends)
{
    int status;

    setup();
    int fd = helper_start(program(), dir);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(says(fd, 5000), -1);
    ck_assert_int_gt(wait(&status), 0);
    ck_assert_int_eq(WEXITSTATUS(status), 1);
    close(fd);
    teardown();
}
END_TEST

static const struct owner_source *source(const struct owner *owner,
                                         const char *name)
{
    size_t n;
    const struct owner_source *sources = owner_sources(owner, &n);

    for (size_t i = 0; i < n; i++)
        if (strcmp(sources[i].name, name) == 0)
            return &sources[i];
    return NULL;
}

static bool stirs(const struct owner *owner, int ms)
{
    struct pollfd ready = {.fd = owner_fd(owner), .events = POLLIN};

    return poll(&ready, 1, ms) == 1;
}

/* The times of a device that may not be read are no source. */
START_TEST(a_station_asks_it)
{
    struct ckpt_err err;
    uint64_t now = 1000000000;
    char pattern[80];

    setup();
    plug_in();
    snprintf(pattern, sizeof pattern, "%s/event*", dir);
    struct owner *owner = owner_create(pattern, now, &err);
    ck_assert_ptr_nonnull(owner);
    owner_ask(owner, program(), dir);
    owner_poll(owner, ++now);
    ck_assert(!owner_trusted(owner));
    ck_assert(stirs(owner, 5000));
    ck_assert(!owner_seen(owner, ++now)); /* it is ready: nobody was there */
    ck_assert(owner_trusted(owner));
    ck_assert(owner_sees_input(owner));
    now += 10000;
    ck_assert_uint_ge(owner_idle_ms(owner, now), 10000);
    happens(EV_KEY);
    ck_assert(stirs(owner, 5000));
    ck_assert(owner_seen(owner, now));
    ck_assert_uint_eq(owner_idle_ms(owner, now), 0);
    close(keyboard); /* unplugged: reading it gives its end */
    unlink(device);
    ck_assert_ptr_nonnull(source(owner, "ckpt-input"));
    owner_destroy(owner);
    ck_assert_int_gt(wait(NULL), 0);
    teardown();
}
END_TEST

START_TEST(without_it_nobody_can_tell)
{
    struct ckpt_err err;
    char pattern[80];

    setup();
    plug_in();
    snprintf(pattern, sizeof pattern, "%s/event*", dir);
    struct owner *owner = owner_create(pattern, 1, &err);
    ck_assert_ptr_nonnull(owner);
    owner_ask(owner, "/nonexistent/ckpt-input", dir);
    owner_poll(owner, 2);
    ck_assert(!owner_trusted(owner));
    ck_assert(!owner_sees_input(owner));
    ck_assert_str_eq(source(owner, device)->says,
                     "may not be read, see ckpt-input(8)");
    ck_assert_str_eq(source(owner, "ckpt-input")->says, strerror(ENOENT));
    owner_destroy(owner);
    close(keyboard);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_tells_of_people,
        without_devices_it_ends,
        a_station_asks_it,
        without_it_nobody_can_tell,
        NULL,
    };

    return run_tests("input", tests);
}
