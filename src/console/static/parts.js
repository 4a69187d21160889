// What several pages are made of.
import { html, useEffect, useLayoutEffect, useListening, useRef, useState } from './lib.js';
import { list, number, t } from './i18n.js';
import { wordsOf } from './api.js';
import { isIdle, onReturn } from './idle.js';
import { onLive } from './live.js';

const SHOWN_MAX = 600;

/** Text that somebody has stored: shown as text alone, cut off where it would fill the page. */
export function clip(value, most = SHOWN_MAX) {
  const text = typeof value === 'string' ? value : String(value ?? '');
  return text.length <= most ? text : `${text.slice(0, most)}… ${t('text.cut', { count: text.length })}`;
}

/** A stored name: its direction is its own and does not reach what stands beside it. */
export const Name = ({ of, none = '–' }) => html`<bdi class="stored">${of ? clip(of) : none}</bdi>`;

const NAMED = 5;

/** Stored names in a sentence, each with a direction of its own; of many the first few, and how many more. */
export function namesOf(names) {
  const shown = names.slice(0, NAMED).map((name) => `\u2068${clip(name || '–', 80)}\u2069`);
  return list(names.length > NAMED ? [...shown, t('names.more', { count: names.length - NAMED })] : shown);
}

export const Id = ({ of }) => (of ? html`<code class="id">${clip(of, 80)}</code>` : '–');

const ICONS = {
  people: 'M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7ZM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.6a3.5 3.5 0 0 1 0 6.3M18.5 14.6c1.9.9 3 2.8 3 5.4',
  building: 'M4 21V5a1 1 0 0 1 1-1h9a1 1 0 0 1 1 1v16M15 9h4a1 1 0 0 1 1 1v11M2.5 21h19M8 8h3M8 12h3M8 16h3',
  queue: 'M4 6h16M4 12h10M4 18h6M18 11v8m0 0-3-3m3 3 3-3',
  phone: 'M7 2.5h10a1 1 0 0 1 1 1v17a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1v-17a1 1 0 0 1 1-1ZM10.5 18.5h3',
  copy: 'M9 9h11v12H9zM5 15H4V3h11v2',
  clock: 'M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18ZM12 7v5l3.5 2',
  cloud: 'M7 18a4.5 4.5 0 0 1-.5-9A6 6 0 0 1 18 10.2 4 4 0 0 1 17.5 18H7Z',
  machine: 'M4 4h16v6H4zM4 14h16v6H4zM7.5 7h.01M7.5 17h.01',
  fleet: 'M5 5h5v5H5zM14 5h5v5h-5zM5 14h5v5H5zM14 14h5v5h-5z',
  key: 'M14.5 13.5a4.5 4.5 0 1 0-4.3-3.2L3 17.5V21h3.5v-2.5H9V16l2.3-2.3a4.5 4.5 0 0 0 3.2-.2ZM16 8h.01',
  menu: 'M4 7h16M4 12h16M4 17h16',
  close: 'M6 6l12 12M18 6 6 18',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14ZM20 20l-4-4',
  check: 'M5 12.5l4.5 4.5L19 7',
  warning: 'M12 4 2.5 20h19L12 4ZM12 10v4.5M12 17.3h.01',
  undo: 'M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 12h-3',
  edit: 'M4 20h4L19.5 8.5a2.1 2.1 0 0 0-3-3L5 17v3M14 7l3 3',
  grip: 'M9 6h.01M15 6h.01M9 12h.01M15 12h.01M9 18h.01M15 18h.01',
  right: 'M9 6l6 6-6 6',
  left: 'M15 6l-6 6 6 6',
  plus: 'M12 5v14M5 12h14',
  minus: 'M5 12h14',
  out: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  sun: 'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
};

export const Icon = ({ name }) => html`<svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false"><path d=${ICONS[name]} /></svg>`;

/** A page: its heading is focused when somebody comes to it, so that a screen reader tells where they are. */
export function Page({ title, lead, actions, children }) {
  const heading = useRef(null);
  useEffect(() => {
    document.title = `${clip(title, 80)} – telecomx-local`;
  }, [title]);
  useEffect(() => {
    if (window.consoleNavigated) heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
    window.consoleNavigated = true;
  }, []);
  return html`
    <div class="page">
      <header class="page-head">
        <div>
          <h1 tabindex="-1" ref=${heading}><${Name} of=${title} /></h1>
          ${lead && html`<p class="lead">${lead}</p>`}
        </div>
        ${actions && html`<div class="actions">${actions}</div>`}
      </header>
      ${children}
    </div>`;
}

