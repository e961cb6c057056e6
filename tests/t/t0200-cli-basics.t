#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Every command against a server with canned answers: what it prints, how it
# complains, and with which code it ends.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

LC_ALL=C.UTF-8
HOME=$IB_TMP/home
export LC_ALL HOME
unset IRONBENCH_SERVER IRONBENCH_TOKEN XDG_CONFIG_HOME NO_COLOR
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
USER=ann
export USER
mkdir -p "$HOME/.config/ironbench" "$IB_TMP/bundle/sub" "$IB_TMP/served"

# run COMMAND...: stdout in $out, stderr in $err, exit code in $code
run() {
	code=0
	"$IB_BUILDDIR/cli/ironbench" "$@" >"$IB_TMP/out" 2>"$IB_TMP/err" \
		</dev/null || code=$?
	out=$(cat "$IB_TMP/out")
	err=$(cat "$IB_TMP/err")
}

# ends DESCRIPTION CODE COMMAND...
ends() {
	ends_desc=$1
	ends_code=$2
	shift 2
	run "$@"
	is "$ends_desc" "$code" "$ends_code" || diag "$err"
}

has_port() {
	grep -q '^[0-9]' "$(log_of api)"
}

recorded() {
	grep -qxF "$1" "$IB_TMP/record"
}

nothing_on_stdout() {
	[ ! -s "$IB_TMP/out" ]
}

one_line() {
	[ "$(wc -l <"$IB_TMP/err")" -eq 1 ]
}

# ---- without a server ---------------------------------------------------

ends "the version needs no server" 0 --version
like "and names the program" "$out" '^ironbench [0-9]+\.[0-9]+'
ends "help needs no server" 0 help
for c in submit runs show watch matrix overhead compare history series metrics \
	noise import imports verify logs job why machines machine cancel \
	rerun hook help; do
	run help $c
	like "help $c shows its usage" "$code $out" "^0 usage: ironbench $c"
done
run show --help
like "--help says the same" "$out" '^usage: ironbench show RUN'
run hook --help
like "hook says where its defaults are" "$out" 'git config ironbench.project'
ends "no command is wrong usage" 2
ends "an unknown command is wrong usage" 2 frobnicate
is "and is named" "$err" \
	'ironbench: frobnicate: no such command (see "ironbench help")'
ends "an unknown option is wrong usage" 2 runs --token secret
is "and the token it had is not repeated" "$err" \
	'ironbench: --token: no such option (see "ironbench help")'
ends "an option of another command is wrong usage" 2 runs --watch
is "and is named with the command" "$err" \
	'ironbench: runs: --watch: no option of it (see "ironbench help runs")'
ends "a missing argument is wrong usage" 2 show
ends "too many arguments are wrong usage" 2 show 1 2
ends "a run that is no number is wrong usage" 2 show abc
ends "an unknown format is wrong usage" 2 runs --format xml
ends "a bad range is wrong usage" 2 logs 412 --range 9-2
ends "a limit of 0 is wrong usage" 2 runs --limit 0
ends "a server that is no URL is wrong usage" 2 runs --server ftp://x

ends "a server that is down is 4" 4 runs --server http://127.0.0.1:1
is "and the line says what to do" "$err" \
	'ironbench: runs: http://127.0.0.1:1: Connection refused (is ironbenchd running there? --server URL names another)'

# ---- with one -----------------------------------------------------------

: >"$IB_TMP/record"
start api "$IB_BUILDDIR/tests/unit/cli_fake_api" "$IB_TMP/record" \
	"$IB_TMP/served"
wait_for 10 has_port || bail "the stand-in server does not start"
server=http://127.0.0.1:$(head -n 1 "$(log_of api)")

echo "server: $server/" >"$HOME/.config/ironbench/config.yaml"
ends "the configuration file names the server" 0 runs
like "runs are a table" "$out" '^60616  master: "develop", default  fail +5 +1 +2 +2  \(lab 1\) +0 .* 4 m 12 s$'
run runs --format csv
is "a name with quotes is quoted in CSV" "$(grep ^60616 "$IB_TMP/out")" \
	'60616,"master: ""develop"", default",supernova,a1b2c3d4e5f6,ann,-1,fail,5,1,2,2,1,0,1700000000000,1700000252000'
run runs --format json
like "JSON is the server's document" "$(tr -d ' \n' <"$IB_TMP/out")" \
	'^\{"runs":\[\{"id":60617,.*"total":2\}$'
