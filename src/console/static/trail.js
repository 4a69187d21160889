// How entries of the audit trail are shown: what the object is called, and what the description says beyond action and section.
import { html } from './lib.js';
import { currentLanguage, t } from './i18n.js';
import { get } from './api.js';
import { Name, useLoad } from './parts.js';

/** Descriptions that say no more than action and section do. */
const SAID_ALREADY = /^((Customer|Employee|Queue|Mobile config) )?(created|updated|deleted)$/i;

/** Descriptions of the server, and the text that says the same; a group is the id of an employee. */
const KNOWN = [
  [/^Copied from ([0-9a-f]{24})$/, 'said.copied'], [/^Undone: operation \S+$/, 'said.undone'], [/^Password changed$/, 'said.password'],
  [/^Copied onto itself: nothing changed$/, 'said.itself'], [/^Mobile config removed with its employee$/, 'said.removed'],
  [/^Refused: .* \(Insufficient access level\)$/, 'said.denied'], [/^Colleagues or queues offered to /, 'said.offered'],
  [/^Follows the new name of /, 'said.renamed'], [/^Follows the delete of /, 'said.gone'], [/^Follows the move of /, 'said.moved'],
];

const asked = new Map();

/** The name of an employee, asked for once; its id where it is gone, or not for this reader. */
function nameOf(id) {
  if (!asked.has(id)) asked.set(id, get(`/employee/${encodeURIComponent(id)}`).then(({ name }) => name, () => { asked.delete(id); return id; }));
  return asked.get(id);
}

function Employee({ id }) {
  const loaded = useLoad(() => nameOf(id), [id]);
  return html`<span title=${id}><${Name} of=${loaded.data ?? id} /></span>`;
}

/** What the object of an entry is called. */
export function ObjectName({ of }) {
  if (!of.objectName) return null;
  const name = html`<${Name} of=${of.objectName} />`;
  return html`<span class="event-object" title=${of.item}>${of.section === 'PbxAppMobileConfigs' ? html`${t('audit.of.name')} ${name}` : name}</span>`;
}

/** The description of an entry, where it says more than action and section: in this language where it is known, else as the server has it. */
export function Described({ entry: { description } }) {
  if (SAID_ALREADY.test(description)) return null;
  const [pattern, key] = KNOWN.find(([one]) => one.test(description)) ?? [];
  if (!key) return html`<small lang=${currentLanguage() === 'en' ? undefined : 'en'}><${Name} of=${description} /></small>`;
  const [, employee] = description.match(pattern);
  return html`<small>${t(key)}${employee && html` <${Employee} id=${employee} />`}</small>`;
}
