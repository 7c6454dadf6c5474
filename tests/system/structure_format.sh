#!/bin/bash
# structure_format.sh - the C files are as clang-format leaves them
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command clang-format
major=$(clang-format --version | sed -E 's/.*version ([0-9]+).*/\1/')
[ "$major" -ge 14 ] || skip "clang-format $major is too old"
cd "$top_srcdir"
tree_files '*.c' '*.h' '*.cc' | xargs clang-format --dry-run -Werror
