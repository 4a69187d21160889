import { html } from '../lib.js';
import { number, t } from '../i18n.js';
import { get } from '../api.js';
import { atLeast, me } from '../session.js';
import { setQuery, to } from '../route.js';
import { entriesOf } from '../configs.js';
import { customerOf, CustomerLine } from '../customer.js';
import { Badge, changesOf, Loaded, Name, Note, Page, Pager, Search, Table, useLoad } from '../parts.js';

const LIMIT = 50;

/** The API lists queues of the caller's own customer; of another one those that its mobile configs name. */
async function queuesOf(customer) {
  if (customer === me().customer) return get('/pbx/app/queues');
  const configs = await get('/pbx/app/mobileconfig', { customer });
  const found = new Map();
  for (const config of configs) {
    const lists = entriesOf(config);
    for (const entry of [...lists['QUEUES.items'], ...lists['QUEUES.others']]) found.set(entry._id, entry);
  }
  return [...found.values()].sort((a, b) => a.name.localeCompare(b.name));
}

export default function Queues({ route }) {
  const customer = customerOf(route);
  const { filter = '', offset: from = '0' } = route.query;
  const isOwn = customer === me().customer;
  const loaded = useLoad(() => queuesOf(customer), [customer], changesOf('PbxQueues'));
  const offset = Number(from) || 0;
  const wanted = filter.toLocaleLowerCase();
  const columns = [
    { name: 'name', label: t('name'), of: (row) => html`<a href=${to(`queue/${row._id}`)}><${Name} of=${row.name} /></a>` },
    { name: 'number', label: t('number'), of: (row) => html`<${Name} of=${row.number} />` },
    isOwn && { name: 'members', label: t('queue.members'), kind: 'num', of: (row) => number(row.members ?? 0) },
    isOwn && { name: 'dynamic', label: t('queue.kind'), of: (row) => html`<span class="badges"><${Badge}>${t(row.dynamic ? 'queue.dynamic' : 'queue.static')}</${Badge}>${row.member && html`<${Badge} kind="good">${t('queue.mine')}</${Badge}>`}</span>` },
  ].filter(Boolean);
  return html`<${Page} title=${t('nav.queues')} lead=${atLeast('VIEWER') && html`<${CustomerLine} id=${customer} />`}>
    <div class="tools"><${Search} value=${filter} label=${t('queues.search')} onSearch=${(text) => setQuery({ filter: text, offset: '' })} /></div>
    ${!isOwn && html`<${Note}><p>${t('queues.other')}</p></${Note}>`}
    <${Loaded} of=${loaded}>${(queues) => {
      const rows = queues.filter((queue) => `${queue.name} ${queue.number ?? ''}`.toLocaleLowerCase().includes(wanted));
      return html`<${Table} caption=${t('nav.queues')} columns=${columns} rows=${rows.slice(offset, offset + LIMIT)} rowKey=${(row) => row._id} none=${filter ? t('none.found') : t('none')} />
        <${Pager} offset=${offset} limit=${LIMIT} total=${rows.length} onPage=${(next) => setQuery({ offset: String(next) })} />`;
    }}</${Loaded}>
  </${Page}>`;
}
