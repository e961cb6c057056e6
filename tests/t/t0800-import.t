#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Results of other programs are imported as a whole or not at all, and the
# published tables come out as they were printed.

. "$IB_SRCDIR/tests/lib/tap.sh"
. "$IB_SRCDIR/tests/lib/lab.sh"

published=$IB_SRCDIR/fixtures/published
formats=$IB_SRCDIR/fixtures/imports
mkdir -p "$LAB_DIR"
echo 'machines: []' >"$LAB_DIR/lab.yaml"
daemon_start
IRONBENCH_TOKEN=$(token_add "test-$$" read,submit)
export IRONBENCH_TOKEN

# run CODE ARGUMENT...: the command; its output is in out and err.
run() {
	local want status
	want=$1
	shift
	status=0
	"$IRONBENCH" "$@" >"$IB_TMP/out" 2>"$IB_TMP/err" || status=$?
	[ "$status" = "$want" ] || {
		diag <"$IB_TMP/err"
		diag "exit code $status of $*"
		return 1
	}
}

# How much there is of everything that an import could leave behind.
rows() {
	for table in import import_sample import_ratio import_case series \
		machine machine_alias word audit; do
		sql "SELECT '$table', count(*) FROM $table"
	done
	find "$STATE_DIR/files" "$STATE_DIR/tmp" -type f 2>/dev/null | wc -l
}

# post ARGUMENT...: sends a form; prints status and body.
post() {
	curl -sS -m 120 -w '%{http_code} ' -o "$IB_TMP/body" \
		-H "Authorization: Bearer $IRONBENCH_TOKEN" "$@" \
		"$IRONBENCH_SERVER/api/v1/imports"
	cat "$IB_TMP/body"
}

# ---- the published tables --------------------------------------------------

for table in geekbench_multi_core disk_seq128k_q32t1_rd disk_rnd4k_q1t1_rd; do
	ok "$table is imported" run 0 import "$published/$table.csv"
done
is "its rows are there, and nothing else" \
	"$(sql 'SELECT (SELECT count(*) FROM import_ratio), (SELECT count(*) FROM machine), (SELECT count(*) FROM import_sample)')" \
	'70|7|0'
is "an unknown machine has no hardware" \
	"$(sql "SELECT DISTINCT w.text FROM machine m JOIN word w ON w.id = m.platform_id")" ''
is "and is in no list of the lab" "$("$IRONBENCH" machines --format csv | wc -l)" 1

# The published shape, made from the file that was imported: a row a machine
# and a column a guest and controller, in the order of the file.
shape() {
	awk -F, 'NR > 1 {
		place = $6 "_" ($7 == "" ? "overhead" : $7)
		if (!(place in seen)) { seen[place] = 1; places[++n] = place }
		if (!($1 in known)) { known[$1] = 1; names[++m] = $1 }
		cell[$1, place] = $8
	}
	END {
		line = "machine_name"
		for (x = 1; x <= n; x++) line = line "," places[x]
		print line
		for (y = 1; y <= m; y++) {
			line = names[y]
			for (x = 1; x <= n; x++) line = line "," cell[names[y], places[x]]
			print line
		}
	}' "$1"
}

cells=0
for pair in geekbench.multi_core:geekbench_multi_core \
	disk.seq128k_q32t1.rd:disk_seq128k_q32t1_rd \
	disk.rnd4k_q1t1.rd:disk_rnd4k_q1t1_rd; do
	shape "$published/${pair#*:}.csv" >"$IB_TMP/want.csv"
	run 0 overhead --metric "${pair%:*}" --format csv
	ok "${pair%:*} is printed to the last digit" \
		cmp "$IB_TMP/want.csv" "$IB_TMP/out"
	cells=$((cells + $(sed 1d "$IB_TMP/out" | tr -cd , | wc -c)))
done
is "these are 70 cells" "$cells" 70

geomeans() {
	"$IRONBENCH" overhead --metric "$1" --format json | tr -d ' \n' |
		sed 's/.*"geomean":\[//' | grep -o '"overhead":[0-9.]*' |
		cut -d: -f2 | while read -r v; do printf '%.3f ' "$v"; done
}
is "geomeans of Geekbench" "$(geomeans geekbench.multi_core)" '0.948 0.947 '
is "geomeans of SEQ128K" "$(geomeans disk.seq128k_q32t1.rd)" \
	'1.015 1.008 0.992 0.985 '
