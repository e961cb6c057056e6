# SPDX-License-Identifier: GPL-3.0-or-later
# Prints C files as "file:line:text" without their comments and without what
# stands between quotes (-v keep=1: the quoted text stays).

# literal takes what follows an opening quote, adds it to `out`, and returns
# what follows the closing one.
function literal(quote, rest)
{
	if (quote == "\"")
		match(rest, /^([^"\\]|\\.)*"/)
	else
		match(rest, /^([^'\\]|\\.)*'/)
	if (RSTART == 0) {
		out = out quote
		return ""
	}
	out = out quote (keep ? substr(rest, 1, RLENGTH) : quote)
	return substr(rest, RLENGTH + 1)
}

FNR == 1 {
	in_comment = 0
}

{
	rest = $0
	out = ""
	while (rest != "") {
		if (in_comment) {
			end = index(rest, "*/")
			if (!end)
				break
			rest = substr(rest, end + 2)
			out = out " "
			in_comment = 0
			continue
		}
		if (!match(rest, /\/\*|\/\/|"|'/)) {
			out = out rest
			break
		}
		token = substr(rest, RSTART, RLENGTH)
		out = out substr(rest, 1, RSTART - 1)
		rest = substr(rest, RSTART + RLENGTH)
		if (token == "/*")
			in_comment = 1
		else if (token == "//")
			break
		else
			rest = literal(token, rest)
	}
	print FILENAME ":" FNR ":" out
}
