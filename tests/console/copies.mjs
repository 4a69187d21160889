// A config onto five: preview, copy, undo; and an undo after somebody has changed one of them.
import assert from 'node:assert/strict';
import { forDocs, isAccessible, keep, logIn, play, signIn } from './support.mjs';

const SOURCE = 'e00000000000000000000404';
const TARGETS = { 'Anna Manager': 'e00000000000000000000402', 'Emma Counter': 'e00000000000000000000405', 'Olivia Owner': 'e00000000000000000000401', 'Søren Driver': 'e00000000000000000000406', 'Viggo Viewer': 'e00000000000000000000403' };
const EMMA = TARGETS['Emma Counter'];

await play(async ({ url }, open) => {
  const other = await logIn(url, 'owner@bakery.example.com');
  const configs = async (ids) => Promise.all(ids.map(async (id) => (await other.get(`/pbx/app/mobileconfig/${id}`)).configs));
  const ids = Object.values(TARGETS);
  const before = await configs(ids);
  const [source] = await configs([SOURCE]);

  const { page, to, isClean, close } = await open({ url, allow: [/^409 POST \/local\/operations\/[^/]+\/undo$/] });
  await signIn(page, url, 'manager@bakery.example.com');
  await to('copy');
  await page.getByRole('radio', { name: 'Paul Personal' }).click();
  await page.getByRole('button', { name: 'Choose another' }).waitFor();
  const chooseFive = async () => {
    for (const name of Object.keys(TARGETS)) await page.getByRole('checkbox', { name }).check();
    await page.getByText('5 chosen').waitFor();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.getByText('would replace that of 5 employees').waitFor();
  };
  await chooseFive();

  // The preview says what the copy does, and has done nothing.
  const emma = page.locator('details.target', { hasText: 'Emma Counter' });
  await emma.locator('summary').click();
  await emma.locator('.sides').first().waitFor();
  const marked = async (mark) => emma.locator(`.config-list li.${mark} .stored`).allInnerTexts();
  const plan = await other.post('/local/copies', { _id: SOURCE, copyTo: [EMMA], dryRun: true });
  const expected = (what) => plan.targets[0].lists.flatMap((list) => list[what].map((entry) => entry.name)).sort();
  assert.ok(expected('added').length && expected('removed').length, JSON.stringify(plan));
  assert.deepEqual((await marked('added')).sort(), expected('added'));
  assert.deepEqual((await marked('removed')).sort(), expected('removed'));
  assert.deepEqual([...new Set(await marked('moved'))].sort(), [...new Set(expected('moved'))].sort());
  assert.deepEqual(await configs(ids), before);
  await isAccessible(page, 'preview of a copy');
  await keep(page, 'copy');
  await page.locator('details.target', { hasText: 'Emma Counter' }).scrollIntoViewIfNeeded();
  await page.getByRole('heading', { name: 'Preview' }).evaluate((heading) => heading.scrollIntoView({ block: 'start' }));
  await page.evaluate(() => window.scrollBy(0, -24));
  await forDocs(page, 'copy');

  await page.getByRole('button', { name: 'Copy onto 5' }).click();
  await page.getByText('5 mobile configs were changed, as one operation.').waitFor();
  for (const config of await configs(ids)) assert.deepEqual(config, source);
  await isAccessible(page, 'copied');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await page.getByRole('heading', { name: 'Undone' }).waitFor();
  assert.deepEqual(await configs(ids), before);

  // Once more; this time somebody changes one of them before it is undone.
  await page.getByRole('button', { name: 'Another copy' }).click();
  await chooseFive();
  await page.getByRole('button', { name: 'Copy onto 5' }).click();
  await page.getByText('5 mobile configs were changed').waitFor();
  const changed = structuredClone(source);
  changed.find((section) => section.type === 'COLLEAGUES').items = [];
  await other.post(`/pbx/app/mobileconfig/${EMMA}`, { configs: changed });
  const [afterwards] = await configs([EMMA]);
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Somebody has changed it since' });
  await dialog.getByText('Olivia Owner').first().waitFor();
  await dialog.locator('.removed').first().waitFor();
  await isAccessible(page, 'undo refused');
  await keep(page, 'undo-refused', { isFull: false });
  await dialog.getByRole('button', { name: 'Leave it' }).click();
  assert.deepEqual(await configs([EMMA]), [afterwards], 'nothing was undone');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await dialog.getByRole('button', { name: 'Overwrite it' }).click();
  await page.getByRole('heading', { name: 'Undone' }).waitFor();
  assert.deepEqual(await configs(ids), before);

  // By a selection: whoever has no config is named, and a department of nobody is a sentence.
  await page.getByRole('button', { name: 'Another copy' }).click();
  await page.getByText('Everybody', { exact: true }).click();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('of those meant have no mobile config').waitFor();
  await isClean();
  await close();

  const wrong = await open({ url, allow: [/^422 POST \/local\/copies$/] });
  await signIn(wrong.page, url, 'manager@bakery.example.com');
  await wrong.to(`copy?from=${SOURCE}`);
  await wrong.page.getByText('Department', { exact: true }).click();
  await wrong.page.getByRole('combobox', { name: 'Department' }).fill('Nowhere');
  await wrong.page.getByRole('button', { name: 'Preview' }).click();
  assert.match(await wrong.page.getByRole('alert').innerText(), /nobody with a mobile config is meant/);
  await wrong.isClean();
  await wrong.close();
});
