#!/bin/bash
# core_merging.sh - a program's chain of increments is merged in the background
#
# The command that merges is ended by the next checkpoint and by the program's
# end, fails, and is killed at many of its steps while the program goes on.
# Whatever happens, every image is whole and restarts, and the program hears
# nothing of it.
#
# MERGE_KILLS: at so many steps.
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command ckpt ckpt-cc
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/chain_common.sh"

real=$(command -v ckpt)

# What the programs find instead of the command.
mkdir bin
cat >bin/ckpt <<END
#!/bin/bash
. "$work/how" "\$@"
END
chmod +x bin/ckpt
merges_by() { # SHELL COMMANDS, \$real is the command
    printf 'real=%q\n%s\n' "$real" "$*" >how
}

go() { # MIB CHANGES [VARIABLE=VALUE...]: the program
    start "$@" CKPT_MERGE=3 "PATH=$work/bin:$PATH"
}

count() { grep -c "$1" log || true; } # REGEX: lines of the log

# The log gets its Nth line like this.
await() { # REGEX N
    local i
    for ((i = 0; i < 1000; i++)); do
        [ "$(count "$1")" -lt "$2" ] || return 0
        sleep 0.02
    done
    fail "not $2 lines '$1': $(cat log)"
}

# --- merged again and again: the program never writes a whole image again
# shellcheck disable=SC2016
merges_by 'exec "$real" "$@"'
go 24 10 CKPT_KEEP=2
take 1
for turn in {1..8}; do
    take 3
    await "^merged" "$turn"
done
take 8 # as quickly as they come
[ "$(count '^checkpoint of')" = 1 ] || fail "another whole image: $(cat log)"
[ "$(count '^increment of')" = 32 ] || fail "not 32 increments: $(cat log)"
[ "$(find image.bases -type f | wc -l)" -le 14 ] || fail "a long chain: $(ls image.bases)"
good image image.1
end
carry_on image.1
carry_on image
echo "$(count '^merged') merged in 33 checkpoints: restarted"

# --- the next checkpoint does not wait, nor does the end of the program
merges_by "echo \$\$ >>$work/mergers; : >\$3.tmp.\$\$; exec sleep 100"
: >mergers
go 4 10 CKPT_KEEP=1
take 3
for turn in {1..3}; do # the last two find one at work
    take 1
    for ((i = 0; i < 1000; i++)); do
        [ "$(wc -l <mergers)" -lt "$turn" ] || break
        sleep 0.02
    done
done
[ "$(wc -l <mergers)" = 3 ] || fail "not three mergers: $(cat log)"
[ "$(count "^merging was given up")" = 2 ] || fail "not given up: $(cat log)"
gone() { # PID
    local i
    for ((i = 0; i < 500; i++)); do
        kill -0 "$1" 2>/dev/null || return 0
        sleep 0.02
    done
    fail "$1 is still there: $(ps -o pid,ppid,stat,args -p "$1")"
}
good image
end
while read -r merger; do
    gone "$merger"
done <mergers
for ((i = 0; i < 500; i++)); do
    [ -n "$(find . -name '*.tmp.*')" ] || break
    sleep 0.02
done
[ -z "$(find . -name '*.tmp.*')" ] || fail "left behind: $(ls)"
carry_on image
echo "$(wc -l <mergers) mergers ended by checkpoints and by the program's end"

# --- it fails, or is not there
merges_by "echo no luck >&2; exit 1"
go 4 10 CKPT_KEEP=1
take 4
await "^merging failed" 1
[ "$(count '^no luck')" = 1 ] || fail "nothing said: $(cat log)"
mv bin/ckpt bin/away
take 1
await "^cannot execute" 1
mv bin/away bin/ckpt
good image
end
carry_on image
start 4 10 CKPT_KEEP=1 CKPT_MERGE=off "PATH=$work/bin:$PATH"
take 6
end
[ "$(count merg)" = 0 ] || fail "merged all the same: $(cat log)"
echo "failures are in the log; off is off"

# --- killed at any step, while the program goes on and builds on the image
kill_at=$top_builddir/tests/system/kill_at
[ -x "$kill_at" ] || fail "no $kill_at: make check builds it"
merges_by "exec $kill_at \$(cat $work/step) \"\$real\" \"\$@\" >>$work/killed 2>&1"
echo 0 >step
: >killed
go 2 10 CKPT_KEEP=2
take 4
await "^merged" 1
calls=$(sed -n 's/ calls$//p' killed | tail -1)
if [ -n "$calls" ]; then
    kills=${MERGE_KILLS:-24}
    for ((n = 0; n < kills; n++)); do
        echo $((calls - calls * n / (2 * kills))) >step # the later half: the commit
        before=$(count "^merging the chain")
        while [ "$(count "^merging the chain")" = "$before" ]; do
            take 1
        done
        await "^merged\|^merging [fw]" $((before + 1)) # it has ended
        good image image.1
    done
    echo 0 >step
    take 1
    good image image.1
    end
    grep -q ^killed killed || fail "nothing was killed: $(tail -3 killed)"
    carry_on image.1
    carry_on image
    echo "$(grep -c ^killed killed) of $kills mergers killed: restarted"
else
    echo "kills are left out: $(cat killed)"
    end
fi

# --- the program hears nothing of it
cat >deaf.c <<'END'
#include "lib/ckpt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t heard;

static void hear(int sig)
{
    heard = sig;
}

int main(void)
{
    static char memory[200][4096];
    struct timespec rest = {0, 300000000};

    signal(SIGCHLD, hear);
    for (int i = 0; i < 8; i++) {
        memset(memory[i * 20], i + 1, 4096);
        if (ckpt_checkpoint(NULL) != 0)
            return 1;
        nanosleep(&rest, NULL);
        if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD || heard) {
            printf("heard of it\n");
            return 2;
        }
    }
    return 0;
}
END
ckpt-cc -I"$top_srcdir" -o deaf deaf.c
# shellcheck disable=SC2016
merges_by 'exec "$real" "$@"'
rm -rf image* log
CKPT_KEEP=1 CKPT_MERGE=3 PATH=$work/bin:$PATH ./deaf || fail "deaf: $? $(cat log)"
[ "$(count '^merging')" -ge 2 ] || fail "nothing was merged: $(cat log)"
good image
echo "no signal and no child of $(count '^merged') merged: not heard"

# --- what a program that becomes another one leaves behind is not in its way
cat >becomes.c <<'END'
#include "lib/ckpt.h"

#include <stdlib.h>
#include <unistd.h>

static char memory[20000][4096];

int main(int argc, char **argv)
{
    int round = argc > 1 ? atoi(argv[1]) : 0;
    char *next[] = {argv[0], (char[]){(char)('1' + round), 0}, NULL};

    for (int i = 0; i < 20000; i++)
        memory[i][round] = 1;
    if (ckpt_checkpoint(NULL) != 0)
        return 1;
    memory[7][7]++;
    if (ckpt_checkpoint(NULL) != 0)
        return 2;
    return round < 3 ? execv(argv[0], next) : 0;
}
END
ckpt-cc -I"$top_srcdir" -o becomes becomes.c
for merge in off 1; do
    rm -rf image* log
    CKPT_MERGE=$merge PATH=$work/bin:$PATH ./becomes || fail "becomes: $? $(cat log)"
    good image
done
echo "exec while an image is written, or merged: the next checkpoint is taken"
