#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Runs are submitted our way and SoTest's; what is wrong or hostile is refused
# with what it is, and leaves nothing behind. The lab is empty: all jobs wait.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

# The helper and the messages must not depend on it.
LC_ALL=C
export LC_ALL

in=$IB_TMP/in
mkdir -p "$in/sub"
cd "$in" || exit 99

# ---- a ZIP maker: gzip knows how to pack and the checksum ---------------------

# le BYTES NUMBER: little-endian
le() {
	local n i
	n=$2
	i=$1
	while [ "$i" -gt 0 ]; do
		# The format is the point.
		# shellcheck disable=SC2059
		printf "\\$(printf %03o $((n & 255)))"
		n=$((n >> 8))
		i=$((i - 1))
	done
}

size_of() {
	stat -c %s "$1"
}

zip_new() {
	zip=$IB_TMP/$1
	: >"$zip"
	: >"$zip.index"
	zip_n=0
}

# zip_add NAME FILE [MODE]: mode is octal, with the file's type; bit 11 of the
# flags says that names are UTF-8.
zip_add() {
	local gz packed offset
	gz=$IB_TMP/gz
	gzip -nc "$2" >"$gz"
	packed=$(($(size_of "$gz") - 18))
	offset=$(size_of "$zip")
	{
		le 2 20
		le 2 $((1 << 11))
		le 2 8
		le 4 0
		tail -c 8 "$gz" | head -c 4
		le 4 $packed
		tail -c 4 "$gz"
		le 2 ${#1}
		le 2 0
	} >"$IB_TMP/fields"
	{
		printf 'PK\3\4'
		cat "$IB_TMP/fields"
		printf %s "$1"
		tail -c +11 "$gz" | head -c $packed
	} >>"$zip"
	{
		printf 'PK\1\2'
		le 2 788
		cat "$IB_TMP/fields"
		le 6 0
		le 4 $((${3:-0100644} << 16))
		le 4 "$offset"
		printf %s "$1"
	} >>"$zip.index"
	zip_n=$((zip_n + 1))
}

zip_end() {
	local offset
	offset=$(size_of "$zip")
	cat "$zip.index" >>"$zip"
	printf 'PK\5\6' >>"$zip"
	{
		le 4 0
		le 2 $zip_n
		le 2 $zip_n
		le 4 "$(size_of "$zip.index")"
		le 4 "$offset"
		le 2 0
	} >>"$zip"
}

# ---- asking --------------------------------------------------------------------

# post PATH CURL-OPTION...: prints "STATUS BODY" in one line
post() {
	local path status
	path=$1
	shift
	status=$(curl -s -o "$IB_TMP/body" -w '%{http_code}' "$@" \
		"$IRONBENCH_SERVER$path")
	echo "$status $(tr '\n' ' ' <"$IB_TMP/body")"
}

# submit CURL-OPTION...: with the token, our way
submit() {
	post /api/v1/runs -H "Authorization: Bearer $IRONBENCH_TOKEN" "$@"
}

nothing_in_tmp() {
	[ -z "$(ls -A "$STATE_DIR/tmp" 2>/dev/null)" ]
}

# refused DESCRIPTION STATUS REGEX CURL-OPTION...
refused() {
	local desc status regex
	desc=$1
	status=$2
	regex=$3
	shift 3
	like "refused: $desc" "$(submit "$@")" "^$status .*$regex"
	ok "  and nothing is left in tmp" wait_for 5 nothing_in_tmp
}

# refused_zip DESCRIPTION STATUS REGEX: the ZIP that was just made
refused_zip() {
	zip_end
	refused "$1" "$2" "$3" -F config=@suite.yaml -F "boot_files=@$zip"
}

# field NAME: a text or number of the last answer
field() {
	sed -n "s/.*\"$1\": *\"\\{0,1\\}\\([^\",}]*\\).*/\\1/p" "$IB_TMP/body" |
		head -n 1
}

job_of() {
	"$IRONBENCH" matrix "$1" --format csv |
		awk -F, -v i="$2" '$1 == i { print $3 }'
}

status_of() {
	curl -s -H 'Accept: application/json' \
		"$IRONBENCH_SERVER/test_runs/$1/status"
}

mkdir -p "$LAB_DIR"
daemon_start
IRONBENCH_TOKEN=$(token_add writer submit,operate)
reader=$(token_add reader read)
export IRONBENCH_TOKEN

echo kernel >kernel.elf
echo module >sub/module.txt
cat >suite.yaml <<-EOT
	boot_items:
	  - name: first
	    exec: kernel.elf --serial
	    load: [ sub/module.txt some words ]
	  - name: second
	    exec: kernel.elf
	    tags: [ red ]
EOT

# ---- who may -------------------------------------------------------------------

files="-F config=@suite.yaml -F file=@kernel.elf -F file=@sub/module.txt;filename=sub/module.txt"
# The options are words.
# shellcheck disable=SC2086
{
	like "no token is 401" "$(post /api/v1/runs $files)" '^401 .*error'
	like "a wrong one is 401" "$(post /api/v1/runs \
		-H "Authorization: Bearer ib_$(printf %064d 0)" $files)" '^401 '
	like "one that may only read is 403" "$(post /api/v1/runs \
		-H "Authorization: Bearer $reader" $files)" '^403 .*scopes'
	like "so it is SoTest's way" \
		"$(post /test_runs -u "x:$reader" $files)" '^403 '
	like "no token is 401 there, too" "$(post /test_runs $files)" '^401 '
}
ok "and nothing is left in tmp" nothing_in_tmp

# ---- single files -----------------------------------------------------------------

# shellcheck disable=SC2086
like "single files make a run" "$(submit $files -F name=single -F user=me \
	-F url=https://example.org/1 -F priority=5)" '^201 .*"id": *[0-9]+'
run=$(field id)
ok "  and nothing is left in tmp" nothing_in_tmp
is "who did it is kept" "$(sql "SELECT who, what FROM audit WHERE what LIKE
	'submitted run $run %'")" "writer|submitted run $run as me \"single\""
like "the answer says that nobody can run it" "$(cat "$IB_TMP/body")" \
	'first: no machine of the lab can run it today'
like "the run has what was said of it" \
	"$("$IRONBENCH" show "$run" --format json | tr '\n' ' ')" \
	'"name": *"single".*"link": *"https://example.org/1"|"link": *"https://example.org/1".*"name": *"single"'
is "it is unfinished" "$(status_of "$run")" '"unfinished"'
like "why says what no machine has" \
	"$("$IRONBENCH" why "$(job_of "$run" second)")" 'no machine'
like "why names the tag" \
	"$("$IRONBENCH" why "$(job_of "$run" second)")" 'red'
is "the files are in the store once each" \
	"$(find "$STATE_DIR/files" -type f | wc -l)" 2
like "the command does the same" \
	"$("$IRONBENCH" submit suite.yaml --files . 2>"$IB_TMP/err")" '^[0-9]+$'

# ---- a ZIP ------------------------------------------------------------------------

zip_new good.zip
zip_add kernel.elf kernel.elf
zip_add sub/ /dev/null 040755
zip_add sub/module.txt sub/module.txt
zip_add README kernel.elf
zip_add "gr$(printf '\303\266\303\237')e.txt" kernel.elf
zip_end
like "a ZIP makes a run, whatever names it has in it" \
	"$(submit -F config=@suite.yaml -F "boot_files=@$zip")" '^201 '
ok "  and nothing is left in tmp" nothing_in_tmp
like "what the configuration does not name is told" \
	"$(cat "$IB_TMP/body")" 'README: not named by the configuration'
is "the store has not grown" \
	"$(find "$STATE_DIR/files" -type f | wc -l)" 2
like "the command takes it, too" "$("$IRONBENCH" submit suite.yaml \
	--boot-files "$zip" 2>"$IB_TMP/err")" '^[0-9]+$'

zip_new part.zip
zip_add sub/module.txt sub/module.txt
zip_end
like "a ZIP and single files go together" "$(submit -F config=@suite.yaml \
	-F "boot_files=@$zip" -F file=@kernel.elf)" '^201 '

# ---- what is missing ------------------------------------------------------------

refused "a file that is missing is named" 400 'not there: sub/module.txt' \
	-F config=@suite.yaml -F file=@kernel.elf
refused "all that are missing are" 400 'not there: kernel.elf, sub/module.txt' \
	-F config=@suite.yaml
refused "no configuration" 400 config -F file=@kernel.elf
like "the command names it before it asks" \
	"$("$IRONBENCH" submit suite.yaml --files sub 2>&1)" 'kernel.elf'

# ---- hostile ---------------------------------------------------------------------

refused "a single file out of the bundle" 400 '\.\./kernel.elf' \
	-F config=@suite.yaml -F 'file=@kernel.elf;filename=../kernel.elf'
refused "one with an absolute path" 400 '/etc/x' \
	-F config=@suite.yaml -F 'file=@kernel.elf;filename=/etc/x'
zip_new climb.zip
zip_add ../x kernel.elf
refused_zip "a ZIP that climbs out" 400 "'\\.\\./x'"
zip_new deep.zip
zip_add sub/../../x kernel.elf
refused_zip "a ZIP that climbs out deeper" 400 "'sub/\\.\\./\\.\\./x'"
zip_new bytes.zip
zip_add "../$(printf '\377\376')" kernel.elf
refused_zip "a ZIP whose names are no text" 400 'not a relative path|ZIP|[Pp]athname'
zip_new absolute.zip
zip_add /etc/x kernel.elf
refused_zip "a ZIP with an absolute path" 400 "'/etc/x'"
printf %s /etc/passwd >target
zip_new symlink.zip
zip_add kernel.elf target 0120777
zip_add sub/module.txt sub/module.txt
refused_zip "a ZIP with a symbolic link" 400 "'kernel.elf': not a regular file"
rm -f target
head -c 200000000 /dev/zero >zeros
zip_new bomb.zip
zip_add kernel.elf zeros
zip_add sub/module.txt sub/module.txt
refused_zip "a ZIP bomb" 413 'over 100 times'
rm -f zeros
refused "what is no ZIP" 400 'boot files: ' \
	-F config=@suite.yaml -F boot_files=@kernel.elf
zip_new cut.zip
zip_add kernel.elf kernel.elf
head -c 20 "$zip" >short
refused "a ZIP that is cut short" 400 'boot files: ' \
	-F config=@suite.yaml -F boot_files=@short
: >empty
refused "an empty ZIP" 400 'boot files: |not there' \
	-F config=@suite.yaml -F boot_files=@empty

# A large single file is no reason to mistrust a small ZIP.
head -c 100000000 /dev/zero | tr '\0' x >kernel.big
sed 's/kernel.elf/kernel.big/' suite.yaml >big.yaml
zip_new small.zip
zip_add sub/module.txt sub/module.txt
zip_end
like "the size of single files does not count against a ZIP" \
	"$(submit -F config=@big.yaml -F file=@kernel.big \
		-F "boot_files=@$zip")" '^201 '
rm -f kernel.big

# ---- wrong configurations ------------------------------------------------------------

printf 'boot_items:\n  - name: a\n    exec: kernel.elf\n    colour: red\n' >bad.yaml
refused "an unknown key, with its position" 400 "bad.yaml:4:5: .*colour" \
	-F config=@bad.yaml -F file=@kernel.elf
printf 'boot_items:\n  - { name: a, exec: ../x }\n' >bad.yaml
refused "a path out of the bundle" 400 'bad.yaml:2:' \
	-F config=@bad.yaml -F file=@kernel.elf
printf 'boot_items: [ { name: "a\377", exec: kernel.elf } ]\n' >bad.yaml
refused "what is no text" 400 'bad.yaml' \
	-F config=@bad.yaml -F file=@kernel.elf
printf 'boot_items: []\n' >bad.yaml
refused "nothing to run" 400 'bad.yaml' -F config=@bad.yaml
printf 'boot_items:\n  - { name: a, exec: kernel.elf, hardware_independent: true, platforms: [ a ] }\n' >bad.yaml
refused "what contradicts itself" 400 'exclude each other' \
	-F config=@bad.yaml -F file=@kernel.elf
own='metrics: { my.waits: { unit: waits/s, direction: lower } }'
items='boot_items: [ { name: a, exec: kernel.elf } ]'
printf '%s\n%s\n' "$own" "$items" >own.yaml
like "a suite says what its numbers mean" \
	"$(submit -F config=@own.yaml -F file=@kernel.elf)" '^201 '
like "and says the same again" \
	"$(submit -F config=@own.yaml -F file=@kernel.elf)" '^201 '
printf '%s\n%s\n' "$own" "$items" | sed 's/lower/higher/' >bad.yaml
refused "what another suite says otherwise, with both" 409 \
	'my.waits: declared in waits/s, higher is better, and known in waits/s, lower is better' \
	-F config=@bad.yaml -F file=@kernel.elf
refused "a priority out of range" 400 'priority' \
	-F config=@suite.yaml -F priority=1001
refused "an unknown part" 400 'colour' -F config=@suite.yaml -F colour=red

# ---- SoTest ---------------------------------------------------------------------------

cat >sotest.yaml <<-EOT
	boot_items:
	  - name: first
	    exec: kernel.elf --serial
	    load: [ sub/module.txt some words ]
	    cacheable: true
	local_tags_list: []
EOT
like "keys of SoTest without effect are told, with their lines" \
	"$(submit -F config=@sotest.yaml -F file=@kernel.elf \
		-F 'file=@sub/module.txt;filename=sub/module.txt')" \
	'^201 .*sotest.yaml:5: cacheable.*without effect|^201 .*sotest.yaml:6: local'
like "  all of them" "$(cat "$IB_TMP/body")" 'sotest.yaml:5: cacheable: known'
run=$(sed 's/.*"id": *\([0-9]*\).*/\1/' "$IB_TMP/body" | head -n 1)
like "  and the run says so for ever" \
	"$(curl -s "$IRONBENCH_SERVER/api/v1/runs/$run")" \
	'"ended_at_ms":null.*"ignored":\["sotest.yaml:6: local_tags_list","sotest.yaml:5: cacheable'
answer=$(post /test_runs -u "anybody:$IRONBENCH_TOKEN" -F config=@suite.yaml \
	-F "boot_files=@$IB_TMP/good.zip" -F name=sotest -F url=u -F user=me \
	-F priority=0)
like "SoTest's client gets 200 and the id" "$answer" '^200 [0-9]+$'
run=$(cat "$IB_TMP/body")
like "the id alone" "$(od -An -c "$IB_TMP/body" | tr -d ' ')" '^[0-9]+$'
is "its status is a JSON string" "$(status_of "$run")" '"unfinished"'
is "of JSON's type" "$(curl -s -o /dev/null -w '%{content_type}' \
	-H 'Accept: application/json' \
	"$IRONBENCH_SERVER/test_runs/$run/status" | cut -d ';' -f 1)" \
	application/json
like "a run that is not there has none" \
	"$(post /test_runs/999999/status)" '^404 '

# ---- cancelling -----------------------------------------------------------------------

like "cancelling needs a token" \
	"$(post "/api/v1/runs/$run/cancel" -X POST)" '^401 '
like "a reader's is not enough" "$(post "/api/v1/runs/$run/cancel" -X POST \
	-H "Authorization: Bearer $reader")" '^403 '
ok "waiting jobs are cancelled" "$IRONBENCH" cancel "$run"
is_disabled() {
	[ "$(status_of "$run")" = '"disabled"' ]
}
ok "then the run is disabled" wait_for 10 is_disabled
is "and its jobs are cancelled" "$("$IRONBENCH" matrix "$run" --format csv |
	awk -F, 'NR > 1 { print $6 }' | sort -u)" cancelled
