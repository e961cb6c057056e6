// SPDX-License-Identifier: GPL-3.0-or-later
// When the bytes of a console arrived: pieces of [offset, time], ascending.

export class LogTimes {
	private offsets: number[] = [];
	private times: number[] = [];
	private known = 0;

	// Bytes before this offset have their time here.
	get end(): number {
		return this.known;
	}

	// What the daemon said of [.., to); what is here already is left out.
	add(pieces: readonly (readonly [number, number])[], to: number): void {
		for (const [offset, at] of pieces) {
			const last = this.offsets.length - 1;
			if (last >= 0 && offset <= (this.offsets[last] as number))
				continue;
			this.offsets.push(offset);
			this.times.push(at);
		}
		this.known = Math.max(this.known, to);
	}

	// When the byte at offset arrived; null: not known.
	at(offset: number): number | null {
		let low = 0;
		let high = this.offsets.length;
		if (offset >= this.known)
			return null;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((this.offsets[middle] as number) <= offset)
				low = middle + 1;
			else
				high = middle;
		}
		return low ? this.times[low - 1] as number : null;
	}
}
