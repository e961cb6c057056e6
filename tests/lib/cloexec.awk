# SPDX-License-Identifier: GPL-3.0-or-later
# Reads what code.awk prints (strings kept); prints every call that opens a
# descriptor which a child would inherit.  A call may go over several lines.

function strip_place(line)
{
	sub(/^[^:]*:[0-9]*:/, "", line)
	return line
}

# judge: the call is complete when its parentheses are.
function judge(text,   i, c, depth)
{
	for (i = 1; i <= length(text); i++) {
		c = substr(text, i, 1)
		depth += (c == "(") - (c == ")")
		if (c == ")" && depth == 0)
			break
	}
	if (depth > 0 && lines < 8)
		return 0
	text = substr(text, 1, i)
	if (name == "fopen" ? text !~ /"[rwab+x]+e[b+x]*"\)$/ : \
	    text !~ /CLOEXEC/)
		print place ": " name " without close-on-exec"
	return 1
}

{
	text = strip_place($0)
}

pending {
	lines++
	call = call " " text
	pending = !judge(call)
	next
}

match(text, /(^|[^A-Za-z0-9_.>])(accept|creat|dup|epoll_create|inotify_init|pipe) ?\(/) {
	split($0, part, ":")
	print part[1] ":" part[2] ": a call that cannot say close-on-exec"
}

match(text, /(^|[^A-Za-z0-9_.>])(open|openat|socket|socketpair|accept4|dup3|epoll_create1|eventfd|memfd_create|timerfd_create|signalfd|inotify_init1|pipe2|mkostemp|fopen) ?\(/) {
	split($0, part, ":")
	place = part[1] ":" part[2]
	name = substr(text, RSTART, RLENGTH)
	gsub(/[^A-Za-z0-9_]/, "", name)
	call = substr(text, RSTART + RLENGTH - 1)
	lines = 1
	pending = !judge(call)
}
