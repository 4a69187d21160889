// The centre: how the mirror and the work with the platform stand, and what waits for somebody.
import { html, useMemo, useState } from '../lib.js';
import { ago, dateTime, duration, number, t, tOr } from '../i18n.js';
import { get, post } from '../api.js';
import { atLeast } from '../session.js';
import { setQuery, to } from '../route.js';
import { Plot } from '../plot.js';
import { Badge, Button, Card, clip, Empty, Facts, Field, Figure, Id, Loaded, Name, Note, Page, Pager, Problem, say, Table, useAction, useEvery, useLoad } from '../parts.js';

const LIMIT = 50;
const OF_CENTRE = (event) => event.name === 'sync';

function Figures({ status }) {
  const platform = status.platform ?? {};
  return html`<dl class="figures">
    <${Figure} label=${t('centre.mirror')} kind=${!status.enrolled ? '' : status.consistent ? 'good' : 'bad'} value=${t(!status.enrolled ? 'centre.alone' : status.consistent ? 'centre.consistent' : 'centre.differs')} hint=${status.enrolled && clip(status.hub, 120)} />
    ${status.enrolled && html`
      <${Figure} label=${t('centre.behind')} kind=${status.lagChanges ? 'warn' : ''} value=${t('changes', { count: status.lagChanges })} hint=${status.lagChanges ? t('centre.for', { time: duration(status.lagSeconds) }) : t('centre.everything')} />
      <${Figure} label=${t('centre.last')} kind=${status.reachable ? '' : 'warn'} value=${ago(status.lastSuccessAgeSeconds)} hint=${t(status.reachable ? 'centre.reachable' : 'centre.unreachable')} />
      <${Figure} label=${t('centre.proof')} value=${status.lastProof ? ago((Date.now() - new Date(status.lastProof)) / 1_000) : t('never')} />
      <${Figure} label=${t('centre.quarantine')} kind=${status.quarantine ? 'bad' : ''} value=${number(status.quarantine)} />`}
    ${platform.connected && html`
      <${Figure} label=${t('centre.platform')} kind=${platform.reachable ? 'good' : 'warn'} value=${t(platform.reachable ? 'centre.reachable' : 'centre.unreachable')} hint=${clip(platform.url, 120)} />
      <${Figure} label=${t('centre.waiting')} kind=${platform.waiting ? 'warn' : ''} value=${number(platform.waiting)} />
      <${Figure} label=${t('centre.conflicts')} kind=${platform.conflicts ? 'bad' : ''} value=${number(platform.conflicts)} />`}
  </dl>`;
}

function Lag() {
  const loaded = useLoad(() => get('/local/sync/history'), [], OF_CENTRE);
  useEvery(15, loaded.reload);
  const series = [{ label: t('centre.plot.changes'), scale: 'changes', stroke: '--accent' }, { label: t('centre.plot.seconds'), scale: 'seconds', stroke: '--warn' }];
  const data = useMemo(() => {
    const samples = loaded.data?.samples ?? [];
    return [samples.map(([time]) => time / 1_000), samples.map(([, changes]) => changes), samples.map(([, , seconds]) => seconds)];
  }, [loaded.data]);
  return html`<${Card} title=${t('centre.lag')}><${Loaded} of=${loaded}>${({ samples }) => (samples.length
    ? html`<${Plot} data=${data} series=${series} label=${t('centre.plot', { count: samples.length, most: Math.max(...data[1]) })} />`
    : html`<${Empty}>${t('centre.plot.none')}</${Empty}>`)}</${Loaded}></${Card}>`;
}

/** Buttons that settle one thing: each calls its URL, and the lists are read again. */
function Decide({ choices, onDone }) {
  const decide = useAction(async (path, done) => { await post(path); say(done); await onDone(); });
  return html`${choices.map(({ path, label, done, kind }) => html`<${Button} key=${path} kind=${`small ${kind ?? ''}`} isBusy=${decide.isBusy} onClick=${() => decide.run(path, done)}>${label}</${Button}>`)}
    ${decide.error && html`<${Problem} error=${decide.error} />`}`;
}

