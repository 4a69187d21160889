// One mobile config onto many: whose, onto whose, what would change, and back again.
import { html, useEffect, useLayoutEffect, useRef, useState } from '../lib.js';
import { t } from '../i18n.js';
import { all, get, post } from '../api.js';
import { atLeast, LEVELS } from '../session.js';
import { setQuery, to } from '../route.js';
import { customerOf, CustomerLine } from '../customer.js';
import { Counts, entriesOf, EntryList, hasConfig, listTitle, readConfig, Sides } from '../configs.js';
import { UndoButton } from '../undo.js';
import { Badge, Button, Card, Icon, Id, Loaded, Name, namesOf, Note, Page, Problem, Search, Select, useAction, useId, useLoad } from '../parts.js';

const FOUND = 30;
const SHOWN = 200;
const HOW = ['named', 'department', 'level', 'all'];

/** Whether somebody has got a mobile config, or has none any more. */
const isConfigThere = (event) => event.name === 'change' && event.section === 'PbxAppMobileConfigs' && ['create', 'delete'].includes(event.operation);

/** The first employees that a search finds, each with whether there is a mobile config. */
function useEmployees(customer, filter) {
  return useLoad(async () => {
    const page = await get('/employee', { customer, filter, limit: FOUND });
    const found = await Promise.all(page.employees.map((one) => hasConfig(one._id)));
    return { ...page, employees: page.employees.map((one, place) => ({ ...one, hasConfig: found[place] })) };
  }, [customer, filter], isConfigThere);
}

/** Whose mobile config is copied, and the config; `id` tells of whom this was read. */
function useSource(from) {
  return useLoad(async () => {
    if (!from) return { id: from };
    const [employee, config] = await Promise.all([get(`/employee/${encodeURIComponent(from)}`), readConfig(from)]);
    return { id: from, employee, config };
  }, [from], isConfigThere);
}

const Person = ({ of }) => html`<span class="grow"><${Name} of=${of.name} />${of.department && html` <small><${Name} of=${of.department} /></small>`}</span>
  ${!of.hasConfig && html`<${Badge}>${t('copy.noconfig')}</${Badge}>`}`;

/** Employees to choose from. Whoever has no mobile config is shown, and cannot be chosen. */
function Choices({ customer, label, role, except, children }) {
  const [filter, setFilter] = useState('');
  const found = useEmployees(customer, filter);
  return html`<${Search} value=${filter} label=${t('employees.search')} onSearch=${setFilter} />
    <${Loaded} of=${found}>${(page) => html`<div class="choices" role=${role} aria-label=${label}>
      ${page.employees.filter((one) => one._id !== except).map((one) => html`<label class="choice" key=${one._id}>${children(one)}<${Person} of=${one} /></label>`)}
      ${!page.employees.length && html`<p class="hint">${t('none.found')}</p>`}</div>
      ${page.total > FOUND && html`<p class="hint">${t('copy.more', { count: page.total - FOUND })}</p>`}`}</${Loaded}>`;
}

function Source({ customer, from, source }) {
  const lists = Object.entries(entriesOf(source.data?.config?.config)).filter(([, entries]) => entries.length);
  const group = useId('source');
  if (from) {
    return html`<${Card} title=${t('copy.source')} actions=${html`<${Button} kind="small" onClick=${() => setQuery({ from: '' })}>${t('copy.other')}</${Button}>`}>
      <${Loaded} of=${source}>${({ employee, config }) => html`<p><strong><${Name} of=${employee?.name} /></strong></p>
        ${config ? html`<details><summary>${t('copy.content')}</summary><div class="two">${lists.map(([key, entries]) => html`<section key=${key}><h3 class="list-title">${listTitle(key)}</h3><${EntryList} entries=${entries} /></section>`)}</div></details>`
          : html`<${Note} kind="warn"><p>${t('copy.absent')}</p></${Note}>`}`}</${Loaded}></${Card}>`;
  }
  return html`<${Card} title=${t('copy.source')}><${Choices} customer=${customer} label=${t('copy.source')} role="radiogroup">
    ${(one) => html`<input type="radio" name=${group} value=${one._id} disabled=${!one.hasConfig} onChange=${() => setQuery({ from: one._id })} />`}</${Choices}></${Card}>`;
}

