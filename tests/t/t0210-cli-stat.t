#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# `ironbench stat`: numbers from files, without a server.
. "${IB_SRCDIR:-$(dirname "$0")/../..}/tests/lib/tap.sh"

LC_ALL=C.UTF-8
HOME=$IB_TMP
export LC_ALL HOME
unset IRONBENCH_SERVER IRONBENCH_TOKEN XDG_CONFIG_HOME NO_COLOR
cd "$IB_TMP" || bail "no folder"

# run ARGUMENTS...: stdout in $out, stderr in $err, exit code in $code
run() {
	code=0
	"$IB_BUILDDIR/cli/ironbench" stat "$@" >"$IB_TMP/out" \
		2>"$IB_TMP/err" </dev/null || code=$?
	out=$(cat "$IB_TMP/out")
	err=$(cat "$IB_TMP/err")
}

# refused DESCRIPTION MESSAGE ARGUMENTS...
refused() {
	refused_what=$1
	refused_why=$2
	shift 2
	run "$@"
	is "$refused_what" "$code $out$err" "2 ironbench: $refused_why"
}

# says DESCRIPTION REGEX: in the JSON of the last output, without its blanks
says() {
	like "$1" "$(printf '%s' "$out" | tr -d ' \n')" "$2"
}

# arms FILE BASELINE CANDIDATE: lists of numbers, interleaved as measured
arms() {
	{
		echo arm,value
		for v in $2; do echo "baseline,$v"; done
		for v in $3; do echo "candidate,$v"; done
	} >"$1"
}

# ---- ratio --------------------------------------------------------------

arms three.csv "8051.8 8037.5 7948.6" "8103.4 8188.1 8298.7"
run ratio --direction higher --format json three.csv
is "a ratio is computed" "$code" 0
# The numbers are scipy's: fixtures/vectors/stats/ratio_ci.json, n3_cv1.
says "it has the geometric ratio" '^\{"overhead":0\.97757039848'
says "its interval" '"interval":\[0\.95396978000[0-9]+,1\.0017548815[0-9]+\]'
says "its p" '"p":0\.0602653163[0-9]+,'
says "its method" '"method":"log_welch"'
says "the counts" '"n":\{"baseline":3,"candidate":3\}'
says "Hodges and Lehmann's estimate, which has no interval at 3 values" \
	'"hodges_lehmann":\{"overhead":0\.980896907[0-9]+,"interval":null\}'
says "and the verdict" '"verdict":"unknown"\}$'
says "the keys are these" '^\{"overhead":[^a-z]*"interval":[^a-z]*"method":.*,"n":.*,"p":[^a-z]*"hodges_lehmann":.*,"verdict":'
says "numbers have 17 digits" '\[0\.95396978000822[0-9]{3},'

run ratio --direction lower --format json three.csv
says "the other direction is the inverse" \
	'"overhead":1\.0229442314.*"interval":\[0\.998248192[0-9]+,1\.048251234'
run ratio --direction higher --paired --format json three.csv
says "pairs have another interval" \
	'"interval":\[0\.9331947156[0-9]+,1\.024056253[0-9]+\],"method":"paired_log_t"'

arms worse.csv "100 101 100.5 99.5 100.2 99.8" "90 91 90.5 89.5 90.2 89.8"
run ratio --direction higher --format json worse.csv
says "a slower candidate is worse" '\"verdict\":"worse"'
run ratio --direction lower --format json worse.csv
says "and better if lower is better" '\"verdict\":"better"'
arms same.csv "100 100.1 99.9 100 100.1" "100.1 100 99.9 100.1 100"
run ratio --direction higher --format json same.csv
says "equal arms are the same" '\"verdict\":"same"'

run ratio --direction higher worse.csv
like "the table has three digits" "$out" "Welch's t +1\.11 +1\.10 to 1\.12"
like "and the verdict" "$out" '^verdict: worse \(baseline 6 values'
like "and the definition" "$out" 'above 1 the candidate is slower$'
run ratio --direction higher three.csv
like "too few values are said" "$out" 'Hodges-Lehmann +0\.981 +too few values'
arms one.csv 1 2
run ratio --direction lower --format json one.csv
says "one value each is a ratio without interval" \
	'"overhead":2\.0,"interval":null,.*"p":null,.*"verdict":"unknown"'

