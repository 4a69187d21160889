// One server of a hub: its state, alarms, rows, quarantine and proposals.
import { html, useState } from '../lib.js';
import { ago, bytes, dateTime, number, t, tOr } from '../i18n.js';
import { get, post, request } from '../api.js';
import { hubAtLeast } from '../session.js';
import { setQuery } from '../route.js';
import { Badge, Button, Card, clip, Empty, Facts, Field, Figure, Icon, Id, Loaded, Name, Note, Page, Problem, say, Select, Table, useAction, useId, useEvery, useLoad } from '../parts.js';
import { KIND } from './fleet.js';

const TABLES = ['customer', 'employee', 'queue', 'mobile_config', 'pbx_object'];
const TASKS = ['sync', 'verify', 'diagnosis'];

async function find(id) {
  let after;
  do {
    const page = await get('/sync/v1/fleet', { limit: 1_000, after });
    const found = page.origins.find((one) => one.origin === id);
    if (found) return found;
    after = page.after;
  } while (after);
  throw new Error(t('origin.absent'));
}

function Alarm({ of, path, onDone }) {
  const [why, setWhy] = useState('');
  const known = of.acknowledged;
  const acknowledge = useAction(async () => { await post(`${path}/acknowledge`, { alarm: of.alarm, why }); say(t('origin.acknowledged')); await onDone(); });
  return html`<${Note} kind=${known ? 'warn' : 'bad'}><p><strong>${tOr(`alarm.${of.alarm}`, of.alarm)}</strong></p>
    ${known ? html`<p>${t('origin.known', { time: dateTime(known.at) })} <${Name} of=${known.by} />: <${Name} of=${known.why} /></p>`
      : hubAtLeast('administer') && html`<div class="tools"><${Field} label=${t('origin.why')} value=${why} onInput=${(event) => setWhy(event.target.value)} /><${Button} isBusy=${acknowledge.isBusy} onClick=${() => acknowledge.run()}>${t('origin.acknowledge')}</${Button}></div>`}
    ${acknowledge.error && html`<${Problem} error=${acknowledge.error} />`}</${Note}>`;
}

function Tags({ of, path, onDone }) {
  const [text, setText] = useState(of.tags.join(' '));
  const save = useAction(async () => {
    await request('PUT', `${path}/tags`, { tags: text.split(/[\s,]+/).filter(Boolean) });
    say(t('origin.tagged'));
    await onDone();
  });
  return html`<form class="tools" onSubmit=${(event) => { event.preventDefault(); save.run(); }}><${Field} label=${t('fleet.tags')} hint=${t('origin.tags.hint')} value=${text} onInput=${(event) => setText(event.target.value)} />
    <button class="button" disabled=${save.isBusy}>${t('save')}</button></form>${save.error && html`<${Problem} error=${save.error} />`}`;
}

function Row({ row }) {
  const [isOpen, setOpen] = useState(false);
  const name = row.v && typeof row.v === 'object' ? row.v.name : null;
  return html`<details class="target" onToggle=${(event) => setOpen(event.currentTarget.open)}><summary><${Icon} name="right" /><span class="grow">${name ? html`<${Name} of=${name} /> ` : ''}<${Id} of=${row.id} /></span><small>${t('origin.rev', { rev: row.rev })}</small></summary>
    ${isOpen && html`<pre class="code mono" dir="auto">${clip(JSON.stringify(row.v, null, 2), 20_000)}</pre>`}</details>`;
}

function Rows({ path, table, after }) {
  const loaded = useLoad(() => get(`${path}/rows`, { table, after }), [path, table, after]);
  return html`<${Card} title=${t('origin.rows')} actions=${html`<${Select} label=${t('origin.table')} value=${table} options=${TABLES.map((name) => [name, tOr(`table.${name}`, name)])} onChange=${(name) => setQuery({ table: name, after: '' })} />`}>
    <${Loaded} of=${loaded}>${(page) => html`
      <p class="hint">${t('origin.asof', { write: page.as_of })} <${Badge} kind=${page.consistent ? 'good' : 'warn'}>${t(page.consistent ? 'centre.consistent' : 'centre.differs')}</${Badge}></p>
      <div class="stack">${page.rows.map((row) => html`<${Row} key=${row.id} row=${row} />`)}</div>
      ${!page.rows.length && html`<${Empty}>${t('none')}</${Empty}>`}
      <div class="actions">${after && html`<${Button} onClick=${() => setQuery({ after: '' })}>${t('origin.first')}</${Button}>`}
        ${page.rows.length > 0 && page.after && html`<${Button} onClick=${() => setQuery({ after: page.after })}>${t('pager.next')}</${Button}>`}</div>`}</${Loaded}></${Card}>`;
}

