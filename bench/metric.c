/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of metrics. Margins: 1 % for processors, 2 % for what a whole
 * program or machine does in a time, 3 % for disks and networks, whose noise is
 * larger.
 */
#include "bench/metric.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"
#include "bench/measure.h"

#define MARGIN_CPU .01
#define MARGIN_DISK .03
#define MARGIN_TIME .02

#define FIO(name, profile, rw, kib, depth, jobs)                          \
	{                                                                 \
		"disk." name, profile, "MB/s", BENCH_HIGHER, MARGIN_DISK, \
		    BENCH_FIO, rw, (kib)*1024, depth, jobs, 0             \
	}
#define SYSBENCH(name, profile, threads)                               \
	{                                                              \
		"sysbench." name, profile, "events/s", BENCH_HIGHER,   \
		    MARGIN_CPU, BENCH_SYSBENCH, NULL, 0, 0, 0, threads \
	}
#define GEEKBENCH(name, profile)                                    \
	{                                                           \
		"geekbench." name, profile, "points", BENCH_HIGHER, \
		    MARGIN_CPU, BENCH_GEEKBENCH, NULL, 0, 0, 0, 0   \
	}

#define IMPORTED(name, profile, unit, direction, margin)                      \
	{                                                                     \
		name, profile, unit, direction, margin, BENCH_IMPORTED, NULL, \
		    0, 0, 0, 0                                                \
	}
/* One row of CrystalDiskMark's, beside its MB/s: read or written. */
#define DISK_SIDE(name, profile)                                              \
	IMPORTED("disk." name ".iops", profile " IOPS", "IOPS", BENCH_HIGHER, \
	    MARGIN_DISK),                                                     \
	    IMPORTED("disk." name ".latency", profile " latency", "us",       \
	        BENCH_LOWER, MARGIN_DISK)
#define DISK(name, profile)                   \
	DISK_SIDE(name ".rd", profile " RD"), \
	    DISK_SIDE(name ".wr", profile " WR")
/* The major version is part of the metric: never compared across. */
#define GEEKBENCH_SCORE(name, profile)                             \
	IMPORTED("geekbench" name, "Geekbench " profile, "points", \
	    BENCH_HIGHER, MARGIN_CPU)
#define GEEKBENCH_CORES(major, name, profile)                             \
	GEEKBENCH_SCORE(major "." name, major " " profile),               \
	    GEEKBENCH_SCORE(                                              \
	        major "." name ".integer", major " " profile " Integer"), \
	    GEEKBENCH_SCORE(major "." name ".floating_point",             \
	        major " " profile " Floating Point"),                     \
	    GEEKBENCH_SCORE(                                              \
	        major "." name ".crypto", major " " profile " Crypto")
#define CPU(name, profile, unit) \
	IMPORTED(name, profile, unit, BENCH_HIGHER, MARGIN_CPU)
#define VMEXIT(name) \
	IMPORTED(    \
	    "vmexit." name, "vmexit " name, "cycles", BENCH_LOWER, MARGIN_CPU)

