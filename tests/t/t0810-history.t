#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The history of a series of which every turn is known, from the database to the
# terminal: its change is found at its point and between its commits, another
# kernel begins a segment and is no change, a spike is flagged apart. Two runs
# are compared.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

LC_ALL=C
export LC_ALL
unset IRONBENCH_TOKEN

# Points and runs as in tests/unit/series_world.h: 60 points; another kernel at
# 20, a spike at 30, the change at 40, nothing valid at 50; a run that failed
# before the tenth one.
mkdir "$STATE_DIR"
first=$("$IB_BUILDDIR/tests/unit/series_gen" "$STATE_DIR") ||
	bail "there is no database"
daemon_start
metric=disk.seq128k_q32t1.rd

run_of() {
	echo $((first + $1 + ($1 >= 10)))
}
commit_of() {
	printf '%02xc0ffee%032d\n' "$1" 0
}

# ---- what there is --------------------------------------------------------------

list=$("$IRONBENCH" series --format csv)
is "a series is listed for each variant and branch" \
	"$(echo "$list" | grep -c "^[0-9]*,$metric,MB/s,t16-1,")" 4
is "a run that failed gives no point" \
	"$(echo "$list" | grep ',kvm,.*,demo/main,' | cut -d , -f 9)" 60
like "metrics say which values are better" "$("$IRONBENCH" metrics)" \
	"$metric +SEQ128K Q32T1 RD +MB/s +higher +0.03 +2"
kvm=$(echo "$list" | grep ',kvm,.*,demo/main,' | cut -d , -f 1)

# ---- a history ------------------------------------------------------------------

said=$("$IRONBENCH" history "$kvm" 2>&1)
diag "$said"
like "the change is at its run, slower" "$said" \
	"^change at run $(run_of 40) .*: 1100\.[0-9]*, then 101[0-9]\.?[0-9]*, 1\.09 \[.*\] worse;"
like "  between two commits" "$said" \
	'after commit 2[67]c0ffee00 and not later than 28c0ffee00$'
like "another kernel is shown as such" "$said" \
	"^environment at run $(run_of 20): kernel 6\.1\.0, then 6\.6\.0$"
like "a spike is flagged apart" "$said" \
	"^spike at run $(run_of 30): 550\.[0-9]*, once$"
is "there is one change, one environment, one spike" \
	"$(echo "$said" | grep -c '^change \|^environment \|^spike ')" 3
is "there are three levels" "$(echo "$said" | grep -c ' % ')" 3
like "a level has its course" "$said" \
	"^ *$(run_of 40) +20[0-9-]+ [0-9:]+ +19 +101[0-9.]+ +0\.[0-9]+ % +[_.,~+*#-]+ ?[_.,~+*#-]+"

json=$("$IRONBENCH" history "$kvm" --format json)
echo "$json" >"$IB_TMP/history.json"
like "programs get the index of the change" "$json" '"index": ?40'
csv=$("$IRONBENCH" history "$kvm" --format csv)
is "as CSV it is a row a point" "$(echo "$csv" | wc -l)" 61
is "  with its marks" "$(echo "$csv" | grep -v ',$' | sed 1d |
	sed 's/,.*,/ /' | tr '\n' ';')" \
	'20 environment;30 spike;40 change;50 not valid;'
is "  and whole commits" "$(echo "$csv" | sed -n 42p | cut -d , -f 5)" \
	"$(commit_of 40)"

like "what was left out is said, with the reason" "$said" \
	'^left out of 1 point: the clock ran away$'

same=$("$IRONBENCH" history --metric $metric --variant kvm --branch demo/main)
is "names choose the same series" "$(echo "$same" | grep '^change')" \
	"$(echo "$said" | grep '^change')"
other=$("$IRONBENCH" history --metric $metric --variant vboxdrv)
unlike "the other variant has no change" "$other" '^change'
like "Otava can be asked" \
	"$("$IRONBENCH" history "$kvm" --detector otava)" 'by otava$'
like "Markdown is a table" \
	"$("$IRONBENCH" history "$kvm" --format markdown)" '^\| *POINT \|'

# ends DESCRIPTION CODE REGEX ARGUMENT...
ends() {
	local what code want status
	what=$1
	code=$2
	want=$3
	shift 3
	status=0
	said=$("$IRONBENCH" "$@" 2>&1) || status=$?
	is "$what" "$status" "$code"
	like "  and says why" "$said" "$want"
}
# ---- all of them ----------------------------------------------------------------

lately=$("$IRONBENCH" history --changed --format csv)
diag "$lately"
is "what changed lately is the one change" "$(echo "$lately" | wc -l)" 2
like "  with its series, verdict and run" "$lately" \
	"^[0-9]+,$kvm,$metric,t16-1,kvm,linux,nvme,demo/main,1100.*,MB/s,worse,1\.08.*,$(run_of 40),"
like "people read it as a table" \
	"$("$IRONBENCH" history --changed --metric $metric --since 2023-11-15)" \
	"$metric +t16-1 +kvm .* worse +1\.09 +\["
like "what is older is not told" \
	"$("$IRONBENCH" history --changed --since 2023-11-20 2>&1)" 'nothing has changed'

ends "--changed is of all series" 2 'takes no series' history "$kvm" --changed
ends "  by the default detector" 2 '--detector and --changed do not go together' \
	history --changed --detector otava
