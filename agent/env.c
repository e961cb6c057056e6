/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Facts of the host, read and never changed. What cannot be read is left out: a
 * machine without a sensor is no error.
 */
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/agent.h"
#include "base/fs.h"
#include "base/str.h"

enum {
	FILE_MAX = 1 << 20,
	VALUE_MAX = 2000,
	SENSORS_MAX = 64
};

struct facts {
	void (*fact)(void *arg, const char *key, const char *value);
	void *arg;
};

struct source {
	const char *key;
	const char *path;
};

static const struct source sources[] = {
    {"governor", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"},
    {"cpufreq.driver", "/sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"},
    {"cpufreq.max_khz",
        "/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq"},
    {"turbo.intel.off", "/sys/devices/system/cpu/intel_pstate/no_turbo"},
    {"turbo.boost", "/sys/devices/system/cpu/cpufreq/boost"},
    {"smt", "/sys/devices/system/cpu/smt/control"},
    {"thp", "/sys/kernel/mm/transparent_hugepage/enabled"},
    {"swappiness", "/proc/sys/vm/swappiness"},
    {"nmi_watchdog", "/proc/sys/kernel/nmi_watchdog"},
    {"clocksource",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource"},
    {"cmdline", "/proc/cmdline"},
    {"bios.vendor", "/sys/class/dmi/id/bios_vendor"},
    {"bios.version", "/sys/class/dmi/id/bios_version"},
    {"board", "/sys/class/dmi/id/product_name"},
    {"cgroup.memory.max", "/sys/fs/cgroup/memory.max"},
    {"cgroup.cpu.max", "/sys/fs/cgroup/cpu.max"},
    {"cgroup.cpuset", "/sys/fs/cgroup/cpuset.cpus.effective"},
};

static const struct source patterns[] = {
    {"mitigation", "/sys/devices/system/cpu/vulnerabilities/*"},
    {"cpuidle.off", "/sys/devices/system/cpu/cpu0/cpuidle/state*/disable"},
};

static const struct source reading_patterns[] = {
    {"temp", "/sys/class/thermal/thermal_zone*/temp"},
    {"throttle",
        "/sys/devices/system/cpu/cpu0/thermal_throttle/*_throttle_count"},
};

static void tell(const struct facts *f, const char *key, const char *value)
{
	scoped(free) char *text = xstrndup(value, VALUE_MAX);
	size_t n = strlen(text);

	while (n && strchr(" \t\r\n", text[n - 1]))
		text[--n] = '\0';
	str_tidy(text);
	if (n)
		f->fact(f->arg, key, text);
}

static void tell_file(const struct facts *f, const char *key, const char *path)
{
	scoped_val(buf_done) struct buf b = BUF_INIT(FILE_MAX);

	if (fs_read(path, FILE_MAX, &b, NULL) == 0)
		tell(f, key, buf_str(&b));
}

/* One fact a file; the key is told apart by the part that * stood for. */
static void tell_pattern(const struct facts *f, const struct source *s)
{
	size_t before = strcspn(s->path, "*");
	size_t after = strlen(s->path) - before - 1;
	glob_t g;

	if (glob(s->path, 0, NULL, &g) != 0)
		return;
	for (size_t i = 0; i < g.gl_pathc && i < SENSORS_MAX; i++) {
		const char *path = g.gl_pathv[i];
		scoped(free) char *key = xasprintf("%s.%.*s", s->key,
		    (int)(strlen(path) - before - after), path + before);

		tell_file(f, key, path);
	}
	globfree(&g);
}

/* The first line "name : value" of /proc/cpuinfo. */
static void tell_cpuinfo(
    const struct facts *f, const char *key, const char *text, const char *name)
{
	const char *at = strstr(text, name);
	const char *colon = at ? strchr(at, ':') : NULL;
	scoped(free) char *value = NULL;

	if (!colon || colon > strchrnul(at, '\n'))
		return;
	colon += strspn(colon, ": ");
	value = xstrndup(colon, strcspn(colon, "\n"));
	tell(f, key, value);
}

static void tell_number(const struct facts *f, const char *key, int64_t n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%" PRId64, n);
	tell(f, key, text);
}

void env_facts(
    void (*fact)(void *arg, const char *key, const char *value), void *arg)
{
	struct facts f = {fact, arg};
	scoped_val(buf_done) struct buf b = BUF_INIT(FILE_MAX);
	struct utsname u;

	if (uname(&u) == 0) {
		tell(&f, "kernel", u.release);
		tell(&f, "kernel.version", u.version);
	}
	if (fs_read("/proc/cpuinfo", FILE_MAX, &b, NULL) == 0) {
		tell_cpuinfo(&f, "cpu", buf_str(&b), "model name");
		tell_cpuinfo(&f, "microcode", buf_str(&b), "microcode");
	}
	tell_number(&f, "cpus", sysconf(_SC_NPROCESSORS_ONLN));
	tell_number(&f, "memory.mib",
	    sysconf(_SC_PHYS_PAGES) / 1024 * (sysconf(_SC_PAGESIZE) / 1024));
	for (size_t i = 0; i < ARRAY_LEN(sources); i++)
		tell_file(&f, sources[i].key, sources[i].path);
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		tell_pattern(&f, &patterns[i]);
}

void env_readings(
    void (*fact)(void *arg, const char *key, const char *value), void *arg)
{
	struct facts f = {fact, arg};

	tell_file(&f, "load", "/proc/loadavg");
	for (size_t i = 0; i < ARRAY_LEN(reading_patterns); i++)
		tell_pattern(&f, &reading_patterns[i]);
}
