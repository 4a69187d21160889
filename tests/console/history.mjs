// The audit trail: filters, before and after, the chain, an undo from it; and lists that follow what others do.
import assert from 'node:assert/strict';
import { forDocs, isAccessible, keep, logIn, play, settled, signIn } from './support.mjs';

const EMMA = 'e00000000000000000000405';
const PAUL = 'e00000000000000000000404';

/** Waits until the trail shows one entry, which says `text`. */
const isOnly = (page, text) => page.waitForFunction((wanted) => {
  const entries = [...document.querySelectorAll('.event')];
  return entries.length === 1 && entries[0].textContent.includes(wanted);
}, text);

/** In another language only what the server alone can say is English, and marked as that. */
async function inDanish(page, to) {
  await to('audit');
  await page.getByLabel('Language').selectOption('da');
  await page.getByRole('heading', { name: 'Revisionsspor' }).waitFor();
  await page.getByText('Kopieret fra').first().waitFor();
  await page.locator('.event', { hasText: 'Ændret: Mobilopsætninger' }).first().waitFor();
  const english = await page.locator('.event small:not([lang])').allInnerTexts();
  assert.deepEqual(english.filter((text) => /created|updated|copied|undone/i.test(text)), []);
  const titles = await page.getByLabel('Område').locator('option').allInnerTexts();
  assert.ok(titles.length > 10 && !titles.some((title) => title.startsWith('Pbx')), titles.join());
  await to('employee/000000000000000000000000');
  const alert = page.getByRole('alert').first();
  assert.match(await alert.innerText(), /^Medarbejderen findes ikke\. Det kan være slettet/);
  await to('audit?customer=nonsense');
  assert.equal(await alert.locator('[lang="en"]').innerText(), 'customer must be 24 hex characters.');
  await page.getByLabel('Sprog').selectOption('en');
}

await play(async ({ url }, open) => {
  const manager = await logIn(url, 'manager@bakery.example.com');
  await manager.post(`/employee/${EMMA}`, { title: 'Head of sales' });
  await manager.post('/pbx/app/mobileconfig/', { _id: PAUL, copyTo: EMMA });
  const { page, to, isClean, close } = await open({ url, allow: [/^404 GET \/employee\/0{24}$/, /^422 GET \/local\/audit$/] });
  await signIn(page, url, 'admin@platform.example.com');
  await to('audit');
  await page.getByRole('button', { name: 'Verify the chain' }).click();
  await page.getByText(/The chain is whole: [\d,]+ entries were verified\./).waitFor();

  await page.getByLabel('Section').selectOption('Employees');
  // What is typed stays while the list is read again, and the focus stays in the field.
  await page.getByLabel('By (name or id)').fill('Anna');
  await manager.post(`/employee/${PAUL}`, { title: 'Apprentice' });
  await page.locator('.event', { hasText: /Changed: Employees\s+Paul Personal/ }).first().waitFor();
  await page.keyboard.press('Enter');
  await page.locator('.event').nth(1).waitFor();
  assert.equal(await page.getByLabel('By (name or id)').evaluate((field) => field === document.activeElement && field.value), 'Anna');
  await page.getByLabel('Object').fill(EMMA);
  await page.keyboard.press('Enter');
  await isOnly(page, 'Changed: Employees');
  const entry = page.locator('.event');
  await entry.locator('summary').click();
  assert.match(await entry.locator('.diff').innerText(), /Sales assistant[\s\S]*Head of sales/);
  const text = await entry.innerText();
  assert.match(text, /^Changed: Employees\s+Emma Counter/);
  assert.ok(!text.includes('Employee updated'), 'said already');
  assert.ok(text.includes('Anna Manager') && text.includes('127.0.0.1') && text.includes('API'), text);
  await isAccessible(page, 'audit trail');
  await keep(page, 'audit');
  await forDocs(page, 'audit');

  // A copy shows both contents, and is undone from here.
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await page.getByLabel('Action').selectOption('copy');
  await isOnly(page, 'Copied: Mobile configs');
  await page.locator('.event summary').click();
  await page.locator('.event .sides').first().waitFor();
  await page.locator('.event summary', { hasText: 'of Emma Counter' }).getByText('Paul Personal').waitFor();
  assert.doesNotMatch(await page.locator('.event summary').innerText(), /[0-9a-f]{24}/);
  await page.getByRole('button', { name: 'Undo this operation' }).click();
  await page.getByText('Undone: 1 mobile config holds again').first().waitFor();
  const emma = await manager.get(`/pbx/app/mobileconfig/${EMMA}`);
  const paul = await manager.get(`/pbx/app/mobileconfig/${PAUL}`);
  assert.notDeepEqual(emma.configs, paul.configs);
  await isClean();

  await inDanish(page, to);

  // What somebody else changes is seen without asking.
  await to('employees?customer=c00000000000000000000004');
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByRole('cell', { name: 'Head of sales' }).waitFor();
  await manager.post(`/employee/${EMMA}`, { title: 'Seen at once' });
  await page.getByRole('cell', { name: 'Seen at once' }).waitFor();

  // Search and pages are those of the API.
  await page.getByRole('searchbox', { name: 'Search employees' }).fill('emma');
  await page.waitForFunction(() => document.querySelectorAll('tbody tr').length === 1);
  await page.getByRole('link', { name: 'Emma Counter' }).click();
  await settled(page);
  assert.equal(await page.evaluate(() => document.activeElement.tagName), 'H1', 'the heading of the new page is focused');
  assert.match(await page.title(), /^Emma Counter/);
  await isClean();
  await close();

  // Nobody is at the page: it asks for nothing by itself, so that its session ends, and catches up when somebody comes back.
  const left = await open({ url });
  await left.page.clock.install();
  await signIn(left.page, url, 'manager@bakery.example.com');
  await left.page.getByRole('cell', { name: 'Seen at once' }).waitFor();
  await left.page.getByText('Live', { exact: true }).waitFor();
  await left.page.clock.fastForward('11:00');
  const heard = left.page.evaluate(() => new Promise((done) => {
    const events = new EventSource('/local/events');
    events.addEventListener('change', () => { events.close(); done(true); });
    window.listening = new Promise((open) => { events.onopen = open; });
  }));
  await left.page.waitForFunction(() => window.listening);
  await left.page.evaluate(() => window.listening);
  await manager.post(`/employee/${EMMA}`, { title: 'While nobody was here' });
  assert.ok(await heard);
  await left.page.clock.runFor(1_000);
  assert.equal(await left.page.getByRole('cell', { name: 'While nobody was here' }).count(), 0);
  await left.page.mouse.move(300, 300);
  await left.page.getByRole('cell', { name: 'While nobody was here' }).waitFor();
  await left.isClean();
  await left.close();
});
