# fetch.sh - Debian's sources, built by their own build systems
#
# Sourced after real.sh.  A case is `unpack CASE SOURCE && build CASE STEPS && go
# ...`.  The sources are fetched with apt-get source and lists of its own in a
# private directory; REAL_SOURCES names one to keep and use again.  Skipped where
# sources cannot be had.
#
# shellcheck shell=bash
need_command apt-get tar make gcc
store=${REAL_SOURCES:-$work/sources}
mkdir -p "$store/parts" "$store/lists"

# apt's own lists are left alone.
apt_private() {
    apt-get -qq -o Dir::Etc::sourcelist=/dev/null \
        -o Dir::Etc::sourceparts="$store/parts" \
        -o Dir::State::lists="$store/lists" \
        -o Dir::Cache::archives="$store" \
        -o Acquire::Retries=2 -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=true "$@"
}

fetch() {
    apt_private source --only-source --download-only "$1"
}

# The places that binary packages come from have the sources as well.
list_sources() {
    local f
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/debian*; do
        case $f in
        *.sources) sed 's/^Types:.*/Types: deb-src/' "$f" ;;
        *) sed -n 's/^deb /deb-src /p' "$f" ;;
        esac >"$store/parts/real-${f##*/}"
    done 2>/dev/null
    mv "$store/parts/real-sources.list" "$store/parts/real-main.list"
    apt_private update
}

# Unpack the upstream source of package $2, without Debian's patches, for the
# case $1, and go there.
unpack() {
    local tarball=$store/$2
    begin "$1" || return 1
    mkdir -p "$tarball"
    cd "$tarball"
    if ! ls ./*.orig.tar.?z* >/dev/null 2>&1 &&
        ! fetch "$2" >"$work/fetch.log" 2>&1; then
        echo "$1: not tried: no source: $(tail -1 "$work/fetch.log")"
        missing+=("$1")
        return 1
    fi
    rm -rf "$work/build"
    mkdir "$work/build"
    local part
    for part in ./*.orig.tar.?z*; do
        case $part in
        *.asc) ;;
        *) tar -xf "$part" --strip-components=1 --no-same-owner -C "$work/build" ;;
        esac
    done
    cd "$work/build"
}

# Run the steps of the build of case $1; a build that fails is a failure.
build() {
    local name=$1
    shift
    if ! (set -e; "$@") >"$work/build.log" 2>&1 </dev/null; then
        tail -5 "$work/build.log"
        echo "$name: does not build"
        failed+=("$name")
        cd "$work"
        return 1
    fi
    cd "$inputs"
}

if [ -z "$(ls "$store/lists")" ]; then
    list_sources >"$work/fetch.log" 2>&1 ||
        skip "no sources: $(tail -1 "$work/fetch.log")"
fi
