#!/bin/bash
# core_harm_long.sh - core_faults.sh and core_merge.sh at every step,
# core_damaged.sh with 10,000 mutations: for `make check-long`
here=$(dirname "$0")
status=77
for test in "FAULTS_STEP=1 core_faults.sh" "MUTATIONS=3400 core_damaged.sh" \
    "MERGE_STEP=1 core_merge.sh"; do
    rc=0
    # shellcheck disable=SC2086 # settings, and the script's name
    env ${test% *} bash "$here/${test##* }" || rc=$?
    case $rc in
    0) [ $status = 1 ] || status=0 ;;
    77) ;;
    *) status=1 ;;
    esac
done
exit $status
