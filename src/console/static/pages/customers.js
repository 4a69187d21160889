import { html } from '../lib.js';
import { t, tOr } from '../i18n.js';
import { get } from '../api.js';
import { atLeast } from '../session.js';
import { setQuery, to } from '../route.js';
import { Badge, changesOf, Loaded, Name, Page, Pager, Search, Table, useLoad } from '../parts.js';

const LIMIT = 50;

export default function Customers({ route }) {
  const { filter = '', offset = '0' } = route.query;
  const loaded = useLoad(() => get('/customer', {
    filter, offset, limit: LIMIT, all: atLeast('RESELLER_ADMIN'), includeSubresellers: !atLeast('RESELLER_ADMIN'),
  }), [filter, offset], changesOf('Customers'));
  const columns = [
    { name: 'name', label: t('name'), of: (row) => html`<a href=${to('employees', { customer: row._id })}><${Name} of=${row.name} /></a>` },
    { name: 'state', label: t('state'), of: (row) => html`<${Badge} kind=${row.state === 'ACTIVE' ? 'good' : 'warn'}>${tOr(`state.${row.state}`, row.state)}</${Badge}>` },
    { name: 'phone', label: t('phone'), of: (row) => html`<${Name} of=${row.phoneNumber} />` },
    { name: 'email', label: t('email'), of: (row) => html`<${Name} of=${row.emailAddress} />` },
    { name: 'open', label: '', kind: 'act', of: (row) => html`
      <a class="button small" href=${to('configs', { customer: row._id })}>${t('nav.configs')}</a>
      <a class="button small" href=${to('audit', { customer: row._id })}>${t('nav.audit')}</a>` },
  ];
  return html`<${Page} title=${t('nav.customers')} lead=${loaded.data ? t('customers.lead', { count: loaded.data.total }) : ''}>
    <div class="tools"><${Search} value=${filter} label=${t('customers.search')} onSearch=${(text) => setQuery({ filter: text, offset: '' })} /></div>
    <${Loaded} of=${loaded}>${(page) => html`
      <${Table} caption=${t('nav.customers')} columns=${columns} rows=${page.customers} rowKey=${(row) => row._id} none=${filter ? t('none.found') : t('none')} />
      <${Pager} offset=${page.offset} limit=${page.limit} total=${page.total} onPage=${(next) => setQuery({ offset: String(next) })} />`}</${Loaded}>
  </${Page}>`;
}