static const struct bench_metric metrics[] = {
    FIO("seq1m_q8t1.rd", "SEQ1M Q8T1 RD", "read", 1024, 8, 1),
    FIO("seq1m_q8t1.wr", "SEQ1M Q8T1 WR", "write", 1024, 8, 1),
    FIO("seq1m_q1t1.rd", "SEQ1M Q1T1 RD", "read", 1024, 1, 1),
    FIO("seq1m_q1t1.wr", "SEQ1M Q1T1 WR", "write", 1024, 1, 1),
    FIO("seq128k_q32t1.rd", "SEQ128K Q32T1 RD", "read", 128, 32, 1),
    FIO("seq128k_q32t1.wr", "SEQ128K Q32T1 WR", "write", 128, 32, 1),
    FIO("rnd4k_q32t16.rd", "RND4K Q32T16 RD", "randread", 4, 32, 16),
    FIO("rnd4k_q32t16.wr", "RND4K Q32T16 WR", "randwrite", 4, 32, 16),
    FIO("rnd4k_q32t1.rd", "RND4K Q32T1 RD", "randread", 4, 32, 1),
    FIO("rnd4k_q32t1.wr", "RND4K Q32T1 WR", "randwrite", 4, 32, 1),
    FIO("rnd4k_q1t1.rd", "RND4K Q1T1 RD", "randread", 4, 1, 1),
    FIO("rnd4k_q1t1.wr", "RND4K Q1T1 WR", "randwrite", 4, 1, 1),
    SYSBENCH("cpu_1", "CPU 1", 1),
    SYSBENCH("cpu_all", "CPU ALL", 0),
    GEEKBENCH("single_core", "Single-Core"),
    GEEKBENCH("multi_core", "Multi-Core"),
    DISK("seq1m_q8t1", "SEQ1M Q8T1"),
    DISK("seq1m_q1t1", "SEQ1M Q1T1"),
    DISK("seq128k_q32t1", "SEQ128K Q32T1"),
    DISK("rnd4k_q32t16", "RND4K Q32T16"),
    DISK("rnd4k_q32t1", "RND4K Q32T1"),
    DISK("rnd4k_q1t1", "RND4K Q1T1"),
    GEEKBENCH_CORES("5", "single_core", "Single-Core"),
    GEEKBENCH_CORES("5", "multi_core", "Multi-Core"),
    GEEKBENCH_CORES("6", "single_core", "Single-Core"),
    GEEKBENCH_CORES("6", "multi_core", "Multi-Core"),
    CPU("sysbench.memory_1", "sysbench memory 1", "MiB/s"),
    CPU("7zip.compress", "7-Zip compress", "MIPS"),
    CPU("7zip.decompress", "7-Zip decompress", "MIPS"),
    CPU("7zip.total", "7-Zip total", "MIPS"),
    CPU("openssl.aes_256_gcm.16384", "OpenSSL AES-256-GCM 16384", "kB/s"),
    CPU("openssl.sha256.16384", "OpenSSL SHA-256 16384", "kB/s"),
    CPU("openssl.rsa_2048.sign", "OpenSSL RSA 2048 sign", "operations/s"),
    CPU("openssl.rsa_2048.verify", "OpenSSL RSA 2048 verify", "operations/s"),
    IMPORTED("hyperfine.time", "hyperfine", "s", BENCH_LOWER, MARGIN_TIME),
    IMPORTED("google_benchmark.real_time", "Google Benchmark real time", "ns",
        BENCH_LOWER, MARGIN_TIME),
    IMPORTED("google_benchmark.cpu_time", "Google Benchmark CPU time", "ns",
        BENCH_LOWER, MARGIN_TIME),
    IMPORTED("boot.time", "Boot time", "s", BENCH_LOWER, MARGIN_TIME),
    VMEXIT("cpuid"),
    VMEXIT("vmcall"),
    VMEXIT("mov_from_cr8"),
    VMEXIT("mov_to_cr8"),
    VMEXIT("inl_from_pmtimer"),
    VMEXIT("inl_from_qemu"),
    VMEXIT("inl_from_kernel"),
    VMEXIT("outl_to_kernel"),
    VMEXIT("self_ipi_sti_nop"),
    VMEXIT("self_ipi_sti_hlt"),
    VMEXIT("self_ipi_tpr"),
    VMEXIT("ipi"),
    VMEXIT("ipi_halt"),
    VMEXIT("ple_round_robin"),
    VMEXIT("wr_tsc_adjust_msr"),
    VMEXIT("rd_tsc_adjust_msr"),
    IMPORTED("guest_test.cpuid_cycles", "guest-test cpuid", "cycles",
        BENCH_LOWER, MARGIN_CPU),
    IMPORTED("vm.exits_per_second", "VM exits per second", "exits/s",
        BENCH_LOWER, MARGIN_TIME),
    IMPORTED("gpu.frames_per_second", "GPU frames per second", "frames/s",
        BENCH_HIGHER, MARGIN_TIME),
    IMPORTED("network.throughput", "Network throughput", "Mbit/s", BENCH_HIGHER,
        MARGIN_DISK),
    IMPORTED(
        "network.latency", "Network latency", "us", BENCH_LOWER, MARGIN_DISK),
};

