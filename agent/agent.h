/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The parts of the program ironbench-agent.
 *
 * Its folder (DIR, mode 0700), in which `run` stands as its working folder:
 *
 *   lock       held by `run`            start.lock  held while one is started
 *   sock       where `attach` connects  run.log     stderr of `run`
 *   state.json what must survive beside the journal, the fence first
 *   spec.json  specification of the attempt
 *   journal, journal.reserve
 *   files/     uploaded files by SHA-256, kept between attempts
 *   out/       raw outputs of the attempt by SHA-256
 *   work/      disks and sockets of the virtual machine that runs, and the
 *              kernel that tries KVM
 *   vm.pid     process id, start time and boot of the guard of its hypervisor
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <stdint.h>

#include <jansson.h>

#include "agent/wire.h"
#include "base/err.h"

/* ---- folder.c ------------------------------------------------------------ */

/* DIR by default; caller frees. */
char *folder_default(void);
/* Makes DIR and its folders, and checks owner and mode. Errors: DENIED, IO. */
int folder_make(const char *dir, struct err *err);
/* state.json of the working folder; nothing stored yet is all zero. */
int state_load(struct wire_saved *ret, struct err *err);
int state_save(const struct wire_saved *saved, struct err *err);
/* SHA-256 of a file in hexadecimal. */
int file_sha256(const char *path, char hex[HASH_HEX + 1], struct err *err);
/* This program's own hash, for hello. */
int program_sha256(char hex[HASH_HEX + 1], struct err *err);
/* The boot id of this machine, "unknown" where there is none. */
void boot_id(char to[64]);

/* ---- store.c: `cat`, `put` and `have` -------------------------------- */

#define STORE_FILE_MAX (64LL << 30)

/* "files/HASH" or "out/HASH", whichever exists; NULL if none. Caller frees. */
char *store_path(const char *sha256);
int store_cat(const char *sha256, int64_t from, struct err *err);
/*
 * Prints the offset from which it wants the file, reads the rest from standard
 * input, checks size and hash. What came stays for the next try unless it is
 * wrong. Errors: INVAL (wrong hash), LIMIT, AGAIN (input ended early), IO.
 */
int store_put(const char *sha256, int64_t size, struct err *err);
/* Prints each hash that is missing on a line. */
int store_have(char *const *hashes, int n, struct err *err);
/* Stores bytes in out/; hex gets their hash. */
int store_output(
    const void *data, size_t len, char hex[HASH_HEX + 1], struct err *err);

/* ---- attach.c, run.c, vm_exec.c -------------------------------------- */

/* Returns when either side closes. Starts `run` if there is none. */
int attach(const char *dir, struct err *err);
/*
 * Serves DIR until SIGTERM. ready_fd (or -1) is closed when it listens.
 * Errors: CONFLICT (another one runs), IO.
 */
int run(int ready_fd, struct err *err);
/*
 * Starts the program argv and stands guard over it, with its own id in vm.pid:
 * ends it and all that it has started when the parent parent_pid dies, and
 * ends as it does. Returns on errors only.
 */
int vm_exec(int64_t parent_pid, char **argv, struct err *err);
/*
 * Kills what vm.pid names, if it is still that process, and waits for its end.
 * Returns 1 if there was one, 0 if not. Errors: TIMEOUT, IO.
 */
int vm_kill_leftover(struct err *err);

/* ---- env.c ----------------------------------------------------------- */

/* Facts of this host, each as (key, value) of one line; changes nothing. */
void env_facts(
    void (*fact)(void *arg, const char *key, const char *value), void *arg);
/* Those that a measurement may change: load, temperatures, throttling. */
void env_readings(
    void (*fact)(void *arg, const char *key, const char *value), void *arg);

#endif
