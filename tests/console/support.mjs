// What the scenarios stand on: Debian's Chromium, a page that is watched, and the API beside it.
import { execFileSync } from 'node:child_process';
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(`${process.env.CONSOLE_TOOLS}/node_modules/`);
const { chromium } = require('playwright-core');
const axe = require('axe-core');

export const PASSWORD = 'Demo-Passw0rd';
const WAIT = 30_000;
/** What a page asks for without knowing whether it is there: nobody is signed in, an employee has no config. */
const ASKED = [/^401 GET \/local\/session$/, /^404 (GET|HEAD) \/pbx\/app\/mobileconfig\/[0-9a-f]{24}$/];

/** What the pages have said: shown when a scenario fails. */
const heard = [];

/** Runs one scenario with what the test gives it; prints what it returns. */
export async function play(scenario) {
  const given = JSON.parse(process.argv[2]);
  const executablePath = execFileSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).trim();
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'] });
  try {
    const answer = await scenario(given, (options) => open(browser, options));
    console.log(JSON.stringify(answer ?? null));
  } catch (error) {
    console.error(error, heard);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}

/** A page of the console at `url`. Whatever it says on its console, throws, or is not allowed to do is kept, and `isClean` fails on it. */
async function open(browser, { url, width = 1280, height = 800, colorScheme = 'light', locale = 'en-GB', allow = [] }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, locale, reducedMotion: 'reduce' });
  context.setDefaultTimeout(WAIT);
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener('securitypolicyviolation', (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
  });
  const page = await context.newPage();
  const said = [];
  heard.push(said);
  const refused = [];
  page.on('console', (message) => {
    const text = message.text();
    if (['error', 'warning'].includes(message.type()) && !text.startsWith('Failed to load resource')) said.push(text);
  });
  page.on('pageerror', (error) => said.push(String(error.stack ?? error)));
  page.on('dialog', (dialog) => { said.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('response', (response) => {
    if (response.status() >= 400) refused.push(`${response.status()} ${response.request().method()} ${new URL(response.url()).pathname}`);
  });
  const allowed = [...ASKED, ...allow];
  const isClean = async () => {
    assert.deepEqual(said, [], 'the console of the browser');
    assert.deepEqual(refused.filter((line) => !allowed.some((one) => one.test(line))), [], 'calls that were refused');
    assert.deepEqual(await page.evaluate(() => window.violations), [], 'violations of the policy');
  };
  /** Goes to a page and waits until it has loaded what it shows. */
  const to = async (hash) => {
    await page.goto(`${url}/console/#/${hash}`);
    await settled(page);
  };
  return { page, context, to, isClean, close: () => context.close() };
}

export async function settled(page) {
  await page.locator('h1').first().waitFor();
  await page.waitForFunction(() => !document.querySelector('.loading'));
}

export async function signIn(page, url, username, password = PASSWORD) {
  await page.goto(`${url}/console/`);
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password').fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.frame').waitFor();
  await settled(page);
}

export async function signInToHub(page, url, token) {
  await page.goto(`${url}/console/`);
  await page.getByLabel('Operator’s token').fill(token);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.frame').waitFor();
  await settled(page);
}

/** The API beside the page, as another person uses it. */
export function api(url, token) {
  const call = async (method, path_, body) => {
    const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
    const answer = await fetch(url + path_, { method, headers, body: body && JSON.stringify(body) });
    const data = await answer.json();
    assert.ok(answer.ok, `${method} ${path_}: ${answer.status} ${JSON.stringify(data)}`);
    return data;
  };
  return { get: (path_) => call('GET', path_), post: (path_, body) => call('POST', path_, body) };
}

export async function logIn(url, username, password = PASSWORD) {
  const { token } = await api(url, '').post('/auth/login', { username, password });
  return api(url, token);
}

/** Nothing serious or critical for people who see or move differently, in light and in dark. */
export async function isAccessible(page, name) {
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(axe.source);
    const { violations } = await page.evaluate(() => window.axe.run(document));
    const bad = violations.filter(({ impact }) => ['serious', 'critical'].includes(impact));
    const told = bad.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map((node) => `${node.html.slice(0, 160)} ${node.failureSummary ?? ''}`).join(' | ')}`);
    assert.deepEqual(told, [], `${name} in ${colorScheme}`);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Nothing is wider than the window. */
export async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  assert.ok(over <= 0, `${name} is ${over} px wider than the window`);
}

/** Words are whole: only ids and stored text of one long piece are broken. */
export async function keepsWords(page, name) {
  const broken = await page.evaluate(() => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      if (node.parentElement.closest('code, pre, .mono, .diff, .unseen, option, script')) continue;
      for (const { 0: word, index } of node.data.matchAll(/(?<!\S)\p{L}{2,17}(?=[.,:;]?(?!\S))/gu)) {
        const range = document.createRange();
        range.setStart(node, index);
        range.setEnd(node, index + word.length);
        const lines = new Set([...range.getClientRects()].filter(({ width }) => width > 0).map(({ top }) => Math.round(top)));
        if (lines.size > 1) found.push(word);
      }
    }
    // The headings that a phone has beside the values are not in the document: they are measured.
    const pen = document.createElement('canvas').getContext('2d');
    for (const cell of document.querySelectorAll('td[data-label]')) {
      const heading = getComputedStyle(cell, '::before');
      if (heading.content === 'none' || heading.display === 'none') continue;
      pen.font = `${heading.fontSize} ${heading.fontFamily}`;
      const room = parseFloat(getComputedStyle(cell).gridTemplateColumns);
      found.push(...cell.dataset.label.split(/\s/).filter((word) => pen.measureText(word).width > room));
    }
    return found;
  });
  assert.deepEqual(broken, [], `${name}: words that are broken`);
}

/** Keeps a picture of the page: light, dark, and as wide as a phone. */
export async function keep(page, name, { isFull = true, isHostile = false } = {}) {
  const folder = process.env.CONSOLE_SHOTS;
  mkdirSync(folder, { recursive: true });
  const { width, height } = page.viewportSize();
  if (isFull) await page.evaluate(() => window.scrollTo(0, 0));
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme });
    await page.screenshot({ path: path.join(folder, `${name}-${colorScheme}.png`), fullPage: isFull });
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await fits(page, `${name} on a phone`);
  if (!isHostile) await keepsWords(page, `${name} on a phone`);
  if (isFull) await page.evaluate(() => window.scrollTo(0, 0));
  await page.screenshot({ path: path.join(folder, `${name}-phone.png`), fullPage: isFull });
  await page.setViewportSize({ width, height });
}

/** A picture for the documentation, when they are asked for. */
export async function forDocs(page, name) {
  const folder = process.env.CONSOLE_IMAGES;
  if (!folder) return;
  await page.evaluate(() => document.activeElement?.blur());
  await page.screenshot({ path: path.join(folder, `console-${name}.png`) });
}