/** Loads with `loader` when `on` changes, and again when an event passes `refresh`. Of two that overlap the later one counts. */
export function useLoad(loader, on, refresh) {
  const [state, setState] = useState({ data: null, error: null, isLoading: true });
  const turn = useRef(0);
  const latest = useRef(loader);
  latest.current = loader;
  const load = async (isQuiet) => {
    const mine = ++turn.current;
    if (!isQuiet) setState((before) => ({ ...before, error: null, isLoading: true }));
    try {
      const data = await latest.current();
      if (mine === turn.current) setState({ data, error: null, isLoading: false });
    } catch (error) {
      if (mine === turn.current) setState((before) => ({ data: isQuiet ? before.data : null, error, isLoading: false }));
    }
  };
  useEffect(() => { load(false); return () => { turn.current += 1; }; }, on);
  useListening(() => {
    if (!refresh) return undefined;
    let timer = null;
    let isMissed = false;
    const soon = () => {
      clearTimeout(timer);
      timer = setTimeout(() => load(true), 250);
    };
    const stop = onLive((event) => {
      if (event.name !== 'reload' && !refresh(event)) return;
      if (isIdle()) isMissed = true; else soon();
    });
    const stopReturn = onReturn(() => { if (isMissed) soon(); isMissed = false; });
    return () => { clearTimeout(timer); stop(); stopReturn(); };
  }, on);
  return { ...state, reload: () => load(true) };
}

/** Does `work` every so many seconds, while somebody is at the page. */
export function useEvery(seconds, work) {
  const latest = useRef(work);
  latest.current = work;
  useEffect(() => {
    const timer = setInterval(() => { if (!isIdle() && !document.hidden) latest.current(); }, seconds * 1_000);
    return () => clearInterval(timer);
  }, [seconds]);
}

/** Changes of these sections concern the page. */
export const changesOf = (...sections) => (event) => event.name === 'change' && sections.includes(event.section);

/** Content, or why there is none. */
export function Loaded({ of, children }) {
  if (of.error && !of.data) return html`<${Problem} error=${of.error} retry=${of.reload} />`;
  if (!of.data) return html`<p class="loading" role="status"><span class="spinner"></span>${t('loading')}</p>`;
  return html`${of.error && html`<${Problem} error=${of.error} retry=${of.reload} />`}${children(of.data)}`;
}

export function Problem({ error, retry, children }) {
  const { what, lang, then } = wordsOf(error);
  return html`<div class="note bad" role="alert">
    <${Icon} name="warning" />
    <div class="grow"><p><span lang=${lang}>${clip(what)}</span> ${then}</p>${children}</div>
    ${retry && html`<button type="button" class="button small" onClick=${retry}>${t('again')}</button>`}
  </div>`;
}

export const Note = ({ kind = 'info', icon = kind === 'good' ? 'check' : 'warning', children, role }) => html`
  <div class=${`note ${kind}`} role=${role}><${Icon} name=${icon} /><div class="grow">${children}</div></div>`;

export const Badge = ({ kind = '', children }) => html`<span class=${`badge ${kind}`}>${children}</span>`;

export const Empty = ({ children }) => html`<p class="empty">${children}</p>`;

export function Button({ icon, kind = '', children, onClick, isBusy, disabled, ...rest }) {
  return html`<button type="button" ...${rest} class=${`button ${kind}`} disabled=${disabled || isBusy} onClick=${onClick} aria-busy=${isBusy ? 'true' : undefined}>
    ${isBusy ? html`<span class="spinner"></span>` : icon && html`<${Icon} name=${icon} />`}<span>${children}</span></button>`;
}

let fields = 0;

/** A stable id for a label and what it belongs to. */
export function useId(name) {
  const ref = useRef(null);
  if (!ref.current) ref.current = `${name}-${++fields}`;
  return ref.current;
}

