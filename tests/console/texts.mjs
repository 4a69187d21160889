// Both languages have a text for every key that the pages name, and no page names one that is missing.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';

const [folder, trail] = process.argv.slice(2);
const read = async (name) => (await import(`data:text/javascript,${encodeURIComponent(readFileSync(`${folder}/text/${name}.js`, 'utf8'))}`)).default;
const [en, da] = [await read('en'), await read('da')];
assert.deepEqual(Object.keys(da).filter((key) => !(key in en)), [], 'in Danish alone');
assert.deepEqual(Object.keys(en).filter((key) => !(key in da)), [], 'in English alone');
// Whatever can be in an entry of the audit trail has a title: the filters offer all that have one.
for (const [kind, names] of Object.entries(JSON.parse(trail))) {
  assert.ok(names.length > 10, kind);
  for (const name of names) assert.ok(`${kind}.${name}` in en, `${kind} ${name} has no title`);
}
const values = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
for (const key of Object.keys(en)) assert.deepEqual(values(da[key]), values(en[key]), key);
const files = [...readdirSync(folder), ...readdirSync(`${folder}/pages`).map((name) => `pages/${name}`)].filter((name) => name.endsWith('.js'));
assert.ok(files.length > 20);
for (const file of files) {
  const source = readFileSync(`${folder}/${file}`, 'utf8');
  const named = [...source.matchAll(/\bt(?:Or)?\(\s*'([^']+)'/g), ...source.matchAll(/\bt\([^()']*\?[^()]*?'([^']+)' : '([^']+)'/g)].flatMap((match) => match.slice(1));
  for (const key of named) assert.ok(key in en, `${file} names ${key}`);
}
