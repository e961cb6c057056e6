/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stand-in for QEMU and the guest in it. */
#ifndef TESTS_UNIT_AGENT_HYPERVISOR_H
#define TESTS_UNIT_AGENT_HYPERVISOR_H

/*
 * Does what the words in the file given as -kernel say (good, slow, hang,
 * panic, error, crash, nohost, endless, noisy, exact, dies-at-N, dies-from-N).
 * endless survives the agent, in the middle of its second measurement; exact
 * takes the time that clocks need to agree; a boot that dies has measured once.
 * Returns the exit code.
 */
int agent_hypervisor(char **argv);

#endif
