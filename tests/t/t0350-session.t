#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# What pages ask a daemon: themselves, who their reader is, what waits and why,
# a machine. The lab has one machine that is never switched on.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

in=$IB_TMP/in
mkdir -p "$in" "$LAB_DIR"
cd "$in" || exit 99
jar=$IB_TMP/jar

# get PATH CURL-OPTION...: the answer's body; its status is in $IB_TMP/status
get() {
	local path
	path=$1
	shift
	curl -s -m 20 -o "$IB_TMP/body" -w '%{http_code}' "$@" \
		"$IRONBENCH_SERVER$path" >"$IB_TMP/status"
	cat "$IB_TMP/body"
}

# status PATH CURL-OPTION...
status() {
	get "$@" >/dev/null
	cat "$IB_TMP/status"
}

# page PATH CURL-OPTION...: an act as a page does it
page() {
	local path
	path=$1
	shift
	status "$path" -X POST -b "$jar" -c "$jar" -H 'X-Ironbench: page' "$@"
}

cat >"$LAB_DIR/lab.yaml" <<-EOT
	machines:
	  - name: t16-1
	    platform: t16
	    tags: [ green ]
EOT
daemon_start
token=$(token_add writer submit)
boss=$(token_add boss admin)

# ---- the pages -----------------------------------------------------------------

like "a browser gets a page" \
	"$(get / -H 'Accept: text/html')" '<title>ironbench</title>'
script=$(get / -H 'Accept: text/html' | sed -n 's/.*src="\([^"]*\)".*/\1/p')
is "and what it loads" "$(status "$script")" 200
like "a program gets words" "$(get /)" '/api/v1/openapi.json'

# ---- who it is -----------------------------------------------------------------

is "nobody at first" "$(get /api/v1/session)" \
	'{"name":null,"scopes":[],"open_reads":true}'
is "a wrong token is none" \
	"$(page /api/v1/session -d '{"token":"ib_00"}')" 401
is "and gives no cookie" "$(get /api/v1/session -b "$jar")" \
	'{"name":null,"scopes":[],"open_reads":true}'
is "a good one is one" \
	"$(page /api/v1/session -d "{\"token\":\"$token\"}")" 200
is "the cookie says who" "$(get /api/v1/session -b "$jar")" \
	'{"name":"writer","scopes":["read","submit"],"open_reads":true}'
is "an administrator may all" \
	"$(get /api/v1/session -H "Authorization: Bearer $boss")" \
	'{"name":"boss","scopes":["read","submit","operate","admin"],"open_reads":true}'

# ---- what waits ----------------------------------------------------------------

echo kernel >kernel.elf
cat >suite.yaml <<-EOT
	boot_items:
	  - name: first
	    exec: kernel.elf
	    tags: [ red ]
	  - name: second
	    exec: kernel.elf
	    tags: [ red ]
	  - name: third
	    exec: kernel.elf
EOT
is "nothing waits" "$(get /api/v1/queue)" '{"waiting":0,"classes":[]}'
is "a page may submit" "$(page /api/v1/runs -F config=@suite.yaml \
	-F file=@kernel.elf)" 201
queue=$(get /api/v1/queue)
like "all jobs wait" "$queue" '"waiting":3'
like "two need the same" "$queue" \
	'"classes":\[{"needs":"tag red[^"]*","jobs":2,"why":"[^"]*no machine has tag red'
like "and the first of them is named" "$queue" \
	'"first":{"job":1,"run":1,"item":"first"}'

# ---- a machine -----------------------------------------------------------------

like "a machine has its past" "$(get /api/v1/machines/t16-1)" \
	'"name":"t16-1".*"history":\[.*"attempts":\['
is "one that is not there has none" "$(status /api/v1/machines/t16-9)" 404

# ---- the cookie acts for a page only -------------------------------------------

is "another site may not" "$(page /api/v1/runs/1/cancel \
	-H 'Origin: http://evil.example')" 403
is "nor without the header" "$(status /api/v1/runs/1/cancel -X POST \
	-b "$jar")" 403
is "a page may" "$(page /api/v1/runs/1/cancel)" 200
like "all of it is cancelled" "$(cat "$IB_TMP/body")" '"cancelled":3'
is "an unknown name is not open" \
	"$(status /api/v1/runs -H 'Host: lab.example')" 401
is "but with the cookie" \
	"$(status /api/v1/runs -H 'Host: lab.example' \
	-H "Cookie: ironbench=$token")" 200

is "the cookie is taken back" "$(page /api/v1/session/end)" 200
is "and acts no more" "$(page /api/v1/runs/1/cancel)" 401

kill -TERM "$(pid_of daemon)"
ok "the daemon ends" ends_with 20 0
ok "and nothing was reported" no_report
done_testing
