// One mobile config onto many: whose, onto whose, what would change, and back again.
import { html, useEffect, useRef, useState } from '../lib.js';
import { t } from '../i18n.js';
import { get, post } from '../api.js';
import { LEVELS } from '../session.js';
import { setQuery, to } from '../route.js';
import { customerOf, CustomerLine } from '../customer.js';
import { Counts, entriesOf, EntryList, listTitle, readConfig, Sides } from '../configs.js';
import { UndoButton } from '../undo.js';
import { Badge, Button, Card, Icon, Id, Loaded, Name, Note, Page, Problem, Search, Select, useAction, useId, useLoad } from '../parts.js';

const FOUND = 30;
const SHOWN = 200;
const HOW = ['named', 'department', 'level', 'all'];

function useEmployees(customer, filter) {
  return useLoad(() => get('/employee', { customer, filter, limit: FOUND }), [customer, filter]);
}

const Person = ({ of }) => html`<span class="grow"><${Name} of=${of.name} />${of.department && html` <small><${Name} of=${of.department} /></small>`}</span>`;

function Source({ customer, from }) {
  const [filter, setFilter] = useState('');
  const found = useEmployees(customer, filter);
  const chosen = useLoad(async () => {
    if (!from) return {};
    const [employee, config] = await Promise.all([get(`/employee/${encodeURIComponent(from)}`), readConfig(from)]);
    return { employee, config };
  }, [from]);
  const lists = Object.entries(entriesOf(chosen.data?.config?.config)).filter(([, entries]) => entries.length);
  const group = useId('source');
  if (from) {
    return html`<${Card} title=${t('copy.source')} actions=${html`<${Button} kind="small" onClick=${() => setQuery({ from: '' })}>${t('copy.other')}</${Button}>`}>
      <${Loaded} of=${chosen}>${({ employee, config }) => html`<p><strong><${Name} of=${employee?.name} /></strong></p>
        ${config ? html`<details><summary>${t('copy.content')}</summary><div class="two">${lists.map(([key, entries]) => html`<section key=${key}><h3 class="list-title">${listTitle(key)}</h3><${EntryList} entries=${entries} /></section>`)}</div></details>`
          : html`<${Note} kind="warn"><p>${t('copy.absent')}</p></${Note}>`}`}</${Loaded}></${Card}>`;
  }
  return html`<${Card} title=${t('copy.source')}>
    <${Search} value=${filter} label=${t('employees.search')} onSearch=${setFilter} />
    <${Loaded} of=${found}>${(page) => html`<div class="choices" role="radiogroup" aria-label=${t('copy.source')}>
      ${page.employees.map((one) => html`<label class="choice" key=${one._id}><input type="radio" name=${group} value=${one._id} onChange=${() => setQuery({ from: one._id })} /><${Person} of=${one} /></label>`)}
      ${!page.employees.length && html`<p class="hint">${t('none.found')}</p>`}</div>
      ${page.total > FOUND && html`<p class="hint">${t('copy.more', { count: page.total - FOUND })}</p>`}`}</${Loaded}>
  </${Card}>`;
}

function Named({ customer, from, chosen, setChosen }) {
  const [filter, setFilter] = useState('');
  const found = useEmployees(customer, filter);
  const toggle = (one) => {
    const next = new Map(chosen);
    if (!next.delete(one._id)) next.set(one._id, one);
    setChosen(next);
  };
  return html`
    <${Search} value=${filter} label=${t('employees.search')} onSearch=${setFilter} />
    <${Loaded} of=${found}>${(page) => html`<div class="choices" role="group" aria-label=${t('copy.targets')}>
      ${page.employees.filter((one) => one._id !== from).map((one) => html`<label class="choice" key=${one._id}><input type="checkbox" value=${one._id} checked=${chosen.has(one._id)} onChange=${() => toggle(one)} /><${Person} of=${one} /></label>`)}
      ${!page.employees.length && html`<p class="hint">${t('none.found')}</p>`}</div>
      ${page.total > FOUND && html`<p class="hint">${t('copy.more', { count: page.total - FOUND })}</p>`}`}</${Loaded}>
    <div class="row" role="status"><strong>${t('copy.chosen', { count: chosen.size })}</strong>
      ${[...chosen.values()].slice(0, 12).map((one) => html`<span class="badge" key=${one._id}><${Name} of=${one.name.slice(0, 40)} /></span>`)}
      ${chosen.size > 0 && html`<${Button} kind="ghost small" onClick=${() => setChosen(new Map())}>${t('copy.clear')}</${Button}>`}</div>`;
}

