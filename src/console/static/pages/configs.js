import { html, useEffect } from '../lib.js';
import { number, t } from '../i18n.js';
import { get } from '../api.js';
import { atLeast, me } from '../session.js';
import { setQuery, to } from '../route.js';
import { entriesOf, readConfig } from '../configs.js';
import { customerOf, CustomerLine, keepCustomer } from '../customer.js';
import { Badge, changesOf, Icon, Loaded, Name, Page, Pager, Search, Table, useLoad } from '../parts.js';

const LIMIT = 25;

/** A page of employees, each with its config: the list of all configs of a customer would be megabytes. */
async function page(customer, filter, offset) {
  const found = await get('/employee', { customer, filter, offset, limit: LIMIT });
  const configs = await Promise.all(found.employees.map((employee) => readConfig(employee._id)));
  return { ...found, rows: found.employees.map((employee, place) => ({ employee, config: configs[place]?.config ?? null })) };
}

export default function Configs({ route }) {
  const isOwnOnly = !atLeast('VIEWER');
  useEffect(() => { if (isOwnOnly) location.replace(to(`config/${me()._id}`)); }, []);
  return isOwnOnly ? null : html`<${List} route=${route} />`;
}

function List({ route }) {
  const customer = customerOf(route);
  const { filter = '', offset = '0' } = route.query;
  const loaded = useLoad(() => page(customer, filter, offset), [customer, filter, offset], changesOf('Employees', 'PbxAppMobileConfigs'));
  const chosen = (kind) => ({ config }) => {
    if (!config) return '–';
    const lists = entriesOf(config);
    return html`${number(lists[`${kind}.items`].length)} <small>${t('config.offered', { count: lists[`${kind}.others`].length })}</small>`;
  };
  const columns = [
    { name: 'name', label: t('employee'), of: ({ employee, config }) => html`<a href=${to(config ? `config/${employee._id}` : `employee/${employee._id}`)}><${Name} of=${employee.name} /></a>` },
    { name: 'department', label: t('department'), of: ({ employee }) => html`<${Name} of=${employee.department} />` },
    { name: 'colleagues', label: t('list.COLLEAGUES'), of: chosen('COLLEAGUES') },
    { name: 'queues', label: t('list.QUEUES'), of: chosen('QUEUES') },
    { name: 'act', label: '', kind: 'act', of: ({ employee, config }) => (config
      ? html`<a class="button small" href=${to('copy', { ...keepCustomer(customer), from: employee._id })}><${Icon} name="copy" />${t('copy.from')}</a>`
      : html`<${Badge}>${t('config.absent.short')}</${Badge}>`) },
  ];
  return html`<${Page} title=${t('nav.configs')} lead=${html`<${CustomerLine} id=${customer} />`}
      actions=${html`<a class="button primary" href=${to('copy', keepCustomer(customer))}><${Icon} name="copy" />${t('nav.copy')}</a>`}>
    <div class="tools"><${Search} value=${filter} label=${t('employees.search')} onSearch=${(text) => setQuery({ filter: text, offset: '' })} /></div>
    <${Loaded} of=${loaded}>${(found) => html`
      <${Table} caption=${t('nav.configs')} columns=${columns} rows=${found.rows} rowKey=${({ employee }) => employee._id} none=${filter ? t('none.found') : t('none')} />
      <${Pager} offset=${found.offset} limit=${found.limit} total=${found.total} onPage=${(next) => setQuery({ offset: String(next) })} />`}</${Loaded}>
  </${Page}>`;
}
