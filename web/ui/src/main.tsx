// SPDX-License-Identifier: GPL-3.0-or-later
import './style.css';
import { render } from 'preact';
import { App } from './app';
import { applyTheme } from './theme';

applyTheme();
render(<App />, document.getElementById('app') as HTMLElement);
