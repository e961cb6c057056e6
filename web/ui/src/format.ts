// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers, times and sizes as people read them: the same words everywhere.

export function count(n: number): string {
	return n.toLocaleString('en-US');
}

// 1 item, 12 items
export function counted(n: number, one: string): string {
	return `${count(n)} ${one}${n === 1 ? '' : 's'}`;
}

// 850 ms, 4.2 s, 41 s, 4 m 12 s, 2 h 3 m
export function duration(ms: number): string {
	if (ms < 1000)
		return `${Math.max(0, Math.round(ms))} ms`;
	const s = ms / 1000;
	if (s < 10)
		return `${s.toFixed(1)} s`;
	if (s < 60)
		return `${Math.floor(s)} s`;
	if (s < 3600)
		return `${Math.floor(s / 60)} m ${Math.floor(s % 60)} s`;
	return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} m`;
}

// just now, 2 min ago, 3 h ago, 5 d ago; then the date
export function ago(atMs: number, nowMs: number): string {
	const s = Math.max(0, (nowMs - atMs) / 1000);
	if (s < 10)
		return 'just now';
	if (s < 60)
		return `${Math.floor(s)} s ago`;
	if (s < 3600)
		return `${Math.floor(s / 60)} min ago`;
	if (s < 86400)
		return `${Math.floor(s / 3600)} h ago`;
	if (s < 30 * 86400)
		return `${Math.floor(s / 86400)} d ago`;
	return new Date(atMs).toISOString().slice(0, 10);
}

export function utc(atMs: number): string {
	return `${new Date(atMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

// 22:13:58.142, of the day
export function clock(atMs: number): string {
	return new Date(atMs).toISOString().slice(11, 23);
}

export function bytes(n: number): string {
	if (n < 1024)
		return `${n} B`;
	if (n < 1024 * 1024)
		return `${(n / 1024).toFixed(1)} KiB`;
	if (n < 1024 ** 3)
		return `${(n / 1024 ** 2).toFixed(1)} MiB`;
	return `${(n / 1024 ** 3).toFixed(1)} GiB`;
}

// %#.3g: three significant digits, trailing zeros kept (1.00, 0.799, 12.3)
export function ratio(x: number): string {
	const text = x.toPrecision(3);
	if (!text.includes('e'))
		return text;
	return Number(text).toString();
}

// A number stays with its percent sign.
export function unbroken(text: string): string {
	return text.replaceAll(' %', '\u00a0%');
}

// The last part of a path.
export function baseName(path: string): string {
	return path.slice(path.lastIndexOf('/') + 1) || path;
}

export function shortCommit(sha: string): string {
	return sha.slice(0, 7);
}
