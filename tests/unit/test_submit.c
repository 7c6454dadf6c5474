/* test_submit.c - submit files: what they mean, and errors with file:line */
#include "cli/submit_file.h"
#include "tests/unit/run_tests.h"

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *env[] = {"PATH=/bin", "SSH_AUTH_SOCK=/x", "SECRET=1",
                      "LC_ALL=C",  "CKPT_POOL=/p",     NULL};
static const struct submit_context context = {
    .cwd = "/home/ada", .env = env, .umask = 022};

static struct submission *parse(const char *text, size_t count)
{
    struct submission *made = NULL;
    struct ckpt_err err = {""};
    size_t n = 0;

    ck_assert_msg(submit_file_parse("j.sub", text, &context, &made, &n, &err) ==
                      0,
                  "%s", err.text);
    ck_assert_uint_eq(n, count);
    return made;
}

static void fails(const char *text, const char *expected)
{
    struct submission *made = NULL;
    struct ckpt_err err = {""};
    size_t n = 0;

    ck_assert_int_eq(
        submit_file_parse("j.sub", text, &context, &made, &n, &err), -1);
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_str_eq(err.text, expected);
}

static char *joined(char *const *list)
{
    static char text[512];

    text[0] = '\0';
    for (; list && *list; list++) {
        strcat(text, *list);
        strcat(text, "|");
    }
    return text;
}

START_TEST(test_whole_file)
{
    struct submission *s = parse("# a run\n"
                                 "Universe = vanilla\n"
                                 "Executable = simulate\n"
                                 "arguments = -n 100 \\\n"
                                 "  run.$(Process)\n"
                                 "input = input.dat\n"
                                 "output = out.$(Process)\n"
                                 "error = /dev/null\n"
                                 "log = sim.log\n"
                                 "initialdir = work\n"
                                 "environment = \"A=1 B='x y'\"\n"
                                 "requirements = memory >= 1G\n"
                                 "request_memory = 2 GB\n"
                                 "request_cpus = 2\n"
                                 "priority = -3\n"
                                 "\n"
                                 "queue 3\n"
                                 "output = last\n"
                                 "queue\n",
                                 2);
    const struct job_spec *spec = &s[0].spec;

    ck_assert_uint_eq(s[0].count, 3);
    ck_assert_str_eq(spec->executable, "/home/ada/simulate");
    ck_assert_str_eq(joined(spec->args), "simulate|-n|100|run.$(Process)|");
    ck_assert_str_eq(joined(spec->env), "PATH=/bin|LC_ALL=C|A=1|B=x y|");
    ck_assert_str_eq(spec->cwd, "/home/ada/work");
    ck_assert_str_eq(spec->in, "input.dat");
    ck_assert_str_eq(spec->out, "out.$(Process)");
    ck_assert_ptr_null(spec->err);
    ck_assert_str_eq(spec->log, "sim.log");
    ck_assert_str_eq(spec->requirements,
                     "(memory >= 1G) && memory >= 2097152K && cpus >= 2");
    ck_assert_int_eq(spec->prio, -3);
    ck_assert_uint_eq(spec->umask, 022);
    ck_assert_uint_eq(s[1].count, 1);
    ck_assert_str_eq(s[1].spec.out, "last");
    submissions_free(s, 2);
}
END_TEST

static void words(const char *text, const char *expected)
{
    char **list = NULL;
    struct ckpt_err err = {""};

    ck_assert_msg(submit_split_arguments(text, &list, &err) == 0, "%s: %s",
                  text, err.text);
    ck_assert_str_eq(joined(list), expected);
    job_list_free(list);
}

/* The examples of condor_submit(1). */
START_TEST(test_arguments)
{
    words("one two \\\"three\\\"", "one|two|\"three\"|");
    words("\"one \"\"two\"\" 'spacey ''quoted'' argument'\"",
          "one|\"two\"|spacey 'quoted' argument|");
    words("\"3 simple arguments\"", "3|simple|arguments|");
    words("\"one 'two with spaces' 3\"", "one|two with spaces|3|");
    words("\"a '' b\"", "a||b|");
    words("\"x'y z'w\"", "xy zw|");
    words("", "");
    words("  a   b ", "a|b|");
    words("\"back\\slash\"", "back\\slash|");
}
END_TEST

START_TEST(test_environment)
{
    char **list = NULL;
    struct ckpt_err err;

    ck_assert_int_eq(
        submit_split_environment("A=1;B=two words;A=2", &list, &err), 0);
    ck_assert_str_eq(joined(list), "A=2|B=two words|");
    job_list_free(list);
    list = NULL;
    ck_assert_int_eq(submit_split_environment("A", &list, &err), -1);
    ck_assert_str_eq(err.text, "\"A\" is not NAME=value");
    list = submit_environment(env, true);
    ck_assert_str_eq(joined(list), "PATH=/bin|SECRET=1|LC_ALL=C|");
    job_list_free(list);
}
END_TEST

