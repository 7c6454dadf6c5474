# common.sh - what the examples' `run` scripts share
#
# An example builds its program with libckpt's compiler wrapper, runs it once
# undisturbed and once more with two checkpoints and restarts in between, and
# compares every output file.  A `run` script says what is special about its
# program, in variables, and calls run_example:
#
#   program    the executable's name        compiler   ckpt-cc, ckpt-c++...
#   sources    what to compile              flags      for compiling
#   libs       for linking                  inputs     large and small
#   progress   a log of one line per step   outputs    files to compare
#
# shellcheck shell=bash disable=SC2154

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)

example_usage() {
    cat <<END
usage: run [--small] [--static] [DIRECTORY]

Build $program, run it undisturbed and moved, and compare the outputs.
DIRECTORY (default: a temporary one) keeps everything that is made;
--small takes seconds; --static links statically.
example: $0 --small /tmp/try
END
}

# The commands of this source tree, unless others come first on PATH.
find_commands() {
    command -v ckpt-cc >/dev/null || PATH=$here/../../bin:$PATH
    command -v "$compiler" >/dev/null || {
        echo "run: no $compiler; run ./bootstrap first" >&2
        exit 1
    }
}

build_example() {
    local files=()
    for source in $sources; do files+=("$here/$source"); done
    # shellcheck disable=SC2086 # lists
    "$compiler" $flags $static -o "$work/$program" "${files[@]}" $libs
}

run_undisturbed() {
    mkdir -p "$work/undisturbed"
    cd "$work/undisturbed"
    "../$program" "../$input" >stdout
}

# Until the program has written `count` lines more, or has ended.
await_progress() {
    local count=$1 start tries=0
    start=$(wc -l 2>/dev/null <"$progress" || echo 0)
    while kill -0 "$job" 2>/dev/null && [ $((tries += 1)) -lt 600 ] &&
        [ "$(wc -l 2>/dev/null <"$progress" || echo 0)" -lt $((start + count)) ]; do
        sleep 0.05
    done
}

# A checkpoint that ends the program: exit code 85 says "run me again".
move_away() {
    local status=0
    ckpt checkpoint --exit "$job"
    wait "$job" || status=$?
    [ "$status" -eq 85 ] || {
        echo "run: $program ended with $status, not 85" >&2
        exit 1
    }
}

run_moved() {
    mkdir -p "$work/moved"
    cd "$work/moved"
    ckpt run --image ../job.ckpt -- "../$program" "../$input" >stdout &
    job=$!
    for _ in 1 2; do
        await_progress 3
        move_away
        echo "  stopped after $(wc -l <"$progress") lines, image of" \
            "$(($(wc -c <../job.ckpt) / 1024)) KiB; on again"
        ckpt restart ../job.ckpt >>stdout &
        job=$!
    done
    wait "$job"
}

compare_outputs() {
    local file
    cd "$work"
    for file in stdout $outputs; do
        cmp "undisturbed/$file" "moved/$file"
    done
    echo "$program: $(echo stdout "$outputs" | wc -w) outputs," \
        "all the same as those of the undisturbed run"
}

run_example() {
    input=${inputs% *}
    static=
    while [ $# -gt 0 ]; do
        case $1 in
        -h | --help) example_usage; exit ;;
        --small) input=${inputs#* } ;;
        --static) static=-static ;;
        -*) example_usage >&2; exit 2 ;;
        *) break ;;
        esac
        shift
    done
    find_commands
    if [ $# -gt 0 ]; then
        mkdir -p "$1"
        work=$(cd "$1" && pwd)
    else
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
    fi
    rm -rf "$work/undisturbed" "$work/moved" "$work/job.ckpt"
    cp "$here/$input" "$work"
    echo "building $program with $compiler"
    build_example
    echo "running it undisturbed"
    (run_undisturbed)
    echo "running it with two checkpoints and restarts"
    (run_moved)
    compare_outputs
}
