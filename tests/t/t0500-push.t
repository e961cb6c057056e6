#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# A push becomes a run: git push to a bare repository, whose hook tells the
# daemon; it checks the commit out, builds the test kernels, and runs them on a
# virtual machine. A commit that breaks one case changes that cell alone.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

# The signs are UTF-8; git gets no configuration but the test's.
LC_ALL=C.UTF-8
HOME=$IB_TMP
USER=ann
GIT_CONFIG_NOSYSTEM=1
GIT_CONFIG_GLOBAL=/dev/null
export LC_ALL HOME USER GIT_CONFIG_NOSYSTEM GIT_CONFIG_GLOBAL
unset XDG_CONFIG_HOME REMOTE_USER GL_USER GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
bare=$IB_TMP/demo.git
work=$IB_TMP/work

# ---- the repository ----------------------------------------------------------

make_repository() {
	git init -q --bare -b main "$bare"
	git init -q -b main "$work"
	git -C "$work" config user.name Ann
	git -C "$work" config user.email ann@example.org
	git -C "$work" remote add origin "$bare"
	mkdir -p "$work/ci" "$work/fixtures/guests"
	cp -r "$IB_SRCDIR/fixtures/guests/runtime" \
		"$IB_SRCDIR/fixtures/guests/hello.c" \
		"$IB_SRCDIR/fixtures/guests/cpuid.c" "$work/fixtures/guests"
	chmod -R u+w "$work/fixtures"
	cat >"$work/ci/Makefile" <<-'END'
		guests = ../fixtures/guests
		runtime = $(wildcard $(guests)/runtime/*.[cS])
		flags = -m32 -march=i686 -mgeneral-regs-only -std=c17 -O2 \
			-ffreestanding -fno-pie -fno-stack-protector \
			-fno-asynchronous-unwind-tables -fcf-protection=none \
			-nostdlib -static -Wl,--build-id=none \
			-Wl,-z,noexecstack -Wl,-T,$(guests)/runtime/link.ld -I..

		bundle: hello.elf32 cpuid.elf32
		%.elf32: $(guests)/%.c; \
			gcc $(flags) -o $@ $< $(runtime)
	END
	cat >"$work/ci/project_config.yaml" <<-'END'
		boot_items:
		  - name: hello
		    exec: hello.elf32 --serial --disable-testcases=is_skipped_by_command_line
		    boot_item_timeout: 60
		    timeout: 90
		  - name: cpuid
		    exec: cpuid.elf32 --serial
		    boot_item_timeout: 60
		    timeout: 90
	END
	cat >"$bare/hooks/post-receive" <<-END
		#!/bin/sh
		exec "$IRONBENCH" hook
	END
	chmod +x "$bare/hooks/post-receive"
	echo 'the secret of demo' >"$IB_TMP/secret"
	chmod 600 "$IB_TMP/secret"
	git -C "$bare" config ironbench.project demo
	git -C "$bare" config ironbench.secretfile "$IB_TMP/secret"
}

# commit MESSAGE
commit() {
	git -C "$work" add -A
	git -C "$work" commit -q -m "$1"
	short=$(git -C "$work" rev-parse HEAD | cut -c 1-7)
}

# push BRANCH: what the pusher reads is in $said, the run's id in $run
push() {
	code=0
	git -C "$work" push -q origin "HEAD:refs/heads/$1" \
		>"$IB_TMP/push" 2>&1 || code=$?
	said=$(sed -n 's/^remote: \(.*[^ ]\) *$/\1/p' "$IB_TMP/push")
	run=$(printf '%s\n' "$said" |
		sed -n 's/^ironbench: run \([0-9]*\) .*/\1/p')
}

# The matrix of a run without its legend, blanks squeezed.
table() {
	"$IRONBENCH" matrix "$1" |
		sed -n '/^✓ pass/q; s/  */ /g; s/ *$//; p'
}

job_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, -v i="$2" '$1 == i { print $3 }'
}

# Results and names of a job's cases.
cases() {
	"$IRONBENCH" job "$(job_of "$1" "$2")" --format csv | cut -d , -f 1,2
}

runs() {
	"$IRONBENCH" runs --format csv | tail -n +2 | wc -l
}

# post FILE PROJECT HEADERS BODY: the answer in FILE, its status on stdout
post() {
	curl -s -o "$1" -w '%{http_code}' -X POST -H "@$3" \
		--data-binary "@$4" "$IRONBENCH_SERVER/hooks/$2"
}

run_in() {
	sed -n 's/.*"run": *\([0-9]*\).*/\1/p' "$1"
}

lab_start --machines 1 --platforms virtual_a
wait_for 20 machines_are 1 || bail "the daemon did not take the lab"
make_repository
git -C "$bare" config ironbench.server "$IRONBENCH_SERVER"
cat >>"$LAB_DIR/lab.yaml" <<END
projects:
  - name: demo
    repository: $bare
    secret_file: $IB_TMP/secret
    branches: { main: { suite: ci/project_config.yaml, priority: 0 } }
    files: { build: { command: "make -C ci bundle", on: daemon } }
END
reads() {
	grep -c 'lab file read' "$(log_of daemon)"
}
before=$(reads)
reloaded() {
	[ "$(reads)" -gt "$before" ]
}
kill -HUP "$(pid_of daemon)"
wait_for 20 reloaded || bail "the daemon did not read the project"

# ---- a push -------------------------------------------------------------------

commit "all is well"
push main
is "the push succeeds" "$code" 0
is "the pusher reads which run it became" "$said" \
	"ironbench: run $run for main $short $IRONBENCH_SERVER/runs/$run"
