// Languages. Each has one file under text/; the choice is kept in this browser, and is the browser's own at first.
import { useListening, useState } from './lib.js';

export const LANGUAGES = { en: 'English', da: 'Dansk' };
const KEY = 'console.language';
let texts = {};
let language = 'en';
const listeners = new Set();

const kept = () => { try { return localStorage.getItem(KEY); } catch { return null; } };

function preferred() {
  const wanted = kept() ?? navigator.language ?? 'en';
  return /^(da|nb|nn|no)\b/i.test(wanted) ? 'da' : 'en';
}

export async function loadLanguage(name = preferred()) {
  const loaded = await import(`./text/${name}.js`);
  texts = loaded.default;
  language = name;
  document.documentElement.lang = name;
  listeners.forEach((listener) => listener());
}

export async function chooseLanguage(name) {
  try { localStorage.setItem(KEY, name); } catch { /* It is for this visit then. */ }
  await loadLanguage(name);
}

export const currentLanguage = () => language;

/** How dates and numbers are written: as the browser's owner has it, where that is of the language of the texts. */
export const locale = () => (navigator.languages ?? []).find((one) => one.split('-')[0] === language) ?? language;

/** Draws its caller again when the language changes. */
export function useLanguage() {
  const [, redraw] = useState(0);
  useListening(() => {
    const listener = () => redraw((count) => count + 1);
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, []);
  return language;
}

/** The text of a key, with `{name}` replaced. A key with `_one` is taken when `count` is 1. */
export function t(key, values) {
  const name = values?.count === 1 && `${key}_one` in texts ? `${key}_one` : key;
  const text = texts[name] ?? name;
  if (!values) return text;
  return text.replace(/\{(\w+)\}/g, (whole, value) => {
    const given = values[value];
    return given === undefined ? whole : typeof given === 'number' ? number(given) : String(given);
  });
}

/** The text of a key that may be missing: a name that the server made up later is shown as it is. */
export const tOr = (key, otherwise) => texts[key] ?? otherwise;

/** What follows `prefix` in the keys: the names that have a text, by their text. */
export const namesUnder = (prefix) => Object.keys(texts).filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  .sort((a, b) => texts[prefix + a].localeCompare(texts[prefix + b], language));

export const number = (value, options) => new Intl.NumberFormat(locale(), options).format(value);

/** "A, B and C", of texts. */
export const list = (parts) => new Intl.ListFormat(locale(), { type: 'conjunction' }).format(parts);

export function dateTime(value) {
  const date = new Date(value);
  if (!value || Number.isNaN(date.getTime())) return '–';
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'medium' }).format(date);
}

export function day(value) {
  const date = new Date(value);
  if (!value || Number.isNaN(date.getTime())) return '–';
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium' }).format(date);
}

const STEPS = [['day', 86_400], ['hour', 3_600], ['minute', 60], ['second', 1]];

/** "3 minutes ago", of seconds. */
export function ago(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? STEPS[3];
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(-Math.round(seconds / length), unit);
}

/** "3 minutes", of seconds. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  const [unit, length] = STEPS.find(([, size]) => Math.abs(seconds) >= size) ?? STEPS[3];
  return new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'long' }).format(Math.round(seconds / length));
}

export function bytes(value) {
  if (value === null || value === undefined) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = value < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(value) / 3));
  return `${number(value / 1_000 ** power, { maximumFractionDigits: power ? 1 : 0 })} ${units[power]}`;
}
