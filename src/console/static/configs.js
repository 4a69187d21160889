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

/** Whether the employee has one. */
export async function hasConfig(employee) {
  try {
    await request('HEAD', pathOf(employee));
    return true;
  } catch (error) {
    if (error.status === 404) return false;
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

const idsOf = (entries) => new Set(entries.map(({ _id }) => _id));
const NONE = { before: [], after: [] };

/**
 * What a change from `before` to `after` does to each entry of a list: as the server has it in the answer to a copy. An entry that goes to the
 * other list of its kind, or comes from there, is moved.
 */
export function compare(before, after, other = NONE) {
  const [otherOld, otherNew] = [idsOf(other.before), idsOf(other.after)];
  const goes = (id) => otherNew.has(id) && !otherOld.has(id);
  const comes = (id) => otherOld.has(id) && !otherNew.has(id);
  const [old, new_] = [idsOf(before), idsOf(after)];
  const mark = (id, isHere, isAcross, name) => (!isHere ? (isAcross(id) ? 'moved' : name) : moved.has(id) ? 'moved' : '');
  const leaders = (list, others) => {
    let last = null;
    const leader = new Map();
    for (const { _id } of list) if (others.has(_id)) { leader.set(_id, last); last = _id; }
    return leader;
  };
  const [ledBefore, ledAfter] = [leaders(before, new_), leaders(after, old)];
  const moved = new Set([...ledAfter].filter(([id, leader]) => ledBefore.get(id) !== leader).map(([id]) => id));
  return {
    before: before.map((entry) => ({ ...entry, mark: mark(entry._id, new_.has(entry._id), goes, 'removed') })),
    after: after.map((entry) => ({ ...entry, mark: mark(entry._id, old.has(entry._id), comes, 'added') })),
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

/** The key of the list that belongs to the same kind. */
const otherList = (key) => (key.endsWith('.items') ? key.replace('.items', '.others') : key.replace('.others', '.items'));

/** Both contents beside each other, with what is added, removed and moved. */
export function Sides({ before, after, beforeTitle = t('before'), afterTitle = t('after') }) {
  const [old, new_] = [entriesOf(before), entriesOf(after)];
  const keys = Object.keys(old).filter((key) => old[key].length || new_[key].length);
  const rest = (config) => JSON.stringify((config?.configs ?? []).filter((section) => !KINDS.includes(section?.type)));
  return html`<div class="compared">
    ${keys.map((key) => {
      const across = otherList(key);
      const both = compare(old[key], new_[key], { before: old[across], after: new_[across] });
      return html`<section key=${key}><h3 class="list-title">${listTitle(key)}</h3><div class="sides">
        <div><p class="side-title">${beforeTitle}</p><${EntryList} entries=${both.before} /></div>
        <div><p class="side-title">${afterTitle}</p><${EntryList} entries=${both.after} /></div></div></section>`;
    })}
    ${!keys.length && html`<p class="empty">${t('config.empty')}</p>`}
    ${rest(before) !== rest(after) && html`<p class="hint">${t('config.rest')}</p>`}
  </div>`;
}

/** How many entries of a kind are added, removed and moved; one that goes from one of its lists to the other is moved. */
function tally(lists) {
  const ids = (what) => idsOf(lists.flatMap((list) => list[what]));
  const [added, removed, moved] = ['added', 'removed', 'moved'].map(ids);
  const across = [...added].filter((id) => removed.has(id));
  return { added: added.size - across.length, removed: removed.size - across.length, moved: new Set([...moved, ...across]).size };
}

/** How many entries a copy or an undo adds, removes and moves, of its `lists`. */
export function Counts({ lists }) {
  const tallies = KINDS.map((kind) => tally(lists.filter(({ type }) => type === kind)));
  const count = (what) => tallies.reduce((sum, one) => sum + one[what], 0);
  const shown = ['added', 'removed', 'moved'].map((what) => [what, count(what)]).filter(([, number]) => number);
  return html`<span class="badges">${shown.map(([what, number]) => html`<span key=${what} class=${`badge ${{ added: 'good', removed: 'bad', moved: 'warn' }[what]}`}>${t(`count.${what}`, { count: number })}</span>`)}
    ${!shown.length && html`<span class="badge">${t('count.other')}</span>`}</span>`;
}