{
	echo arm,value
	seq -f 'baseline,%.0f' 3001 6000
	seq -f 'candidate,%.0f' 3001 6000
} >many.csv
run ratio --direction lower many.csv
like "many values have their ratio" "$out" "^Welch's t +1\\.00 +0\\.9[0-9]+ to"
like "  and a companion that is too much" "$out" \
	'^Hodges-Lehmann +too many values'
run ratio --direction lower --format json many.csv
says "  is not known" '"hodges_lehmann":\{"overhead":null,"interval":null\}'

refused "the direction is mandatory" \
	"stat ratio: --direction is missing (higher or lower is better)" \
	ratio three.csv
refused "another direction is refused" \
	"--direction: up is none (higher or lower)" \
	ratio --direction up three.csv
printf 'arm,value\r\nbaseline,1\r\ncandidate,2\r\n' >crlf.csv
run ratio --direction higher --format json crlf.csv
says "CRLF ends a line, too" '"overhead":0\.5,'

# What spreadsheets write: a mark, quotes, blanks, empty lines at the end.
printf '\357\273\277"arm","value"\r\n"baseline",1\r\n"candidate","2"\r\n' >marked.csv
run ratio --direction higher --format json marked.csv
says "a mark before UTF-8 and quotes mean nothing" '"overhead":0\.5,'
printf 'arm,value\nbaseline,1 \ncandidate, 2\n\r\n\n' >blanks.csv
run ratio --direction higher --format json blanks.csv
says "nor do blanks, and empty lines at the end" '"overhead":0\.5,'

# bad_csv DESCRIPTION POSITION-AND-MESSAGE TEXT
bad_csv() {
	printf '%b' "$3" >bad.csv
	refused "$1" "bad.csv:$2" ratio --direction higher bad.csv
}
bad_csv "an empty file is refused" "1:1: empty; must begin with arm,value" ''
bad_csv "a missing heading is refused" \
	"1:1: no heading; must be arm,value" 'baseline,1\n'
bad_csv "an unknown arm is refused" \
	"3:1: no arm; must be baseline or candidate" \
	'arm,value\nbaseline,1\nother,1\n'
bad_csv "an empty line is refused" \
	"2:1: no arm; must be baseline or candidate" 'arm,value\n\nbaseline,1\n'
bad_csv "a missing value is refused" \
	"2:9: no value; must be arm,value" 'arm,value\nbaseline\n'
bad_csv "an empty value is refused" \
	"2:10: nothing found; must be a decimal number" 'arm,value\nbaseline,\n'
bad_csv "text behind a number is refused" \
	"2:12: not a digit; must be a decimal number" \
	'arm,value\nbaseline,12x\n'
bad_csv "hexadecimal is refused" \
	"2:11: not a digit; must be a decimal number" \
	'arm,value\nbaseline,0x1\n'
bad_csv "nan is refused" "2:10: not a digit; must be a decimal number" \
	'arm,value\nbaseline,nan\n'
bad_csv "0 has no logarithm" "3:11: 0 or less; must be a number above 0" \
	'arm,value\nbaseline,1\ncandidate,0\n'
bad_csv "a huge number is refused" \
	"2:10: too large; must be a decimal number" \
	'arm,value\nbaseline,1e999\n'
bad_csv "a comma behind the value is refused" \
	"2:11: not a digit; must be a decimal number" \
	'arm,value\nbaseline,1,\n'
bad_csv "a third field in quotes is refused, too" \
	"2:12: not a digit; must be a decimal number" \
	'arm,value\nbaseline,"1",2\n'
bad_csv "a quote that does not end is refused" \
	"2:1: no arm; must be baseline or candidate" \
	'arm,value\n"baseline,1\n'
bad_csv "digits behind a zero byte are not lost" \
	" byte 20: a zero byte; must be text" \
	'arm,value\nbaseline,1\00003\ncandidate,2\n'
bad_csv "UTF-16 is refused" " it is UTF-16; must be UTF-8" \
	'\0377\0376a\0000r\0000m\0000'
bad_csv "an absent arm is refused" " candidate: no values" \
	'arm,value\nbaseline,1\n'