run runs --name 'a%b &c'
ok "a name is escaped on its way" recorded "asked /api/v1/runs a%b &c 0"

IRONBENCH_SERVER=$server
export IRONBENCH_SERVER
echo "sever: x" >"$HOME/.config/ironbench/config.yaml"
ends "an unknown key of the configuration is refused" 2 runs
like "with its position" "$err" 'config.yaml:1:1: .*sever'
rm "$HOME/.config/ironbench/config.yaml"

run show 60616
like "show says the status" "$code $(echo $out)" '^0 run 60616 .* status fail jobs 4/5 ✓ 2 ✗ 1 !1 lab … 1'
like "show lists what is red" "$out" '^✗ +guest-mini-native-cpuid  kaby_lake_t480s  413$'
ends "show --exit-status tells the outcome" 1 show 60616 --exit-status
run show 60616 --format junit
is "as JUnit XML a platform is a suite, an item a case" \
	"$(grep -c '<testcase ' "$IB_TMP/out") $(grep '<testsuite ' "$IB_TMP/out" | sed 's/ time=.*//')" \
	'5   <testsuite name="alder_lake_t16" tests="2" failures="0" errors="0" skipped="1"
  <testsuite name="kaby_lake_t480s" tests="2" failures="1" errors="1" skipped="0"
  <testsuite name="any" tests="1" failures="0" errors="0" skipped="0"'
like "text is escaped in it" "$(sed -n 2p "$IB_TMP/out")" \
	'^<testsuites name="master: &quot;develop&quot;, default">$'
like "what failed is a failure, with its job" "$(cat "$IB_TMP/out")" \
	'name="guest-mini-native-cpuid" classname="kaby_lake_t480s"'
if command -v xmllint >/dev/null; then
	ok "it is XML" xmllint --noout "$IB_TMP/out"
fi
run runs --format markdown
like "runs are a table for pages, too" "$(sed -n 2p "$IB_TMP/out")" '^\|--'
run matrix 60616 --format markdown
like "so is a matrix, a row a job" "$(sed -n 5p "$IB_TMP/out")" '^\| guest'
ends "a run that does not exist is 4" 4 show 1
is "and the server's words are passed on" "$err" \
	'ironbench: run 1: no such run ("ironbench runs" lists them)'

run matrix 60616
is "the matrix is aligned by columns, not by bytes" "$out" \
"                         alder_lake_t16  kaby_lake_t480s  any
app-boot_state           *               *                ✓
guest-mini-native-cpuid  ✓(s)            ✗
guest-mini-native-fpu    …               !console
✓ pass  ✓(s) pass with skips  ✗ fail  ✗(e) fails as expected  T timeout
!layer lab error  … waiting or running  - cancelled or disabled  * hardware-independent: see any"
LC_ALL=C run matrix 60616
like "in another locale signs are ASCII" "$out" '^guest-mini-native-cpuid  ok\(s\) +X$'
is "and nothing else is not" "$(LC_ALL=C tr -d '\000-\177' <"$IB_TMP/out")" ""
run matrix 60616 --format csv
is "as CSV a matrix has a row a job" "$(sed -n 3p "$IB_TMP/out")" \
	'guest-mini-native-cpuid,alder_lake_t16,412,✓(s),done,pass,none,false,true,1,5300'

run job 413
like "job shows the failed case" "$out" '^fail +lapic/x2apic +expected #GP, got "nothing" +99$'
run job 415
like "control bytes of evidence become blanks" "$out" 'silent  \[31mafter'
ends "job --exit-status tells the outcome" 1 job 413 --exit-status
run job 413 --format csv
is "the cases are CSV" "$(sed -n 3p "$IB_TMP/out")" \
	'fail,lapic/x2apic,"expected #GP, got ""nothing""",99'
run why 412
is "why prints the reason as it is" "$out" "job 412 waits: needs tag nvme
2 jobs are before it"
run machines
like "a busy machine says with what" "$out" \
	'^t16-1 +alder_lake_t16 +good .* on +run 60617 guest-hello: run, serial 12 KiB \(job 418\)$'
like "a bad machine says why" "$out" '^t480-2 .* quarantined .* off +power: off ignored$'
run machines --format csv
is "tags are one value of CSV" "$(sed -n 2p "$IB_TMP/out")" \
	't16-1,alder_lake_t16,t16-1,sata nvme,good,1700000000000,on,60617,418,guest-hello,run,serial 12 KiB,'