const shown = (error) => (typeof error === 'string' ? error : error?.error?.message ?? error?.message ?? JSON.stringify(error));

/** A value as a person reads it: text as it is, the rest as JSON. */
const valueOf = (value) => (value === undefined || value === null ? '–' : html`<${Name} of=${typeof value === 'string' ? value : JSON.stringify(value)} />`);

function Conflict({ of, onDone }) {
  const path = `/sync/conflicts/${of.id}`;
  const sides = { was: of.was ?? {}, mine: of.mine ?? {}, theirs: of.theirs ?? {} };
  const names = [...new Set(Object.values(sides).flatMap(Object.keys))];
  const columns = [
    { name: 'field', label: t('centre.field'), of: (name) => html`<strong><${Name} of=${name} /></strong>` },
    { name: 'was', label: t('centre.was'), of: (name) => valueOf(sides.was[name]) },
    { name: 'mine', label: t('mine'), of: (name) => valueOf(sides.mine[name]) },
    { name: 'theirs', label: t('centre.theirs'), of: (name) => (of.theirs === null ? t('centre.gone') : valueOf(sides.theirs[name])) },
  ];
  return html`<article class="stack"><div class="card-head"><h3>${tOr(`call.${of.call}`, of.call)} <${Id} of=${of.target} /></h3><small>${dateTime(of.createdAt)}</small></div>
    <${Table} caption=${tOr(`call.${of.call}`, of.call)} columns=${columns} rows=${names} rowKey=${(name) => name} none=${t(of.theirs === null ? 'centre.gone' : 'none')} />
    <div class="actions"><${Decide} onDone=${onDone} choices=${[
      { path: `${path}/mine`, label: t('centre.take.mine'), done: t('centre.taken.mine') },
      { path: `${path}/theirs`, label: t('centre.take.theirs'), done: t('centre.taken.theirs') },
    ]} /></div></article>`;
}

function Conflicts({ round, onDone }) {
  const loaded = useLoad(() => get('/sync/conflicts', { limit: LIMIT }), [round], OF_CENTRE);
  const again = async () => { await loaded.reload(); onDone(); };
  return html`<${Card} title=${t('centre.conflicts')}><${Loaded} of=${loaded}>${(page) => html`
    ${page.operations.map((of) => html`<${Conflict} key=${of.id} of=${of} onDone=${again} />`)}
    ${!page.total && html`<${Empty}>${t('centre.conflicts.none')}</${Empty}>`}
    ${page.total > page.operations.length && html`<p class="hint">${t('config.more', { count: page.total - page.operations.length })}</p>`}`}</${Loaded}></${Card}>`;
}

function Operations({ round, offset, onDone }) {
  const loaded = useLoad(() => get('/sync/operations', { limit: LIMIT, offset }), [offset, round], OF_CENTRE);
  const again = async () => { await loaded.reload(); onDone(); };
  const columns = [
    { name: 'call', label: t('centre.change'), of: (row) => html`${tOr(`call.${row.call}`, row.call)}<small><${Id} of=${row.target} /></small>` },
    { name: 'state', label: t('state'), of: (row) => html`<${Badge} kind=${{ waiting: 'info', conflict: 'bad', refused: 'bad' }[row.state] ?? ''}>${tOr(`opstate.${row.state}`, row.state)}</${Badge}>` },
    { name: 'error', label: t('centre.why'), of: (row) => (row.error ? html`<${Name} of=${shown(row.error)} />` : '–') },
    { name: 'time', label: t('time'), of: (row) => html`${dateTime(row.createdAt)}<small>${t('centre.tries', { count: row.tries })}</small>` },
    { name: 'act', label: '', kind: 'act', of: (row) => row.state !== 'conflict' && html`<${Decide} onDone=${again} choices=${[
      row.state === 'refused' && { path: `/sync/operations/${row.id}/retry`, label: t('again'), done: t('centre.retried') },
      { path: `/sync/operations/${row.id}/drop`, label: t('centre.drop'), done: t('centre.dropped'), kind: 'danger' },
    ].filter(Boolean)} />` },
  ];
  return html`<${Card} title=${t('centre.operations')}><${Loaded} of=${loaded}>${(page) => html`
    <${Table} caption=${t('centre.operations')} columns=${columns} rows=${page.operations} rowKey=${(row) => row.id} none=${t('centre.operations.none')} />
    <${Pager} offset=${page.offset} limit=${page.limit} total=${page.total} onPage=${(next) => setQuery({ operations: String(next) })} />`}</${Loaded}></${Card}>`;
}

