// The frame around the pages: who is signed in, where one can go, language and colours.
import { html, render, useEffect, useListening, useState } from './lib.js';
import { chooseLanguage, LANGUAGES, loadLanguage, t, useLanguage } from './i18n.js';
import { applyTheme, chooseTheme, currentTheme, THEMES } from './theme.js';
import { atLeast, findSession, isHub, me, onSession, session, signOut } from './session.js';
import { to, useRoute } from './route.js';
import { liveState, onLiveState } from './live.js';
import { Icon, Name, Page, Problem, say, Select, Toasts, useAction } from './parts.js';
import { sentence } from './api.js';
import { SignIn } from './signin.js';

/** Name in the address, icon, whether it is offered, and the module with the page. */
const SERVER_PAGES = [
  { name: 'customers', icon: 'building', group: 'look', isFor: () => atLeast('RESELLER') },
  { name: 'employees', icon: 'people', group: 'look', isFor: () => atLeast('VIEWER') },
  { name: 'queues', icon: 'queue', group: 'look', isFor: () => true },
  { name: 'configs', icon: 'phone', group: 'look', isFor: () => true },
  { name: 'copy', icon: 'copy', group: 'look', isFor: () => atLeast('VIEWER') },
  { name: 'audit', icon: 'clock', group: 'run', isFor: () => atLeast('VIEWER') },
  { name: 'centre', icon: 'cloud', group: 'run', isFor: () => atLeast('RESELLER_ADMIN') },
  { name: 'machine', icon: 'machine', group: 'run', isFor: () => atLeast('ADMIN') },
  { name: 'employee', isFor: () => true },
  { name: 'config', isFor: () => true },
  { name: 'queue', isFor: () => true },
];

const HUB_PAGES = [
  { name: 'fleet', icon: 'fleet', group: 'run', isFor: () => true },
  { name: 'codes', icon: 'key', group: 'run', isFor: () => true },
  { name: 'hubaudit', icon: 'clock', group: 'run', isFor: () => true },
  { name: 'origin', isFor: () => true },
];

const pages = () => (isHub() ? HUB_PAGES : SERVER_PAGES).filter((page) => page.isFor());
const PARENT = { employee: 'employees', config: 'configs', queue: 'queues', origin: 'fleet' };

function firstPage() {
  if (isHub()) return 'fleet';
  return atLeast('VIEWER') ? 'employees' : 'configs';
}

/** Loads the module of a page when it is first opened. */
function PageOf({ route }) {
  const [loaded, setLoaded] = useState({});
  const known = pages().find((page) => page.name === route.name);
  useEffect(() => {
    if (!known) return;
    const { name } = known;
    import(`./pages/${name}.js`).then((module) => setLoaded({ name, page: module.default }), (error) => setLoaded({ name, error }));
  }, [known?.name]);
  if (!known) {
    return html`<${Page} title=${t('missing.title')}><p>${t('missing.text')}</p><p><a class="button" href=${to(firstPage())}>${t('missing.home')}</a></p></${Page}>`;
  }
  if (loaded.name !== known.name) return html`<p class="loading" role="status"><span class="spinner"></span>${t('loading')}</p>`;
  if (loaded.error) return html`<${Problem} error=${loaded.error} />`;
  return html`<${loaded.page} key=${`${route.name}/${route.parts.join('/')}`} route=${route} />`;
}

function Live() {
  const [state, setState] = useState(liveState());
  useListening(() => onLiveState(setState), []);
  if (isHub()) return null;
  return html`<p class=${`live ${state}`}><span class="dot"></span>${t(`live.${state}`)}</p>`;
}

export function Preferences() {
  const language = useLanguage();
  const [theme, setTheme] = useState(currentTheme());
  return html`<div class="preferences">
    <${Select} isQuiet label=${t('language')} value=${language} options=${Object.entries(LANGUAGES)} onChange=${chooseLanguage} />
    <${Select} isQuiet label=${t('theme')} value=${theme} options=${THEMES.map((name) => [name, t(`theme.${name}`)])}
      onChange=${(name) => { setTheme(name); chooseTheme(name); }} />
  </div>`;
}

