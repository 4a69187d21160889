// Taking an operation back, and what is shown when somebody has changed a config since.
import { html, useState } from './lib.js';
import { dateTime, t } from './i18n.js';
import { get, post } from './api.js';
import { atLeast } from './session.js';
import { Button, Dialog, Loaded, Name, Problem, say, useAction, useLoad } from './parts.js';
import { Sides } from './configs.js';

const LOOKED_AT = 40;

/** Newer changes of the configs that an operation changed. */
async function changedSince(operation) {
  const { entries } = await get('/local/audit', { operation, brief: true, limit: 500 });
  const newest = await Promise.all([...new Set(entries.map(({ item }) => item))].slice(0, LOOKED_AT)
    .map((item) => get('/local/audit', { item, section: 'PbxAppMobileConfigs', refused: false, limit: 1 })));
  return newest.flatMap((page) => page.entries).filter((entry) => entry.operation !== operation);
}

function Since({ operation }) {
  const loaded = useLoad(() => changedSince(operation), [operation]);
  return html`<${Loaded} of=${loaded}>${(entries) => html`<div class="stack">${entries.map((entry) => html`<details class="target" key=${entry.seq} open=${entries.length === 1}>
      <summary><strong title=${entry.item}><${Name} of=${entry.objectName ?? entry.item} /></strong><span>${t('undo.since', { time: dateTime(entry.time) })} ${t('undo.by')} <${Name} of=${entry.who?.name} /></span></summary>
      <div class="target-body">${entry.after !== undefined && html`<${Sides} before=${entry.before} after=${entry.after} />`}</div></details>`)}</div>`}</${Loaded}>`;
}

/** Undoes `operation`; `onUndone` is given the server's answer. */
export function UndoButton({ operation, onUndone, label = t('undo.do'), kind = '' }) {
  const [refused, setRefused] = useState(null);
  const undo = useAction(async (force) => {
    try {
      const answer = await post(`/local/operations/${encodeURIComponent(operation)}/undo`, force ? { force: true } : {});
      setRefused(null);
      say(t('undo.done', { count: answer.targets.length }));
      onUndone?.(answer);
    } catch (error) {
      if (error.status !== 409 || error.code !== 'changed' || force) throw error;
      setRefused(error);
    }
  });
  const close = () => { setRefused(null); undo.clear(); };
  return html`<${Button} icon="undo" kind=${kind} isBusy=${undo.isBusy && !refused} onClick=${() => undo.run(false)}>${label}</${Button}>
    ${undo.error && !refused && html`<${Problem} error=${undo.error} />`}
    ${refused && html`<${Dialog} title=${t('undo.changed.title')} onClose=${close} actions=${html`
        <${Button} onClick=${close}>${t('undo.leave')}</${Button}>
        ${atLeast('MANAGER') && html`<${Button} kind="danger" isBusy=${undo.isBusy} onClick=${() => undo.run(true)}>${t('undo.force')}</${Button}>`}`}>
      <p>${t(atLeast('MANAGER') ? 'undo.changed.text' : 'undo.changed.text.viewer')}</p>
      ${undo.error && html`<${Problem} error=${undo.error} />`}
      <${Since} operation=${operation} /></${Dialog}>`}`;
}
