// The editor of a mobile config: entries are dragged, or moved with the keys, between what the app shows and what it offers.
import { html, useEffect, useLayoutEffect, useListening, useMemo, useRef, useState } from '../lib.js';
import { t } from '../i18n.js';
import { get, post, request } from '../api.js';
import { atLeast } from '../session.js';
import { onLive } from '../live.js';
import { onLeave, to } from '../route.js';
import { keepCustomer } from '../customer.js';
import { listTitle, pathOf, readConfig, Sides } from '../configs.js';
import { announce, Button, Card, Count, Icon, Loaded, Name, Note, Page, Problem, say, Search, useAction, useLoad } from '../parts.js';

const isEditable = (section) => ['COLLEAGUES', 'QUEUES'].includes(section?.type) && Array.isArray(section.items) && Array.isArray(section.others);
const OTHER = { items: 'others', others: 'items' };

/** The content with an entry of one list at another place, or in the other list. */
function withMoved(configs, from, target) {
  const next = configs.map((section) => (isEditable(section) ? { ...section, items: [...section.items], others: [...section.others] } : section));
  const [entry] = next[from.section][from.list].splice(from.index, 1);
  next[target.section][target.list].splice(target.index, 0, entry);
  return next;
}

/** Where an entry is now. */
function find(configs, section, id) {
  for (const list of ['items', 'others']) {
    const index = configs[section][list].findIndex((entry) => entry._id === id);
    if (index >= 0) return { section, list, index };
  }
  return null;
}

/** Where a dragged entry would be put: the list under the pointer, before the first entry whose middle is below it. */
function dropAt(x, y, section, id) {
  const list = document.elementFromPoint(x, y)?.closest('[data-drop]');
  if (!list || Number(list.dataset.section) !== section) return null;
  const others = [...list.querySelectorAll('[data-entry]')].filter((one) => one.dataset.entry !== id);
  const index = others.findIndex((one) => { const box = one.getBoundingClientRect(); return y < box.top + box.height / 2; });
  return { section, list: list.dataset.drop, index: index < 0 ? others.length : index };
}

function useDragging(configs, setConfigs) {
  const [dragged, setDragged] = useState(null);
  const ghost = useRef(null);
  const latest = useRef(configs);
  latest.current = configs;
  const begin = (event, section, entry) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.currentTarget.focus();
    const begun = latest.current;
    const follow = (x, y) => {
      if (!ghost.current) return;
      ghost.current.style.left = `${x + 12}px`;
      ghost.current.style.top = `${y - 16}px`;
    };
    const move = (moved) => {
      follow(moved.clientX, moved.clientY);
      const [now, target] = [find(latest.current, section, entry._id), dropAt(moved.clientX, moved.clientY, section, entry._id)];
      if (!target || (target.list === now.list && target.index === now.index)) return;
      const next = withMoved(latest.current, now, target);
      latest.current = next;
      setConfigs(next);
    };
    const end = (ended) => {
      for (const [name, listener] of listeners) window.removeEventListener(name, listener);
      setDragged(null);
      if (ended.type !== 'pointerup') { setConfigs(begun); return; }
      tell(latest.current, section, entry);
    };
    const key = (pressed) => pressed.key === 'Escape' && end(pressed);
    const listeners = [['pointermove', move], ['pointerup', end], ['pointercancel', end], ['keydown', key]];
    for (const [name, listener] of listeners) window.addEventListener(name, listener);
    setDragged({ section, id: entry._id, name: entry.name });
    requestAnimationFrame(() => follow(event.clientX, event.clientY));
  };
  return { dragged, ghost, begin };
}

/** Says where an entry is now. */
function tell(configs, section, entry) {
  const { list, index } = find(configs, section, entry._id);
  announce(t('editor.moved', { name: entry.name.slice(0, 80), list: t(`list.${list}`), place: index + 1, count: configs[section][list].length }));
}

