// SPDX-License-Identifier: GPL-3.0-or-later
// A token becomes a cookie, and the person goes back to where they came from.
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { ApiError, type Session } from '../api';
import { go, useAddress } from '../router';
import { safePath } from '../safe_path';
import { logIn, logOut, useSession } from '../session';
import { Command, useTitle } from '../widgets';

function Who({ who, next }: { who: Session; next: string }): JSX.Element {
	return (
		<div class="alert ok">
			<p>
				You are <b>{who.name}</b>, and may {who.scopes.join(', ')}. <a href={next}>Go on</a>
				{' '}or <button type="button" onClick={() => void logOut()}>Log out</button>
			</p>
		</div>
	);
}

function wrong(e: unknown): string {
	if (e instanceof ApiError && e.status === 401)
		return 'This is no token of this daemon. Look for a missing character at either end.';
	return e instanceof Error ? e.message : String(e);
}

export function LoginPage(): JSX.Element {
	useTitle('Log in');
	const next = safePath(useAddress().query.get('next'), location.origin);
	const who = useSession();
	const [token, setToken] = useState('');
	const [error, setError] = useState('');
	const [busy, setBusy] = useState(false);
	const submit = async (e: Event): Promise<void> => {
		e.preventDefault();
		setBusy(true);
		setError('');
		try {
			await logIn(token.trim());
			go(next, true);
		} catch (reason) {
			setError(wrong(reason));
			setBusy(false);
		}
	};
	return (
		<div class="narrow">
			<h1>Log in</h1>
			{who?.name && <Who who={who} next={next} />}
			<p class="sub">
				{who && !who.open_reads
					? 'This daemon shows its pages to those who have a token.'
					: 'Everybody may read here. Acts such as Rerun, Cancel and Offline need a token.'}
			</p>
			<form onSubmit={(e) => void submit(e)}>
				<label class="field">Token
					<input type="password" name="token" required autoFocus autocomplete="current-password"
						spellcheck={false} value={token} aria-invalid={!!error}
						aria-describedby={error ? 'wrong' : undefined}
						onInput={(e) => setToken(e.currentTarget.value)} />
				</label>
				{error && <p id="wrong" class="bad" role="alert">{error}</p>}
				<button type="submit" class="primary" disabled={busy}>Log in</button>
			</form>
			<h2>No token yet?</h2>
			<p>Who runs the lab makes one, on the computer where the daemon is:</p>
			<Command>ironbenchd token add NAME --scope read,submit,operate --state DIR</Command>
			<p class="sub">
				It is printed once. “read” shows pages, “submit” starts, reruns and cancels runs,
				“operate” takes machines out of service and back. The browser keeps it as a cookie that
				no script can read.
			</p>
		</div>
	);
}
