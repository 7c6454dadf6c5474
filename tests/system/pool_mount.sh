#!/bin/bash
# pool_mount.sh - programs that cannot be trapped: their files are mounted
#
# A shell script with pipes, redirections and subprocesses, make, a static
# program, python with subprocess: the same output and files as locally; and no
# further than the grants.
set -euo pipefail
. "$(dirname "$0")/common.sh"
. "$(dirname "$0")/pool_common.sh"
. "$(dirname "$0")/mount_common.sh"
unset MAKEFLAGS MAKELEVEL MFLAGS # make says more in make check
mount_pool_start 2
export front_end=() # for same_as_local

mkdir "$work/seed"
seq 1 5000 >"$work/seed/numbers"
cat >"$work/seed/script" <<'END'
#!/bin/sh
echo "in $(basename "$(pwd)" | cut -d. -f1) with $# arguments: $*"
sort -rn numbers | head -n 3
for i in 1 2 3; do echo "line $i" >>log; done
sed 's/line/row/' <log | tee copy | wc -l
(cd / && echo sub) | cat - >>log
mkdir -p a/b && mv copy a/b/moved && ln -s a/b/moved link && cat link
ln log hard && echo more >>hard && cat log
cp numbers big && truncate -s 10 big && cat big
rm a/b/moved && rmdir a/b && [ ! -e link ] && echo gone
chmod 640 log && stat -c '%a %h %s' log
echo over | dd of=numbers bs=1 seek=4 conv=notrunc 2>/dev/null
head -n 4 numbers
printf '%s\n' x y z | while read -r l; do printf '%s ' "$l"; done
cat nothing
exit 7
END
cat >"$work/seed/Makefile" <<'END'
all: out.txt
out.txt: mid.txt ; sort -r mid.txt >out.txt && wc -c <out.txt
mid.txt: numbers ; grep 7 numbers >mid.txt
END
cat >"$work/seed/sub.py" <<'END'
import os, subprocess, sys
print(subprocess.run(["grep", "-c", "99", "numbers"],
                     capture_output=True, text=True).stdout.strip())
p = subprocess.Popen("sort -n | tail -n 1 >last", shell=True,
                     stdin=subprocess.PIPE)
p.communicate(open("numbers", "rb").read())
print(open("last").read(), p.returncode, os.system("exit 3") >> 8)
pid = os.fork()
if pid == 0:
    open("child", "w").write("by the child\n")
    os._exit(5)
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), open("child").read())
sys.stdout.flush()
END
chmod +x "$work/seed/script"

same_as_local script 7 ./script one 'two words'
same_as_local sh 0 sh -c 'sleep 1; echo slept'
! command -v make >/dev/null || same_as_local make 0 make -s
${CC:-cc} -O1 -static -o "$work/seed/static" \
    "$top_srcdir/tests/progs/mount_files.c"
same_as_local static 4 ./static
if [ -x /usr/bin/python3 ]; then
    front_end=(--front-end mount)
    same_as_local python 0 /usr/bin/python3 sub.py
fi

# Only the working directory was granted; the pool's own files never are.
mkdir "$work/secret" "$work/here"
echo secret >"$work/secret/file"
ln -s ../secret/file "$work/here/link"
cd "$work/here"
job=$(ckpt submit --out out --grant .  --grant "$work/seed:ro" -- sh -c "
    for f in $work/secret/file link ../secret/file /etc/shadow \
        $CKPT_POOL/pool.key /proc/1/environ; do
        cat \$f && echo \"reached \$f\"; done
    echo x >$work/seed/new && echo reached ro
    echo x >/usr/ckpt-test && echo reached /usr
    mkdir $work/there && echo reached there
    head -n 1 $work/seed/numbers; echo end")
timeout 120 ckpt wait "$job" >/dev/null || fail "$(ckpt log "$job")"
[ "$(tr '\n' ' ' <out)" = "1 end " ] || fail "reached: $(cat out)"
for made in "$work/there" "$work/seed/new"; do
    [ ! -e "$made" ] || fail "made at home: $made"
done

# What was asked for and cannot be is said.
job=$(ckpt submit --front-end mount --require 'name == "none"' -- true)
says_why() {
    ckpt why "$job" | grep -q 'has("mount")'
}
until_true says_why
ckpt rm "$job" >/dev/null
! ckpt submit --front-end other -- true 2>"$work/err" || fail "--front-end other"
grep -q 'auto, trap or mount' "$work/err" || fail "$(cat "$work/err")"
nothing_mounted
