// A mobile config edited by keyboard and by drag, saved under its version, and changed by somebody else meanwhile.
import assert from 'node:assert/strict';
import { forDocs, isAccessible, keep, logIn, play, settled, signIn } from './support.mjs';

const PAUL = 'e00000000000000000000404';

await play(async ({ url }, open) => {
  const other = await logIn(url, 'owner@bakery.example.com');
  const stored = async () => (await other.get(`/pbx/app/mobileconfig/${PAUL}`)).configs;
  const names = async (kind, list) => (await stored()).find((section) => section.type === kind)[list].map((entry) => entry.name);
  const { page, to, isClean, close } = await open({ url, allow: [/^412 POST \/pbx\/app\/mobileconfig\//] });
  await signIn(page, url, 'manager@bakery.example.com');
  await to(`config/${PAUL}`);
  await page.getByText('All changes are saved.').waitFor();
  await isAccessible(page, 'editor');
  await keep(page, 'editor');

  const grip = (name) => page.getByRole('button', { name: `Move ${name}`, exact: true });
  const announced = () => page.locator('#announcer').innerText();
  const save = async () => {
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await page.getByText('All changes are saved.').waitFor();
  };
  const before = await names('COLLEAGUES', 'items');

  // By keyboard alone: from what is offered to what is shown, and to its top.
  await grip('Søren Driver').focus();
  await page.keyboard.press('ArrowLeft');
  assert.match(await announced(), /^Søren Driver: place \d of \d in Shown in the app/);
  await page.keyboard.press('Home');
  assert.match(await announced(), /place 1 of 2/);
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute('aria-label')), 'Move Søren Driver', 'the focus goes along');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowUp');
  await page.keyboard.press('ArrowUp');
  assert.match(await announced(), /place 1 of 2/, 'at the top it stays');
  await page.getByText('There are unsaved changes.').waitFor();
  assert.deepEqual(await names('COLLEAGUES', 'items'), before, 'nothing is saved yet');
  await save();
  assert.deepEqual(await names('COLLEAGUES', 'items'), ['Søren Driver', ...before]);

  // By drag: out of one list into the other, to a place in it.
  const drag = async (name, onto) => {
    const [from, over] = [await grip(name).boundingBox(), await page.locator('.entry', { hasText: onto }).first().boundingBox()];
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    await page.mouse.move(over.x + over.width / 2, over.y + 4, { steps: 12 });
    await page.locator('.ghost-entry').waitFor();
    await page.mouse.up();
    await page.locator('.ghost-entry').waitFor({ state: 'detached' });
  };
  await drag('Olivia Owner', 'Søren Driver');
  assert.match(await announced(), /^Olivia Owner: place 1 of 3/);
  await forDocs(page, 'editor');
  await save();
  assert.deepEqual(await names('COLLEAGUES', 'items'), ['Olivia Owner', 'Søren Driver', ...before]);
  // An entry of one section is not dropped into another one.
  await grip('Orders').scrollIntoViewIfNeeded();
  await drag('Orders', 'Søren Driver');
  await page.getByText('All changes are saved.').waitFor();
  // By its button, and taken back.
  await page.getByRole('button', { name: 'Hide Olivia Owner' }).click();
  await page.getByRole('button', { name: 'Discard changes' }).click();
  await page.getByText('All changes are saved.').waitFor();

  // Somebody else saves first: nothing is overwritten without being asked.
  await page.getByRole('button', { name: 'Hide Olivia Owner' }).click();
  const theirs = await stored();
  theirs.find((section) => section.type === 'QUEUES').items = [];
  await other.post(`/pbx/app/mobileconfig/${PAUL}`, { configs: theirs });
  await page.getByText('Somebody else has changed this mobile config meanwhile.').waitFor();
  await page.getByRole('button', { name: 'Save', exact: true }).click();
  await page.getByRole('heading', { name: 'Somebody else has saved meanwhile' }).waitFor();
  await isAccessible(page, 'editor with a conflict');
  await keep(page, 'editor-conflict');
  assert.deepEqual(await stored(), theirs);
  await page.getByRole('button', { name: 'Overwrite theirs' }).click();
  await page.getByText('All changes are saved.').waitFor();
  assert.deepEqual(await names('COLLEAGUES', 'items'), ['Søren Driver', ...before]);
  assert.deepEqual(await names('QUEUES', 'items'), ['Orders']);

  // Whoever leaves with unsaved changes is asked. Here the answer is to stay.
  await page.getByRole('button', { name: 'Hide Søren Driver' }).click();
  await isClean();
  await page.getByRole('link', { name: 'Queues' }).click();
  await page.getByText('There are unsaved changes.').waitFor();
  assert.ok(page.url().includes(`#/config/${PAUL}`));
  await close();

  // An employee without a config gets one.
  const second = await open({ url });
  await signIn(second.page, url, 'manager@bakery.example.com');
  await second.to('employee/e00000000000000000000407');
  await second.page.getByRole('button', { name: 'Create a mobile config' }).click();
  await second.page.getByRole('link', { name: 'Edit' }).click();
  await settled(second.page);
  await second.page.getByText('All changes are saved.').waitFor();
  await second.isClean();
  await second.close();

  // An employee of its own level sees its own config at once.
  const personal = await open({ url });
  await signIn(personal.page, url, 'personal@bakery.example.com');
  await personal.page.getByText('All changes are saved.').waitFor();
  assert.deepEqual(await personal.page.locator('.side nav a').allInnerTexts(), ['Queues', 'Mobile configs']);
  await personal.isClean();
  await personal.close();
});