function Quarantine({ path }) {
  const loaded = useLoad(() => get(`${path}/quarantine`), [path]);
  const columns = [
    { name: 'row', label: t('centre.row'), of: (row) => html`${tOr(`table.${row.table ?? row.t}`, row.table ?? row.t)}<small><${Id} of=${row.row ?? row.id} /></small>` },
    { name: 'why', label: t('centre.why'), of: (row) => html`<${Name} of=${row.detail ?? row.code} />` },
  ];
  return html`<${Card} title=${t('centre.quarantine')}><${Loaded} of=${loaded}>${({ quarantine }) => html`<${Table} caption=${t('centre.quarantine')} columns=${columns} rows=${quarantine.slice(0, 200)} rowKey=${(row) => `${row.table}/${row.row ?? row.id}`} none=${t('centre.quarantine.none')} />`}</${Loaded}></${Card}>`;
}

const what = (row) => (row.task ? t(`task.${row.task}`) : row.copy ? t('call.copy_config') : tOr(`table.${row.table}`, row.table));

function Propose({ path, onDone }) {
  const [how, setHow] = useState('task');
  const [task, setTask] = useState('sync');
  const [table, setTable] = useState('queue');
  const [values, setValues] = useState({ id: '', patch: '{ "name": "" }', from: '', to: '' });
  const set = (name) => (event) => setValues({ ...values, [name]: event.target.value });
  const send = useAction(async () => {
    let body = { task };
    if (how === 'patch') {
      let patch;
      try { patch = JSON.parse(values.patch); } catch { throw new Error(t('origin.notjson')); }
      body = { table, id: values.id.trim(), patch };
    }
    if (how === 'copy') body = { copy: { _id: values.from.trim(), copyTo: values.to.trim() } };
    await post(`${path}/proposals`, body);
    say(t('origin.filed'));
    await onDone();
  });
  const patchId = useId('patch');
  return html`<form class="stack" onSubmit=${(event) => { event.preventDefault(); send.run(); }}>
    <div class="filters">
      <${Select} label=${t('origin.what')} value=${how} options=${['task', 'patch', 'copy'].map((name) => [name, t(`origin.what.${name}`)])} onChange=${setHow} />
      ${how === 'task' && html`<${Select} label=${t('origin.task')} value=${task} options=${TASKS.map((name) => [name, t(`task.${name}`)])} onChange=${setTask} />`}
      ${how === 'patch' && html`<${Select} label=${t('origin.table')} value=${table} options=${TABLES.slice(0, 4).map((name) => [name, t(`table.${name}`)])} onChange=${setTable} /><${Field} label=${t('id')} required maxlength="24" value=${values.id} onInput=${set('id')} />`}
      ${how === 'copy' && html`<${Field} label=${t('origin.copy.from')} required maxlength="24" value=${values.from} onInput=${set('from')} /><${Field} label=${t('origin.copy.to')} required maxlength="24" value=${values.to} onInput=${set('to')} />`}
    </div>
    ${how === 'patch' && html`<div class="field"><label for=${patchId}>${t('origin.patch')}</label><textarea class="mono" rows="4" id=${patchId} value=${values.patch} onInput=${set('patch')}></textarea></div>`}
    ${send.error && html`<${Problem} error=${send.error} />`}
    <div class="actions"><button class="button primary" disabled=${send.isBusy}>${t('origin.send')}</button></div></form>`;
}