function List({ section, place, list, filter, dragging, onKey, onSwitch }) {
  const wanted = filter.toLocaleLowerCase();
  const shown = section[list].filter((entry) => !wanted || String(entry.name).toLocaleLowerCase().includes(wanted));
  const id = `list-${place}-${list}`;
  return html`<div>
    <h3 class="list-title" id=${id}>${t(`list.${list}`)} <${Count} of=${section[list].length} /></h3>
    <ul class=${`drop ${dragging.dragged?.section === place ? 'over' : ''}`} data-drop=${list} data-section=${place} aria-labelledby=${id}>
      ${shown.map((entry) => html`<li key=${entry._id} class=${`entry ${dragging.dragged?.id === entry._id ? 'dragged' : ''}`} data-entry=${entry._id}>
        <button type="button" class="button ghost small grip" data-grip=${`${place}-${entry._id}`} aria-describedby="editor-keys" aria-label=${t('editor.grip', { name: entry.name.slice(0, 80) })}
          onPointerDown=${(event) => !wanted && dragging.begin(event, place, entry)} onKeyDown=${(event) => onKey(event, place, entry)}><${Icon} name="grip" /></button>
        <span class="entry-name"><${Name} of=${entry.name} /></span>
        <button type="button" class="button ghost small" title=${t(list === 'items' ? 'editor.hide' : 'editor.show')}
          aria-label=${t(list === 'items' ? 'editor.hide.name' : 'editor.show.name', { name: entry.name.slice(0, 80) })} onClick=${() => onSwitch(place, entry)}><${Icon} name=${list === 'items' ? 'minus' : 'plus'} /></button>
      </li>`)}
      ${!shown.length && html`<li class="hint">${t(wanted ? 'none.found' : 'config.none')}</li>`}
    </ul></div>`;
}

function Section({ section, place, dragging, onKey, onSwitch }) {
  const [filter, setFilter] = useState('');
  const isLong = section.items.length + section.others.length > 12;
  return html`<${Card} title=${listTitle(section.type)} actions=${isLong && html`<${Search} value=${filter} label=${t('editor.search')} onSearch=${setFilter} />`}>
    <div class="lists">${['items', 'others'].map((list) => html`<${List} key=${list} ...${{ section, place, list, filter, dragging, onKey, onSwitch }} />`)}</div>
    ${filter && html`<p class="hint">${t('editor.filtered')}</p>`}
  </${Card}>`;
}

/** Somebody else has saved meanwhile: what they have, and the two ways on. */
function Conflict({ mine, theirs, onTake, onKeep, isBusy }) {
  return html`<${Card} title=${t('editor.changed')}>
    <${Note} kind="warn" role="alert"><p>${t('editor.changed.text')}</p></${Note}>
    <${Sides} before=${theirs.config} after=${{ configs: mine }} beforeTitle=${t('theirs')} afterTitle=${t('mine')} />
    <div class="actions"><${Button} onClick=${onTake}>${t('editor.take')}</${Button}><${Button} kind="danger" isBusy=${isBusy} onClick=${onKeep}>${t('editor.keep')}</${Button}></div>
  </${Card}>`;
}

