#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# The demo as a newcomer starts it: it ends with all as expected, and whoever
# interrupts or kills it, at whatever moment, finds no process of it.

. "$IB_SRCDIR/tests/lib/tap.sh"

LC_ALL=C.UTF-8
export LC_ALL
leash=$IB_BUILDDIR/fixtures/demo/leash
demo=$IB_SRCDIR/fixtures/demo/demo.sh

# ---- processes -----------------------------------------------------------------

# "PID PARENT START" of each process; a name may hold blanks and brackets.
processes() {
	cat /proc/[0-9]*/stat 2>/dev/null |
		sed 's/^\([0-9]*\) (.*) \(.*\)$/\1 \2/' |
		awk '$2 != "Z" { print $1, $3, $21 }'
}

# family PID: "PID START" of the process and of all below it
family() {
	processes | awk -v root="$1" '
		{ pid[NR] = $1; parent[$1] = $2; start[NR] = $3 }
		END {
			for (i = 1; i <= NR; i++) {
				p = pid[i]
				while (p != root && p in parent)
					p = parent[p]
				if (p == root)
					print pid[i], start[i]
			}
		}'
}

# Those of the family in $IB_TMP/family that live, and whoever names the folder
# $1 in command or environment, or is in it.
left() {
	processes | awk '{ print $1, $3 }' | sort >"$IB_TMP/now"
	sort "$IB_TMP/family" | comm -12 - "$IB_TMP/now"
	echo "$1" >"$IB_TMP/folder"
	grep -lasF -f "$IB_TMP/folder" /proc/[0-9]*/cmdline \
		/proc/[0-9]*/environ
	find /proc/[0-9]*/cwd -maxdepth 0 -lname "$1*" 2>/dev/null
}

none_left() {
	left "$1" >"$IB_TMP/left"
	! grep . "$IB_TMP/left"
}

# is_gone DESCRIPTION FOLDER
is_gone() {
	ok "$1" wait_for 30 none_left "$2"
}

# ---- the leash -----------------------------------------------------------------

# Its command leaves one process in a session of its own and one without parent.
cat >"$IB_TMP/strays" <<'END'
setsid sleep 1000 &
(sleep 1000 &)
echo $$ >"$1"
[ "$2" = end ] || wait
exit 3
END
strays() {
	rm -f "$IB_TMP/strays.command"
	start strays "$leash" sh "$IB_TMP/strays" "$IB_TMP/strays.command" stay
	wait_for 10 test -s "$IB_TMP/strays.command" || bail "leash does not start"
	wait_for 10 has_five || bail "strays do not start"
	family "$(pid_of strays)" >"$IB_TMP/family"
}
has_five() {
	[ "$(family "$(pid_of strays)" | wc -l)" -eq 5 ]
}
inner_of() {
	processes | awk -v parent="$1" '$2 == parent { print $1; exit }'
}

code=0
"$leash" sh "$IB_TMP/strays" "$IB_TMP/ended" end || code=$?
is "leash ends as its command" $code 3
: >"$IB_TMP/family"
is_gone "what its command has left is gone" "$IB_TMP/strays"
for victim in outer inner command; do
	strays
	case $victim in
	outer) pid=$(pid_of strays) ;;
	inner) pid=$(inner_of "$(pid_of strays)") ;;
	command) pid=$(cat "$IB_TMP/strays.command") ;;
	esac
	kill -KILL "$pid"
	is_gone "none is left when its $victim process is killed" \
		"$IB_TMP/strays"
	wait "$(pid_of strays)" 2>/dev/null
done
strays
kill -TERM "$(pid_of strays)"
is_gone "none is left when it is told to end" "$IB_TMP/strays"
code=0
wait "$(pid_of strays)" || code=$?
is "it says that its command was ended" $code 143

# ---- one that ends by itself -----------------------------------------------------

# Nothing of whoever starts it is read or written; but the Linux guest, which was
# made before, is found.
XDG_CACHE_HOME=${XDG_CACHE_HOME:-$HOME/.cache}
HOME=$IB_TMP/home
export XDG_CACHE_HOME HOME
mkdir "$HOME"
printf '[commit]\n\tgpgSign = true\n[core]\n\thooksPath = /none\n' \
	>"$HOME/.gitconfig"

: >"$IB_TMP/family"
ok "the demo ends with all as expected" \
	sh "$demo" --build "$IB_BUILDDIR" --once --dir "$IB_TMP/once"
cp "$IB_TMP/.out" "$IB_TMP/said"
diag "$(grep '^All is' "$IB_TMP/said")"
is_gone "nothing is left of it" "$IB_TMP/once"
nok "not even its folder" test -e "$IB_TMP/once"
is "at home all is as it was" "$(cd "$HOME" && find . -type f)" ./.gitconfig
said=$(cat "$IB_TMP/said")
like "it shows progress" "$said" '^✓ guest-cpuid on virtual: pass'
like "it shows the matrix" "$said" '^guest-triplefault +✗\(e\)'
like "it shows what threads cost a processor" "$said" \
	'^here +[0-9.]+ +\[[0-9.]+, [0-9.]+\]'
is "and every metric has its definition" \
	"$(grep -c '^overhead = ' "$IB_TMP/said")" 4
like "it shows what the second commit breaks" "$said" '^guest-hello +\* +✗$'

# ---- those that are killed -------------------------------------------------------

# start_demo NAME: in the folder $dir, until COMMAND... succeeds
start_demo() {
	dir=$IB_TMP/$1
	start "$1" sh "$demo" --build "$IB_BUILDDIR" --dir "$dir"
	shift
	wait_for 600 "$@" || {
		diag <"$(log_of "${dir##*/}")"
		bail "the demo does not get so far"
	}
	family "$(pid_of "${dir##*/}")" >"$IB_TMP/family"
}

vm_of_benchmark() {
	cut -d ' ' -f 1 "$dir/lab/home/state/ironbench-agent/vm.pid"
}
vm_runs() {
	vm_of_benchmark && is_alive "$(vm_of_benchmark)"
}
has_machine() {
	"$IB_BUILDDIR/fixtures/lab/ironbench-lab" --dir "$dir/lab" status |
		grep -q ' on '
}
has_lab() {
	grep -q '^ready ' "$dir/log/lab-ready"
}

start_demo killed vm_runs
like "a benchmark's machine is of the demo's family" \
	"$(cut -d ' ' -f 1 "$IB_TMP/family")" "^$(vm_of_benchmark)\$"
kill -KILL "$(pid_of killed)"
is_gone "when the demo is killed, no process is left" "$dir"

start_demo scriptless has_machine
kill -KILL "$(inner_of "$(inner_of "$(pid_of scriptless)")")"
is_gone "nor when only its script is" "$dir"

start_demo interrupted has_lab
kill -INT "$(pid_of interrupted)"
is_gone "nor when it is interrupted" "$dir"
code=0
wait "$(pid_of interrupted)" || code=$?
is "which its exit code says" $code 130
nok "its folder is gone" test -e "$dir"

done_testing
