// The audit trail: what was done, by whom, from where, and what it changed.
import { html, useLayoutEffect, useState } from '../lib.js';
import { dateTime, namesUnder, t, tOr } from '../i18n.js';
import { get } from '../api.js';
import { atLeast } from '../session.js';
import { setQuery } from '../route.js';
import { JsonDiff } from '../diff.js';
import { Sides } from '../configs.js';
import { Described, ObjectName } from '../trail.js';
import { UndoButton } from '../undo.js';
import { Badge, Button, Card, clip, Facts, Field, Icon, Id, Loaded, Name, Note, Page, Pager, Problem, Select, useAction, useLoad } from '../parts.js';

const LIMIT = 50;
const CONFIGS = 'PbxAppMobileConfigs';
const NAMES = ['customer', 'section', 'item', 'by', 'operation', 'since', 'until', 'refused'];

function Chain() {
  const [proof, setProof] = useState(null);
  const check = useAction(async () => { setProof(null); setProof(await get('/local/audit/verify')); });
  return html`<${Card} title=${t('audit.chain')} actions=${html`<${Button} icon="check" isBusy=${check.isBusy} onClick=${() => check.run()}>${t('audit.verify')}</${Button}>`}>
    ${!proof && !check.error && html`<p class="hint">${t('audit.chain.text')}</p>`}
    ${check.error && html`<${Problem} error=${check.error} />`}
    ${proof?.ok && html`<${Note} kind="good" role="status"><p>${t('audit.whole', { count: proof.entries })}</p><p><${Id} of=${proof.head} /></p></${Note}>`}
    ${proof && !proof.ok && html`<${Note} kind="bad" role="alert"><p>${t('audit.broken')}</p><ul>${proof.faults.map((fault) => html`<li key=${fault} lang="en">${clip(fault)}</li>`)}</ul></${Note}>`}
  </${Card}>`;
}

/** A filter that is typed: it counts when the field is left or Enter is pressed, and what is typed stays while the list is read again. */
function Typed({ value, onChange, ...rest }) {
  const [typed, setTyped] = useState(value);
  useLayoutEffect(() => setTyped(value), [value]);
  return html`<${Field} ...${rest} value=${typed} onInput=${(event) => setTyped(event.target.value)} onChange=${(event) => onChange(event.target.value.trim())} />`;
}

function Filters({ query }) {
  const set = (name) => (value) => setQuery({ [name]: value, offset: '' });
  const offered = (prefix) => [['', t('any')], ...namesUnder(prefix).map((name) => [name, t(`${prefix}${name}`)])];
  const actions = offered('action.');
  // An operation in the address is the id that the entries of one write share.
  if (query.operation && !actions.some(([name]) => name === query.operation)) actions.push([query.operation, t('audit.one')]);
  return html`<${Card}><div class="filters">
    <${Select} label=${t('audit.section')} value=${query.section ?? ''} options=${offered('section.')} onChange=${set('section')} />
    <${Select} label=${t('audit.action')} value=${query.operation ?? ''} options=${actions} onChange=${set('operation')} />
    <${Select} label=${t('audit.outcome')} value=${query.refused ?? ''} options=${[['', t('any')], ['false', t('audit.accepted')], ['true', t('audit.refused')]]} onChange=${set('refused')} />
    <${Typed} label=${t('audit.by')} value=${query.by ?? ''} onChange=${set('by')} maxlength="200" />
    <${Typed} label=${t('audit.since')} type="date" value=${query.since ?? ''} onChange=${set('since')} />
    <${Typed} label=${t('audit.until')} type="date" value=${query.until ?? ''} onChange=${set('until')} />
    <${Typed} label=${t('audit.item')} value=${query.item ?? ''} onChange=${set('item')} maxlength="24" spellcheck="false" />
    <${Button} onClick=${() => setQuery(Object.fromEntries([...NAMES, 'offset'].map((name) => [name, ''])))}>${t('audit.clear')}</${Button}>
  </div></${Card}>`;
}

function Who({ of }) {
  if (!of) return html`<span>${t('audit.hidden')}</span>`;
  return html`<span><${Name} of=${of.name} />${of.impersonator && html` <small>${t('audit.through')} <${Name} of=${of.impersonator.name} /></small>`}</span>`;
}

