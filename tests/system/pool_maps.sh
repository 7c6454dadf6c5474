#!/bin/bash
# pool_maps.sh - path rules: local, home and fetch
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home" "$work/script"
cd "$work/home"
ckpt-cc -D_GNU_SOURCE -O1 -o "$work/reach" \
    "$top_srcdir/tests/progs/remote_reach.c"
pool_start 2

submit() { # NAME OPTION... <SCRIPT: prints the job's id
    local name=$1
    shift
    cat >"$work/script/$name"
    ckpt submit --in "$work/script/$name" --out "$name.out" "$@" "$work/reach"
}
answers() { # NAME JOB, with the answers that are expected on standard input
    timeout 60 ckpt wait "$2" >/dev/null || fail "$1: $(ckpt log "$2")"
    diff - "$1.out" || fail "$1: other answers than expected"
}
image() { [ "$(job_member "$1" image_size)" != 0 ]; }

# local: on the station, never seen at home; no checkpoint while it lies there.
job=$(submit local --map "/scratch/deep=local" <<END
s /scratch/deep
s /scratch
g /scratch/deep/a 100
m /scratch/deep/a /scratch/deep/b
r /scratch/deep/b
m /scratch/deep/b $work/home/b
l x /scratch/deep/l
c /scratch/deep
w c
r /scratch/deep/c
r ../c
w $work/home/ready
f $work/home/go
u c
u l
u b
w $work/home/clean
f $work/home/end
s /scratch/deep
w /scratch/deep/d
r d
c $work/home
END
)
until_true test -e ready
ckpt vacate "$job" >/dev/null
refused() { ckpt log "$job" | grep -q '/scratch/deep/.* lies on the station'; }
until_true refused
touch go
until_true test -e clean
moved() { [ "$(job_member "$job" epoch)" -ge 2 ] && job_is "$job" running; }
until_true moved
image "$job" || fail "a job with an empty scratch directory has no checkpoint"
touch end
answers local "$job" <<END
s /scratch/deep: ok
s /scratch: EACCES
g /scratch/deep/a 100: ok
m /scratch/deep/a /scratch/deep/b: ok
r /scratch/deep/b: ok
m /scratch/deep/b $work/home/b: EXDEV
l x /scratch/deep/l: ok
/scratch/deep c /scratch/deep: ok
w c: ok
r /scratch/deep/c: ok
r ../c: EACCES
w $work/home/ready: ok
f $work/home/go: ok
u c: ok
u l: ok
u b: ok
w $work/home/clean: ok
f $work/home/end: ok
s /scratch/deep: ok
w /scratch/deep/d: ok
r d: ok
$work/home c $work/home: ok
END
[ ! -e /scratch/deep ] || fail "/scratch/deep has appeared here"

# fetch: what was there when it was opened, also after a restart elsewhere.
printf '%s\n' old 1 2 3 >"$work/home/data"
rm -f ready end
job=$(submit fetch --map "$work/home/data=fetch" <<END
o $work/home/data
p 0
w $work/home/ready
f $work/home/end
p 0
p 4
r $work/home/data
END
)
until_true test -e ready
printf '%s\n' new >"$work/home/data"
ckpt vacate "$job" >/dev/null
until_true moved
touch end
answers fetch "$job" <<END
o $work/home/data: ok
old p 0: ok
w $work/home/ready: ok
f $work/home/end: ok
old p 0: ok
1 p 4: ok
r $work/home/data: ok
END

# home: what would be the station's.  A submit file has the same rules.
shm=$(mktemp -d /dev/shm/ckpt-test.XXXXXX)
trap 'rm -rf "$shm"; pool_end' EXIT
echo text >"$shm/file"
job=$(submit home --grant "$shm" --map "$shm=home" <<END
r $shm/file
w $shm/new
END
)
answers home "$job" <<END
r $shm/file: ok
w $shm/new: ok
END
[ -e "$shm/new" ] || fail "a file was not made at home"
printf '%s\n' "r $shm/file" "w /tmp/x" "u /tmp/x" >"$work/script/sub"
cat >maps.sub <<END
executable = $work/reach
input = $work/script/sub
output = sub.out
grant = $shm
home_files = $shm
local_files = /tmp
queue
END
answers sub "$(ckpt submit maps.sub)" <<END
r $shm/file: ok
w /tmp/x: ok
u /tmp/x: ok
END
ckpt submit --map "$shm=away" "$work/reach" 2>"$work/err" &&
    fail "a path rule of an unknown kind was taken"
grep -q 'PREFIX=local|home|fetch' "$work/err"
ckpt pool stop >/dev/null