is "geomeans of RND4K" "$(geomeans disk.rnd4k_q1t1.rd)" \
	'1.200 1.182 0.846 0.840 '
run 0 overhead --metric geekbench.multi_core
like "a table says what overhead is" "$(cat "$IB_TMP/out")" \
	'overhead = baseline/candidate for this higher-is-better metric'
like "and how many machines a mean has" "$(cat "$IB_TMP/out")" \
	'geomean \(7 of 7\)'
like "and that there is no interval" "$(cat "$IB_TMP/out")" \
	'14 cells are as published: no interval'
run 0 overhead --long --format csv
is "long, it has a row a cell" "$(grep -c ,published, "$IB_TMP/out")" 70
run 0 overhead --metric disk.rnd4k_q1t1.rd --by machine,controller --format csv
is "what is not kept apart is pooled" "$(sed -n 1,2p "$IB_TMP/out")" \
	'machine_name,sata,nvme
svp_whiskey_lake_t490,1.27,0.938'
run 0 overhead --metric disk.rnd4k_q1t1.rd --by guest --format csv
is "so are the machines" "$(sed -n '$s/,.*//p' "$IB_TMP/out")" 'all machines'
ok "a table is a page of others, too" run 0 overhead --format markdown
ok "other variants have no table" \
	run 4 overhead --metric geekbench.multi_core --baseline a --candidate b
ok "nothing is that old" run 4 overhead --metric geekbench.multi_core \
	--until 2001-01-01
ok "a metric that is not known" run 4 overhead --metric geekbench
like "  is told where there are some" "$(cat "$IB_TMP/err")" \
	'"ironbench metrics" lists them'
ok "a date is a day" run 2 overhead --since 2026-02-30
ok "or a time of one" run 0 overhead --since '2020-02-28T10:00:59Z'
ok "or so" run 0 overhead --since '2020-02-28 10:00'
ok "there is no 61st second" run 2 overhead --since '2020-02-28 10:00:61'
ok "an end is after its begin" \
	run 2 overhead --since 2020-02-28 --until 2020-02-28
ok "a baseline has a candidate" run 2 overhead --baseline a
run 0 overhead --baseline a --candidate b
like "variants that nobody has are told" "$(cat "$IB_TMP/err")" \
	'nothing to compare of a and b \("ironbench series"'

# ---- again -----------------------------------------------------------------

before=$(rows)
ok "the same file again" run 0 import "$published/geekbench_multi_core.csv"
like "is the same import" "$(sed 1d "$IB_TMP/out")" '^ *1 '
like "which is said" "$(cat "$IB_TMP/err")" 'imported before'
cp "$published/geekbench_multi_core.csv" "$IB_TMP/other-name.csv"
ok "by another file name, too" run 0 import "$IB_TMP/other-name.csv"
is "and changes nothing" "$(rows)" "$before"

# ---- every format ----------------------------------------------------------