const From = ({ of }) => (of ? html`<span>${tOr(`way.${of.way}`, of.way)}${of.address && html` <span class="mono">${clip(of.address, 60)}</span>`}</span>` : '–');

/** Before and after, which the list leaves out; asked for when an entry is opened. */
function Change({ entry }) {
  const loaded = useLoad(async () => {
    const page = await get('/local/audit', { item: entry.item, operation: entry.operation, limit: 100 });
    return page.entries.find(({ seq }) => seq === entry.seq) ?? entry;
  }, [entry.seq]);
  return html`<${Loaded} of=${loaded}>${(of) => {
    if (!of.before && !of.after) return html`<p class="hint">${t(of.refused ? 'diff.refused' : 'diff.none')}</p>`;
    return of.section === CONFIGS ? html`<${Sides} before=${of.before} after=${of.after} />` : html`<${JsonDiff} before=${of.before} after=${of.after} />`;
  }}</${Loaded}>`;
}

function Entry({ entry, reload }) {
  const [isOpen, setOpen] = useState(false);
  const isUndoable = entry.section === CONFIGS && !entry.refused;
  return html`<details class="target event" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary><${Icon} name="right" />
      <span class="event-what"><strong>${tOr(`action.${entry.action}`, entry.action)}: ${tOr(`section.${entry.section}`, entry.section)}</strong> <${ObjectName} of=${entry} /> ${entry.refused && html`<${Badge} kind="bad">${t('audit.refused')}</${Badge}>`}
        <${Described} entry=${entry} /></span>
      <span class="event-who"><${Who} of=${entry.who} /><small><${From} of=${entry.from} /></small></span>
      <time class="event-time" datetime=${entry.time}>${dateTime(entry.time)}</time></summary>
    ${isOpen && html`<div class="target-body stack">
      <${Change} entry=${entry} />
      <${Facts} of=${[
        [t('audit.number'), String(entry.seq)],
        [t('audit.who'), html`<${Who} of=${entry.who} /> ${entry.who?.accessLevel && html`<${Badge}>${t(`level.${entry.who.accessLevel}`)}</${Badge}>`}`],
        [t('audit.from'), html`<${From} of=${entry.from} />`],
        entry.from?.request && [t('audit.request'), html`<${Id} of=${entry.from.request} />`],
        [t('audit.item'), html`${entry.objectName && html`<${Name} of=${entry.objectName} /> `}<${Id} of=${entry.item} /> <button type="button" class="button ghost small" onClick=${() => setQuery({ item: entry.item, offset: '' })}>${t('audit.only')}</button>`],
        [t('operation'), html`<${Id} of=${entry.operation} /> <button type="button" class="button ghost small" onClick=${() => setQuery({ operation: entry.operation, offset: '' })}>${t('audit.only')}</button>`],
      ]} />
      ${isUndoable && html`<div class="actions"><${UndoButton} operation=${entry.operation} label=${t('undo.operation')} onUndone=${reload} /></div>`}
    </div>`}</details>`;
}

export default function Audit({ route }) {
  const { query } = route;
  const offset = Number(query.offset) || 0;
  const filters = Object.fromEntries(NAMES.map((name) => [name, query[name]]));
  const loaded = useLoad(() => get('/local/audit', { ...filters, offset, limit: LIMIT, brief: true }), [location.hash], (event) => event.name === 'change' && offset === 0);
  return html`<${Page} title=${t('nav.audit')} lead=${t('audit.lead')}>
    ${atLeast('ADMIN') && html`<${Chain} />`}
    <${Filters} query=${query} />
    <${Loaded} of=${loaded}>${(page) => html`
      <div class="stack">${page.entries.map((entry) => html`<${Entry} key=${entry.seq} entry=${entry} reload=${loaded.reload} />`)}</div>
      ${!page.entries.length && html`<p class="empty">${t('none.found')}</p>`}
      <${Pager} offset=${page.offset} limit=${page.limit} total=${page.total} onPage=${(next) => setQuery({ offset: String(next) })} />
      ${page.archived && html`<p class="hint">${t('audit.archived', { time: dateTime(page.archived.until) })}${page.archived.file && html` <span class="id">${page.archived.file}</span>`}</p>`}`}</${Loaded}>
  </${Page}>`;
}
