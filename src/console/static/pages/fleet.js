// The fleet of a hub: every server with its state, lag, version and alarms.
import { html, useState } from '../lib.js';
import { ago, number, t, tOr } from '../i18n.js';
import { get } from '../api.js';
import { setQuery, to } from '../route.js';
import { Badge, Button, Card, clip, Field, Loaded, Name, Page, Select, Table, useEvery, useLoad } from '../parts.js';

const STATES = ['ok', 'behind', 'quarantine', 'resetting', 'stuck', 'unreachable', 'never_seen', 'locked', 'moving', 'moved'];
export const KIND = { ok: 'good', behind: 'warn', resetting: 'warn', moving: 'info', moved: 'info', never_seen: '' };
const LIMIT = 100;

/** The pages up to the one that was asked for: the hub names the next one only. */
async function fleet(filters, count) {
  const origins = [];
  let after;
  for (let page = 0; page < count; page += 1) {
    const answer = await get('/sync/v1/fleet', { ...filters, limit: LIMIT, after });
    origins.push(...answer.origins);
    after = answer.after;
    if (!after) break;
  }
  return { origins, hasMore: Boolean(after) };
}

export default function Fleet({ route }) {
  const { state = '', tag = '', version = '', lag = '' } = route.query;
  const [count, setCount] = useState(1);
  const loaded = useLoad(() => fleet({ state, tag, version, lag }, count), [state, tag, version, lag, count]);
  useEvery(10, loaded.reload);
  const set = (name) => (value) => { setCount(1); setQuery({ [name]: value }); };
  const input = (name) => (event) => set(name)(event.target.value.trim());
  const columns = [
    { name: 'name', label: t('fleet.server'), of: (row) => html`<a href=${to(`origin/${row.origin}`)}><${Name} of=${row.name} /></a><small class="badges">${row.tags.map((one) => html`<${Badge} key=${one}>${clip(one, 40)}</${Badge}>`)}</small>` },
    { name: 'state', label: t('state'), of: (row) => html`<span class="badges"><${Badge} kind=${KIND[row.state] ?? 'bad'}>${tOr(`fleet.${row.state}`, row.state)}</${Badge}>
      ${row.alarms.filter((alarm) => !alarm.acknowledged).map(({ alarm }) => html`<${Badge} key=${alarm} kind="bad">${tOr(`alarm.${alarm}`, alarm)}</${Badge}>`)}</span>` },
    { name: 'lag', label: t('fleet.lag'), kind: 'num', of: (row) => t('changes', { count: row.lagChanges ?? 0 }) },
    { name: 'seen', label: t('fleet.seen'), of: (row) => (row.lastSeen ? ago(row.lagSeconds) : t('never')) },
    { name: 'rows', label: t('fleet.rows'), kind: 'num', of: (row) => (row.storedRows === null ? '–' : number(row.storedRows)) },
    { name: 'version', label: t('version'), of: (row) => clip(row.version || '–', 60) },
  ];
  return html`<${Page} title=${t('nav.fleet')} lead=${t('fleet.lead')}>
    <${Card}><div class="filters">
      <${Select} label=${t('state')} value=${state} options=${[['', t('any')], ...STATES.map((name) => [name, t(`fleet.${name}`)])]} onChange=${set('state')} />
      <${Field} label=${t('fleet.tag')} value=${tag} onChange=${input('tag')} />
      <${Field} label=${t('version')} value=${version} onChange=${input('version')} />
      <${Field} label=${t('fleet.atleast')} type="number" min="0" value=${lag} onChange=${input('lag')} />
    </div></${Card}>
    <${Loaded} of=${loaded}>${({ origins, hasMore }) => html`
      <${Table} caption=${t('nav.fleet')} columns=${columns} rows=${origins} rowKey=${(row) => row.origin} none=${t(state || tag || version || lag ? 'none.found' : 'fleet.none')} />
      ${hasMore && html`<${Button} onClick=${() => setCount(count + 1)}>${t('fleet.more')}</${Button}>`}`}</${Loaded}>
  </${Page}>`;
}