function Editor({ id, found, reload }) {
  const [stored, setStored] = useState(found);
  const [configs, setConfigs] = useState(found.config.configs);
  const [theirs, setTheirs] = useState(null);
  const [isStale, setStale] = useState(false);
  const isChanged = useMemo(() => JSON.stringify(configs) !== JSON.stringify(stored.config.configs), [configs, stored]);
  const dragging = useDragging(configs, setConfigs);
  const refocus = useRef(null);
  const isSaving = useRef(false);
  useLayoutEffect(() => {
    if (refocus.current) document.querySelector(`[data-grip="${CSS.escape(refocus.current)}"]`)?.focus();
    refocus.current = null;
  }, [configs]);
  useListening(() => {
    const ask = (event) => { if (isChanged) event.preventDefault(); };
    window.addEventListener('beforeunload', ask);
    const stop = onLeave(() => !isChanged || window.confirm(t('editor.leave')));
    return () => { window.removeEventListener('beforeunload', ask); stop(); };
  }, [isChanged]);
  useListening(() => onLive(async (event) => {
    if (event.name !== 'change' || event.item !== id || event.section !== 'PbxAppMobileConfigs' || isSaving.current) return;
    const now = await readConfig(id).catch(() => null);
    if (now && now.etag !== stored.etag) setStale(true);
  }), [id, stored]);
  const take = (next) => { setStored(next); setConfigs(next.config.configs); setTheirs(null); setStale(false); };
  const save = useAction(async (etag) => {
    isSaving.current = true;
    try {
      const { data, etag: saved } = await request('POST', pathOf(id), { configs }, { ifMatch: etag });
      take({ config: data, etag: saved });
      say(t('editor.saved'));
      announce(t('editor.saved'));
    } catch (error) {
      if (error.status !== 412) throw error;
      setTheirs(await readConfig(id));
    } finally {
      isSaving.current = false;
    }
  });
  const move = (place, entry, target) => {
    const now = find(configs, place, entry._id);
    const next = withMoved(configs, now, { section: place, ...target });
    refocus.current = `${place}-${entry._id}`;
    setConfigs(next);
    tell(next, place, entry);
  };
  const onSwitch = (place, entry) => {
    const { list } = find(configs, place, entry._id);
    move(place, entry, { list: OTHER[list], index: configs[place][OTHER[list]].length });
  };
  const onKey = (event, place, entry) => {
    const { list, index } = find(configs, place, entry._id);
    const last = configs[place][list].length - 1;
    const target = {
      ArrowUp: index > 0 && { list, index: index - 1 }, ArrowDown: index < last && { list, index: index + 1 },
      Home: index > 0 && { list, index: 0 }, End: index < last && { list, index: last },
      ArrowRight: list === 'items' && { list: 'others', index: Math.min(index, configs[place].others.length) },
      ArrowLeft: list === 'others' && { list: 'items', index: Math.min(index, configs[place].items.length) },
    }[event.key];
    if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    if (target) move(place, entry, target);
  };
  return html`
    <p class="hint" id="editor-keys">${t('editor.keys')}</p>
    ${isStale && !theirs && html`<${Note} kind="warn" role="status"><p>${t('editor.stale')}</p><p><${Button} kind="small" onClick=${() => reload()}>${t('editor.reload')}</${Button}></p></${Note}>`}
    ${theirs && html`<${Conflict} mine=${configs} theirs=${theirs} isBusy=${save.isBusy} onTake=${() => take(theirs)} onKeep=${() => save.run(theirs.etag)} />`}
    ${configs.map((section, place) => (isEditable(section)
      ? html`<${Section} key=${place} ...${{ section, place, dragging, onKey, onSwitch }} />`
      : html`<${Card} key=${place} title=${listTitle(String(section?.type))}><p class="hint">${t('editor.unknown')}</p></${Card}>`))}
    ${!configs.length && html`<p class="empty">${t('config.empty')}</p>`}
    ${save.error && html`<${Problem} error=${save.error} />`}
    <div class="savebar"><span role="status">${t(isChanged ? 'editor.unsaved' : 'editor.unchanged')}</span>
      <div class="actions"><${Button} disabled=${!isChanged || save.isBusy} onClick=${() => take(stored)}>${t('editor.discard')}</${Button}>
        <${Button} kind="primary" icon="check" isBusy=${save.isBusy} disabled=${!isChanged || theirs} onClick=${() => save.run(stored.etag)}>${t('editor.save')}</${Button}></div></div>
    ${dragging.dragged && html`<div class="entry ghost-entry" ref=${dragging.ghost} aria-hidden="true"><${Icon} name="grip" /><span class="entry-name"><${Name} of=${dragging.dragged.name} /></span></div>`}`;
}

export default function Config({ route }) {
  const [id] = route.parts;
  const [version, setVersion] = useState(0);
  const loaded = useLoad(async () => {
    const [employee, found] = await Promise.all([get(`/employee/${encodeURIComponent(id)}`), readConfig(id)]);
    return { employee, found, version: Math.random() };
  }, [id, version]);
  const reload = () => setVersion(version + 1);
  const create = useAction(async () => { await post(pathOf(id), {}); reload(); });
  const employee = loaded.data?.employee;
  return html`<${Page} title=${employee?.name ?? t('config.title')} lead=${t('config.lead')} actions=${employee && atLeast('VIEWER') && html`
      <a class="button" href=${to(`employee/${id}`)}><${Icon} name="people" />${t('employee')}</a>
      <a class="button" href=${to('copy', { ...keepCustomer(employee.customer), from: id })}><${Icon} name="copy" />${t('copy.from')}</a>`}>
    <${Loaded} of=${loaded}>${({ found, version: key }) => (found
      ? html`<${Editor} key=${key} id=${id} found=${found} reload=${reload} />`
      : html`<${Card}><p>${t('config.absent')}</p><p><${Button} kind="primary" icon="plus" isBusy=${create.isBusy} onClick=${() => create.run()}>${t('config.create')}</${Button}></p>
          ${create.error && html`<${Problem} error=${create.error} />`}</${Card}>`)}</${Loaded}>
  </${Page}>`;
}
