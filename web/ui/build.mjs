// SPDX-License-Identifier: GPL-3.0-or-later
// node build.mjs OUTDIR: bundles src/ into OUTDIR/{index.html,app.js,app.css},
// and copies favicon.svg there.
import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { argv, exit, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import { createRequire } from 'node:module';

const out = argv[2];
if (!out || argv.length > 3) {
	stderr.write('usage: node build.mjs OUTDIR\n');
	exit(2);
}

// The packages are looked for from the working folder: node_modules is in the
// build folder, the sources need not be.
const require = createRequire(join(process.cwd(), 'package.json'));
const esbuild = require('esbuild');
const here = dirname(fileURLToPath(import.meta.url));

mkdirSync(out, { recursive: true });
const result = await esbuild.build({
	entryPoints: { app: join(here, 'src/main.tsx') },
	outdir: out,
	bundle: true,
	minify: true,
	format: 'esm',
	target: 'es2022',
	charset: 'utf8',
	legalComments: 'inline',
	jsx: 'automatic',
	jsxImportSource: 'preact',
	nodePaths: [join(process.cwd(), 'node_modules')],
	tsconfig: join(here, 'tsconfig.json'),
	write: false,
	logLevel: 'warning',
});

// The document names what it loads by its hash: a browser never mixes two
// versions.
let html = readFileSync(join(here, 'src/index.html'), 'utf8');
for (const file of result.outputFiles) {
	const name = file.path.slice(file.path.lastIndexOf('/') + 1);
	const hash = createHash('sha256').update(file.contents).digest('hex');
	html = html.replaceAll(`/assets/${name}`,
		`/assets/${name}?v=${hash.slice(0, 16)}`);
	writeFileSync(join(out, name), file.contents);
}
copyFileSync(join(here, 'src/favicon.svg'), join(out, 'favicon.svg'));
writeFileSync(join(out, 'index.html'), html);