arms uneven.csv "1 2 3" "1 2"
refused "pairs must be as many" \
	"uneven.csv: pairs: 3 values of the baseline and 2 of the candidate; must be as many" \
	ratio --direction higher --paired uneven.csv
run ratio --direction higher nosuch.csv
is "a missing file is wrong usage" "$code" 2

# ---- changes ------------------------------------------------------------

# Two levels with a little noise, and a spike.
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	echo "10$((i * 7 % 10))"
done >low
sed 's/^10/20/' low >high
cat low high >step.txt
{
	sed 7q low
	echo 999
	sed 1,8d low
} >spike.txt
run changes --format json step.txt
says "a step is found, with its levels and their ratio" '"index":20,"p":null,"before":\{"mean":104\.5,"n":20\},"after":\{"mean":204\.5,"n":20\},"ratio":1\.956937799043062[0-9]*\}\]'
says "and nothing more" '^\{"n":40,"changes":\[\{"index":[^]]*\],"spikes":\[\]\}$'
run changes --format json spike.txt
says "a spike is no change" '^\{"n":20,"changes":\[\],"spikes":\[7\]\}$'
run changes step.txt
like "people get a table" "$out" '20 .*104\.5 \(20\) +204\.5 \(20\) +1\.96'
like "and a sum" "$out" '^1 change in 40 values$'
: >empty.txt
run changes --format json empty.txt
says "nothing has no change" '^\{"n":0,"changes":\[\],"spikes":\[\]\}$'

tr -d ' \n' <"$IB_SRCDIR/fixtures/vectors/otava/tigerbeetle.json" |
	sed 's/.*"tigerbeetle":\[//; s/\].*//' | tr ',' '\n' >series.txt
echo >>series.txt
run changes --detector otava --window 30 --max-pvalue 0.1 \
	--min-magnitude 0.05 --format json series.txt
is "Otava's points are found, with Otava's p" \
	"$(printf '%s' "$out" | grep -E '"(index|p)":' | cut -c1-22 | tr -d ' \n')" \
	'"index":10,"p":4.475996943"index":11,"p":1.568477249"index":15,"p":0.000562884"index":71,"p":3.035065604"index":363,"p":0.005469311'

printf '1\n2\n3 4\n' >bad.txt
refused "two numbers are not one" \
	"bad.txt:3:2: not a digit; must be a decimal number" changes bad.txt
printf '1\n2.5.1\n' >bad.txt
refused "two points are refused" \
	"bad.txt:2:4: no number; must be a decimal number" changes bad.txt
printf '1\n\n2\n' >bad.txt
refused "an empty line is refused here, too" \
	"bad.txt:2:1: nothing found; must be a decimal number" changes bad.txt
refused "alpha has a range" \
	"stat changes: alpha: 0.1; must be from 0.0001 to 0.05" \
	changes --alpha 0.1 step.txt
refused "alpha is a number" "--alpha: x is no number" \
	changes --alpha x step.txt
refused "a window belongs to Otava" \
	'--window: no option of this detector (see "ironbench help stat")' \
	changes --window 30 step.txt
refused "there are two detectors" \
	"--detector: pelt is none (maxt or otava)" \
	changes --detector pelt step.txt

# ---- the command --------------------------------------------------------

refused "there are two statistics" "stat: mean is none (ratio or changes)" \
	mean step.txt
refused "an option of the other one is refused" \
	'stat changes: --paired: no option of it (see "ironbench help stat")' \
	changes --paired step.txt
refused "there is no CSV" "--format: csv is none (table or json)" \
	changes --format csv step.txt
run ratio
is "a missing file name is wrong usage" "$code" 2
run --help
like "help shows the usage" "$code $out" '^0 usage: ironbench stat'

seq 9 >nine.txt
run changes nine.txt
is "too few values are said" "$out" \
	"0 changes in 9 values; none can be told of fewer than 10"
run changes --detector otava nine.txt
like "which is not so of the other detector" "$out" '^0 changes in 9 values$'
printf '\357\273\2771\n2\n\n' >marked.txt
run changes --format json marked.txt
says "a mark and empty lines at the end mean nothing" '^\{"n":2,'

done_testing
