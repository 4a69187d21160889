// Signing in: on a server with user name and password, and a code where one is asked for; on a hub with an operator's token.
import { html, useEffect, useState } from './lib.js';
import { t, tOr } from './i18n.js';
import { isHub, signIn } from './session.js';
import { Button, Field, Note, Problem, useAction } from './parts.js';
import { Qr } from './qr.js';

/** What each answer asks of whoever signs in; the code of an error, or its status. */
function asked(error) {
  if (error?.code === 'authenticatorToken') return 'authenticatorToken';
  if (error?.code === 'smsKey') return 'smsKey';
  return null;
}

/** Says in this page's words what the server refused. Once the password was right, it is the code that is not. */
function Refusal({ error, factor }) {
  const what = factor && error.code === 'credentials_invalid' ? factor : error.code;
  const said = tOr(`signin.error.${what}`, null);
  return said ? html`<${Note} kind="bad" role="alert"><p>${said}</p></${Note}>` : html`<${Problem} error=${error} />`;
}

function ServerForm() {
  const [values, setValues] = useState({ username: '', password: '' });
  const [factor, setFactor] = useState(null);
  const [code, setCode] = useState('');
  const [fresh, setFresh] = useState(null);
  const [isForgotten, setForgotten] = useState(false);
  const submit = useAction(async () => {
    try {
      await signIn(factor ? { ...values, [factor]: code } : values);
    } catch (error) {
      const wanted = asked(error);
      // A key that the app does not have yet comes with the first answer.
      if (wanted && error.key) setFresh(error.key);
      if (wanted && wanted !== factor) { setFactor(wanted); setCode(''); return; }
      throw error;
    }
  });
  useEffect(() => { document.getElementById(factor ? 'code' : 'username')?.focus(); }, [factor]);
  const set = (name) => (event) => setValues({ ...values, [name]: event.target.value });
  const back = () => { setFactor(null); setFresh(null); setCode(''); submit.clear(); };
  return html`<form onSubmit=${(event) => { event.preventDefault(); submit.run(); }}>
    ${!factor && html`
      <div class="field"><label for="username">${t('signin.username')}</label>
        <input id="username" name="username" autocomplete="username" autocapitalize="none" spellcheck="false" required value=${values.username} onInput=${set('username')} /></div>
      <div class="field"><label for="password">${t('signin.password')}</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required value=${values.password} onInput=${set('password')} /></div>`}
    ${fresh && html`<div class="note info"><div class="grow stack"><p>${t('signin.fresh')}</p><${Qr} text=${fresh.totp} label=${t('signin.fresh.qr')} /><p><code>${fresh.key}</code></p></div></div>`}
    ${factor && html`<div class="field"><label for="code">${t(`signin.${factor}`)}</label>
        <input id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required value=${code} onInput=${(event) => setCode(event.target.value.trim())} aria-describedby="code-hint" />
        <p class="hint" id="code-hint">${t(`signin.${factor}.hint`)}</p></div>`}
    ${submit.error && html`<${Refusal} error=${submit.error} factor=${factor} />`}
    <button type="submit" class="button primary wide" disabled=${submit.isBusy} aria-busy=${submit.isBusy ? 'true' : undefined}>${submit.isBusy && html`<span class="spinner"></span>`}<span>${t('signin.do')}</span></button>
    ${factor
      ? html`<${Button} kind="ghost wide" onClick=${back}>${t('signin.back')}</${Button}>`
      : html`<${Button} kind="ghost wide" aria-expanded=${String(isForgotten)} onClick=${() => setForgotten(!isForgotten)}>${t('signin.forgotten')}</${Button}>`}
    ${isForgotten && !factor && html`<div class="note info"><div class="grow"><p>${t('signin.forgotten.text')}</p><p><code>telecomx-local admin password --login ${values.username || t('signin.forgotten.name')}</code></p><p>${t('signin.forgotten.db')}</p><p>${t('signin.forgotten.mail')}</p></div></div>`}
  </form>`;
}

function HubForm() {
  const [token, setToken] = useState('');
  const submit = useAction(() => signIn({ token: token.trim() }));
  return html`<form onSubmit=${(event) => { event.preventDefault(); submit.run(); }}>
    <${Field} label=${t('signin.token')} hint=${t('signin.token.hint')} type="password" name="token" autocomplete="off" required value=${token} onInput=${(event) => setToken(event.target.value)} />
    ${submit.error && html`<${Refusal} error=${submit.error} />`}
    <button type="submit" class="button primary wide" disabled=${submit.isBusy}><span>${t('signin.do')}</span></button>
  </form>`;
}

export function SignIn({ preferences }) {
  useEffect(() => { document.title = `${t('signin.title')} – telecomx-local`; });
  return html`<main class="alone">
    <div class="sign">
      <img src="icon.svg" alt="" width="44" height="44" />
      <h1>${t('signin.title')}</h1>
      <p class="lead">${t(isHub() ? 'signin.lead.hub' : 'signin.lead')}</p>
      ${isHub() ? html`<${HubForm} />` : html`<${ServerForm} />`}
    </div>
    ${preferences}
  </main>`;
}
