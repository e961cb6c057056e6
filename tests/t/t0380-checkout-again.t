#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A repository that cannot be reached for a while delays its run; a commit that
# it has not got ends it. The lab is empty: all jobs wait.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C
HOME=$IB_TMP
GIT_CONFIG_NOSYSTEM=1
GIT_CONFIG_GLOBAL=/dev/null
export LC_ALL HOME GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE

work=$IB_TMP/work
mkdir -p "$LAB_DIR" "$work"
git init -q -b main "$work"
cat >"$work/suite.yaml" <<-EOT
	boot_items:
	  - { name: first, exec: kernel.elf }
	EOT
echo kernel >"$work/kernel.elf"
git -C "$work" add -A
git -C "$work" -c user.name=Ann -c user.email=ann@example.org commit -q -m one
git clone -q --bare "$work" "$IB_TMP/pushed.git"
git clone -q "$IB_TMP/pushed.git" "$IB_TMP/other"
git -C "$IB_TMP/other" -c user.name=Ann -c user.email=ann@example.org \
	commit -q --allow-empty -m two
git -C "$IB_TMP/other" push -q origin main
other=$(git -C "$IB_TMP/other" rev-parse HEAD)
commit=$(git -C "$work" rev-parse HEAD)
echo 'the secret of demo' >"$IB_TMP/secret"
chmod 600 "$IB_TMP/secret"
cat >"$LAB_DIR/lab.yaml" <<-EOT
	machines: []
	projects:
	  - name: demo
	    repository: file://$work
	    secret_file: $IB_TMP/secret
	    branches: { main: { suite: suite.yaml } }
	    files: { repository: {} }
	EOT
daemon_start

# push COMMIT: what the server says
push() {
	echo "0000000000000000000000000000000000000000 $1 refs/heads/main" |
		GIT_DIR=$IB_TMP/pushed.git "$IRONBENCH" hook --project demo \
			--secret-file "$IB_TMP/secret" 2>&1
}

run_of() {
	printf '%s\n' "$1" | sed -n 's/.*run \([0-9]*\).*/\1/p' | head -n 1
}

again() {
	grep -q "run=$run step=checkout tried again soon: " "$(log_of daemon)"
}

has_jobs() {
	"$IRONBENCH" matrix "$run" --format csv | grep -q '^first,'
}

mv "$work/.git" "$IB_TMP/away"
said=$(push "$commit")
run=$(run_of "$said")
like "a push is taken though its repository is away" "$run" '^[0-9]+$' ||
	diag "$said"
ok "it is tried again" wait_for 30 again
mv "$IB_TMP/away" "$work/.git"
ok "when it is back, the run has its jobs" wait_for 60 has_jobs

said=$(push "$other")
run=$(run_of "$said")
like "a push of a commit that only others have is taken" "$run" '^[0-9]+$' ||
	diag "$said"
is "a commit that is not there ends its run" \
	"$(timeout 30 "$IRONBENCH" watch "$run" >/dev/null 2>&1; echo $?)" 1
nok "at once" again
like "as an error of the harness" "$("$IRONBENCH" show "$run")" \
	'checkout'

kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 20 0
ok "no sanitizer has a complaint" no_report
done_testing
