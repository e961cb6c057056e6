#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# "ironbench hook" in a bare repository, against a server that keeps what it
# gets: what is sent, what the pusher reads, and that a push never fails of it.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

LC_ALL=C.UTF-8
HOME=$IB_TMP/home
USER=ann
GIT_CONFIG_NOSYSTEM=1
export LC_ALL HOME USER GIT_CONFIG_NOSYSTEM
unset IRONBENCH_SERVER IRONBENCH_TOKEN XDG_CONFIG_HOME REMOTE_USER GL_USER
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
kept=$IB_TMP/kept
bare=$IB_TMP/demo.git
work=$IB_TMP/work
mkdir -p "$HOME" "$kept"

has_port() {
	grep -q '^[0-9]' "$(log_of hooks)"
}

# answers LINE...: from the next request on, which gets the number 1
answers() {
	stop hooks || :
	rm -f "$kept"/*
	printf '%s\n' "$@" >"$kept/answers"
	start hooks "$IB_BUILDDIR/tests/unit/cli_fake_hooks" "$kept"
	wait_for 10 has_port || bail "the stand-in server does not start"
	server=http://127.0.0.1:$(head -n 1 "$(log_of hooks)")
	git -C "$bare" config ironbench.server "$server"
}

commit() {
	echo "$1" >>"$work/file"
	git -C "$work" add file
	git -C "$work" commit -q -m "$1"
	id=$(git -C "$work" rev-parse HEAD)
	short=$(printf %.7s "$id")
}

# push REF...: what the pusher reads is in $said, without git's own lines
push() {
	code=0
	git -C "$work" push -q origin "$@" >"$IB_TMP/push" 2>&1 || code=$?
	said=$(sed -n 's/^remote: \(.*[^ ]\) *$/\1/p' "$IB_TMP/push")
}

# sent N JSON-FRAGMENT: the N-th body has it
sent() {
	grep -qF "$2" "$kept/$1.body"
}

requests() {
	find "$kept" -name '*.body' | wc -l
}

git init -q --bare -b main "$bare"
git init -q -b main "$work"
git -C "$work" config user.name "Änne"
git -C "$work" config user.email ann@example.org
git -C "$work" remote add origin "$bare"
printf "It's a Secret to Everybody\n" >"$IB_TMP/secret"
chmod 600 "$IB_TMP/secret"
git -C "$bare" config ironbench.project 'vbox kvm'
# git knows what it means.
# shellcheck disable=SC2088
git -C "$bare" config ironbench.secretfile '~/../secret'
cat >"$bare/hooks/post-receive" <<-END
	#!/bin/sh
	exec "$IB_BUILDDIR/cli/ironbench" hook
END
chmod +x "$bare/hooks/post-receive"

# ---- what is sent ----------------------------------------------------------

answers '202 {"run":42}'
commit "first"
push main
is "a push is one request" "$code $(requests)" "0 1"
is "the pusher reads the run" "$said" \
	"ironbench: run 42 for main $short $server/runs/42"
is "it goes to the project" "$(cat "$kept/1.path")" "/hooks/vbox kvm"
like "it is a push" "$(cat "$kept/1.headers")" '^X-GitHub-Event: push$'
like "the delivery is a UUID" "$(cat "$kept/1.headers")" \
	'^X-GitHub-Delivery: [0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$'
like "it is JSON" "$(cat "$kept/1.headers")" '^Content-Type: application/json$'
for part in '"ref":"refs/heads/main"' \
	'"before":"0000000000000000000000000000000000000000"' \
	"\"after\":\"$id\"" '"deleted":false' '"forced":false' \
	"\"repository\":{\"full_name\":\"demo\",\"clone_url\":\"$bare\"}" \
	"\"head_commit\":{\"id\":\"$id\",\"message\":\"first\"" \
	'"author":{"name":"Änne","email":"ann@example.org"}' \
	'"pusher":{"name":"ann"}'; do
	ok "it has $part" sent 1 "$part"
done
if command -v openssl >/dev/null; then
	is "it is signed with the secret, whose line end does not count" \
		"$(sed -n 's/^X-Hub-Signature-256: sha256=//p' \
			"$kept/1.headers")" \
		"$(openssl dgst -sha256 -hmac "It's a Secret to Everybody" \
			"$kept/1.body" | sed 's/.* //')"
else
	skip "the signature" "no openssl(1)"
fi

answers '202 {"run":43}' '200 {"ignored":"no pattern matches wip/x"}'
first=$id
commit 'second "line"

and a body'
git -C "$work" tag v1
git -C "$work" branch wip/x
push main wip/x v1
is "each branch is a request, a tag is none" "$(requests)" 2
is "the pusher reads why there is no run" "$said" \
	"ironbench: run 43 for main $short $server/runs/43
ironbench: no run for wip/x $short: no pattern matches wip/x"
ok "it knows what was before" sent 1 "\"before\":\"$first\""
ok "the message is all of it" sent 1 \
	'"message":"second \"line\"\n\nand a body"'
nok "deliveries differ" cmp -s "$kept/1.headers" "$kept/2.headers"

answers '200 {"ignored":"the branch is deleted"}'
push --delete wip/x
is "a branch that is deleted is told" "$said" \
	"ironbench: no run for wip/x (deleted): the branch is deleted"
ok "with no commit" sent 1 '"deleted":true'
ok "none at all" sent 1 '"head_commit":null'

answers '202 {"run":44}'
commit "caf@@ $(printf '\033')[31m"
# git itself would make it UTF-8.
id=$(git -C "$work" cat-file commit HEAD | LC_ALL=C sed 's/@@/\xe9/' |
	git -C "$work" hash-object -t commit -w --stdin)
git -C "$work" update-ref refs/heads/main "$id"
push main
ok "a message that is not UTF-8 is made so" sent 1 \
	'"message":"caf? \u001B[31m"'

# ---- what fails -------------------------------------------------------------

answers '503 {"error":"not now"}' '503 {"error":"not now"}' '202 {"run":45}'
commit "later"
push main
is "what has no time is asked again" "$said" \
	"ironbench: run 45 for main $short $server/runs/45"
is "with the same words" "$(cat "$kept/1.headers" "$kept/1.body")" \
	"$(cat "$kept/3.headers" "$kept/3.body")"

answers '401 {"error":"unknown project, or a wrong signature"}'
commit "refused"
push main
is "a push does not fail of a refusal" "$code" 0
is "the pusher reads it" "$said" \
	"ironbench: main $short: unknown project, or a wrong signature (--project and --secret-file are as in lab.yaml?)"
is "it is not asked again" "$(requests)" 1

answers '202 hello'
commit "nonsense"
push main
like "an answer that is none is told" "$code $said" \
	"^0 ironbench: main $short: the server's answer is not JSON"

git -C "$bare" config ironbench.server http://127.0.0.1:1
commit "down"
git -C "$work" branch other
began=$(now_ms)
push main other
took=$(($(now_ms) - began))
is "a push does not fail of a server that is down" "$code" 0
is "each branch is told" "$said" \
	"ironbench: main $short: http://127.0.0.1:1: Connection refused
ironbench: other $short: not sent, since the server does not answer"
ok "the pusher waits 10 s in all (it was $took ms)" test "$took" -lt 13000

# hook OPTION...: outside of a push; $code, $out, $err
hook() {
	code=0
	(cd "$bare" && echo "$first $id refs/heads/main" |
		"$IB_BUILDDIR/cli/ironbench" hook "$@" >"$IB_TMP/out" \
			2>"$IB_TMP/err") || code=$?
	out=$(cat "$IB_TMP/out")
	err=$(cat "$IB_TMP/err")
}

answers '202 {"run":46}'
git -C "$bare" config ironbench.server http://127.0.0.1:1
printf other >"$IB_TMP/other"
chmod 600 "$IB_TMP/other"
hook --project p --server "$server/" --secret-file "$IB_TMP/other" --strict
is "the command line goes before git's configuration" "$code $out" \
	"0 ironbench: run 46 for main $short $server/runs/46"
is "in all of it" "$(cat "$kept/1.path")" /hooks/p
IRONBENCH_TOKEN=good hook --server "$server"
unlike "a token is never sent" "$(cat "$kept/2.headers")" Authorization
answers '401 {"error":"no"}'
hook --strict
is "with --strict a refusal is 5" "$code" 5
chmod 644 "$IB_TMP/secret"
hook
is "a secret that everybody can read is refused" "$code $err" \
	"0 ironbench: hook: secret file $HOME/../secret: others can read it (chmod o= $HOME/../secret)"
chmod 600 "$IB_TMP/secret"
git -C "$bare" config --unset ironbench.project
hook --strict
is "without a project it says where one goes" "$code $err" \
	"2 ironbench: hook: neither --project nor git's configuration key ironbench.project is there"
hook
is "which is no failure without --strict" "$code" 0
git -C "$bare" config ironbench.project p
first=nonsense
hook --strict
is "what git does not say is refused" "$code $err" \
	"2 ironbench: hook: 'nonsense $id refs/heads/main' is not what git gives to a post-receive hook"
is "nothing of all this was sent" "$(requests)" 1
code=0
(cd "$IB_TMP" && "$IB_BUILDDIR/cli/ironbench" hook --strict </dev/null \
	>"$IB_TMP/out" 2>"$IB_TMP/err") || code=$?
like "outside of a repository git says so" "$code $(cat "$IB_TMP/err")" \
	'^2 ironbench: hook: git rev-parse: fatal: not a git repository'

done_testing