first=$run
like "the run knows the commit and who pushed" \
	"$("$IRONBENCH" show "$first" --format json | tr -d ' \n')" \
	"\"project\":\"demo\",\"user\":\"ann\".*\"commit\":\"$short"
ok "it is built, and is a success" timeout 600 "$IRONBENCH" watch "$first"
is "every cell is good" "$(table "$first")" " virtual_a
hello ✓(s)
cpuid ✓"

# ---- one case is broken ----------------------------------------------------------

sed -i 's/variable_in_bss == 0/variable_in_bss == 1/' \
	"$work/fixtures/guests/hello.c"
commit "break one case"
push main
second=$run
is "the next commit is the next run" "$said" \
	"ironbench: run $run for main $short $IRONBENCH_SERVER/runs/$run"
nok "it fails" timeout 600 "$IRONBENCH" watch "$second"
is "one cell has changed, and no other" "$(table "$second")" " virtual_a
hello ✗
cpuid ✓"
cases "$first" hello >"$IB_TMP/before"
cases "$second" hello >"$IB_TMP/after"
is "in it one case, and no other" \
	"$(diff "$IB_TMP/before" "$IB_TMP/after" | grep '^[<>]')" \
	"< pass,memory_is_as_linked
> fail,memory_is_as_linked"

# ---- replays and strangers ---------------------------------------------------------

kept=$IB_TMP/kept
mkdir -p "$kept"
echo '200 {"ignored":"kept for later"}' >"$kept/answers"
start hooks "$IB_BUILDDIR/tests/unit/cli_fake_hooks" "$kept"
has_port() {
	grep -q '^[0-9]' "$(log_of hooks)"
}
wait_for 10 has_port || bail "the stand-in server does not start"
git -C "$bare" config ironbench.server \
	"http://127.0.0.1:$(head -n 1 "$(log_of hooks)")"
git -C "$work" revert --no-edit HEAD >"$IB_TMP/revert"
push main
like "the pusher reads why there is no run" "$said" 'no run .* kept for later'
before=$(runs)
sed 's/^\(X-Hub-Signature-256: sha256=\).*/\1'"$(printf %064d 0)/" \
	"$kept/1.headers" >"$kept/wrong.headers"
grep -v '^X-Hub' "$kept/1.headers" >"$kept/no.headers"
{
	cat "$kept/1.body"
	echo
} >"$kept/longer.body"
is "a wrong signature is 401" \
	"$(post "$kept/a" demo "$kept/wrong.headers" "$kept/1.body")" 401
is "none is 401" \
	"$(post "$kept/b" demo "$kept/no.headers" "$kept/1.body")" 401
is "one of another body is 401" \
	"$(post "$kept/c" demo "$kept/1.headers" "$kept/longer.body")" 401
is "an unknown project is 401" \
	"$(post "$kept/d" nobody "$kept/1.headers" "$kept/1.body")" 401
ok "the answers are the same" cmp "$kept/a" "$kept/d"
ok "all of them" cmp "$kept/b" "$kept/c"
is "nothing has started" "$(runs)" "$before"
is "a good one is 202" \
	"$(post "$kept/e" demo "$kept/1.headers" "$kept/1.body")" 202
is "the same once more is 200" \
	"$(post "$kept/f" demo "$kept/1.headers" "$kept/1.body")" 200
is "with the same run" "$(run_in "$kept/f")" "$(run_in "$kept/e")"
is "there is one more, not two" "$(runs)" $((before + 1))
ok "what was repaired is a success" \
	timeout 600 "$IRONBENCH" watch "$(run_in "$kept/e")"
is "every cell is as it was" "$(table "$(run_in "$kept/e")")" \
	"$(table "$first")"
is "its third delivery is of the same run, too" \
	"$(post "$kept/g" demo "$kept/1.headers" "$kept/1.body") $(run_in "$kept/g")" \
	"200 $(run_in "$kept/e")"
git -C "$bare" config ironbench.server "$IRONBENCH_SERVER"

# ---- what does not build ------------------------------------------------------------

echo '#error this cannot be built' >>"$work/fixtures/guests/hello.c"
commit "break the build"
push main
like "a commit that does not build is a run" "$run" '^[0-9]+$'
nok "it fails" timeout 300 "$IRONBENCH" watch "$run"
is "as an error, not as a failed test" "$(table "$run")" " any
build !harness"
like "with the reason" \
	"$("$IRONBENCH" job "$(job_of "$run" build)")" \
	'build: exit code 2: .*Error 1'
like "and all that the build has said" "$("$IRONBENCH" logs "$run/build")" \
	'error: #error this cannot be built'
for how in "" --failed; do
	nok "there is nothing to run again${how:+ with $how}" \
		"$IRONBENCH" rerun "$run" $how
	# shellcheck disable=SC2086
	is "which says what is so" "$("$IRONBENCH" rerun "$run" $how 2>&1)" \
		"ironbench: rerun run $run: its suite never came, as its build did not end well; push a commit that builds"
done

# ---- what nobody asked for ----------------------------------------------------------

before=$(runs)
push private/x
is "a branch that fits no pattern is no failure" "$code" 0
like "the pusher reads why" "$said" \
	"^ironbench: no run for private/x $short: .*fits"
git -C "$work" push -q origin --delete private/x >"$IB_TMP/push" 2>&1
like "so it is with one that is deleted" "$(cat "$IB_TMP/push")" \
	'ironbench: no run for private/x .deleted.: .*deleted'
is "nothing has started" "$(runs)" "$before"
ok "no sanitizer has said anything" no_report

done_testing