START_TEST(test_errors)
{
    fails("executable = x\n", "j.sub: no queue line");
    fails("queue\n", "j.sub:1: queue without executable");
    fails("executable = x\nexecutabel = y\nqueue\n",
          "j.sub:2: unknown key executabel");
    fails("executable = x\n\nqueue (a b)\n",
          "j.sub:3: queue takes a number from 1 to 1000000, or variables with "
          "in, from or matching, not (a b)");
    fails("executable = x\nqueue 0\n",
          "j.sub:2: queue takes a number from 1 to 1000000, or variables with "
          "in, from or matching, not 0");
    fails("executable x\n",
          "j.sub:1: neither `key = value` nor queue: executable x");
    fails("executable = x\narguments = \"a 'b\"\nqueue\n",
          "j.sub:2: arguments: a ' is not closed");
    fails("executable = x\narguments = a \\\n b \"c\nqueue\n",
          "j.sub:2: arguments: a \" in the middle: put the whole in double "
          "quotes, or write \\\"");
    fails("executable = x\nrequirements = memroy > 1\nqueue\n",
          "j.sub:2: requirements: column 1: stations have no attribute "
          "\"memroy\"");
    fails("executable = x\nrequest_memory = lots\nqueue\n",
          "j.sub:2: request_memory: \"lots\" is not an amount");
    fails("executable = x\noutput = o.$(Proces)\nqueue\n",
          "j.sub:2: output: there is no macro $(Proces)");
    fails("executable = x\nuniverse = java\nqueue\n",
          "j.sub:2: universe: there is no java universe here");
    fails("executable = x\ngetenv = may:be\nqueue\n",
          "j.sub:2: getenv: true, false or names of variables expected, not "
          "may:be");
    fails("executable = x.$(Process)\nqueue\n",
          "j.sub:1: executable: the same for all jobs, without macros");
}
END_TEST

START_TEST(test_macros)
{
    struct submission *s = parse("base = /data\n"
                                 "in_dir = $(base)/in\n"
                                 "executable = $(prog:sim)\n"
                                 "prog = simulate\n"
                                 "arguments = $(IN_DIR) $ENV(SECRET) "
                                 "$(seed:7) $(DOLLAR)x $ y $(clusterid)\n"
                                 "output = out.$(Step)\n"
                                 "getenv = SECRET, LC_*\n"
                                 "queue $(n:2)\n",
                                 1);
    ck_assert_str_eq(s->spec.executable, "/home/ada/simulate");
    ck_assert_str_eq(joined(s->spec.args),
                     "simulate|/data/in|1|7|$x|$|y|$(Cluster)|");
    ck_assert_str_eq(s->spec.out, "out.$(Process)");
    ck_assert_str_eq(joined(s->spec.env), "PATH=/bin|LC_ALL=C|SECRET=1|");
    ck_assert_uint_eq(s->count, 2);
    submissions_free(s, 1);
    fails("executable = x\na = $(b)\nb = $(a)\narguments = $(a)\nqueue\n",
          "j.sub:4: arguments: macros go in a circle, or too deep: $(a)");
    fails("executable = x\narguments = $$(Memory)\nqueue\n",
          "j.sub:2: arguments: $$(...), what the station is, is not known when "
          "the job is submitted");
    fails("executable = x\narguments = $RANDOM_CHOICE(1,2)\nqueue\n",
          "j.sub:2: arguments: $RANDOM_CHOICE() is not known here");
    fails("executable = x\narguments = $ENV(NOTHING)\nqueue\n",
          "j.sub:2: arguments: $ENV(NOTHING): there is no such variable");
}
END_TEST