sql_before=$(sql 'SELECT count(*) FROM import')
n=0
for file in "$formats"/*/*; do
	n=$((n + 1))
	run 0 import --machine bench-1 --variant plain --guest linux "$file" ||
		ok "imported: $file" false
done
ok "there are formats to import" [ "$n" -ge 20 ]
is "each of them is an import" \
	"$(sql 'SELECT count(*) FROM import')" "$((sql_before + n))"
is "every blob has its values" \
	"$(sql 'SELECT count(*) FROM import_sample WHERE data IS NOT NULL AND length(data) <> 8 * n')" 0
ok "there are raw values" [ "$(sql 'SELECT count(*) FROM import_sample WHERE data IS NOT NULL')" -gt 20 ]
ok "and cases" [ "$(sql 'SELECT count(*) FROM import_case')" -gt 20 ]

# Two variants of one benchmark by hand: what was imported can be compared.
for v in slow fast; do
	factor=$([ $v = slow ] && echo 2 || echo 1)
	printf '{"results":[{"command":"build","mean":%s,"stddev":0.01,"median":%s,"user":0.1,"system":0.1,"min":%s,"max":%s,"times":[%s.00,%s.01,%s.02]}]}\n' \
		"$factor" "$factor" "$factor" "$factor" "$factor" "$factor" \
		"$factor" >"$IB_TMP/$v.json"
	ok "variant $v is imported" run 0 import --machine bench-1 \
		--variant $v --guest linux "$IB_TMP/$v.json"
done
run 0 overhead --baseline fast --candidate slow --format csv --long
like "and has its overhead, an interval and a verdict" \
	"$(cat "$IB_TMP/out")" '\(build\),bench-1,linux,,1\.99.*,3,welch,.*,worse,'

run 0 overhead --baseline fast --candidate slow \
	--metric 'hyperfine.time (build)' --format csv
is "a table is asked for by its heading" "$(cat "$IB_TMP/out")" \
	'machine_name,linux_overhead
bench-1,1.99'
ok "and by no other" run 4 overhead --baseline fast --candidate slow \
	--metric 'hyperfine.time (other)'

# ---- what is there ---------------------------------------------------------

# get PATH: status and body of a GET.
get() {
	curl -sS -m 60 -w '%{http_code} ' -o "$IB_TMP/body" "$IRONBENCH_SERVER$1"
	cat "$IB_TMP/body"
}
all=$(sql 'SELECT count(*) FROM import')
run 0 imports --limit 1000 --format csv
is "every import is listed, the newest first" \
	"$(sed 1d "$IB_TMP/out" | cut -d, -f1)" "$(seq "$all" -1 1)"
run 0 imports --limit 3 --format csv
is "or as many as are wanted" "$(sed 1d "$IB_TMP/out" | wc -l)" 3
like "a page leads to the next one" "$(get '/api/v1/imports?limit=1')" \
	"^200 .*\"next\":$all\}\$"
like "and the last one to none" "$(get '/api/v1/imports?before=2')" \
	'^200 .*"id":1,.*"next":null\}$'
ok "they are a table of Markdown, too" run 0 imports --limit 1 --format markdown
like "  with a row each" "$(sed -n '$p' "$IB_TMP/out")" "^\\| $all \\|"
ok "as is one of them" run 0 imports 1 --format markdown
run 0 imports 1 --format csv
is "an import has the cells of its file" \
	"$(sed 1d "$IB_TMP/out" | cut -d, -f3,8)" \
	"$(sed 1d "$published/geekbench_multi_core.csv" | cut -d, -f1,8)"
run 0 imports 1
like "and says what it is" "$(cat "$IB_TMP/out")" 'sha256 +[0-9a-f]{64}$'
sha256=$(sql 'SELECT lower(hex(sha256)) FROM import WHERE id = 1')
get "/api/v1/files/$sha256" >"$IB_TMP/out"
ok "its bytes are there as they came" \
	cmp "$published/geekbench_multi_core.csv" "$IB_TMP/body"
run 0 imports "$all" --format json
like "a mean, a deviation and the values of samples are shown" \
	"$(tr -d ' \n' <"$IB_TMP/out")" \
	'"kind":"values","n":3,"mean":1.01[0-9]*,"sd":0.01[0-9]*,.*"values":\[1(\.0)?,1.01,1.02\]'
cases=$(sql 'SELECT import_id FROM import_case GROUP BY 1 HAVING sum(result = 2) > 0
	ORDER BY count(*) DESC LIMIT 1')
run 0 imports "$cases" --format json
is "all cases of a stream are there" \
	"$(grep -c '"result": "' "$IB_TMP/out")" \
	"$(sql "SELECT count(*) FROM import_case WHERE import_id = $cases")"
get "/api/v1/imports/$cases?case=fail" >"$IB_TMP/out"
is "or those that failed" "$(grep -o '"result":"[a-z]*"' "$IB_TMP/body" | sort | uniq -c | tr -s ' ')" \
	" $(sql "SELECT count(*) FROM import_case WHERE import_id = $cases AND result = 2") \"result\":\"fail\""
# Page by page, two rows each, by the answer's own next.
pages() {
	local next
	next=0
	while [ "$next" != null ]; do
		get "/api/v1/imports/$cases?from=$next&limit=2" >"$IB_TMP/out"
		grep -o '"name":"[^"]*","result' "$IB_TMP/body"
		next=$(grep -o '"next":[a-z0-9]*' "$IB_TMP/body" | cut -d: -f2)
	done
}
is "page after page they are the same" "$(pages | wc -l)" \
	"$(sql "SELECT count(*) FROM import_case WHERE import_id = $cases")"
like "a result that is none is refused" "$(get "/api/v1/imports/1?case=maybe")" \
	'^400 .*must be pass, fail or skip'
like "an import that is not there is not found" "$(get /api/v1/imports/4711)" \
	'^404 .*import 4711: no such import'
ok "which the command says" run 4 imports 4711
like "  with what to do" "$(cat "$IB_TMP/err")" \
	'^ironbench: imports 4711: .*"ironbench imports" lists them'
ok "a number it must be" run 2 imports geekbench

# ---- what the files do not show ---------------------------------------------

# Means with their deviations, and the best of several values.
for v in old new; do
	for file in google-benchmark/aggregates.json crystaldiskmark/nvme.txt; do
		ok "${file%/*} of variant $v is imported" run 0 import \
			--machine bench-1 --variant $v --guest linux "$formats/$file"
	done
done
run 0 overhead --baseline old --candidate new --format csv --long
like "a mean enters by its deviation and count" \
	"$(grep ',summary,' "$IB_TMP/out" | head -n 1)" \
	',linux,,1(\.0*)?,0\.9[0-9]*,1\.1[0-9]*,[1-9][0-9]*,summary,'
like "a best has a ratio and no interval" \
	"$(grep '^disk.seq128k_q32t1.rd,' "$IB_TMP/out")" \
	',linux,,1(\.0*)?,,,5,best,'
run 0 overhead --baseline old --candidate new
like "both are said" "$(cat "$IB_TMP/out")" \
	'deviations and counts: .* by the delta method'
like "  each under its tables" "$(cat "$IB_TMP/out")" \
	'of the best of several values: no interval'

# ---- several systems --------------------------------------------------------

# Systems of one file are never one series, whatever is given beside it.
sql "SELECT l.text, i.n FROM import_sample i JOIN word l ON l.id = i.label_id
	WHERE l.text LIKE 'Test: Compression%'" >"$IB_TMP/systems"
is "two systems of a file with machine and variant are two series" \
	"$(cat "$IB_TMP/systems")" \
	'Test: Compression Rating, vboxdrv|3
Test: Compression Rating, kvm|3'
ok "with the machine alone" run 0 import --machine bench-2 \
	"$formats/phoronix/composite.xml"
run 0 overhead --baseline vboxdrv --candidate kvm --format csv --long
like "  they are variants and can be compared" "$(cat "$IB_TMP/out")" \
	'\(Test: Compression Rating\),bench-2,,,1\.01[0-9]*,.*,3,welch,'

# ---- what is refused -------------------------------------------------------

before=$(rows)

# refuses DESCRIPTION REGEX FILE [OPTION...]: by the command and the server.
refuses() {
	local what want file
	what=$1
	want=$2
	file=$3
	shift 3
	ok "refused: $what" run 2 import "$@" "$file"
	like "  and it says why" "$(cat "$IB_TMP/err")" \
		"^ironbench: $file:?$want"
	is "  in one line" "$(cat "$IB_TMP/err" "$IB_TMP/out" | wc -l)" 1
	like "  as does the server" "$(post -F "file=@$file")" \
		"^4(00|13|09) \\{\"error\":\"${file##*/}:?$want"
}