function Quarantine({ round, onDone }) {
  const loaded = useLoad(() => get('/sync/quarantine'), [round], OF_CENTRE);
  const again = async () => { await loaded.reload(); onDone(); };
  const columns = [
    { name: 'row', label: t('centre.row'), of: (row) => html`${tOr(`table.${row.table}`, row.table)}<small><${Id} of=${row.row} /></small>` },
    { name: 'why', label: t('centre.why'), of: (row) => html`<span lang="en"><${Name} of=${row.detail} /></span><small><${Id} of=${row.code} /></small>` },
    { name: 'time', label: t('centre.since'), of: (row) => html`${dateTime(row.firstSeen ?? row.first_seen)}<small>${t('centre.tries', { count: row.tries })}</small>` },
    { name: 'act', label: '', kind: 'act', of: (row) => html`<${Decide} onDone=${again} choices=${[
      { path: `/sync/quarantine/${row.id}/retry`, label: t('again'), done: t('centre.retried') },
      { path: `/sync/quarantine/${row.id}/drop`, label: t('centre.drop'), done: t('centre.dropped'), kind: 'danger' },
    ]} />` },
  ];
  return html`<${Card} title=${t('centre.quarantine')}><${Loaded} of=${loaded}>${({ quarantine }) => html`
    <${Table} caption=${t('centre.quarantine')} columns=${columns} rows=${quarantine.slice(0, 200)} rowKey=${(row) => row.id} none=${t('centre.quarantine.none')} />`}</${Loaded}></${Card}>`;
}

function Proposals({ round, offset }) {
  const loaded = useLoad(() => get('/local/sync/proposals', { limit: LIMIT, offset }), [offset, round], OF_CENTRE);
  const columns = [
    { name: 'result', label: t('result'), of: (row) => html`<${Badge} kind=${{ applied: 'good', conflict: 'warn', rejected: 'bad' }[row.result] ?? ''}>${tOr(`result.${row.result}`, row.result)}</${Badge}>` },
    { name: 'detail', label: t('centre.why'), of: (row) => html`<${Name} of=${row.detail} /><small><${Id} of=${row.id} /></small>` },
    { name: 'time', label: t('centre.answered'), of: (row) => dateTime(row.answeredAt) },
    { name: 'told', label: t('hub'), of: (row) => t(row.isDelivered ? 'centre.told' : 'centre.nottold') },
  ];
  return html`<${Card} title=${t('centre.proposals')}><${Loaded} of=${loaded}>${(page) => html`
    <${Table} caption=${t('centre.proposals')} columns=${columns} rows=${page.proposals} rowKey=${(row) => row.id} none=${t('centre.proposals.none')} />
    <${Pager} offset=${page.offset} limit=${page.limit} total=${page.total} onPage=${(next) => setQuery({ proposals: String(next) })} />`}</${Loaded}></${Card}>`;
}

function Enrol({ onDone }) {
  const [url, setUrl] = useState('');
  const [code, setCode] = useState('');
  const enrol = useAction(async () => { await post('/sync/enroll', { url: url.trim(), code: code.trim() }); say(t('centre.enrolled')); await onDone(); });
  return html`<${Card} title=${t('centre.enrol')}><p class="hint">${t('centre.enrol.text')}</p>
    <form class="filters" onSubmit=${(event) => { event.preventDefault(); enrol.run(); }}>
      <${Field} label=${t('centre.url')} type="url" required placeholder="https://hub.example.com:8444" value=${url} onInput=${(event) => setUrl(event.target.value)} />
      <${Field} label=${t('centre.code')} required autocomplete="off" spellcheck="false" value=${code} onInput=${(event) => setCode(event.target.value)} />
      <button type="submit" class="button primary" disabled=${enrol.isBusy}>${t('centre.enrol.do')}</button></form>
    ${enrol.error && html`<${Problem} error=${enrol.error} />`}</${Card}>`;
}