# ---- overhead -----------------------------------------------------------

# serve PATH: stdin is what the server answers there
serve() {
	cat >"$IB_TMP/served/$(echo "$1" | tr / _)"
}

definition='overhead = baseline/candidate for this higher-is-better metric: above 1 the candidate is slower. n = 6 pairs a cell, 95 % intervals, BH q = .05'
# cell OVERHEAD LO HI VERDICT
cell() {
	printf '{"overhead":%s,"interval":[%s,%s],"n":6,"method":"paired","p":0.001,"verdict":"%s","baseline_mean":104.5,"candidate_mean":100}' "$@"
}
# geomean OVERHEAD LO HI K I2 VERDICT
geomean() {
	printf '{"overhead":%s,"interval":[%s,%s],"k":%s,"m":3,"i2":%s,"between_sd":0.1,"verdict":"%s"}' "$@"
}
disk() {
	cat <<END
{"metric":"disk.rnd4k_q1t1.rd","unit":"MB/s","direction":"higher",
"margin":0.03,"definition":"$definition","baseline":"vboxdrv",
"candidate":"kvm","columns":[{"guest":"win11","controller":"sata"},
{"guest":"win|10","controller":"nvme"}],"rows":[
{"machine":"svp_whiskey","cells":[$(cell 1.04 1.0304 1.0496 worse),
$(cell 0.7985 0.78999 0.80801 better)]},
{"machine":"svp_alder","cells":[$(cell 0.99912 0.994 1.0042 same),null]},
{"machine":"svp_kaby","cells":[$(cell 1.0004 0.9 1.1 unknown),
{"overhead":2,"interval":null,"n":1,"method":"paired","p":null,
"verdict":"unknown","baseline_mean":2,"candidate_mean":1}]}],
"geomean":[$(geomean 0.948 0.849 1.059 3 0.99 unknown),
$(geomean 1.26 0.1 12.5 2 null unknown)]}
END
}
cpu() {
	disk | sed 's/disk.rnd4k_q1t1.rd/sysbench.cpu_1/; s/MB/events/'
}

serve /api/v1/runs/60616/overhead <<END
{"run":60616,"definition":"x","tables":[$(disk)],
"notes":["frobs: left out, its direction is not known"]}
END
ends "overhead prints a table" 0 overhead 60616
is "as people read it" "$out" \
"disk.rnd4k_q1t1.rd (MB/s)   baseline vboxdrv   candidate kvm
machine      win11 sata                           win|10 nvme
svp_whiskey  1.04        [1.03, 1.05]    worse    0.798        [0.790, 0.808]   better
svp_alder    0.999       [0.994, 1.004]  same
svp_kaby     1.00        [0.900, 1.100]  unknown  2.00                          unknown
geomean      0.948       [0.849, 1.059]  unknown  1.26         [0.100, 12.500]  unknown
win11 sata: geomean of 3 of 3 machines, machines differ (I2 99 %): read the rows
win|10 nvme: geomean of 2 of 3 machines
$definition"
is "what was left out is told" "$err" \
	'note: frobs: left out, its direction is not known'
run overhead 60616 --format csv
is "as CSV it has a column a guest and controller" "$out" \
"machine_name,win11_sata,win|10_nvme
svp_whiskey,1.04,0.798
svp_alder,0.999,
svp_kaby,1.00,2.00"
run overhead 60616 --format csv --long
is "long, it has a row a cell with every digit" "$(sed -n 1,2p "$IB_TMP/out")" \
"metric,machine,guest,controller,overhead,lo,hi,n,method,p,verdict,baseline_mean,candidate_mean
disk.rnd4k_q1t1.rd,svp_whiskey,win11,sata,1.04,1.0304,1.0496000000000001,6,paired,0.001,worse,104.5,100"
is "what is not known is empty" "$(tail -n 1 "$IB_TMP/out")" \
	'disk.rnd4k_q1t1.rd,svp_kaby,win|10,nvme,2,,,1,paired,,unknown,2,1'
is "and what is not there has no row" "$(wc -l <"$IB_TMP/out")" 6
run overhead 60616 --long
like "long, for people" "$out" \
	'^svp_whiskey  win11   sata        1.04      \[1.03, 1.05\] +6  paired  0.001  worse$'
