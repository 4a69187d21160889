// The hub's audit trail: who did what with which server.
import { html } from '../lib.js';
import { dateTime, t } from '../i18n.js';
import { get } from '../api.js';
import { setQuery } from '../route.js';
import { Button, clip, Id, Loaded, Name, Page, Search, Table, useLoad } from '../parts.js';

const SHOWN = 100;

/** The trail comes from its beginning, a thousand entries at a time. */
async function trail() {
  const entries = [];
  for (;;) {
    const page = (await get('/sync/v1/audit', { after: entries.length ? entries[entries.length - 1].seq : 0 })).entries;
    entries.push(...page);
    if (page.length < 1_000) return entries.reverse();
  }
}

export default function HubAudit({ route }) {
  const { filter = '', offset: from = '0' } = route.query;
  const offset = Number(from) || 0;
  const loaded = useLoad(trail, []);
  const wanted = filter.toLocaleLowerCase();
  const columns = [
    { name: 'time', label: t('time'), of: (row) => dateTime(row.at ?? row.time) },
    { name: 'who', label: t('audit.who'), of: (row) => html`<${Name} of=${row.who} />` },
    { name: 'action', label: t('audit.action'), of: (row) => clip(row.action, 80) },
    { name: 'origin', label: t('fleet.server'), of: (row) => html`<${Id} of=${row.origin} />` },
    { name: 'detail', label: t('origin.report'), of: (row) => html`<${Name} of=${row.detail} />` },
  ];
  return html`<${Page} title=${t('nav.hubaudit')} lead=${t('hubaudit.lead')} actions=${html`<${Button} onClick=${loaded.reload}>${t('reload')}</${Button}>`}>
    <div class="tools"><${Search} value=${filter} onSearch=${(text) => setQuery({ filter: text, offset: '' })} /></div>
    <${Loaded} of=${loaded}>${(entries) => {
      const rows = entries.filter((entry) => !wanted || JSON.stringify(entry).toLocaleLowerCase().includes(wanted));
      return html`<${Table} caption=${t('nav.hubaudit')} columns=${columns} rows=${rows.slice(offset, offset + SHOWN)} rowKey=${(row) => row.seq} none=${t('none.found')} />
        <div class="actions">${offset > 0 && html`<${Button} onClick=${() => setQuery({ offset: String(Math.max(0, offset - SHOWN)) })}>${t('pager.before')}</${Button}>`}
          ${offset + SHOWN < rows.length && html`<${Button} onClick=${() => setQuery({ offset: String(offset + SHOWN) })}>${t('pager.next')}</${Button}>`}</div>`;
    }}</${Loaded}>
  </${Page}>`;
}
