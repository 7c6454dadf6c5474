#!/bin/bash
# core_given.sh - descriptors that the caller gave are taken from the caller of
# each restart, also when the program is checkpointed again
. "${top_srcdir:-$(dirname "$0")/../..}/tests/system/common.sh"
need_command cc

cat >"$work/given.c" <<'EOF'
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char name[16];
    int own[2];

    dprintf(7, "start\n");
    if (pipe(own) < 0 || dup2(own[1], 1) < 0) /* not the caller's any more */
        return 1;
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "at%d", i);
        int at = open("at", O_CREAT | O_WRONLY, 0600);
        dprintf(at, "%d", getpid());
        close(at);
        rename("at", name);
        snprintf(name, sizeof name, "go%d", i);
        for (int k = 0; k < 2000 && access(name, F_OK) != 0; k++)
            usleep(10000);
        dprintf(7, "%d\n", i);
        char c = 0;
        if (write(1, "x", 1) != 1 || read(own[0], &c, 1) != 1 || c != 'x')
            return 2;
    }
    dprintf(7, "OK\n");
    return 0;
}
EOF
cd "$work"
ckpt-cc -D_GNU_SOURCE -o given given.c

await() {
    for ((i = 0; i < 1000; i++)); do
        [ ! -e "$1" ] || return 0
        sleep 0.01
    done
    fail "$1 did not come"
}

mkfifo fifo0 fifo1 fifo2
for i in 0 1 2; do cat fifo$i >seen$i & done
./given 7>fifo0 &
await at0
ckpt checkpoint --exit "$(cat at0)" --image image0 >/dev/null
touch go0
ckpt restart image0 7>fifo1 &
await at1
ckpt checkpoint --exit "$(cat at1)" --image image1 >/dev/null
touch go1 go2
ckpt restart image1 7>fifo2
wait || true
[ "$(tr '\n' ' ' <seen0)" = "start " ] || fail "first: $(cat seen0)"
[ "$(tr '\n' ' ' <seen1)" = "0 " ] || fail "second: $(cat seen1)"
[ "$(tr '\n' ' ' <seen2)" = "1 2 OK " ] || fail "third: $(cat seen2)"
echo "three callers gave 7, and each got its part"