ends "several series are not one" 2 '4 series and branches are so' history --metric $metric
ends "a metric nobody measured is none" 2 'no such series' history --metric x
ends "no series is named" 2 'which' history
ends "a wrong day" 2 'no day' history "$kvm" --since 2026-02-30
ends "an unknown series" 4 'no such series' history 999
ends "an unknown branch names those there are" 4 'demo/main, demo/next' \
	history "$kvm" --branch x
ends "an unknown detector" 4 'maxt or otava' history "$kvm" --detector x

# ---- imported values ------------------------------------------------------------

IRONBENCH_TOKEN=$(token_add "test-$$" read,submit)
export IRONBENCH_TOKEN
for version in 6.2.1 6.3.0; do
	sed "s/6\.2\.2 Pro/$version/" \
		"$IB_SRCDIR/fixtures/imports/geekbench/6.json" >"$IB_TMP/$version.json"
	ok "a score of version $version is imported" "$IRONBENCH" import \
		"$IB_TMP/$version.json" --machine t16-1 --variant kvm
done
like "it is a series" "$("$IRONBENCH" series --metric geekbench6.multi_core)" \
	'geekbench6.multi_core +t16-1 +kvm +imported +2 '
ok "a placebo is imported" "$IRONBENCH" import "$IB_TMP/6.2.1.json" \
	--machine t16-1 --variant 'kvm#placebo'
geekbench() {
	"$IRONBENCH" series --metric geekbench6.multi_core --format csv "$@" |
		grep -c '^[0-9]'
}
is "it is listed if it is asked for" "$(geekbench --placebos)" 2
is "  or named" "$(geekbench --variant 'kvm#placebo')" 1
is "  and else is no series to choose" "$(geekbench)" 1
said=$("$IRONBENCH" history --metric geekbench6.multi_core)
diag "$said"
like "its history begins with an import" "$said" '^ *import 1 +20[0-9-]+ '
like "another version is another environment" "$said" \
	'^environment at import 2: tool\.Geekbench 6\.2\.1, then 6\.3\.0$'
unset IRONBENCH_TOKEN

# ---- two runs -------------------------------------------------------------------

a=$(run_of 35)
b=$(run_of 45)
said=$("$IRONBENCH" compare "$a" "$b" 2>&1)
diag "$said"
like "what got worse comes first" "$said" \
	"^worse +$metric +t16-1 +kvm +linux +nvme +welch +1\.0[789][0-9]* +\["
if command -v script >/dev/null; then
	TERM=xterm NO_COLOR=1 script -qec "stty cols 80; \"$IRONBENCH\" compare $a $b" \
		/dev/null </dev/null >"$IB_TMP/out" 2>&1
	like "on 80 columns the ratios are in sight" "$(cat "$IB_TMP/out")" \
		'RATIO +INTERVAL'
else
	skip "on 80 columns" "no script(1)"
fi
like "how it is compared stands under it" "$said" \
	'^ratio above 1: B is slower. welch: measured apart'
like "what stayed is said" "$said" '^1 worse, 0 unknown, 1 same, 0 better'
ends "--exit-status tells" 1 '1 worse' compare "$a" "$b" --exit-status
ends "the other way round it is better" 0 '0 worse, .* 1 better' \
	compare "$b" "$a" --exit-status
is "a commit names its run" \
	"$("$IRONBENCH" compare "$(commit_of 35)" "$b" --format json)" \
	"$("$IRONBENCH" compare "$a" "$b" --format json)"
like "branches are compared by their newest runs" \
	"$("$IRONBENCH" compare demo/main demo/next)" \
	"^A = run $(run_of 59) demo/main at 3bc0ffee00   B = run $((first + 63)) "
ends "a metric that neither has is no comparison" 4 \
	'neither run [0-9]+ nor run [0-9]+ has values of it \("ironbench metrics"' \
	compare "$a" "$b" --metric disk.foo --exit-status
ends "one that is mistyped is guessed" 4 "did you mean $metric\\? " \
	compare "$a" "$b" --metric "${metric}x"
ends "  everywhere" 4 "did you mean $metric\\? " overhead --metric "${metric}x"
ends "  and of series" 2 "did you mean $metric\\? " history --metric "${metric%?}"
ends "nor is a variant that nobody has" 4 \
	'run [0-9]+ has no values of it \("ironbench series"' \
	compare "$a" --baseline kvm --candidate none --exit-status
ends "variants of one run are compared" 1 '^1 worse' \
	compare "$b" --baseline vboxdrv --candidate kvm --exit-status
said=$("$IRONBENCH" compare "$b" --baseline vboxdrv --candidate kvm 2>&1)
like "in pairs, as they were measured" "$said" \
	"^worse +$metric +t16-1 +linux +nvme +paired +1\.0[0-9]* +\["
unlike "and nothing else is" "$said" 'welch'
like "the other way round it is the inverse" \
	"$("$IRONBENCH" compare "$b" --baseline kvm --candidate vboxdrv)" \
	"^better +$metric +t16-1 +linux +nvme +paired +0\.9[0-9]* +\["
ends "a run and itself are no comparison" 4 \
	"both sides are run $b; give two runs" compare "$b" "$b"
is "as CSV it is a row a series" \
	"$("$IRONBENCH" compare "$a" "$b" --format csv | wc -l)" 3
ends "one run is no comparison" 2 'second one' compare "$a"
ends "half a pair of variants is none" 2 'go together' \
	compare "$a" "$b" --baseline kvm
ends "an unknown commit is none" 4 'no run that is done' \
	compare 0123abcdef "$b"

stop daemon 20
ok "no sanitizer has said anything" no_report
done_testing