START_TEST(test_queue_items)
{
    struct submission *s = parse("executable = x\n"
                                 "arguments = $(Item) $(Process)/$(Step)\n"
                                 "queue 2 in (a, b c)\n"
                                 "arguments = $(name):$(size):$(ItemIndex)\n"
                                 "after = previous\n"
                                 "queue name, size from (\n"
                                 "  # of each\n"
                                 "  alpha, 3\n"
                                 "  beta  4 and more\n"
                                 ")\n",
                                 8);
    ck_assert_str_eq(joined(s[0].spec.args), "x|a|0/0|");
    ck_assert_str_eq(joined(s[3].spec.args), "x|b|3/1|");
    ck_assert_str_eq(joined(s[5].spec.args), "x|c|5/1|");
    ck_assert_uint_eq(s[0].count, 1);
    ck_assert_uint_eq(s[0].after_count, 0);
    ck_assert_str_eq(joined(s[6].spec.args), "x|alpha:3:0|");
    ck_assert_str_eq(joined(s[7].spec.args), "x|beta:4|and|more:1|");
    ck_assert_uint_eq(s[7].after_first, 0);
    ck_assert_uint_eq(s[7].after_count, 6);
    submissions_free(s, 8);
    fails("executable = x\nqueue a,b from (\n 1\n)\n",
          "j.sub:2: \"1\" has 1 values, there are 2 variables");
    fails("executable = x\nqueue in ()\n",
          "j.sub:2: queue in (): there are none");
    fails("executable = x\nqueue a from ls |\n",
          "j.sub:2: items from a command are not known here: ls |");
    fails("executable = x\nqueue in [1:2] (a b c)\n",
          "j.sub:2: slices are not known here: [1:2] (a b c)");
}
END_TEST

static char warned[512];

static void note_warning(const char *text)
{
    strcat(warned, text);
    strcat(warned, "\n");
}

/* What HTCondor knows and we do not is named. */
START_TEST(test_their_commands)
{
    static const struct submit_context warning = {
        .cwd = "/home/ada", .env = env, .umask = 022, .warn = note_warning};
    static const char text[] = "executable = x\n"
                               "should_transfer_files = YES\n"
                               "+ProjectName = \"a b\"\n"
                               "rank = Memory\n"
                               "transfer_input_files = a.dat, ./b.dat\n"
                               "notification = Error\n"
                               "notify_user = ada@example.org\n"
                               "queue\n";
    struct submission *made = NULL;
    struct ckpt_err err = {""};
    size_t n = 0;

    ck_assert_msg(submit_file_parse("j.sub", text, &warning, &made, &n, &err) ==
                      0,
                  "%s", err.text);
    ck_assert_str_eq(warned,
                     "j.sub:3: +ProjectName is ignored: jobs have no "
                     "attributes of their own\n"
                     "j.sub:4: rank is ignored: the longest idle station is "
                     "taken\n");
    ck_assert_str_eq(made->spec.notify, "Error");
    ck_assert_str_eq(made->spec.notify_user, "ada@example.org");
    submissions_free(made, n);
    fails("executable = x\nmax_retries = 3\nqueue\n",
          "j.sub:2: max_retries: not here: a job that has ended is not run "
          "again");
    fails("executable = x\ntransfer_input_files = ../a\nqueue\n",
          "j.sub:2: transfer_input_files: ../a would be a copy in the job's "
          "directory; here a job uses files where they are: name that path "
          "in arguments, and in `grant`");
    fails("if defined x\n", "j.sub:1: not known here: if defined x");
    fails("executable = x\nnotification = Often\nqueue\n",
          "j.sub:2: notification: \"Often\" is not never, complete, error or "
          "always");
}
END_TEST

/* Bytes changed at random: parsed or refused, and an error names the file. */
START_TEST(test_random)
{
    static const char good[] = "executable = x\narguments = \"a 'b c' d\" \\\n"
                               "environment = \"A=1 B='2 3'\"\n"
                               "requirements = memory > 1G\nqueue 2\n";
    static const char bytes[] = "\"'\\\n=# $()x;\t\xff";
    unsigned seed = 7;

    for (int i = 0; i < 20000; i++) {
        char text[sizeof good];
        struct submission *made = NULL;
        struct ckpt_err err = {""};
        size_t n = 0;
        strcpy(text, good);
        for (int k = 0; k <= i % 4; k++) {
            seed = seed * 1103515245 + 12345;
            text[(seed >> 16) % (sizeof good - 1)] =
                bytes[(seed >> 8) % (sizeof bytes - 1)];
        }
        if (submit_file_parse("j.sub", text, &context, &made, &n, &err))
            ck_assert_msg(!strncmp(err.text, "j.sub:", 6), "%s", err.text);
        else
            submissions_free(made, n);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("submit");
    TCase *tc = tcase_create("submit");

    tcase_add_test(tc, test_whole_file);
    tcase_add_test(tc, test_arguments);
    tcase_add_test(tc, test_environment);
    tcase_add_test(tc, test_errors);
    tcase_add_test(tc, test_macros);
    tcase_add_test(tc, test_queue_items);
    tcase_add_test(tc, test_their_commands);
    tcase_add_test(tc, test_random);
    suite_add_tcase(suite, tc);
    return run_suite(suite);
}
