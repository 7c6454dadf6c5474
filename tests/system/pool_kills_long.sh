#!/bin/bash
# pool_kills_long.sh - pool_kills.sh, 600 kills in one run: about ten minutes
export KILLS=${KILLS:-600} KILLS_LEAST=${KILLS_LEAST:-500} \
    KILL_SECONDS=${KILL_SECONDS:-1000} WAIT_SECONDS=${WAIT_SECONDS:-900}
exec "$(dirname "$0")/pool_kills.sh"