export function Field({ label, hint, children, ...input }) {
  const id = useId('field');
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children ? children(id) : html`<input id=${id} aria-describedby=${hint ? `${id}-hint` : undefined} ...${input} />`}
    ${hint && html`<p class="hint" id=${`${id}-hint`}>${hint}</p>`}
  </div>`;
}

export function Select({ label, value, options, onChange, isQuiet }) {
  const id = useId('select');
  return html`<div class=${`field ${isQuiet ? 'quiet' : ''}`}>
    <label for=${id}>${label}</label>
    <select id=${id} value=${value} onChange=${(event) => onChange(event.target.value)}>
      ${options.map(([name, text]) => html`<option key=${name} value=${name} selected=${name === value}>${text}</option>`)}
    </select></div>`;
}

/** A search that waits until somebody has stopped typing. */
export function Search({ value, onSearch, label = t('search'), placeholder }) {
  const [typed, setTyped] = useState(value ?? '');
  const timer = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  const type = (event) => {
    setTyped(event.target.value);
    clearTimeout(timer.current);
    const text = event.target.value;
    timer.current = setTimeout(() => onSearch(text), 250);
  };
  const id = useId('search');
  return html`<form class="search" role="search" onSubmit=${(event) => { event.preventDefault(); onSearch(typed); }}>
    <label class="unseen" for=${id}>${label}</label><${Icon} name="search" />
    <input id=${id} type="search" maxlength="200" value=${typed} placeholder=${placeholder ?? label} onInput=${type} autocomplete="off" spellcheck="false" /></form>`;
}

/** Rows under headings; on a phone each row is a card with its headings beside the values. */
export function Table({ caption, columns, rows, rowKey, none = t('none'), rowClass }) {
  if (!rows.length) return html`<${Empty}>${none}</${Empty}>`;
  return html`<div class="table-frame"><table role="table">
    <caption class="unseen">${caption}</caption>
    <thead role="rowgroup"><tr role="row">${columns.map((column) => html`<th key=${column.name} scope="col" role="columnheader" class=${column.kind ?? ''}>${column.label || html`<span class="unseen">${t('table.actions')}</span>`}</th>`)}</tr></thead>
    <tbody role="rowgroup">${rows.map((row) => html`<tr key=${rowKey(row)} role="row" class=${rowClass?.(row) ?? ''}>
      ${columns.map((column) => html`<td key=${column.name} role="cell" data-label=${column.label || ''} class=${column.kind ?? ''}><div class="cell">${column.of(row)}</div></td>`)}</tr>`)}
    </tbody></table></div>`;
}

export function Pager({ offset, limit, total, onPage }) {
  if (!total) return null;
  const last = Math.min(offset + limit, total);
  if (offset === 0 && last === total) return html`<p class="pager" role="status">${t('pager.range', { first: 1, last, total })}</p>`;
  return html`<nav class="pager" aria-label=${t('pager.label')}>
    <button type="button" class="button small" disabled=${offset <= 0} onClick=${() => onPage(Math.max(0, offset - limit))}><${Icon} name="left" /><span>${t('pager.before')}</span></button>
    <span role="status">${t('pager.range', { first: offset + 1, last, total })}</span>
    <button type="button" class="button small" disabled=${last >= total} onClick=${() => onPage(offset + limit)}><span>${t('pager.next')}</span><${Icon} name="right" /></button>
  </nav>`;
}

export const Card = ({ title, actions, children, kind = '' }) => html`<section class=${`card ${kind}`}>
  ${(title || actions) && html`<header class="card-head">${title && html`<h2>${title}</h2>`}${actions && html`<div class="actions">${actions}</div>`}</header>`}
  ${children}</section>`;

export const Figure = ({ label, value, hint, kind = '' }) => html`<div class=${`figure ${kind}`}><dt>${label}</dt><dd>${value}${hint && html`<small>${hint}</small>`}</dd></div>`;

export const Facts = ({ of }) => html`<dl class="facts">${of.filter(Boolean).map(([label, value]) => html`<div key=${label}><dt>${label}</dt><dd>${value ?? '–'}</dd></div>`)}</dl>`;

/** A dialog above the page: the browser keeps the focus in it, and Escape closes it. */
export function Dialog({ title, onClose, children, actions }) {
  const ref = useRef(null);
  const id = useId('dialog');
  useLayoutEffect(() => {
    const dialog = ref.current;
    const before = document.activeElement;
    dialog.showModal();
    return () => { dialog.close(); before?.focus?.(); };
  }, []);
  return html`<dialog ref=${ref} aria-labelledby=${id} onCancel=${(event) => { event.preventDefault(); onClose(); }}>
    <header class="card-head"><h2 id=${id}>${title}</h2>
      <button type="button" class="button ghost small" aria-label=${t('close')} onClick=${onClose}><${Icon} name="close" /></button></header>
    <div class="dialog-body">${children}</div>
    ${actions && html`<footer class="actions">${actions}</footer>`}
  </dialog>`;
}

const toasts = new Set();

/** Says briefly what has been done. */
export const say = (text, kind = 'good') => toasts.forEach((show) => show(text, kind));

export function Toasts() {
  const [shown, setShown] = useState([]);
  useListening(() => {
    const show = (text, kind) => {
      const id = Math.random();
      setShown((before) => [...before.slice(-2), { id, text, kind }]);
      setTimeout(() => setShown((before) => before.filter((one) => one.id !== id)), 6_000);
    };
    toasts.add(show);
    return () => toasts.delete(show);
  }, []);
  return html`<div class="toasts" role="status" aria-live="polite">${shown.map(({ id, text, kind }) => html`<div class=${`toast ${kind}`} key=${id}><${Icon} name=${kind === 'good' ? 'check' : 'warning'} />${text}</div>`)}</div>`;
}

/** Tells a screen reader something that is seen already. */
export function announce(text) {
  const region = document.getElementById('announcer');
  if (region) region.textContent = region.textContent === text ? `${text}\u00a0` : text;
}

/** Does something once at a time; gives what is under way, what went wrong, and how to begin. What was begun before `clear` says nothing more. */
export function useAction(work) {
  const [state, setState] = useState({ isBusy: false, error: null });
  const turn = useRef(0);
  const run = async (...given) => {
    if (state.isBusy) return;
    const mine = ++turn.current;
    const end = (error) => { if (mine === turn.current) setState({ isBusy: false, error }); };
    setState({ isBusy: true, error: null });
    try {
      await work(...given);
      end(null);
    } catch (error) {
      end(error);
    }
  };
  const clear = () => { turn.current += 1; setState({ isBusy: false, error: null }); };
  return { ...state, run, clear };
}

export const Count = ({ of }) => html`<span class="count">${number(of)}</span>`;
