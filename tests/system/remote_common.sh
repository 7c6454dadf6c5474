# remote_common.sh - build and run the programs of tests/progs/remote_*
#
# Sourced after common.sh.  The programs are plain ones, linked with the
# client of the shadow and its start.
#
# shellcheck shell=bash

# relink NAME MODE: with ckpt-cc; MODE is relinked or relinked-static.
relink() {
    local wrapper=ckpt-cc flags=()
    case $1 in
    *.cc) wrapper=ckpt-c++ ;;
    *.f90) wrapper=ckpt-fc ;;
    *) flags=(-D_GNU_SOURCE -pthread) ;;
    esac
    [ "$2" = relinked ] || flags+=(-static)
    "$wrapper" -O1 -w ${flags[@]+"${flags[@]}"} "$top_srcdir/tests/progs/$1" \
        -o "$work/bin/$1.$2"
}

# build NAME MODE: tests/progs/NAME -> $work/bin/NAME.MODE; MODE is static or
# dynamic, or relinked.  False where the compiler or the static library is
# missing.
build() {
    local source=$top_srcdir/tests/progs/$1 lib=$top_builddir/lib
    local out=$work/bin/$1.$2 compiler=cc tirpc=-ltirpc flags=()
    case $1 in
    *.cc) compiler=g++ ;;
    *.f90) compiler=gfortran ;;
    esac
    command -v $compiler >/dev/null || return 1
    mkdir -p "$work/bin"
    case $2 in relinked*)
        relink "$1" "$2"
        return
        ;;
    esac
    if [ "$2" = static ]; then
        flags=(-static)
        tirpc=$(cc -print-file-name=libtirpc.a)
    fi
    [ "$compiler" = cc ] && flags+=(-D_GNU_SOURCE -I"$top_srcdir"
        -I"$top_builddir" -I/usr/include/tirpc)
    "$compiler" -O1 -w "${flags[@]}" "$source" \
        -Wl,--whole-archive "$top_builddir/tests/unit/libremotestart.a" \
        "$lib/libremote.a" -Wl,--no-whole-archive "$lib/libproto.a" \
        "$lib/libcommon.a" "$tirpc" -lsodium -lpthread -o "$out" \
        2>"$work/build.log" || { cat "$work/build.log"; return 1; }
}

# run_in DIR COMMAND...: in an empty DIR, for $RUN_LIMIT seconds (60) at most;
# output, errors and status to DIR.out, DIR.err.
run_in() {
    local dir=$1
    shift
    rm -rf "$dir"
    mkdir -p "$dir"
    (
        cd "$dir"
        local status=0
        timeout "${RUN_LIMIT:-60}" "$@" >"$dir.out" 2>"$dir.err" </dev/null ||
            status=$?
        echo "status $status" >>"$dir.out"
    )
}

# compare NAME MODE LAUNCHER...: the program alone and under the launcher must
# print the same and leave the same files.
compare() {
    local program=$work/bin/$1.$2 what="$1 $2"
    shift 2
    run_in "$work/local" "$program"
    run_in "$work/remote" "$@" "$program"
    if ! cmp "$work/local.out" "$work/remote.out" ||
        ! cmp "$work/local.err" "$work/remote.err" ||
        ! diff -r "$work/local" "$work/remote"; then
        fail "$what differs under $*"
    fi
    echo "$what: same under $(basename "$1") ${*:2}"
}

remote_programs=(remote_stdio.c remote_rw.c remote_names.c remote_fds.c
    remote_mmap.c remote_threads.c remote_signals.c remote_abort.c
    remote_identity.c remote_cancel.c remote_fast.c remote_again.c
    remote_coroutine.c remote_iostream.cc remote_fortran.f90)

fake_shadow=$top_builddir/tests/unit/fake-shadow
