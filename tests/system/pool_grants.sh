#!/bin/bash
# pool_grants.sh - a job reaches at home what was granted, and nothing else
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-cc ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home" "$work/data" "$work/other" "$work/small" "$work/script"
cd "$work/home"
ckpt-cc -D_GNU_SOURCE -O1 -o "$work/reach" \
    "$top_srcdir/tests/progs/remote_reach.c"
echo input >"$work/data/in"
echo named >"$work/other/named"
echo secret >"$work/other/secret"
head -c 5000 /dev/zero >"$work/small/there"
ln -s ../other/secret "$work/home/out-link"
ln -s ../data/in "$work/home/in-link"
pool_start 1

# reach NAME ARG... <SCRIPT: run it as a job; answers in NAME.out
reach() {
    local name=$1 job
    shift
    cat >"$work/script/$name"
    job=$(ckpt submit --in "$work/script/$name" --out "$name.out" "$@")
    timeout 60 ckpt wait "$job" >/dev/null ||
        fail "$name: $(cat "$name.out"; ckpt log "$job")"
    echo "$job" >"$work/script/$name.job"
}
answers() { # NAME, with the answers that are expected on standard input
    diff - "$1.out" || fail "$1: other answers than expected"
}

# Nothing said: the working directory, and what the arguments name.
reach plain -- "$work/reach" "$work/other/named" "--x=$work/data/in" <<END
w $work/home/new
r $work/home/new
r $work/reach
r $work/other/named
w $work/other/named
u $work/other/named
r $work/data/in
s $work/other/secret
r $work/other/secret
d $work/other
w $work/other/new
r out-link
r in-link
w ../other/new
d $work
s $work/data
r /etc/passwd
r /etc/shadow
w /etc/ckpt-test
r $CKPT_POOL/pool.key
END
shadow=EACCES
[ -e /etc/shadow ] || shadow=ENOENT
answers plain <<END
w $work/home/new: ok
r $work/home/new: ok
r $work/reach: ok
r $work/other/named: ok
w $work/other/named: EROFS
u $work/other/named: EROFS
r $work/data/in: ok
s $work/other/secret: EACCES
r $work/other/secret: EACCES
d $work/other: EACCES
w $work/other/new: EACCES
r out-link: EACCES
r in-link: ok
w ../other/new: EACCES
d $work: EACCES
s $work/data: ok
r /etc/passwd: ok
r /etc/shadow: $shadow
w /etc/ckpt-test: EROFS
r $CKPT_POOL/pool.key: EACCES
END
job=$(cat "$work/script/plain.job")
ckpt log "$job" | grep -q "denied: $work/other/secret is outside its grants" ||
    fail "the log does not name what was refused: $(ckpt log "$job")"
# A running job says so itself.
job=$(printf 'r %s\nk 60\n' "$work/other/secret" >"$work/script/why" &&
    ckpt submit --in "$work/script/why" -- "$work/reach")
denied() { ckpt why "$job" | grep -q "denied: $work/other/secret"; }
until_true denied
ckpt rm "$job" >/dev/null

# Grants: ro, rw, a limit; what is longer counts.
reach given --grant "$work/data:ro" --grant "$work/small:rw,limit=20K" \
    --grant "$work/other" -- "$work/reach" <<END
r $work/data/in
w $work/data/new
t $work/data/in 0
r $work/other/secret
w $work/other/new
g $work/small/a 10000
g $work/small/a 10000
t $work/small/a 10000
t $work/small/b 100000
w $work/small/b
t $work/small/b 5000
t $work/small/b 6000
u $work/small/there
t $work/small/b 10000
m $work/small/a $work/other/a
g $work/small/c 10000
m $work/other/a $work/small/a
END
answers given <<END
r $work/data/in: ok
w $work/data/new: EROFS
t $work/data/in 0: EROFS
r $work/other/secret: ok
w $work/other/new: ok
g $work/small/a 10000: ok
g $work/small/a 10000: EDQUOT
t $work/small/a 10000: ok
t $work/small/b 100000: ENOENT
w $work/small/b: ok
t $work/small/b 5000: ok
t $work/small/b 6000: EDQUOT
u $work/small/there: ok
t $work/small/b 10000: ok
m $work/small/a $work/other/a: ok
g $work/small/c 10000: ok
m $work/other/a $work/small/a: EDQUOT
END
used=$(find "$work/small" -type f -printf '%s\n' | awk '{n += $1} END {print n}')
[ "$used" -le 20480 ] || fail "$used bytes under a limit of 20K"
ckpt log "$(cat "$work/script/given.job")" |
    grep -q 'over the grant.s limit of 20480 bytes' ||
    fail "the log does not tell of the limit"

# The working directory itself can be given for reading only; a submit file.
printf '%s\n' "r in-link" "w $work/home/late" >"$work/script/ro"
cat >ro.sub <<END
executable = $work/reach
input = $work/script/ro
output = $work/other/ro.out
grant = .:ro; $work/data:ro
queue
END
job=$(ckpt submit ro.sub)
timeout 60 ckpt wait "$job" >/dev/null || fail "the submit file's job failed"
diff "$work/other/ro.out" - <<END || fail "grants of a submit file"
r in-link: ok
w $work/home/late: EROFS
END

# What cannot be granted is said at once.
ckpt submit --grant "$work/nothing" -- "$work/reach" 2>"$work/err" &&
    fail "a grant of nothing was taken"
grep -q "cannot grant $work/nothing" "$work/err"
ckpt submit --grant "$work/data:ro,limit=1M" -- "$work/reach" 2>"$work/err" &&
    fail "a limit for reading was taken"
ckpt pool stop >/dev/null
