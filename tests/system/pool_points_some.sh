#!/bin/bash
# pool_points_some.sh - a few runs of pool_points.sh: each of the pool's
# processes is killed at a transition that others depend on
. "$(dirname "$0")/common.sh"
cat >"$work/list" <<'END'
plain|job idle matched|after|self
plain|job none submit|after|self
vacate|job vacating evicted|before|self
plain|job starting started|before|shadow
starting_exited|job starting exited|before|home
holding_release|job holding release|after|self
vacating_rm|job vacating remove|after|station
plain|job running exited|before|coordinator
owner|station Claimed owner-back|before|self
starting_vacate|job starting vacate|after|starter
lost|job running lost|after|master
END
POINT_LIST=$work/list "$(dirname "$0")/pool_points.sh"