head -c 300 "$published/geekbench_multi_core.csv" >"$IB_TMP/cut.csv"
refuses "a table that is cut off" '4:75: ' "$IB_TMP/cut.csv"
sed '5s/higher/sideways/' "$published/geekbench_multi_core.csv" \
	>"$IB_TMP/damaged.csv"
refuses "a damaged one" '5:[0-9]+: direction .sideways' "$IB_TMP/damaged.csv"
head -c 3000 "$formats/fio/two_jobs.json" >"$IB_TMP/cut.json"
refuses "JSON that is cut off" '[0-9]+:[0-9]+: ' "$IB_TMP/cut.json"
sed '6{p;s/[0-9.]*$/9.99/}' "$published/geekbench_multi_core.csv" \
	>"$IB_TMP/twice.csv"
ok "two overheads of one cell are refused" run 2 import "$IB_TMP/twice.csv"
like "  with both lines" "$(cat "$IB_TMP/err")" \
	'twice.csv:7: a second overhead of the cell in line 6$'
echo 'to whom it may concern' >"$IB_TMP/letter.txt"
refuses "what is in no format" ' not in a format' "$IB_TMP/letter.txt"
: >"$IB_TMP/empty"
refuses "nothing" ' the file is empty' "$IB_TMP/empty"
head -c 4096 /dev/urandom >"$IB_TMP/noise"
refuses "noise" '.*' "$IB_TMP/noise"
truncate -s 1G "$IB_TMP/huge"
ok "1 GiB of nothing is refused" run 2 import "$IB_TMP/huge"
is "  in one line" "$(wc -l <"$IB_TMP/err")" 1
# More than a head of what is a table, then no table any more.
{
	cat "$published/geekbench_multi_core.csv"
	row=$(sed -n '2s/^[^,]*//p' "$published/geekbench_multi_core.csv")
	seq -f "m%.0f$row" 2000
	echo 'a,b'
} >"$IB_TMP/late.csv"
ok "what is damaged late is refused by the server" \
	run 2 import "$IB_TMP/late.csv"
