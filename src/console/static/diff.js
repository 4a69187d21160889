// Two JSON values beside each other, line by line.
import { html } from './lib.js';
import { t } from './i18n.js';
import { clip } from './parts.js';

const CELLS_MAX = 4_000_000;
const AROUND = 2;

const linesOf = (value) => (value === null || value === undefined ? [] : JSON.stringify(value, null, 2).split('\n'));

/** Pairs of lines, null where one side has none; what is equal at both ends is not compared twice. */
export function pairs(before, after) {
  let [first, last] = [0, 0];
  while (first < before.length && first < after.length && before[first] === after[first]) first += 1;
  while (last < before.length - first && last < after.length - first && before[before.length - 1 - last] === after[after.length - 1 - last]) last += 1;
  const same = (list) => list.map((line) => [line, line]);
  const middle = align(before.slice(first, before.length - last), after.slice(first, after.length - last));
  return [...same(before.slice(0, first)), ...middle, ...same(before.slice(before.length - last))];
}

function align(a, b) {
  if (a.length * b.length > CELLS_MAX) return [...a.map((line) => [line, null]), ...b.map((line) => [null, line])];
  const width = b.length + 1;
  const longest = new Uint32Array((a.length + 1) * width);
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      longest[i * width + j] = a[i] === b[j] ? longest[(i + 1) * width + j + 1] + 1 : Math.max(longest[(i + 1) * width + j], longest[i * width + j + 1]);
    }
  }
  const found = [];
  let [i, j] = [0, 0];
  let [gone, come] = [[], []];
  // Lines that changed stand beside each other.
  const flush = () => {
    for (let at = 0; at < Math.max(gone.length, come.length); at += 1) found.push([gone[at] ?? null, come[at] ?? null]);
    [gone, come] = [[], []];
  };
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) { flush(); found.push([a[i], b[j]]); i += 1; j += 1; }
    else if (j >= b.length || (i < a.length && longest[(i + 1) * width + j] >= longest[i * width + j + 1])) { gone.push(a[i]); i += 1; }
    else { come.push(b[j]); j += 1; }
  }
  flush();
  return found;
}

const isSame = ([before, after]) => before === after;

/** Equal lines far from a change are left out. */
function shortened(all) {
  const near = new Array(all.length).fill(false);
  all.forEach((pair, at) => { if (!isSame(pair)) for (let place = at - AROUND; place <= at + AROUND; place += 1) near[place] = true; });
  const rows = [];
  all.forEach((pair, at) => { if (near[at]) rows.push(pair); else if (rows[rows.length - 1] !== null) rows.push(null); });
  return rows;
}

export function JsonDiff({ before, after }) {
  const all = pairs(linesOf(before), linesOf(after));
  const rows = all.length > 14 ? shortened(all) : all;
  if (!all.length) return html`<p class="hint">${t('diff.none')}</p>`;
  const cell = (line, mark) => html`<div class=${mark} dir="auto">${mark && html`<span class="unseen">${t(`mark.${mark}`)}: </span>`}${line === null ? '' : clip(line)}</div>`;
  return html`<div class="diff"><div class="diff-head">${t('before')}</div><div class="diff-head">${t('after')}</div>
    ${rows.slice(0, 1_000).map((pair) => (pair === null
      ? html`<div class="gap">…</div><div class="gap">…</div>`
      : html`${cell(pair[0], isSame(pair) || pair[0] === null ? '' : 'removed')}${cell(pair[1], isSame(pair) || pair[1] === null ? '' : 'added')}`))}
  </div>`;
}
