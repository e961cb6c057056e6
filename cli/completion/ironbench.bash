# SPDX-License-Identifier: GPL-3.0-or-later
# bash completion for ironbench(1): commands and options come from its own help,
# numbers of runs and names of machines from the server.

_ironbench_server() {
	ironbench "$@" --format csv 2>/dev/null | sed -n '2,$s/,.*//p'
}

_ironbench() {
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
	local cmd= i words=
	COMPREPLY=()
	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		*)
			cmd=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	case $prev in
	--files)
		compopt -o dirnames 2>/dev/null
		return
		;;
	--boot-files | --secret-file | --token-file)
		compopt -o default 2>/dev/null
		return
		;;
	--format)
		words="table json csv"
		case $cmd in
		compare | history | import | imports | machines | matrix | metrics | \
			noise | overhead | runs | series | verify)
			words+=" markdown"
			;;
		show) words+=" junit" ;;
		stat) words="table json" ;;
		esac
		;;
	--detector) words="maxt otava" ;;
	--direction) words="higher lower" ;;
	--alpha | --max-pvalue | --min-magnitude | --window) return ;;
	--attempt | --baseline | --branch | --candidate | --controller | \
		--guest | --machine | --since | --variant | --limit | --metric | --name | --priority | --project | \
		--range | --server | --url | --user | --why)
		return
		;;
	*)
		case $cmd,$cur in
		,-*) words="--help --version" ;;
		,*)
			words=$(ironbench help 2>/dev/null |
				sed -n '/^Options/q; s/^  \([a-z]*\) .*/\1/p')
			;;
		*,-*)
			words=$(ironbench help "$cmd" 2>/dev/null |
				sed -n 's/^  \(--[a-z-]*\) .*/\1/p')
			;;
		submit,* | import,*)
			compopt -o default 2>/dev/null
			return
			;;
		stat,*)
			words="ratio changes"
			compopt -o default 2>/dev/null
			;;
		help,*)
			words=$(ironbench help 2>/dev/null |
				sed -n '/^Options/q; s/^  \([a-z]*\) .*/\1/p')
			;;
		machine,*)
			words="$(_ironbench_server machines) offline online"
			;;
		noise,*) words=$(_ironbench_server machines) ;;
		power,*)
			words="$(_ironbench_server machines) on off cycle"
			;;
		history,*)
			words=$(_ironbench_server series)
			;;
		imports,*)
			words=$(_ironbench_server imports)
			;;
		compare,* | show,* | watch,* | matrix,* | overhead,* | verify,* | logs,* | \
			cancel,* | rerun,*)
			words=$(_ironbench_server runs)
			;;
		esac
		;;
	esac
	# Names have no blanks; -W must not expand what the server sends.
	while IFS= read -r i; do
		[[ $i == "$cur"* ]] && COMPREPLY+=("$i")
	done < <(printf '%s\n' $words)
}

complete -F _ironbench ironbench
