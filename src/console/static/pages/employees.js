import { html } from '../lib.js';
import { t } from '../i18n.js';
import { get } from '../api.js';
import { setQuery, to } from '../route.js';
import { customerOf, CustomerLine, keepCustomer } from '../customer.js';
import { Badge, changesOf, Icon, Loaded, Name, Page, Pager, Search, Table, useLoad } from '../parts.js';

const LIMIT = 50;

export default function Employees({ route }) {
  const { filter = '', offset = '0' } = route.query;
  const customer = customerOf(route);
  const loaded = useLoad(() => get('/employee', { customer, filter, offset, limit: LIMIT }), [customer, filter, offset], changesOf('Employees'));
  const columns = [
    { name: 'name', label: t('name'), of: (row) => html`<a href=${to(`employee/${row._id}`)}><${Name} of=${row.name} /></a>` },
    { name: 'title', label: t('title'), of: (row) => html`<${Name} of=${row.title} />` },
    { name: 'department', label: t('department'), of: (row) => html`<${Name} of=${row.department} />` },
    { name: 'email', label: t('email'), of: (row) => html`<${Name} of=${row.emailAddress} />` },
    { name: 'level', label: t('level'), of: (row) => html`<${Badge}>${t(`level.${row.accessLevel}`)}</${Badge}> ${row.state !== 'ENABLED' && html`<${Badge} kind="warn">${t(`state.${row.state}`)}</${Badge}>`}` },
  ];
  return html`<${Page} title=${t('nav.employees')} lead=${html`<${CustomerLine} id=${customer} />`}
      actions=${html`<a class="button primary" href=${to('copy', keepCustomer(customer))}><${Icon} name="copy" />${t('nav.copy')}</a>`}>
    <div class="tools"><${Search} value=${filter} label=${t('employees.search')} onSearch=${(text) => setQuery({ filter: text, offset: '' })} /></div>
    <${Loaded} of=${loaded}>${(page) => html`
      <${Table} caption=${t('nav.employees')} columns=${columns} rows=${page.employees} rowKey=${(row) => row._id} none=${filter ? t('none.found') : t('none')} />
      <${Pager} offset=${page.offset} limit=${page.limit} total=${page.total} onPage=${(next) => setQuery({ offset: String(next) })} />`}</${Loaded}>
  </${Page}>`;
}
