#!/bin/bash
# structure_shell.sh - shellcheck has nothing to say about our scripts, and tests
# can be executed
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command shellcheck
cd "$top_srcdir"
scripts=(bootstrap .ci/run)
for file in $(tree_files '*'); do
    head -c 32 "$file" | head -n 1 | grep -aqE '^#!/(usr/)?bin/(env )?(ba|da)?sh' &&
        scripts+=("$file")
done
# 1091: a sourced file that was not named; 2154: variables that it sets.
shellcheck -x -e SC1091,SC2154 "${scripts[@]}"
echo "${#scripts[@]} scripts"

# make runs the tests that are scripts; the others are sourced, or run by bash
grep -ohE 'tests/[a-z]+/[a-z_]+\.sh' tests/*/*.mk tests/*.mk | sort -u >"$work/tests"
while read -r file; do
    case $file in
    */common.sh | */*_common.sh | */real.sh | */random_instants.sh | */core_prog.sh) ;;
    *) [ -x "$file" ] || fail "$file cannot be executed" ;;
    esac
done <"$work/tests"
