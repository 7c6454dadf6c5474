#!/bin/bash
# pool_hooks.sh - commands and mails at the end of jobs: what they are told, that
# they are bounded in time, and that a killed home station forgets none
set -euo pipefail
. "$(dirname "$0")/common.sh"
need_command ckpt ckpt-shadow ckpt-station
. "$(dirname "$0")/pool_common.sh"
chmod 711 "$work"
mkdir "$work/home"
cd "$work/home"
cat >"$work/mailer" <<'END'
#!/bin/sh
cat >"$1/mail.$CKPT_JOB_ID.$CKPT_JOB_STATE"
END
chmod +x "$work/mailer"
pool_start 1 --set hook_limit=1s --set "mail_command=$work/mailer $work"

# shellcheck disable=SC2016
tell='echo "$CKPT_JOB_ID $CKPT_JOB_NAME $CKPT_JOB_STATE" \
    "code=$CKPT_JOB_EXIT_CODE signal=$CKPT_JOB_SIGNAL $PWD" >>told.$(Process)'
good=$(ckpt submit --name good --on-done "$tell" -- /bin/true)
timeout 60 ckpt wait "$good"
until_true test -s told.0
[ "$(cat told.0)" = "$good good completed code=0 signal= $PWD" ] ||
    fail "told: $(cat told.0)"
[ ! -e "$work/mail.$good.completed" ] || fail "mail that nobody wanted"

bad=$(ckpt submit --notify error --notify-user ada@example.org \
    --on-done "$tell" -- /bin/false)
timeout 60 ckpt wait "$bad" && fail "false is true"
mail=$work/mail.$bad.completed
until_true test -s "$mail"
grep -q '^To: ada@example.org$' "$mail" || fail "$(cat "$mail")"
grep -q "^Subject: ckpt job $bad (false) ended with exit code 1$" "$mail" ||
    fail "$(cat "$mail")"
until_true grep -q "^$bad false completed code=1 " told.0

# Where nothing can send mail the submitter is told.
sed -i.kept 's|^mail_command = .*|mail_command = /none/mailer|' "$CKPT_POOL/pool.conf"
ckpt rm "$(ckpt submit --notify always --require 'name == "x"' /bin/true 2>err)" \
    >/dev/null
grep -q 'no mail will be sent: /none/mailer: No such file' err ||
    fail "no word of a missing mailer: $(cat err)"
mv "$CKPT_POOL/pool.conf.kept" "$CKPT_POOL/pool.conf"

# Held, and then removed: errors are told when it is held, all when it goes.
job=$(ckpt submit --notify always --on-done "$tell" \
    --require 'name == "nowhere"' -- /bin/true)
ckpt hold "$job" >/dev/null
until_true test -s "$work/mail.$job.held"
ckpt rm "$job" >/dev/null
until_true test -s "$work/mail.$job.removed"
until_true grep -q "^$job true removed code= signal= " told.0

# One that does not end is ended, with all that it started.
# shellcheck disable=SC2016
job=$(ckpt submit --on-done 'sleep 1000 & echo $! >endless; wait' -- /bin/true)
until_true grep -q "job $job: command: ended after 1 s" "$CKPT_POOL/home/log"
child_is_gone() {
    ! grep -q '^State:.[RSD]' "/proc/$(cat endless)/status" 2>/dev/null
}
until_true child_is_gone

# The home station is killed while one is on: it runs again, later ones too.
# shellcheck disable=SC2016
job=$(ckpt submit --count 3 \
    --on-done 'echo begun >>"again.$(Process)"; sleep 0.7; echo over >>"again.$(Process)"' \
    -- /bin/true | head -n 1)
until_true test -s again.0
kill -9 "$(tr -cd 0-9 <"$CKPT_POOL/home/lock")"
for n in 0 1 2; do until_true grep -q over "again.$n"; done
ckpt wait "$job"

for wrong in '--notify=sometimes' '--every=soon' '--notify-user=a b'; do
    status=0
    ckpt submit "$wrong" -- /bin/true 2>err || status=$?
    [ "$status" = 2 ] || fail "$wrong: exit code $status"
    grep -qF -- "${wrong%%=*}: \"${wrong#*=}\" is " err || fail "$(cat err)"
done