const struct bench_metric *bench_metric_table(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(metrics);
	return metrics;
}

const struct bench_metric *bench_metric_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (str_eq(metrics[i].name, name))
			return &metrics[i];
	return NULL;
}

const struct bench_metric *bench_metric_of(
    enum bench_workload workload, const char *profile)
{
	for (size_t i = 0; i < ARRAY_LEN(metrics); i++)
		if (metrics[i].workload == workload &&
		    strcasecmp(metrics[i].profile, profile) == 0)
			return &metrics[i];
	return NULL;
}

const char *bench_direction_name(enum bench_direction direction)
{
	return direction == BENCH_LOWER ? "lower" : "higher";
}

int bench_direction_parse(
    const char *name, enum bench_direction *ret, struct err *err)
{
	for (int d = BENCH_HIGHER; d <= BENCH_LOWER; d++) {
		if (!str_eq(
		        name, bench_direction_name((enum bench_direction)d)))
			continue;
		*ret = (enum bench_direction)d;
		return 0;
	}
	return err_set(err, ERR_INVAL,
	    "direction: %.100s is none (higher or lower)", name);
}

const char *bench_workload_name(enum bench_workload workload)
{
	static const char *const names[BENCH_WORKLOADS] = {
	    [BENCH_FIO] = "fio",
	    [BENCH_SYSBENCH] = "sysbench",
	    [BENCH_GEEKBENCH] = "geekbench6",
	};

	return workload < BENCH_WORKLOADS ? names[workload] : "imported";
}

bool bench_unit_direction(const char *unit, enum bench_direction *ret)
{
	static const char *const lower[] = {"s", "sec", "second", "seconds",
	    "ms", "millisecond", "milliseconds", "us", "microsecond",
	    "microseconds", "ns", "nanosecond", "nanoseconds", "minutes",
	    "cycle", "cycles", "clock cycles", "ticks", "exits", "exits/s",
	    "ns/op", "us/op", "ms/op", "cycles/op"};
	static const char *const higher[] = {"points", "score", "mips", "fps",
	    "iops", "flops", "gflops", "mflops"};
	static const char *const ends[] = {
	    "/s", "/sec", "/second", " per second"};
	size_t len = strlen(unit);

	for (size_t i = 0; i < ARRAY_LEN(lower); i++)
		if (strcasecmp(unit, lower[i]) == 0) {
			*ret = BENCH_LOWER;
			return true;
		}
	*ret = BENCH_HIGHER;
	for (size_t i = 0; i < ARRAY_LEN(higher); i++)
		if (strcasecmp(unit, higher[i]) == 0)
			return true;
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		size_t n = strlen(ends[i]);

		if (len > n && strcasecmp(unit + len - n, ends[i]) == 0)
			return true;
	}
	return false;
}

static int fio_value(const struct bench_metric *m, const char *text, size_t len,
    double *ret, struct err *err)
{
	scoped(bench_fio_free) struct bench_fio *f = NULL;
	int r = bench_fio_parse(text, len, &f, err);

	return r < 0
	    ? r
	    : bench_fio_value(f,
	          str_ends(m->rw, "write") ? BENCH_FIO_WRITE : BENCH_FIO_READ,
	          0, ret, err);
}

static int sysbench_value(
    const char *text, size_t len, double *ret, struct err *err)
{
	struct bench_sysbench s;
	int r = bench_sysbench_parse(text, len, &s, err);

	if (r == 0 && s.events_per_second <= 0)
		r = err_set(err, ERR_PROTO, "sysbench did nothing");
	if (r == 0)
		*ret = s.events_per_second;
	return r;
}

int bench_metric_value(const struct bench_metric *m, const char *text,
    size_t len, double *ret, struct err *err)
{
	switch (m->workload) {
	case BENCH_FIO:
		return fio_value(m, text, len, ret, err);
	case BENCH_SYSBENCH:
		return sysbench_value(text, len, ret, err);
	default:
		return err_set(
		    err, ERR_INVAL, "%s: no output of it is read yet", m->name);
	}
}
