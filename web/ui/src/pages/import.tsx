// SPDX-License-Identifier: GPL-3.0-or-later
// One import: where its numbers come from, and all of them.
import '../pages.css';
import { Fragment, type JSX } from 'preact';
import type { ImportDetail } from '../api';
import { useApi } from '../data';
import { baseName, bytes } from '../format';
import { ImportCases, ImportRatios, ImportSamples, ImportVerdict } from '../import_parts';
import { useAddress, withQuery } from '../router';
import { ErrorBox, Skeleton, Time, useTitle } from '../widgets';

function Head({ im }: { im: ImportDetail }): JSX.Element {
	const facts = Object.entries(im.facts).filter(([key]) => key !== 'verdict' && key !== 'why');
	const why = im.facts['why'];
	return (
		<>
			<div class="sub">
				import {im.id} · {im.title} · imported <Time at={im.at_ms} /> by {im.who} ·{' '}
				<a class="l" href={`/api/v1/files/${im.sha256}`} download={baseName(im.name)} title={`SHA-256 ${im.sha256}`}>
					the file as it came, {bytes(im.size)}</a>
			</div>
			<h1 title={im.name}>{baseName(im.name)}</h1>
			{im.verdict && <p><ImportVerdict verdict={im.verdict} />{why && <span class="sub"> · {why}</span>}</p>}
			{facts.length > 0 && (
				<dl class="facts-list">
					{facts.map(([key, value]) => <Fragment key={key}><dt>{key}</dt><dd>{value}</dd></Fragment>)}
				</dl>
			)}
		</>
	);
}

export function ImportPage({ id }: { id: number }): JSX.Element {
	const { query } = useAddress();
	const only = query.get('case');
	const from = query.get('from');
	const asked = new URLSearchParams([...(only ? [['case', only]] : []), ...(from ? [['from', from]] : [])]);
	const { data: im, error, reload } = useApi<ImportDetail>(`/api/v1/imports/${id}?${asked}`);
	useTitle(im ? `${baseName(im.name)} · import ${id}` : `import ${id}`);
	if (!im)
		return error
			? <><h1>Import {id}</h1><ErrorBox what={`Import ${id} cannot be shown`} error={error} retry={reload} /></>
			: <><h1>Import {id}</h1><Skeleton lines={6} /></>;
	return (
		<>
			<Head im={im} />
			<ImportRatios im={im} />
			<ImportSamples im={im} />
			<ImportCases im={im} only={only} />
			{!im.samples && !im.ratios && !im.cases && <div class="empty">The file has nothing that was imported.</div>}
			{(from || im.next !== null) && (
				<nav class="pager" aria-label="Pages of the import">
					{from && <a href={withQuery({ from: null })}>First</a>}
					{im.next !== null && <a href={withQuery({ from: im.next })}>Next</a>}
				</nav>
			)}
		</>
	);
}
