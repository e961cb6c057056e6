// SPDX-License-Identifier: GPL-3.0-or-later
// What an event says of a cell, and what a reading says: the later one counts.
import type { Cell, JobState } from './api';

export interface Patch {
	at: number; // when it came, as performance.now()
	sign: string;
	state: JobState;
	machine: string;
}

// A cell, and where its job is now, if an event said so.
export interface LiveCell extends Cell {
	machine?: string;
}

// A reading that was asked for after an event knows what that said, but for the
// machine.
export function live(cell: LiveCell | null, patch: Patch | undefined,
	askedAt: number): LiveCell | null {
	if (!cell || !patch)
		return cell;
	if (patch.at > askedAt)
		return { ...cell, sign: patch.sign, state: patch.state, machine: patch.machine };
	return cell.state === patch.state ? { ...cell, machine: patch.machine } : cell;
}