export default function Centre({ route }) {
  const loaded = useLoad(() => get('/sync/status'), [], OF_CENTRE);
  const [proof, setProof] = useState(null);
  // Raised to have every list read again: what an exchange brings need not show in the state of the mirror.
  const [round, setRound] = useState(0);
  const again = () => { setRound((before) => before + 1); return loaded.reload(); };
  const exchange = useAction(async () => {
    const status = await post('/sync');
    await again();
    const trouble = status.lastError ?? status.platform?.lastError;
    say(trouble ? clip(trouble, 300) : t('centre.exchanged'), trouble ? 'bad' : 'good');
  });
  const prove = useAction(async () => { setProof(null); setProof(await post('/sync/verify')); await loaded.reload(); });
  useEvery(30, again);
  const status = loaded.data;
  const hasCentre = status?.enrolled || status?.platform?.connected;
  return html`<${Page} title=${t('nav.centre')} lead=${t('centre.lead')} actions=${hasCentre && html`
      ${status.enrolled && html`<${Button} icon="check" isBusy=${prove.isBusy} onClick=${() => prove.run()}>${t('centre.prove')}</${Button}>`}
      <${Button} kind="primary" isBusy=${exchange.isBusy} onClick=${() => exchange.run()}>${t('centre.exchange')}</${Button}>`}>
    ${exchange.error && html`<${Problem} error=${exchange.error} />`}
    ${prove.error && html`<${Problem} error=${prove.error} />`}
    ${proof && html`<${Note} kind=${proof.equal ? 'good' : 'bad'} role="status"><p>${proof.equal ? t('centre.equal', { count: proof.rows }) : t('centre.unequal', { count: proof.differences })}</p></${Note}>`}
    <${Loaded} of=${loaded}>${(of) => html`
      ${of.alarm && html`<${Note} kind="bad" role="alert"><p>${clip(of.alarm)}</p></${Note}>`}
      ${of.platform?.alarm && html`<${Note} kind="bad" role="alert"><p>${clip(of.platform.alarm)}</p></${Note}>`}
      ${of.lastError && html`<${Note} kind="warn"><p>${t('centre.error')}: ${clip(of.lastError)}</p></${Note}>`}
      ${of.platform?.lastError && html`<${Note} kind="warn"><p>${t('centre.platform')}: ${clip(of.platform.lastError)}</p></${Note}>`}
      <${Figures} status=${of} />
      ${of.enrolled && atLeast('ADMIN') && html`<${Lag} />`}
      ${of.platform?.connected && html`<${Conflicts} round=${round} onDone=${loaded.reload} /><${Operations} round=${round} offset=${route.query.operations ?? 0} onDone=${loaded.reload} />`}
      ${!of.enrolled && atLeast('ADMIN') && html`<${Enrol} onDone=${loaded.reload} />`}
      ${of.enrolled && html`<${Quarantine} round=${round} onDone=${loaded.reload} /><${Proposals} round=${round} offset=${route.query.proposals ?? 0} />
        <${Card} title=${t('centre.details')}><${Facts} of=${[
          [t('centre.origin'), html`<${Id} of=${of.origin} />`],
          [t('centre.high'), number(of.high)], [t('centre.acked'), number(of.acked)], [t('centre.stable'), number(of.stable)],
          [t('centre.epoch'), (of.epoch ?? null) === null ? '–' : String(of.epoch)], [t('centre.forks'), number(of.forks)], [t('centre.rewinds'), number(of.rewinds)],
          [t('centre.clock'), (of.hubClockAheadSeconds ?? null) === null ? '–' : t('seconds', { count: Math.round(of.hubClockAheadSeconds) || 0 })],
        ]} /></${Card}>`}`}</${Loaded}>
  </${Page}>`;
}
