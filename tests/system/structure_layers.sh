#!/bin/bash
# structure_layers.sh - directories include only what doc/architecture.md
# allows
set -euo pipefail
. "$(dirname "$0")/common.sh"
cd "$top_srcdir"

wrong=0

# only DIR PATTERN: files in DIR include, of this tree, only what matches the
# extended regular expression.
only() {
    local lines
    [ -d "$1" ] || return 0
    lines=$(grep -rnE --include='*.[chS]' '^[[:space:]]*#[[:space:]]*include "' \
        "$1" | grep -vE "include \"($2)" || true)
    [ -z "$lines" ] || {
        echo "$1 may include only $2:"
        echo "$lines"
        wrong=1
    }
}

only lib/arch 'lib/arch/'
only lib/common 'lib/(common|arch)/|config\.h'
only lib/proto 'lib/(proto|common|arch)/|config\.h'
only lib/image 'lib/(image|common|proto|arch)/|config\.h'
only lib/undo 'lib/(undo|common|arch)/|config\.h'
only lib/keep 'lib/(keep|undo|image|common|arch)/|config\.h'
only lib/bare 'lib/(bare|arch)/'
only lib 'lib/|config\.h|ckpt\.h'
only shadow 'shadow/|lib/|config\.h'
only mount 'mount/|lib/|config\.h'
only scheduler/core 'scheduler/core/|lib/common/'
only scheduler/store 'scheduler/(store|core)/|lib/|config\.h'
only scheduler/sim 'scheduler/(sim|core)/|lib/|config\.h'
only scheduler 'scheduler/|shadow/|lib/|config\.h'
only cli 'cli/|scheduler/|shadow/|lib/|config\.h'

exit $wrong