run overhead 60616 --format markdown
like "Markdown has its heading" "$out" '^\| machine \| win11 sata \| win\\\|10 nvme \|$'
like "and a cell is one" "$out" \
	'^\| svp\\_whiskey \| 1.04 \[1.03, 1.05\] worse \| 0.798 \[0.790, 0.808\] better \|$'
run overhead 60616 --format json
like "JSON is the server's document, too" "$(tr -d ' \n' <"$IB_TMP/out")" \
	'^\{"run":60616,"definition":"x"'
run overhead 60616 --metric 'a b&c'
ok "a metric is escaped on its way" \
	recorded "asked /api/v1/runs/60616/overhead a b&c 0"
ends "Markdown is not for other commands" 2 why 1 --format markdown
is "and the others are named" "$err" \
	'ironbench: --format: markdown is none (table, json or csv)'

serve /api/v1/runs/60617/overhead <<END
{"run":60617,"tables":[$(disk),$(cpu)],"notes":[]}
END
ends "a wide CSV holds one metric" 2 overhead 60617 --format csv
is "and all are named" "$err" \
	'ironbench: overhead: run 60617 has several metrics: disk.rnd4k_q1t1.rd, sysbench.cpu_1 (--metric names one, or --long has all)'
ends "a long one holds all" 0 overhead 60617 --format csv --long
is "one below the other" "$(wc -l <"$IB_TMP/out")" 11
run overhead 60617
is "tables stand apart" "$(grep -c '^$' "$IB_TMP/out")" 1
echo '{"run":60618,"tables":[],"notes":["no roles"]}' |
	serve /api/v1/runs/60618/overhead
ends "nothing to compare is no error" 0 overhead 60618
is "but it is told" "$err" "note: no roles
note: run 60618 has nothing to compare (yet)"
ends "a run without values is 4" 4 overhead 60619

# ---- verify -------------------------------------------------------------

formats=$IB_SRCDIR/fixtures/vectors/formats
# output FILE: prints its hash, and serves it
output() {
	output_hash=$(sha256sum <"$1" | cut -d ' ' -f 1)
	serve "/api/v1/files/$output_hash" <"$1"
	echo "$output_hash"
}
# series METRIC VALUES MARKS
series() {
	printf '{"job":1,"attempt":2,"item":"disk","machine":"m1","metric":"%s","unit":"u","variant":"kvm","guest":"linux","controller":"","values":[%s],"marks":%s}' "$@"
}
# mark PAIR VALID RAW
mark() {
	printf '{"pair":%s,"position":0,"valid":%s,"why":null,"raw":%s}' "$@"
}

fio=$(output "$formats/fio_seq.json")
cpu=$(output "$formats/sysbench_cpu.txt")
echo other >"$IB_TMP/other"
other=$(output "$IB_TMP/other")
serve /api/v1/runs/60616/samples <<END
{"samples":[
$(series disk.seq128k_q32t1.rd 1016.800969,1016.800969 \
	"[$(mark 0 true "\"$fio\""),$(mark 1 false "\"$fio\"")]"),
$(series sysbench.cpu_1 3474.23 "[$(mark 0 true "\"$cpu\"")]"),
$(series sysbench.cpu_1 1 "[$(mark 0 false null)]"),
$(series guest.cycles 17 null)]}
END
ends "what the outputs say is verified" 0 verify 60616
is "and counted" "$out" "3 samples verified from 2 raw outputs"
run verify 60616 --format json
is "for programs, too" "$(tr -d ' \n' <"$IB_TMP/out")" \
	'{"run":60616,"verified":3,"outputs":2,"problems":[]}'

none=$(echo none | sha256sum | cut -d ' ' -f 1)
swapped=$(echo swapped | sha256sum | cut -d ' ' -f 1)
serve "/api/v1/files/$swapped" <"$formats/sysbench_cpu.txt"
serve /api/v1/runs/60617/samples <<END
{"samples":[
$(series sysbench.cpu_1 3474.23,3474.2301,3474.2300000001,3474.23,3474.23,3474.23 \
	"[$(mark 0 true "\"$cpu\""),$(mark 1 true "\"$cpu\""),$(mark 2 true \
	"\"$cpu\""),$(mark 3 true "\"$none\""),$(mark 4 true \
	"\"$swapped\""),$(mark 5 true null)]"),
$(series disk.seq128k_q32t1.rd 5 "[$(mark 6 true "\"$other\"")]"),
$(series frobs 5 "[$(mark 7 true "\"$cpu\"")]")]}
END
ends "a difference is 1" 1 verify 60617
like "the values that agree are counted" "$out" \
	'^2 samples verified from 2 raw outputs$'
