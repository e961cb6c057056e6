# SPDX-License-Identifier: GPL-3.0-or-later
# Reads C files; prints every include that no arrow and no ownership allows.

function folder_of(path)
{
	return substr(path, 1, index(path, "/") - 1)
}

function arrow(from, list,   n, to, i)
{
	n = split(list, to, " ")
	for (i = 1; i <= n; i++)
		arrows[from, to[i]] = 1
}

function owns(pattern, folders)
{
	libraries[++n_libraries] = pattern
	owners[n_libraries] = " " folders " "
}

function refuse(why)
{
	printf "%s:%d: %s: %s\n", FILENAME, FNR, why, target
}

# A header of ours: an arrow must lead to its folder, and the header must be
# the one that folder shows to others.
function check_ours(from, target,   to)
{
	to = folder_of(target)
	if (target == "config.h")
		return refuse("the command line supplies it")
	if (to == "")
		return refuse("include by full path")
	if (to == from || from == "tests" || from == "fixtures")
		return
	if (!((from, to) in arrows))
		return refuse("no arrow from " from " to " to)
	if (to == "agent" && from == "orchestrator" && target != "agent/wire.h")
		return refuse("only agent/wire.h is for others")
	if (to != "base" && to != "agent" && target != to "/" to ".h")
		return refuse("private to " to)
}

function check_library(from, target,   i)
{
	if (from == "tests" || from == "fixtures")
		return
	for (i = 1; i <= n_libraries; i++) {
		if (target !~ libraries[i])
			continue
		if (!index(owners[i], " " from " "))
			refuse("library not for " from)
		return
	}
	if (!(target in system_headers) && target !~ system_folders)
		refuse("a library that no folder owns")
}

BEGIN {
	arrow("scheduler", "base")
	arrow("bench", "base")
	arrow("db", "base scheduler bench")
	arrow("agent", "base bench")
	arrow("web", "base db scheduler bench")
	arrow("cli", "base bench")
	arrow("orchestrator", "base scheduler bench db agent web")

	owns("^uv\\.h$", "base orchestrator agent")
	owns("^curl/", "orchestrator cli")
	owns("^libssh2", "orchestrator")
	owns("^(freeipmi/|ipmiconsole\\.h$)", "orchestrator")
	owns("^archive(_entry)?\\.h$", "orchestrator")
	owns("^sqlite3\\.h$", "db")
	owns("^(zstd|zdict|zstd_errors)\\.h$", "db")
	owns("^microhttpd\\.h$", "web")
	owns("^yaml\\.h$", "base")
	owns("^sodium(\\.h$|/)", "base")
	owns("^Rmath\\.h$", "bench")
	# Results of others are XML from anywhere: a parser that many attack.
	owns("^expat\\.h$", "bench")
	owns("^jansson\\.h$", \
	    "agent base bench cli db orchestrator scheduler web")

	system_folders = "^(sys|linux|arpa|net|netinet|asm|asm-generic|bits)/"
	n = split("assert complex ctype dirent dlfcn endian errno error fcntl " \
	    "features fenv float fnmatch ftw getopt glob grp iconv ifaddrs " \
	    "inttypes iso646 langinfo libgen limits link locale malloc math " \
	    "mntent netdb paths poll pthread pwd regex sched search semaphore " \
	    "setjmp signal spawn stdalign stdarg stdatomic stdbool stddef " \
	    "stdint stdio stdlib stdnoreturn string strings syscall sysexits " \
	    "syslog termios threads time uchar unistd utime wchar wctype " \
	    "cpuid immintrin x86intrin", name, " ")
	for (i = 1; i <= n; i++)
		system_headers[name[i] ".h"] = 1
}

/^[ \t]*#[ \t]*include[ \t]*"/ {
	split($0, part, "\"")
	target = part[2]
	check_ours(folder_of(FILENAME), target)
}

/^[ \t]*#[ \t]*include[ \t]*</ {
	split($0, part, "[<>]")
	target = part[2]
	check_library(folder_of(FILENAME), target)
}
