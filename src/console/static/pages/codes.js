// Enrolment codes of a hub: for a new server, or for a machine that replaces one; as text and as a QR code.
import { html, useState } from '../lib.js';
import { t } from '../i18n.js';
import { get, post } from '../api.js';
import { hubAtLeast } from '../session.js';
import { Qr } from '../qr.js';
import { Button, Card, Field, Name, Note, Page, Problem, say, Select, useAction, useLoad } from '../parts.js';

export default function Codes() {
  const [kind, setKind] = useState('name');
  const [name, setName] = useState('');
  const [origin, setOrigin] = useState('');
  const [made, setMade] = useState(null);
  const fleet = useLoad(() => get('/sync/v1/fleet', { limit: 1_000 }), []);
  const make = useAction(async () => {
    const { code } = await post('/sync/v1/codes', kind === 'name' ? { name: name.trim() } : { origin });
    const known = fleet.data?.origins.find((one) => one.origin === origin);
    setMade({ code, for: kind === 'name' ? name.trim() : known?.name ?? origin });
  });
  const copy = async () => {
    try { await navigator.clipboard.writeText(made.code); say(t('codes.copied')); } catch { say(t('codes.notcopied'), 'bad'); }
  };
  const origins = [['', t('codes.choose')], ...(fleet.data?.origins ?? []).map((one) => [one.origin, one.name])];
  return html`<${Page} title=${t('nav.codes')} lead=${t('codes.lead')}>
    ${!hubAtLeast('administer') ? html`<${Note}><p>${t('codes.denied')}</p></${Note}>` : html`<div class="two">
      <${Card} title=${t('codes.make')}><form class="stack" onSubmit=${(event) => { event.preventDefault(); make.run(); }}>
        <${Select} label=${t('codes.for')} value=${kind} options=${[['name', t('codes.new')], ['origin', t('codes.replace')]]} onChange=${setKind} />
        ${kind === 'name' ? html`<${Field} label=${t('codes.name')} hint=${t('codes.name.hint')} required maxlength="200" value=${name} onInput=${(event) => setName(event.target.value)} />`
          : html`<${Select} label=${t('fleet.server')} value=${origin} options=${origins} onChange=${setOrigin} /><${Note} kind="warn"><p>${t('codes.replace.text')}</p></${Note}>`}
        ${make.error && html`<${Problem} error=${make.error} />`}
        <div class="actions"><button class="button primary" disabled=${make.isBusy || (kind === 'origin' && !origin)}>${t('codes.do')}</button></div></form></${Card}>
      ${made && html`<${Card} title=${t('codes.made')}>
        <p><${Name} of=${made.for} /></p><${Qr} text=${made.code} label=${t('codes.qr')} /><p class="code" id="enrolment-code">${made.code}</p>
        <div class="actions"><${Button} icon="copy" onClick=${copy}>${t('codes.copy')}</${Button}></div><p class="hint">${t('codes.once')}</p></${Card}>`}
    </div>`}
  </${Page}>`;
}