like "a value that differs is told with both" "$(sed -n 2p "$IB_TMP/out")" \
	'^m1 +sysbench.cpu_1 +linux +kvm +1  stored 3474.2301, its output says 3474.23$'
like "an output that is missing is told" "$out" ' 3  its output is missing: no such page$'
like "one that was changed is told" "$out" \
	" 4  its output has the SHA-256 $cpu\$"
like "a value without one is told" "$out" ' 5  it names no output$'
like "an output that cannot be read is told" "$out" ' 6  its output: '
like "a metric that nobody knows is told" "$out" \
	' 7  nothing is known of this metric$'
is "and one line says how bad it is" "$err" \
	"ironbench: verify: run 60617: 6 of 8 samples could not be verified"
run verify 60617 --format csv
is "the differences are CSV" "$(wc -l <"$IB_TMP/out")" 7
ends "a run without samples is 4" 4 verify 60618
echo '{"samples":[]}' | serve /api/v1/runs/60619/samples
ends "a run that measured nothing is verified" 0 verify 60619
is "as that" "$out" "0 samples verified from 0 raw outputs"

# ---- logs ---------------------------------------------------------------

printf 'hello\r\n\033[31mred\033[0m\nend\377\n' >"$IB_TMP/want"
run logs 412
ok "a log goes into a file byte by byte" cmp "$IB_TMP/out" "$IB_TMP/want"
run logs 412 --range 1-3
is "a range is both ends included" "$out" ell
run logs 60616/app-boot_state
is "an item with one job names its log" "$code" 0
ends "an item on several platforms does not" 2 logs 60616/guest-mini-native-fpu
like "and they are listed" "$err" 'add one of them: alder_lake_t16, kaby_lake_t480s'
ends "run/item/platform does" 0 logs 60616/guest-mini-native-fpu/kaby_lake_t480s
is "bytes that were not kept are told" "$err" \
	'note: job 415: bytes 7-11 of the log were not kept'
ends "an unknown item is wrong usage" 2 logs 60616/nothing
ends "a growing log is followed to its end" 0 logs 414 --follow
is "each byte comes once" "$out" "one
two
three
four"

# ---- tokens and writes --------------------------------------------------

ends "without a token a write is 5" 5 cancel 60616
like "and the line says where one goes" "$err" 'IRONBENCH_TOKEN or --token-file'
echo good >"$IB_TMP/token"
chmod 640 "$IB_TMP/token"
ends "a token file that others can read is refused" 2 \
	cancel 60616 --token-file "$IB_TMP/token"
like "and the line says what to do" "$err" 'others can read it \(chmod 600 '
ends "a token file that is missing is refused" 2 \
	cancel 60616 --token-file "$IB_TMP/none"
chmod 600 "$IB_TMP/token"
ends "a token file of one's own is read" 0 \
	cancel 60616 --token-file "$IB_TMP/token"
is "cancel says how many" "$out" "run 60616: 48 jobs cancelled"
printf 'token_file: token\n' >"$HOME/.config/ironbench/config.yaml"
cp -p "$IB_TMP/token" "$HOME/.config/ironbench/token"
ends "the configuration names a token file beside it" 0 rerun 60616
is "rerun prints the id alone" "$out" 60624
IRONBENCH_TOKEN=reader
export IRONBENCH_TOKEN
ends "the environment goes before it; its scope is too small" 5 rerun 60616
is "one line says so" "$err" \
	"ironbench: rerun run 60616: the token's scope is read (it needs a token with another scope)"
IRONBENCH_TOKEN="two words" run rerun 60616
is "a token with a blank is refused" "$code" 2
IRONBENCH_TOKEN=good
ends "offline needs a reason" 2 machine "t16 1" offline
ends "with one it is done" 0 machine "t16 1" offline --why 'new "disk"'
is "and the health is told" "$out" "t16 1: maintenance"
ok "the reason arrives" grep -qF \
	'body /api/v1/machines/t16 1/offline {"why": "new \"disk\""}' \
	"$IB_TMP/record"
