#!/bin/bash
# structure_size.sh - no file of the tree is larger than 1 MB
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$top_srcdir"
if [ -e .git ] && git ls-files >/dev/null 2>&1; then
    git ls-files -z | xargs -0 -I{} find {} -maxdepth 0 -size +1024k
else
    tree_files '*' | xargs -I{} find {} -maxdepth 0 -size +1024k
fi >"$work/large"
[ ! -s "$work/large" ] || fail "larger than 1 MB: $(cat "$work/large")"
