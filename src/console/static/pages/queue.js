import { html } from '../lib.js';
import { number, t } from '../i18n.js';
import { get } from '../api.js';
import { to } from '../route.js';
import { atLeast } from '../session.js';
import { Card, changesOf, Facts, Icon, Id, Loaded, Name, Page, Table, useLoad } from '../parts.js';

export default function Queue({ route }) {
  const [id] = route.parts;
  const path = `/pbx/queue/${encodeURIComponent(id)}`;
  const loaded = useLoad(async () => {
    const [queue, members] = await Promise.all([get(path), get(`${path}/member`)]);
    return { queue, members: Array.isArray(members) ? members : members.members ?? [] };
  }, [id], changesOf('PbxQueues', 'PbxQueueMembers'));
  const queue = loaded.data?.queue;
  const columns = [
    { name: 'name', label: t('name'), of: (row) => html`<${Name} of=${row.name ?? row.extensionName ?? row.number} />` },
    { name: 'number', label: t('number'), of: (row) => html`<${Name} of=${row.number} />` },
    { name: 'priority', label: t('priority'), kind: 'num', of: (row) => number(row.priority ?? 0) },
    { name: 'permanent', label: t('queue.permanent'), of: (row) => t(row.permanent ? 'yes' : 'no') },
  ];
  return html`<${Page} title=${queue?.name ?? t('queue')}
      actions=${atLeast('VIEWER') && html`<a class="button" href=${to('audit', { item: id })}><${Icon} name="clock" />${t('audit.of')}</a>`}>
    <${Loaded} of=${loaded}>${({ queue: of, members }) => html`
      <${Card} title=${t('queue')}><${Facts} of=${[
        [t('number'), html`<${Name} of=${of.number} />`],
        [t('queue.kind'), t(of.dynamic ? 'queue.dynamic' : 'queue.static')],
        [t('priority'), number(of.priority ?? 0)],
        [t('queue.level'), of.serviceLevel ? t('seconds', { count: of.serviceLevel }) : '–'],
        [t('id'), html`<${Id} of=${of._id} />`],
      ]} /></${Card}>
      <${Card} title=${t('queue.members')}><${Table} caption=${t('queue.members')} columns=${columns} rows=${members} rowKey=${(row) => row._id ?? row.extension} /></${Card}>`}</${Loaded}>
  </${Page}>`;
}