ends "a machine is neither here nor there" 2 machine t16-1 away

# ---- submit -------------------------------------------------------------

cat >"$IB_TMP/bundle/suite.yaml" <<'END'
boot_items:
  - name: one
    exec: a.elf --serial
    load: [ sub/b.bin x ]
  - name: two
    exec: c.elf
END
echo aaaa >"$IB_TMP/bundle/a.elf"
ends "missing files are found before anything is sent" 2 \
	submit "$IB_TMP/bundle/suite.yaml"
is "all at once" "$err" \
	"ironbench: $IB_TMP/bundle/suite.yaml: 2 files are missing in $IB_TMP/bundle: sub/b.bin, c.elf (--files DIR names the folder)"
echo bb >"$IB_TMP/bundle/sub/b.bin"
echo c >"$IB_TMP/bundle/c.elf"
mkdir "$IB_TMP/elsewhere"
cp "$IB_TMP/bundle/suite.yaml" "$IB_TMP/elsewhere/"
ends "a complete suite is sent" 0 submit "$IB_TMP/elsewhere/suite.yaml" \
	--files "$IB_TMP/bundle" --name "wip: x" --priority -1
is "the id stands alone" "$out" 60617
like "warnings of the server are passed on" "$err" '^note: ignored: key colour$'
like "and what to do next" "$err" '"ironbench watch 60617"'
for part in "part config file suite.yaml $(wc -c <"$IB_TMP/bundle/suite.yaml")" \
	"part file file a.elf 5" "part file file sub/b.bin 3" \
	"part file file c.elf 2" "part name value wip: x 6" \
	"part user value ann 3" "part priority value -1 2"; do
	ok "the server got: $part" recorded "$part"
done
run submit "$IB_TMP/bundle/suite.yaml" --format json
like "as JSON, too" "$(tr -d ' \n' <"$IB_TMP/out")" '^\{"id":60617,'
echo zip >"$IB_TMP/boot.zip"
ends "an archive goes instead of files" 0 \
	submit "$IB_TMP/elsewhere/suite.yaml" --boot-files "$IB_TMP/boot.zip"
ok "under its name" recorded "part boot_files file boot.zip 4"
ends "an archive and files exclude each other" 2 submit x --files . \
	--boot-files y
printf 'boot_items:\n  - name: one\n    exce: x\n' >"$IB_TMP/bad.yaml"
ends "a bad suite is not sent" 2 submit "$IB_TMP/bad.yaml"
like "its line and column are told" "$err" "^ironbench: $IB_TMP/bad.yaml:3:5: "
ok "in one line" one_line
ends "a suite that is not there is wrong usage" 2 submit "$IB_TMP/no.yaml"
ok "and nothing is on stdout" nothing_on_stdout

# ---- watch --------------------------------------------------------------

run watch 60617
is "a run that succeeds is 0" "$code" 0
is "on a pipe every change is a line" "$out" \
"run 60617  wip  a1b2c3d  priority -1
0/2   ✓ 0  ✗ 0  !0 lab  … 2
… guest-hello on alder_lake_t16: prepare (job 418)
… guest-hello on alder_lake_t16: run (job 418)
✓ guest-hello on alder_lake_t16: pass, 5.3 s (job 418)
✓(s) guest-fpu on alder_lake_t16: pass, with skips, 5.3 s (job 419)
run 60617: success  2/2   ✓ 2  ✗ 0  !0 lab  … 0  in 4 m 12 s"
ends "a run that fails is 1" 1 watch 60618
like "the failure has its reason" "$out" \
	'^✗ guest-fpu on alder_lake_t16: fail, 5.3 s "lapic/x2apic: expected #GP, got "nothing"" \(job 413\)$'
ends "a disabled run is 3" 3 watch 60619
ends "an error of the lab is 1" 1 watch 60620
like "and its layer is told" "$out" \
	'^!console guest-fpu on alder_lake_t16: error \(console\), 5.3 s "silent'
ends "a run that was cancelled half way is 3" 3 watch 60622
like "and is called so" "$out" '^run 60622: cancelled '
ends "a stream that is cut is opened again" 0 watch 60623
ok "where it was cut" recorded "resumed /events e1-2 0"
ends "a run that does not exist is 4" 4 watch 1