function Proposals({ path }) {
  const loaded = useLoad(async () => (await get(`${path}/proposals`)).proposals.reverse(), [path]);
  useEvery(10, loaded.reload);
  const columns = [
    { name: 'what', label: t('origin.what'), of: (row) => html`${what(row)}<small>${row.id && html`<${Id} of=${row.id} />`}</small>` },
    { name: 'result', label: t('result'), of: (row) => html`<${Badge} kind=${{ applied: 'good', conflict: 'warn', rejected: 'bad' }[row.result] ?? 'info'}>${tOr(`result.${row.result}`, t('result.none'))}</${Badge}>` },
    { name: 'detail', label: t('centre.why'), of: (row) => (row.report ? html`<details><summary>${t('origin.report')}</summary><pre class="code mono" dir="auto">${clip(JSON.stringify(row.report, null, 2), 20_000)}</pre></details>` : html`<${Name} of=${row.detail} />`) },
    { name: 'author', label: t('audit.who'), of: (row) => html`<${Name} of=${row.author} />` },
    { name: 'time', label: t('time'), of: (row) => dateTime(row.answeredAt ?? row.filedAt) },
  ];
  return html`<${Card} title=${t('centre.proposals')}>
    ${hubAtLeast('propose') && html`<${Propose} path=${path} onDone=${loaded.reload} />`}
    <${Loaded} of=${loaded}>${(rows) => html`<${Table} caption=${t('centre.proposals')} columns=${columns} rows=${rows.slice(0, 200)} rowKey=${(row) => row.uuid} none=${t('origin.proposals.none')} />`}</${Loaded}></${Card}>`;
}

export default function Origin({ route }) {
  const [id] = route.parts;
  const path = `/sync/v1/origins/${encodeURIComponent(id)}`;
  const loaded = useLoad(() => find(id), [id]);
  const unlock = useAction(async () => { await post(`${path}/unlock`); say(t('origin.unlocked')); await loaded.reload(); });
  useEvery(10, loaded.reload);
  return html`<${Page} title=${loaded.data?.name ?? t('fleet.server')} lead=${html`<${Id} of=${id} />`}
      actions=${loaded.data?.locked && hubAtLeast('administer') && html`<${Button} kind="danger" isBusy=${unlock.isBusy} onClick=${() => unlock.run()}>${t('origin.unlock')}</${Button}>`}>
    ${unlock.error && html`<${Problem} error=${unlock.error} />`}
    <${Loaded} of=${loaded}>${(of) => html`
      ${of.alarms.map((alarm) => html`<${Alarm} key=${alarm.alarm} of=${alarm} path=${path} onDone=${loaded.reload} />`)}
      <dl class="figures">
        <${Figure} label=${t('state')} kind=${KIND[of.state] ?? 'bad'} value=${tOr(`fleet.${of.state}`, of.state)} />
        <${Figure} label=${t('fleet.lag')} kind=${of.lagChanges ? 'warn' : ''} value=${t('changes', { count: of.lagChanges ?? 0 })} />
        <${Figure} label=${t('fleet.seen')} value=${of.lastSeen ? ago(of.lagSeconds) : t('never')} />
        <${Figure} label=${t('fleet.rows')} value=${of.storedRows === null ? '–' : number(of.storedRows)} hint=${bytes(of.storedBytes)} />
        <${Figure} label=${t('version')} value=${clip(of.version || '–', 60)} />
        <${Figure} label=${t('centre.proof')} value=${of.lastProof ? ago(of.lastProofAgeSeconds) : t('never')} />
      </dl>
      ${hubAtLeast('administer') && html`<${Card} title=${t('fleet.tags')}><${Tags} key=${of.tags.join()} of=${of} path=${path} onDone=${loaded.reload} /></${Card}>`}
      <${Rows} path=${path} table=${TABLES.includes(route.query.table) ? route.query.table : 'customer'} after=${route.query.after ?? ''} />
      ${of.quarantine > 0 && html`<${Quarantine} path=${path} />`}
      <${Proposals} path=${path} />
      <${Card} title=${t('centre.details')}><${Facts} of=${[
        [t('centre.high'), number(of.high ?? 0)], [t('centre.acked'), number(of.acked ?? 0)], [t('centre.stable'), number(of.stable ?? 0)],
        [t('centre.epoch'), String(of.epoch ?? '–')], [t('centre.forks'), number(of.forks ?? 0)], [t('centre.rewinds'), number(of.rewinds ?? 0)],
        of.movedTo && [t('origin.movedto'), html`<${Name} of=${of.movedTo} />`],
      ]} /></${Card}>`}</${Loaded}>
  </${Page}>`;
}
