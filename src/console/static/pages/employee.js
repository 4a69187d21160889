import { html } from '../lib.js';
import { day, t } from '../i18n.js';
import { get, post } from '../api.js';
import { atLeast } from '../session.js';
import { to } from '../route.js';
import { CustomerLine, keepCustomer } from '../customer.js';
import { EntryList, entriesOf, listTitle, pathOf, readConfig } from '../configs.js';
import { Badge, Button, Card, changesOf, Empty, Facts, Icon, Id, Loaded, Name, Page, Problem, say, useAction, useLoad } from '../parts.js';

function Config({ employee, loaded }) {
  const create = useAction(async () => {
    await post(pathOf(employee._id), {});
    say(t('config.created'));
    await loaded.reload();
  });
  const lists = Object.entries(entriesOf(loaded.data?.found?.config)).filter(([, entries]) => entries.length);
  const actions = loaded.data?.found && html`
    <a class="button" href=${to(`config/${employee._id}`)}><${Icon} name="edit" />${t('edit')}</a>
    ${atLeast('VIEWER') && html`<a class="button" href=${to('copy', { ...keepCustomer(employee.customer), from: employee._id })}><${Icon} name="copy" />${t('copy.from')}</a>`}`;
  return html`<${Card} title=${t('config.title')} actions=${actions}>
    <${Loaded} of=${loaded}>${({ found }) => (found
      ? html`<div class="two">${lists.map(([key, entries]) => html`<section key=${key}><h3 class="list-title">${listTitle(key)}</h3><${EntryList} entries=${entries} /></section>`)}
          ${!lists.length && html`<${Empty}>${t('config.empty')}</${Empty}>`}</div>`
      : html`<p>${t('config.absent')}</p><p><${Button} kind="primary" icon="plus" isBusy=${create.isBusy} onClick=${() => create.run()}>${t('config.create')}</${Button}></p>${create.error && html`<${Problem} error=${create.error} />`}`)}</${Loaded}>
  </${Card}>`;
}

export default function Employee({ route }) {
  const [id] = route.parts;
  const isMine = (event) => event.item === id;
  const loaded = useLoad(() => get(`/employee/${encodeURIComponent(id)}`), [id], (event) => changesOf('Employees')(event) && isMine(event));
  const config = useLoad(async () => ({ found: await readConfig(id) }), [id], changesOf('PbxAppMobileConfigs', 'Employees', 'PbxQueues'));
  const employee = loaded.data;
  return html`<${Page} title=${employee?.name ?? t('employee')} lead=${employee && html`<${CustomerLine} id=${employee.customer} />`}
      actions=${atLeast('VIEWER') && html`<a class="button" href=${to('audit', { item: id })}><${Icon} name="clock" />${t('audit.of')}</a>`}>
    <${Loaded} of=${loaded}>${(of) => html`
      <${Card} title=${t('employee')}>
        <${Facts} of=${[
          [t('title'), html`<${Name} of=${of.title} />`],
          [t('department'), html`<${Name} of=${of.department} />`],
          [t('email'), html`<${Name} of=${of.emailAddress} />`],
          [t('level'), t(`level.${of.accessLevel}`)],
          [t('state'), html`<${Badge} kind=${of.state === 'ENABLED' ? 'good' : 'warn'}>${t(`state.${of.state}`)}</${Badge}>`],
          [t('second'), of.authenticatorValidation ? t('second.authenticator') : of.smsValidation ? t('second.sms') : t('second.none')],
          of.ipRestriction && [t('addresses'), html`<${Name} of=${of.ipRestriction} />`],
          of.deleteDate && [t('deleteDate'), day(of.deleteDate)],
          [t('id'), html`<${Id} of=${of._id} />`],
        ]} />
      </${Card}>
      <${Config} employee=${of} loaded=${config} />`}</${Loaded}>
  </${Page}>`;
}