"$IB_BUILDDIR/cli/ironbench" watch 60621 >"$IB_TMP/out" 2>"$IB_TMP/err" &
watcher=$!
wait_for 10 grep -q prepare "$IB_TMP/out" || :
# Background children of a shell ignore INT; TERM takes the same way.
kill -TERM $watcher
code=0
wait $watcher || code=$?
is "an interrupted watch is 130" "$code" 130
like "and says that the run goes on" "$(cat "$IB_TMP/err")" \
	'^note: run 60621 goes on without you'

# ---- on a terminal ------------------------------------------------------

# on_terminal COMMAND...: its output on one of 100 columns, in $out
on_terminal() {
	code=0
	TERM=xterm script -qec \
		"stty cols ${columns:-100} rows 20; \"$IB_BUILDDIR/cli/ironbench\" $*" \
		/dev/null </dev/null >"$IB_TMP/out" 2>&1 || code=$?
	out=$(tr -d '\r' <"$IB_TMP/out")
}

esc=$(printf '\033')
if command -v script >/dev/null; then
	on_terminal logs 412
	is "on a terminal a log's control bytes are spelled out" "$out" \
'hello
^[[31mred^[[0m
end\xff'
	on_terminal matrix 60616
	like "a failure is red" "$out" "$esc\\[1;31m✗$esc\\[0m"
	NO_COLOR=1 on_terminal matrix 60616
	unlike "but not with NO_COLOR" "$out" "$esc"
	columns=50 on_terminal matrix 60616
	is "a narrow terminal gets bands of platforms" \
		"$(grep -c app-boot_state "$IB_TMP/out")" 2
	NO_COLOR=1 columns=60 on_terminal overhead 60616
	is "and bands of guests" "$(grep -c svp_kaby "$IB_TMP/out")" 2
	NO_COLOR=1 columns=44 on_terminal overhead 60616
	is "on a very narrow one names are cut, and no interval or verdict" \
		"$(printf '%s\n' "$out" | grep -cE '\] +(worse|same|unknown|better)$')" 6
	LC_ALL=C NO_COLOR=1 columns=60 on_terminal job 413
	is "no line of a table is wider than the terminal" \
		"$(sed 1d "$IB_TMP/out" | tr -d '\r' |
			awk 'length($0) > 60' | wc -l)" 0
	: "$(stop api)"
	start api2 "$IB_BUILDDIR/tests/unit/cli_fake_api" "$IB_TMP/record" \
	"$IB_TMP/served"
	wait_for 10 grep -q '^[0-9]' "$(log_of api2)"
	IRONBENCH_SERVER=http://127.0.0.1:$(head -n 1 "$(log_of api2)")
	NO_COLOR=1 on_terminal watch 60618
	is "watch on a terminal ends with the same code" "$code" 1
	like "it draws a bar" "$out" '^████████████████░░░░░░░░░░░░░░░░  1/2'
	like "and the machines" "$out" '^alder_lake_t16  t16-1 '
	like "failures stay" "$out" '^.*new: ✗ guest-fpu on alder_lake_t16: '
	like "it moves the cursor up over the block" "$out" "$esc\\[3A"
	like "and ends as one line" "$(printf '%s\n' "$out" | tail -n 1)" \
		'run 60618: fail  2/2   ✓ 1  ✗ 1'
else
	skip "on a terminal" "no script(1)"
fi

# ---- completion ---------------------------------------------------------

# complete_words WORD...: what completes the last one
complete_words() {
	bash -c '
		PATH=$1:$PATH; shift
		. "$IB_SRCDIR/cli/completion/ironbench.bash"
		COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
		_ironbench; echo "${COMPREPLY[*]}"' \
		bash "$IB_BUILDDIR/cli" "$@"
}

run help stat
like "help names the formats that a command has" "$out" \
	'^  --format table\|json  '
run help compare
like "and what an option does there" "$out" \
	'^  --exit-status  +exit with 1 if anything got worse$'

if command -v bash >/dev/null; then
	is "commands are completed" "$(complete_words ironbench ma)" \
		"matrix machines machine"
	is "options are completed" "$(complete_words ironbench logs 1 --r)" \
		"--range --raw"
	is "recent runs are completed" "$(complete_words ironbench show 606)" \
		"60617 60616"
	is "formats are completed" \
		"$(complete_words ironbench runs --format j)" json
	is "Markdown where it is known" \
		"$(complete_words ironbench overhead 1 --format m)" markdown
else
	skip "completion" "no bash"
fi

done_testing
