// SPDX-License-Identifier: GPL-3.0-or-later
// The matrix for a spreadsheet: signs in the cells, RFC 4180.
import type { Matrix } from './api';

// A spreadsheet would run what begins like a formula; a sign is none.
function name(text: string): string {
	return field(/^[=+@\t\r-]/.test(text) ? `'${text}` : text);
}

function field(text: string): string {
	return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function matrixCsv(matrix: Matrix): string {
	const lines = [['item', ...matrix.platforms.map(name)]];
	matrix.items.forEach((item, i) =>
		lines.push([name(item), ...(matrix.rows[i] ?? []).map((cell) => field(cell?.sign ?? ''))]));
	return lines.map((line) => `${line.join(',')}\r\n`).join('');
}