function Named({ customer, from, chosen, setChosen }) {
  const toggle = (one) => {
    const next = new Map(chosen);
    if (!next.delete(one._id)) next.set(one._id, one);
    setChosen(next);
  };
  return html`<${Choices} customer=${customer} label=${t('copy.targets')} role="group" except=${from}>
      ${(one) => html`<input type="checkbox" value=${one._id} checked=${chosen.has(one._id)} disabled=${!one.hasConfig && !chosen.has(one._id)} onChange=${() => toggle(one)} />`}</${Choices}>
    <div class="row" role="status"><strong>${t('copy.chosen', { count: chosen.size })}</strong>
      ${[...chosen.values()].slice(0, 12).map((one) => html`<span class="badge" key=${one._id}><${Name} of=${one.name.slice(0, 40)} /></span>`)}
      ${chosen.size > 0 && html`<${Button} kind="ghost small" onClick=${() => setChosen(new Map())}>${t('copy.clear')}</${Button}>`}</div>`;
}

/** The employees of a customer: of them departments and levels are offered. */
const useStaff = (customer) => useLoad(() => all('/employee', { customer }, 'employees'), [customer]);

function Departments({ customer, value, onChange }) {
  const staff = useStaff(customer);
  const names = [...new Set((staff.data ?? []).map((one) => one.department).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  const id = useId('departments');
  return html`<div class="field"><label for=${id}>${t('department')}</label><input id=${id} list=${`${id}-list`} value=${value} onInput=${(event) => onChange(event.target.value)} />
    <datalist id=${`${id}-list`}>${names.map((name) => html`<option key=${name} value=${name}></option>`)}</datalist></div>`;
}

/** Levels that somebody has, up to that of whoever is signed in. */
function Levels({ customer, value, onChange }) {
  const staff = useStaff(customer);
  return html`<${Loaded} of=${staff}>${(people) => {
    const had = new Set(people.map((one) => one.accessLevel));
    const options = LEVELS.filter((name) => had.has(name) && atLeast(name)).map((name) => [name, t(`level.${name}`)]);
    return html`<${Select} label=${t('level')} value=${value} options=${[['', t('copy.choose.level')], ...options]} onChange=${onChange} />`;
  }}</${Loaded}>`;
}

function Target({ target, from }) {
  const [isOpen, setOpen] = useState(false);
  return html`<details class="target" onToggle=${(event) => setOpen(event.currentTarget.open)}>
    <summary><${Icon} name="right" /><strong class="grow"><${Name} of=${target.name} /></strong>${target.changes ? html`<${Counts} lists=${target.lists} />` : html`<${Badge}>${t('copy.same')}</${Badge}>`}</summary>
    ${isOpen && html`<${Compared} target=${target} from=${from} />`}</details>`;
}

/** What a target holds now beside what it is to hold. */
function Compared({ target, from }) {
  const loaded = useLoad(async () => {
    const [before, after] = await Promise.all([readConfig(target._id), readConfig(from)]);
    return { before: before?.config, after: after?.config };
  }, [target._id, from]);
  return html`<div class="target-body"><${Loaded} of=${loaded}>${({ before, after }) => html`<${Sides} before=${before} after=${after} />`}</${Loaded}></div>`;
}

function Preview({ preview, copy }) {
  const { answer, request } = preview;
  const changing = answer.targets.filter((target) => target.changes);
  const rest = answer.targets.length - changing.length;
  const button = html`<${Button} kind="primary" icon="copy" isBusy=${copy.isBusy} disabled=${!changing.length} onClick=${() => copy.run(preview)}>${changing.length ? t('copy.do', { count: changing.length }) : t('copy.do.none')}</${Button}>`;
  return html`<${Card} title=${t('copy.preview')} actions=${button}>
    ${changing.length
      ? html`<p>${t('copy.preview.text', { count: changing.length })} ${rest > 0 && t('copy.preview.same', { count: rest })}</p>`
      : html`<${Note}><p>${t('copy.preview.nothing')}</p></${Note}>`}
    ${answer.withoutConfig.length > 0 && html`<${Note}><p>${t('copy.without', { count: answer.withoutConfig.length })}</p></${Note}>`}
    ${copy.error && html`<${Problem} error=${copy.error} />`}
    <div class="stack">${answer.targets.slice(0, SHOWN).map((target) => html`<${Target} key=${target._id} target=${target} from=${request._id} />`)}</div>
    ${answer.targets.length > SHOWN && html`<p class="hint">${t('copy.cut', { count: answer.targets.length - SHOWN })}</p>`}
  </${Card}>`;
}

function Done({ done, again }) {
  const [isUndone, setUndone] = useState(false);
  const { answer, source } = done;
  const names = namesOf(answer.targets.filter((target) => target.changes).map((target) => target.name));
  const rest = answer.targets.length - answer.changed;
  return html`<${Card} title=${t(isUndone ? 'copy.undone' : 'copy.done')}>
    <${Note} kind="good" role="status">
      <p>${t(isUndone ? 'copy.undone.text' : 'copy.done.text', { count: answer.changed })}</p>
      <p>${t(isUndone ? 'copy.undone.who' : 'copy.done.who', { source: namesOf([source]), names })} ${!isUndone && rest > 0 && t('copy.done.same', { count: rest })}</p></${Note}>
    <p>${t('operation')}: <${Id} of=${answer.operation} /></p>
    <div class="actions">${!isUndone && answer.operation && html`<${UndoButton} operation=${answer.operation} onUndone=${() => setUndone(true)} />`}
      ${answer.operation && html`<a class="button" href=${to('audit', { operation: answer.operation })}><${Icon} name="clock" />${t('copy.trail')}</a>`}
      <${Button} kind="primary" onClick=${again}>${t('copy.again')}</${Button}></div>
  </${Card}>`;
}

/** What the choice asks of the server; null while it is not whole. */
function requestOf({ from, how, chosen, department, level }) {
  const named = [...chosen.keys()].filter((id) => id !== from);
  const copyTo = { named: named.length && named, department: department.trim() && { department }, level: level && { accessLevel: level }, all: { all: true } }[how];
  return from && copyTo ? { _id: from, copyTo } : null;
}

/** The preview of a request, which it carries along. One of another choice than `request` is neither shown nor kept, whenever it arrives. */
function usePreview(request, source) {
  const [preview, setPreview] = useState(null);
  const key = JSON.stringify(request);
  const latest = useRef(key);
  latest.current = key;
  const look = useAction(async () => {
    setPreview(null);
    const answer = await post('/local/copies', { ...request, dryRun: true });
    if (latest.current === key) setPreview({ key, request, answer, source });
  });
  useLayoutEffect(() => { setPreview(null); look.clear(); }, [key]);
  return { look, preview: preview?.key === key ? preview : null, forget: () => setPreview(null) };
}

/** Why there can be no preview yet; null when there can be one. */
function missing({ from, request, source }) {
  if (!from) return 'copy.choose.source';
  if (source.data?.id === from && !source.data.config) return 'copy.absent';
  return request ? null : 'copy.choose.targets';
}

export default function Copy({ route }) {
  const customer = customerOf(route);
  const { from } = route.query;
  const [how, setHow] = useState('named');
  const [chosen, setChosen] = useState(new Map());
  const [department, setDepartment] = useState('');
  const [level, setLevel] = useState('');
  const [done, setDone] = useState(null);
  const result = useRef(null);
  const source = useSource(from);
  const request = requestOf({ from, how, chosen, department, level });
  const { look, preview, forget } = usePreview(request, source.data?.employee?.name);
  const copy = useAction(async (shown) => {
    setDone({ answer: await post('/local/copies', shown.request), source: shown.source });
    forget();
  });
  useLayoutEffect(() => { if (!copy.isBusy) copy.clear(); }, [preview?.key]);
  useEffect(() => {
    if (preview || done) { result.current?.focus({ preventScroll: true }); result.current?.scrollIntoView({ block: 'start', behavior: 'smooth' }); }
  }, [preview, done]);
  const why = missing({ from, request, source });
  const isReady = !why && source.data?.id === from;
  const again = () => { setDone(null); setChosen(new Map()); };
  const group = useId('how');
  const reason = useId('reason');
  return html`<${Page} title=${t('nav.copy')} lead=${html`<${CustomerLine} id=${customer} />`}>
    ${!done && html`<fieldset class="two plain" disabled=${copy.isBusy}><${Source} customer=${customer} from=${from} source=${source} />
      <${Card} title=${t('copy.targets')}>
        <div class="segments" role="radiogroup" aria-label=${t('copy.how')}>${HOW.map((name) => html`<label key=${name}><input type="radio" name=${group} value=${name} checked=${how === name} onChange=${() => setHow(name)} />${t(`copy.how.${name}`)}</label>`)}</div>
        ${how === 'named' && html`<${Named} customer=${customer} from=${from} chosen=${chosen} setChosen=${setChosen} />`}
        ${how === 'department' && html`<${Departments} customer=${customer} value=${department} onChange=${setDepartment} />`}
        ${how === 'level' && html`<${Levels} customer=${customer} value=${level} onChange=${setLevel} />`}
        ${how === 'all' && html`<p>${t('copy.all')}</p>`}
        <${Button} kind="primary" isBusy=${look.isBusy} disabled=${!isReady} aria-describedby=${why ? reason : undefined} onClick=${() => look.run()}>${t('copy.look')}</${Button}>
        ${why && html`<p class="hint" id=${reason}>${t(why)}</p>`}
        ${look.error && html`<${Problem} error=${look.error} />`}
      </${Card}></fieldset>`}
    <div tabindex="-1" ref=${result} role="region" aria-label=${t('copy.result')} class="stack">
      ${preview && html`<${Preview} preview=${preview} copy=${copy} />`}
      ${done && html`<${Done} done=${done} again=${again} />`}</div>
  </${Page}>`;
}