function Side({ route, isOpen, close }) {
  const out = useAction(signOut);
  useEffect(() => { if (out.error) say(sentence(out.error), 'bad'); }, [out.error]);
  const here = PARENT[route.name] ?? route.name;
  const groups = ['look', 'run'].map((group) => [group, pages().filter((page) => page.group === group)]);
  return html`<aside class=${`side ${isOpen ? 'open' : ''}`} id="side">
    <nav aria-label=${t('nav.label')}>
      ${groups.filter(([, list]) => list.length).map(([group, list]) => html`<div class="nav-group" key=${group}>
        <p class="nav-title" id=${`nav-${group}`}>${t(`nav.${isHub() ? 'hub' : group}`)}</p>
        <ul aria-labelledby=${`nav-${group}`}>${list.map(({ name, icon }) => html`<li key=${name}><a href=${to(name)} aria-current=${here === name ? 'page' : undefined} onClick=${close}>
          <${Icon} name=${icon} /><span>${t(`nav.${name}`)}</span></a></li>`)}</ul></div>`)}
    </nav>
    <div class="side-foot">
      <${Live} />
      <${Preferences} />
      <div class="who"><div class="grow"><strong><${Name} of=${me()?.name ?? session.data.operator} /></strong>
        <small>${me() ? html`<${Name} of=${me().customerName} /> · ${t(`level.${me().accessLevel}`)}` : t(`hublevel.${session.data.level}`)}</small></div>
        <button type="button" class="button ghost small" title=${t('signout')} aria-label=${t('signout')} disabled=${out.isBusy} onClick=${() => out.run()}><${Icon} name="out" /></button></div>
    </div>
  </aside>`;
}

function Frame() {
  const route = useRoute();
  const [isOpen, setOpen] = useState(false);
  const close = () => setOpen(false);
  useEffect(() => {
    if (!route.name) location.replace(to(firstPage()));
  }, [route.name]);
  useEffect(() => {
    const key = (event) => event.key === 'Escape' && setOpen(false);
    window.addEventListener('keydown', key);
    return () => window.removeEventListener('keydown', key);
  }, []);
  const skip = (event) => { event.preventDefault(); document.querySelector('h1')?.focus(); };
  return html`<div class="frame">
    <a class="skip" href="#main" onClick=${skip}>${t('skip')}</a>
    <header class="bar">
      <button type="button" class="button ghost menu" aria-label=${t('nav.open')} aria-expanded=${String(isOpen)} aria-controls="side" onClick=${() => setOpen(!isOpen)}><${Icon} name=${isOpen ? 'close' : 'menu'} /></button>
      <a class="brand" href=${to(firstPage())}><img src="icon.svg" alt="" width="28" height="28" /><span>telecomx-local</span>${isHub() && html`<span class="badge">${t('hub')}</span>`}</a>
    </header>
    <${Side} route=${route} isOpen=${isOpen} close=${close} />
    <main id="main">${route.name && html`<${PageOf} route=${route} />`}</main>
  </div>`;
}

function App() {
  useLanguage();
  const [, redraw] = useState(0);
  useListening(() => onSession(() => redraw((count) => count + 1)), []);
  return html`
    ${session.data ? html`<${Frame} key=${session.data.employee?._id ?? session.data.operator} />` : html`<${SignIn} preferences=${html`<${Preferences} />`} />`}
    <${Toasts} />
    <div id="announcer" class="unseen" aria-live="assertive"></div>`;
}

/** A fault of a page is said, and not left to the tools of the browser. */
function sayFaults() {
  window.addEventListener('error', (event) => event.error && say(sentence(event.error), 'bad'));
  window.addEventListener('unhandledrejection', (event) => say(sentence(event.reason), 'bad'));
}

async function start() {
  sayFaults();
  applyTheme();
  await loadLanguage();
  const place = document.getElementById('app');
  try {
    await findSession();
  } catch (error) {
    render(html`<main class="alone"><h1>telecomx-local</h1><${Problem} error=${error} retry=${() => location.reload()} /></main>`, place);
    return;
  }
  render(html`<${App} />`, place);
}

start();
