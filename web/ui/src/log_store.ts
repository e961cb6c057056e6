// SPDX-License-Identifier: GPL-3.0-or-later
// The bytes of a console and where its lines begin, made for a million lines
// that keep growing: bytes are copied once, into blocks; nothing is joined.
//
// Two ways to count: an offset is the daemon's, over all bytes that arrived,
// also those that were not kept; a position is ours, over the bytes that are
// here and the marker lines that stand for those that are not.

const BLOCK_BITS = 20;
const BLOCK_BYTES = 1 << BLOCK_BITS;
const NEWLINE = 10;
const RETURN = 13;

// Positions from at on are offsets from offset on; a marker's bytes all stand
// for the offset where the gap begins.
interface Stretch {
	at: number;
	offset: number;
	marker: boolean;
}

export class LogStore {
	private blocks: Uint8Array[] = [];
	private starts = new Uint32Array(1024); // positions where lines begin
	private nStarts = 0;
	private length = 0;
	private stretches: Stretch[] = [];
	private next = 0;
	private atLineStart = true;

	// The offset of the byte that is wanted next.
	get end(): number {
		return this.next;
	}

	// Bytes here, markers included.
	get size(): number {
		return this.length;
	}

	// Lines, also the last one if it is not complete.
	get lines(): number {
		return this.nStarts;
	}

	// Takes bytes that begin at offset. What is here already is left out, what
	// is missing before them becomes a marker line.
	append(bytes: Uint8Array, offset: number): void {
		if (offset < this.next) {
			bytes = bytes.subarray(Math.min(bytes.length, this.next - offset));
			offset = this.next;
		}
		if (!bytes.length)
			return;
		if (offset > this.next)
			this.mark(offset);
		const last = this.stretches[this.stretches.length - 1];
		if (!last || last.marker)
			this.stretches.push({ at: this.length, offset, marker: false });
		this.put(bytes);
		this.next = offset + bytes.length;
	}

	private mark(offset: number): void {
		this.stretches.push({ at: this.length, offset: this.next, marker: true });
		const missing = offset - this.next;
		const text = `${this.atLineStart ? '' : '\n'}[ironbench: ${missing} bytes were not kept]\n`;
		this.put(new TextEncoder().encode(text));
		this.next = offset;
	}

	private put(bytes: Uint8Array): void {
		for (let done = 0; done < bytes.length;) {
			const at = this.length & (BLOCK_BYTES - 1);
			if (!at)
				this.blocks.push(new Uint8Array(BLOCK_BYTES));
			const part = bytes.subarray(done, done + BLOCK_BYTES - at);
			(this.blocks[this.blocks.length - 1] as Uint8Array).set(part, at);
			this.index(part);
			this.length += part.length;
			done += part.length;
		}
	}

	private index(part: Uint8Array): void {
		for (let i = 0; i < part.length;) {
			if (this.atLineStart)
				this.begin(this.length + i);
			const newline = part.indexOf(NEWLINE, i);
			this.atLineStart = newline >= 0;
			i = newline < 0 ? part.length : newline + 1;
		}
	}

	private begin(position: number): void {
		if (this.nStarts === this.starts.length) {
			const more = new Uint32Array(this.nStarts * 2);
			more.set(this.starts);
			this.starts = more;
		}
		this.starts[this.nStarts++] = position;
	}

	// Where line i begins, as a position; behind the last one, the end.
	start(i: number): number {
		return i < this.nStarts ? this.starts[i] as number : this.length;
	}

	// Where line i ends: its line break, CR LF as well as LF, is not part of it.
	lineEnd(i: number): number {
		let end = this.start(i + 1);
		const from = this.start(i);
		if (end > from && this.byte(end - 1) === NEWLINE)
			end--;
		while (end > from && this.byte(end - 1) === RETURN)
			end--;
		return end;
	}

	byte(position: number): number {
		const block = this.blocks[position >>> BLOCK_BITS];
		return block ? block[position & (BLOCK_BYTES - 1)] as number : 0;
	}

	// The bytes of line i, at most max of them: one view, or a copy where a
	// line reaches over two blocks.
	line(i: number, max: number): { bytes: Uint8Array; left: number } {
		const from = this.start(i);
		const end = this.lineEnd(i);
		const to = Math.min(end, from + max);
		return { bytes: this.slice(from, to), left: end - to };
	}

	private slice(from: number, to: number): Uint8Array {
		const first = from >>> BLOCK_BITS;
		const at = from & (BLOCK_BYTES - 1);
		if (to <= from)
			return new Uint8Array();
		if (at + to - from <= BLOCK_BYTES)
			return (this.blocks[first] as Uint8Array).subarray(at, at + to - from);
		const copy = new Uint8Array(to - from);
		for (let position = from; position < to;) {
			const inBlock = position & (BLOCK_BYTES - 1);
			const n = Math.min(to - position, BLOCK_BYTES - inBlock);
			const block = this.blocks[position >>> BLOCK_BITS] as Uint8Array;
			copy.set(block.subarray(inBlock, inBlock + n), position - from);
			position += n;
		}
		return copy;
	}

	// The line (from 0) that has the byte at a position; -1: there is none yet.
	lineAt(position: number): number {
		let low = 0;
		let high = this.nStarts;
		if (position >= this.length)
			return -1;
		while (low < high) {
			const middle = (low + high) >>> 1;
			if ((this.starts[middle] as number) <= position)
				low = middle + 1;
			else
				high = middle;
		}
		return low - 1;
	}

	// The line that has the byte at an offset: the marker's for one that was not
	// kept, -1 for one that is not here yet.
	lineOfOffset(offset: number): number {
		if (offset < 0 || offset >= this.next)
			return -1;
		for (let i = this.stretches.length - 1; i >= 0; i--) {
			const s = this.stretches[i] as Stretch;
			if (offset < s.offset)
				continue;
			if (s.marker) // the line behind the break that mark() put first
				return this.lineAt((this.stretches[i + 1]?.at ?? this.length) - 1);
			return this.lineAt(s.at + offset - s.offset);
		}
		return -1;
	}

	// The offset of the byte at a position.
	offsetAt(position: number): number {
		for (let i = this.stretches.length - 1; i >= 0; i--) {
			const s = this.stretches[i] as Stretch;
			if (position >= s.at)
				return s.marker ? s.offset : s.offset + position - s.at;
		}
		return 0;
	}

	// Whether line i stands for bytes that were not kept.
	isMarker(i: number): boolean {
		const position = this.lineEnd(i) - 1;
		for (let k = this.stretches.length - 1; k >= 0; k--) {
			const s = this.stretches[k] as Stretch;
			if (position >= s.at)
				return s.marker;
		}
		return false;
	}
}
