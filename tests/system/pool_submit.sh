#!/bin/bash
# pool_submit.sh - submit files as users of HTCondor write them: run, or refused
# or warned about by line and name
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir -p "$work/home/results" "$work/home/runs/a" "$work/home/runs/b"
cd "$work/home"
pool_start 3

# Submits FILE and waits for all of its jobs, which must end with 0.
run_file() {
    local ids
    ids=$(ckpt submit "$1" 2>err) || fail "$1: $(cat err)"
    # shellcheck disable=SC2086
    timeout 90 ckpt wait $ids || fail "$1: a job ended with $?: $(ckpt why $ids)"
}
same() { # FILE TEXT
    [ "$(cat "$1")" = "$2" ] || fail "$1 holds \"$(cat "$1")\", not \"$2\""
}

# 1. A classic one of the standard universe, with file transfer spelled out.
cat >one.sub <<'END'
Universe   = standard
Executable = /bin/cat
Input      = data.in
Output     = data.out
Error      = data.err
Log        = data.log
should_transfer_files   = IF_NEEDED
when_to_transfer_output = ON_EXIT_OR_EVICT
Notification = Never
Queue
END
echo hello >data.in
run_file one.sub
same data.out hello
until_true grep -q '^005 ' data.log

# 2. A sweep over $(Process), with a macro and a file for each.
cat >sweep.sub <<'END'
dir        = results
executable = /bin/echo
arguments  = "run $(Process) of 'cluster $(Cluster)'"
output     = $(dir)/sweep.$(ProcId)
queue 3
END
run_file sweep.sub
grep -q '^run 2 of cluster [0-9]*$' results/sweep.2 || fail "$(cat results/*)"

# 3. A list of names, in parentheses over lines; quotes and an empty argument.
cat >names.sub <<'END'
executable = /bin/sh
arguments  = "-c 'echo $(name) $#' sh 'two words' '' ""q"""
output     = results/$(name)
getenv     = true
queue name in (
    alpha, beta
    gamma
)
END
run_file names.sub
same results/gamma 'gamma 3'

# 4. Columns from a file, with requirements as HTCondor spells them.
printf '# SEED SIZE\n7, 30\n8 40\n' >table.txt
cat >table.sub <<'END'
executable     = /bin/echo
arguments      = --seed $(seed) --size $(size)
requirements   = (OpSys == "LINUX") && (Arch == "X86_64") && (TARGET.Memory >= 64)
request_memory = 1 MB
request_cpus   = 1
request_disk   = 10
output         = results/seed.$(seed)
queue seed, size from table.txt
END
run_file table.sub
same results/seed.8 '--seed 8 --size 40'

# 5. Files by pattern, twice each.
touch part.1.dat part.2.dat
cat >match.sub <<'END'
executable = /bin/sh
arguments  = "-c 'echo $(Item) $(Step) >results/match.$(Process)'"
queue 2 matching files part.*.dat
END
run_file match.sub
same results/match.3 'part.2.dat 1'

# 6. Directories; the environment in both ways; a job's own directory.
cat >dirs.sub <<'END'
executable  = /bin/sh
arguments   = "-c 'echo $PWD $COLOUR $SHAPE'"
initialdir  = runs/$(run)
environment = "COLOUR=red SHAPE='a ball'"
output      = where
priority    = 5
queue run in a b
environment = COLOUR=blue;SHAPE=a box
output      = old
queue run in a
END
run_file dirs.sub
same runs/b/where "$PWD/runs/b red a ball"
same runs/a/old "$PWD/runs/a blue a box"

# 7. What only HTCondor has: attributes and preferences are named and ignored.
cat >warn.sub <<'END'
executable = /bin/true
+ProjectName = "galaxy"
MY.WantIO = True
rank = Memory
queue
END
run_file warn.sub
for line in '2: +ProjectName' '3: MY.WantIO' '4: rank'; do
    grep -q "warn.sub:$line is ignored: " err || fail "$(cat err)"
done

# 8 to 10, and more: what would not be what was asked for is refused by line.
refused() { # LINE, WORDS
    printf 'executable = /bin/true\n%s\nqueue\n' "$1" >bad.sub
    local status=0
    ckpt submit bad.sub >out 2>err || status=$?
    [ "$status" = 1 ] || fail "$1: exit code $status"
    [ ! -s out ] || fail "$1: was queued"
    grep -q "bad.sub:2: $2" err || fail "$1: $(cat err)"
}
refused 'universe = docker' 'universe: there is no docker universe here'
refused 'max_retries = 3' 'max_retries: not here: '
refused 'periodic_remove = JobStatus == 5' 'periodic_remove: not here: '
refused 'request_gpus = 1' 'request_gpus: not here: '
refused 'exectuable = y' 'unknown key exectuable'
# shellcheck disable=SC2016
refused 'output = out.$(Proces)' 'output: there is no macro $(Proces)'
refused 'requirements = Memroy > 3' 'requirements: column 1: .*"Memroy"'
refused 'requirements = Memory > "x"' 'requirements: column 10'
refused 'arguments = "a' 'arguments: the closing " is missing'
refused 'transfer_input_files = /data/x' 'transfer_input_files: /data/x would'
refused 'include : other.sub' 'not known here: include : other.sub'
refused 'queue slowly' 'queue takes a number'
