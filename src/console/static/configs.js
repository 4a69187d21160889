// Mobile configs: reading one, what differs between two, and both shown.
import { html } from './lib.js';
import { t, tOr } from './i18n.js';
import { request } from './api.js';
import { Name } from './parts.js';

const KINDS = ['COLLEAGUES', 'QUEUES'];
const LISTS = ['items', 'others'];
const SHOWN_MAX = 400;

export const pathOf = (employee) => `/pbx/app/mobileconfig/${encodeURIComponent(employee)}`;

/** `{ config, etag }`; null when the employee has none. */
export async function readConfig(employee) {
  try {
    const { data, etag } = await request('GET', pathOf(employee));
    return { config: data, etag };
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

/** The entries of every list, by kind and list; sections of other kinds have none. */
export function entriesOf(config) {
  const found = {};
  for (const kind of KINDS) {
    const sections = (config?.configs ?? []).filter((section) => section?.type === kind);
    for (const list of LISTS) found[`${kind}.${list}`] = sections.flatMap((section) => (Array.isArray(section[list]) ? section[list] : []));
  }
  return found;
}

/** What a change from `before` to `after` does to each entry: as the server has it in the answer to a copy. */
export function compare(before, after) {
  const [old, new_] = [new Set(before.map(({ _id }) => _id)), new Set(after.map(({ _id }) => _id))];
  const leaders = (list, others) => {
    let last = null;
    const leader = new Map();
    for (const { _id } of list) if (others.has(_id)) { leader.set(_id, last); last = _id; }
    return leader;
  };
  const [ledBefore, ledAfter] = [leaders(before, new_), leaders(after, old)];
  const moved = new Set([...ledAfter].filter(([id, leader]) => ledBefore.get(id) !== leader).map(([id]) => id));
  return {
    before: before.map((entry) => ({ ...entry, mark: !new_.has(entry._id) ? 'removed' : moved.has(entry._id) ? 'moved' : '' })),
    after: after.map((entry) => ({ ...entry, mark: !old.has(entry._id) ? 'added' : moved.has(entry._id) ? 'moved' : '' })),
  };
}

const SIGNS = { added: '+', removed: '−', moved: '↕' };

export function EntryList({ entries }) {
  if (!entries.length) return html`<ul class="config-list"><li class="none">${t('config.none')}</li></ul>`;
  return html`<ul class="config-list">${entries.slice(0, SHOWN_MAX).map((entry) => html`<li key=${entry._id} class=${entry.mark ?? ''}>
      ${entry.mark && html`<span class="mark" aria-hidden="true">${SIGNS[entry.mark]}</span><span class="unseen">${t(`mark.${entry.mark}`)}: </span>`}
      <${Name} of=${entry.name} /></li>`)}
    ${entries.length > SHOWN_MAX && html`<li class="none">${t('config.more', { count: entries.length - SHOWN_MAX })}</li>`}</ul>`;
}

export const listTitle = (key) => tOr(`list.${key}`, key);

/** Both contents beside each other, with what is added, removed and moved. */
export function Sides({ before, after, beforeTitle = t('before'), afterTitle = t('after') }) {
  const [old, new_] = [entriesOf(before), entriesOf(after)];
  const keys = Object.keys(old).filter((key) => old[key].length || new_[key].length);
  const rest = (config) => JSON.stringify((config?.configs ?? []).filter((section) => !KINDS.includes(section?.type)));
  return html`<div class="compared">
    ${keys.map((key) => {
      const both = compare(old[key], new_[key]);
      return html`<section key=${key}><h3 class="list-title">${listTitle(key)}</h3><div class="sides">
        <div><p class="side-title">${beforeTitle}</p><${EntryList} entries=${both.before} /></div>
        <div><p class="side-title">${afterTitle}</p><${EntryList} entries=${both.after} /></div></div></section>`;
    })}
    ${!keys.length && html`<p class="empty">${t('config.empty')}</p>`}
    ${rest(before) !== rest(after) && html`<p class="hint">${t('config.rest')}</p>`}
  </div>`;
}

/** How many entries a copy or an undo adds, removes and moves, of its `lists`. */
export function Counts({ lists }) {
  const count = (what) => lists.reduce((sum, list) => sum + list[what].length, 0);
  const shown = ['added', 'removed', 'moved'].map((what) => [what, count(what)]).filter(([, number]) => number);
  return html`<span class="badges">${shown.map(([what, number]) => html`<span key=${what} class=${`badge ${{ added: 'good', removed: 'bad', moved: 'warn' }[what]}`}>${t(`count.${what}`, { count: number })}</span>`)}
    ${!shown.length && html`<span class="badge">${t('count.other')}</span>`}</span>`;
}