function Departments({ customer, value, onChange }) {
  const found = useLoad(async () => {
    const page = await get('/employee', { customer, limit: 500 });
    return [...new Set(page.employees.map((one) => one.department).filter(Boolean))].sort((a, b) => a.localeCompare(b));
  }, [customer]);
  const id = useId('departments');
  return html`<div class="field"><label for=${id}>${t('department')}</label><input id=${id} list=${`${id}-list`} value=${value} onInput=${(event) => onChange(event.target.value)} />
    <datalist id=${`${id}-list`}>${(found.data ?? []).map((name) => html`<option key=${name} value=${name}></option>`)}</datalist></div>`;
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

function Preview({ preview, from, copy }) {
  const changing = preview.targets.filter((target) => target.changes);
  const rest = preview.targets.length - changing.length;
  return html`<${Card} title=${t('copy.preview')} actions=${html`<${Button} kind="primary" icon="copy" isBusy=${copy.isBusy} disabled=${!changing.length} onClick=${() => copy.run()}>${t('copy.do', { count: changing.length })}</${Button}>`}>
    <p>${t('copy.preview.text', { count: preview.targets.length })} ${rest > 0 && t('copy.preview.same', { count: rest })}</p>
    ${preview.withoutConfig.length > 0 && html`<${Note}><p>${t('copy.without', { count: preview.withoutConfig.length })}</p></${Note}>`}
    ${copy.error && html`<${Problem} error=${copy.error} />`}
    <div class="stack">${preview.targets.slice(0, SHOWN).map((target) => html`<${Target} key=${target._id} target=${target} from=${from} />`)}</div>
    ${preview.targets.length > SHOWN && html`<p class="hint">${t('copy.cut', { count: preview.targets.length - SHOWN })}</p>`}
  </${Card}>`;
}

function Done({ done, again }) {
  const [isUndone, setUndone] = useState(false);
  return html`<${Card} title=${t(isUndone ? 'copy.undone' : 'copy.done')}>
    <${Note} kind="good" role="status"><p>${t(isUndone ? 'copy.undone.text' : 'copy.done.text', { count: done.changed })}</p></${Note}>
    <p>${t('operation')}: <${Id} of=${done.operation} /></p>
    <div class="actions">${!isUndone && done.operation && html`<${UndoButton} operation=${done.operation} onUndone=${() => setUndone(true)} />`}
      ${done.operation && html`<a class="button" href=${to('audit', { operation: done.operation })}><${Icon} name="clock" />${t('copy.trail')}</a>`}
      <${Button} kind="primary" onClick=${again}>${t('copy.again')}</${Button}></div>
  </${Card}>`;
}

export default function Copy({ route }) {
  const customer = customerOf(route);
  const { from } = route.query;
  const [how, setHow] = useState('named');
  const [chosen, setChosen] = useState(new Map());
  const [department, setDepartment] = useState('');
  const [level, setLevel] = useState('PERSONAL');
  const [preview, setPreview] = useState(null);
  const [done, setDone] = useState(null);
  const result = useRef(null);
  const copyTo = () => ({ named: () => [...chosen.keys()].filter((id) => id !== from), department: () => ({ department }), level: () => ({ accessLevel: level }), all: () => ({ all: true }) }[how]());
  const body = () => ({ _id: from, copyTo: copyTo() });
  const look = useAction(async () => { setPreview(null); setPreview(await post('/local/copies', { ...body(), dryRun: true })); });
  const copy = useAction(async () => { setDone(await post('/local/copies', body())); setPreview(null); });
  // A preview is of one choice alone.
  useEffect(() => { setPreview(null); look.clear(); }, [from, how, chosen, department, level]);
  useEffect(() => {
    if (preview || done) { result.current?.focus({ preventScroll: true }); result.current?.scrollIntoView({ block: 'start', behavior: 'smooth' }); }
  }, [preview, done]);
  const isReady = from && { named: chosen.size > 0, department: department.trim(), level: true, all: true }[how];
  const again = () => { setDone(null); setChosen(new Map()); };
  const group = useId('how');
  return html`<${Page} title=${t('nav.copy')} lead=${html`<${CustomerLine} id=${customer} />`}>
    ${!done && html`<div class="two"><${Source} customer=${customer} from=${from} />
      <${Card} title=${t('copy.targets')}>
        <div class="segments" role="radiogroup" aria-label=${t('copy.how')}>${HOW.map((name) => html`<label key=${name}><input type="radio" name=${group} value=${name} checked=${how === name} onChange=${() => setHow(name)} />${t(`copy.how.${name}`)}</label>`)}</div>
        ${how === 'named' && html`<${Named} customer=${customer} from=${from} chosen=${chosen} setChosen=${setChosen} />`}
        ${how === 'department' && html`<${Departments} customer=${customer} value=${department} onChange=${setDepartment} />`}
        ${how === 'level' && html`<${Select} label=${t('level')} value=${level} options=${LEVELS.map((name) => [name, t(`level.${name}`)])} onChange=${setLevel} />`}
        ${how === 'all' && html`<p>${t('copy.all')}</p>`}
        <${Button} kind="primary" isBusy=${look.isBusy} disabled=${!isReady} onClick=${() => look.run()}>${t('copy.look')}</${Button}>
        ${!isReady && html`<p class="hint">${t(from ? 'copy.choose.targets' : 'copy.choose.source')}</p>`}
        ${look.error && html`<${Problem} error=${look.error} />`}
      </${Card}></div>`}
    <div tabindex="-1" ref=${result} role="region" aria-label=${t('copy.result')} class="stack">
      ${preview && html`<${Preview} preview=${preview} from=${from} copy=${copy} />`}
      ${done && html`<${Done} done=${done} again=${again} />`}</div>
  </${Page}>`;
}