like "  and it says where" "$(cat "$IB_TMP/err")" \
	"^ironbench: $IB_TMP/late.csv:2016:[0-9]+: "
{
	echo 'TAP version 13'
	yes "ok 1 - $(printf '%0400d' 0)" | head -c 1G
} >"$IB_TMP/many.tap"
ok "1 GiB of cases is refused" run 2 import "$IB_TMP/many.tap"
like "  with the line where it is too much" "$(cat "$IB_TMP/err")" \
	"many.tap:[0-9]+: more than [0-9]+ MiB"
rm -f "$IB_TMP/many.tap" "$IB_TMP/huge"
ok "values of an unknown machine are refused" \
	run 2 import "$IB_TMP/slow.json"
like "  and it says so" "$(cat "$IB_TMP/err")" 'name the machine'
ok "a format that does not exist is refused" \
	run 2 import --as word "$IB_TMP/slow.json"
like "an unknown field is refused" "$(post -F "file=@$IB_TMP/slow.json" -F x=1)" \
	'^400 .*allowed: file, name, machine'
is "nothing of all that is there" "$(rows)" "$before"
like "who may not submit may not import" \
	"$(IRONBENCH_TOKEN=none post -F "file=@$IB_TMP/slow.json")" '^401 '

# ---- names of machines -----------------------------------------------------

cat >"$LAB_DIR/lab.yaml" <<-EOT
machines:
- name: t490
  platform: notebook
  aliases: [svp_whiskey_lake_t490, T490]
EOT
lab_is() {
	[ "$(sql 'SELECT name FROM machine_alias ORDER BY name' | tr '\n' ' ')" = "$1" ]
}
kill -HUP "$(pid_of daemon)"
ok "aliases of the lab file are taken" \
	wait_for 20 lab_is 'T490 svp_whiskey_lake_t490 '
run 0 overhead --metric geekbench.multi_core --format csv --long
like "what was imported by an alias is the machine's" \
	"$(cat "$IB_TMP/out")" ',t490,windows_11,,1\.04,'
run 0 overhead --metric geekbench.multi_core --format csv
like "the published shape has the name as it was imported" \
	"$(sed -n 2p "$IB_TMP/out")" '^svp_whiskey_lake_t490,1\.04,1\.03$'
ok "a file may use the alias" run 0 import --machine T490 --variant fast \
	"$IB_TMP/fast.json"
unlike "no machine is made for it" "$(cat "$IB_TMP/err")" 'was not known'
cat >"$LAB_DIR/lab.yaml" <<-EOT
machines:
- name: t490-2
  platform: notebook
  aliases: [T490]
EOT
kill -HUP "$(pid_of daemon)"
ok "those of a machine that left stay" \
	wait_for 20 lab_is 'T490 T490 svp_whiskey_lake_t490 '
before=$(rows)
ok "a name of two machines is refused" run 2 import --machine T490 \
	--variant slow "$IB_TMP/slow.json"
like "  with both" "$(cat "$IB_TMP/err")" "T490: the name is two machines', t490 and t490-2"
is "  and nothing is there" "$(rows)" "$before"

ok "the daemon ends well" eval 'kill -TERM "$(pid_of daemon)" && ends_with 20 0'
ok "no sanitizer had anything to say" no_report
done_testing
