#!/bin/bash
# Compile the fuzz targets with clang and run each for some seconds; see
# README.md.   run.sh [SECONDS [TARGET...]]
seconds=${1:-60}
[ $# -gt 0 ] && shift
: "${top_srcdir:=$(cd "$(dirname "$0")/../.." && pwd)}"
: "${top_builddir:=$top_srcdir/build}"
clang=${FUZZ_CC:-clang}
targets=${*:-fuzz_boot fuzz_channel fuzz_xdr fuzz_call fuzz_reply}

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

echo 'int LLVMFuzzerTestOneInput(const unsigned char *d, unsigned long n)
{ return d == 0 && n == 1; }' >"$work/probe.c"
if ! "$clang" -fsanitize=fuzzer "$work/probe.c" -o "$work/probe" 2>/dev/null
then
    echo "skipped: no clang with libFuzzer"
    exit 77
fi
[ -f "$top_builddir/lib/proto/shadow_xdr.c" ] || {
    echo "build the tree first: no $top_builddir/lib/proto/shadow_xdr.c"
    exit 1
}

cflags="-g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize=function
    -fno-sanitize-recover=undefined -w -std=gnu11 -D_GNU_SOURCE
    -I$top_srcdir -I$top_builddir
    $(pkg-config --cflags libtirpc libsodium)"
libs="$(pkg-config --libs libtirpc libsodium) -lpthread"
sources="$top_srcdir/tests/fuzz/fuzz.c $top_srcdir/lib/arch/x86_64.S"
for s in boot noise record channel handshake dial rpc_client rpc_in rpc_out \
    rpc_server rpc_reply; do
    sources="$sources $top_srcdir/lib/proto/$s.c"
done
for s in err io bytes; do
    sources="$sources $top_srcdir/lib/common/$s.c"
done
for s in shadow pool home station coordinator; do
    sources="$sources $top_builddir/lib/proto/${s}_xdr.c"
done

# The inputs of corpus/TARGET.hex, as files.
unpack() {
    local line n=0
    while read -r line; do
        case $line in '' | '#'*) continue ;; esac
        n=$((n + 1))
        # shellcheck disable=SC2001  # & is what was found
        printf '%b' "$(sed 's/../\\x&/g' <<<"$line")" >"$2/given.$n"
    done <"$top_srcdir/tests/fuzz/corpus/$1.hex"
}

status=0
for t in $targets; do
    # shellcheck disable=SC2086
    "$clang" $cflags "$top_srcdir/tests/fuzz/$t.c" $sources \
        $libs -o "$work/$t" || exit 1
    corpus=${FUZZ_CORPUS:-$work/corpus}/$t
    mkdir -p "$corpus"
    unpack "$t" "$corpus"
    if [ -n "$FUZZ_INPUT" ]; then
        "$work/$t" "$FUZZ_INPUT" || status=1
        continue
    fi
    if "$work/$t" -max_total_time="$seconds" -max_len=8192 -timeout=20 \
        -rss_limit_mb=1024 -artifact_prefix="${FUZZ_CORPUS:-$work}/" \
        "$corpus" >"$work/log" 2>&1; then
        echo "$t: $(tail -1 "$work/log")"
    else
        echo "$t: FAILED"
        tail -60 "$work/log"
        status=1
    fi
done
exit $status
