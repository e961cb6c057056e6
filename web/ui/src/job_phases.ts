// SPDX-License-Identifier: GPL-3.0-or-later
// What an attempt spent its time on, from the events of its job.
import type { JobEvent, Layer, Outcome } from './api';

export interface Phase {
	name: string;
	from_ms: number;
	to_ms: number | null; // null: it lasts
	// How it went: what decided the attempt in this phase, if it was bad.
	tone: '' | 'test' | 'bad' | 'lab';
}

// A step's text says what was reached; what led there is named here.
const reached: Record<string, string> = {
	'off verified': 'off, verified',
	'on verified': 'on',
	'script served': 'network boot',
	'specification made': 'specification',
};

// What comes after a step, for what has not got anywhere yet.
const following: Record<string, string> = {
	'off verified': 'on',
	'on verified': 'network boot',
	'specification made': 'connection',
};

function toneOfVerdict(outcome: Outcome | null, expected: boolean): Phase['tone'] {
	if (outcome === 'error')
		return 'lab';
	if ((outcome === 'fail' || outcome === 'timeout') && !expected)
		return 'bad';
	return 'test';
}

class Builder {
	phases: Phase[] = [];
	private from = 0;
	name = 'off';

	begin(at: number, name: string): void {
		this.from = at;
		this.name = name;
	}

	// What takes no time is not worth a name, unless it decided something.
	end(at: number, tone: Phase['tone'] = ''): void {
		if (at > this.from || tone)
			this.phases.push({ name: this.name, from_ms: this.from, to_ms: at, tone });
	}

	last(): void {
		this.phases.push({ name: this.name, from_ms: this.from, to_ms: null,
			tone: this.name === 'test' ? 'test' : '' });
	}

	// The verdict fell after a phase that had ended: it is of the test.
	judge(tone: Phase['tone']): boolean {
		const test = [...this.phases].reverse().find((p) => p.name === 'test');
		if (test)
			test.tone = tone;
		return !!test;
	}
}

// An attempt's events: from its lease on, which names it, to the next one's.
export function ofAttempt(events: readonly JobEvent[], attempt: number): JobEvent[] {
	let current: number | null = null;
	return events.filter((e) => {
		current = e.attempt ?? current;
		return current === attempt;
	});
}

// The phases of one attempt, in order; expected: bad was what it should be.
export function phases(events: readonly JobEvent[], attempt: number, expected: boolean): Phase[] {
	const b = new Builder();
	let open = false;
	for (const e of ofAttempt(events, attempt)) {
		switch (e.event) {
		case 'lease':
			b.begin(e.at_ms, 'off');
			open = true;
			break;
		case 'step':
			if (!open || b.name === 'test')
				break; // a reset: the test goes on
			b.name = reached[e.text ?? ''] ?? e.text ?? b.name;
			b.end(e.at_ms);
			b.begin(e.at_ms, following[e.text ?? ''] ?? 'preparation');
			break;
		case 'run':
			b.end(e.at_ms);
			b.begin(e.at_ms, 'test');
			break;
		case 'exit':
			b.end(e.at_ms, 'test');
			b.begin(e.at_ms, 'collection');
			break;
		case 'collected':
		case 'abort': {
			const tone = toneOfVerdict(e.outcome, expected);
			const later = e.event === 'collected' && b.judge(tone);
			b.end(e.at_ms, later ? '' : tone);
			b.begin(e.at_ms, 'cleanup');
			break;
		}
		case 'reboot':
			b.end(e.at_ms, 'test');
			b.begin(e.at_ms, 'off');
			break;
		case 'done':
		case 'requeue':
		case 'cancel':
			if (open)
				b.end(e.at_ms);
			open = false;
			break;
		default:
			break;
		}
	}
	if (open)
		b.last();
	return b.phases;
}

const layers: Partial<Record<Layer, string>> = {
	power: 'the power control',
	boot: 'the network boot',
	console: 'the serial console',
	ssh: 'the SSH connection',
	agent: 'the agent on the machine',
	host: 'the host',
	vm: 'the virtual machine',
	guest: 'the guest',
	harness: 'ironbench itself, or in the build',
};

// Whose fault an error is, in words.
export function layerWords(layer: Layer): string {
	return layers[layer] ?? '';
}