like "each says by whom, and that it had no machine" \
	"$("$IRONBENCH" why "$(job_of "$run" second)")" \
	'cancelled by .* before it had a machine'
like "what is done cannot be cancelled" \
	"$(post "/api/v1/runs/$run/cancel" -X POST \
	-H "Authorization: Bearer $IRONBENCH_TOKEN")" '^404 '

# ---- again -------------------------------------------------------------------------------

columns() {
	"$IRONBENCH" matrix "$1" --format csv | cut -d , -f 1,2
}
like "running again needs a token" \
	"$(post "/api/v1/runs/$run/rerun" -X POST)" '^401 '
again=$("$IRONBENCH" rerun "$run")
is "what was cancelled runs again as a new run" "$again" $((run + 1))
is "with the same jobs" "$(columns "$again")" "$(columns "$run")"
is "which wait" "$(status_of "$again")" '"unfinished"'
nok "a run that is not there does not" "$IRONBENCH" rerun 4711
run=$again

# ---- after a crash -----------------------------------------------------------------------

waiting() {
	"$IRONBENCH" runs --format csv --limit 100 |
		awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == "running") c = i }
			NR > 1 { n += $c } END { print n + 0 }'
}
before=$(waiting)
like "jobs wait" "$before" '^[1-9]'
crash
daemon_start
is "they wait after a crash" "$(waiting)" "$before"
is "what was cancelled stays so" "$(status_of $((run - 1)))" '"disabled"'
is "the next run has the next number" "$(submit -F config=@suite.yaml \
	-F "boot_files=@$IB_TMP/good.zip" >/dev/null && field id)" $((run + 1))
kill -TERM "$(pid_of daemon)"
ok "the daemon ends with 0" ends_with 20 0
ok "no sanitizer has a complaint" no_report
done_testing
