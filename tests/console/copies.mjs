// A config onto five: preview, copy, undo; and an undo after somebody has changed one of them.
import assert from 'node:assert/strict';
import { forDocs, isAccessible, keep, logIn, play, signIn } from './support.mjs';

const SOURCE = 'e00000000000000000000404';
const TARGETS = { 'Anna Manager': 'e00000000000000000000402', 'Emma Counter': 'e00000000000000000000405', 'Olivia Owner': 'e00000000000000000000401', 'Søren Driver': 'e00000000000000000000406', 'Viggo Viewer': 'e00000000000000000000403' };
const EMMA = TARGETS['Emma Counter'];
const IDA = 'e00000000000000000000407';

/** The text without the marks that keep the direction of a name to itself. */
const bare = (text) => text.replace(/[\u2066-\u2069]/g, '');

/** The page, with nothing chosen but whose config is copied. */
async function begin(page, url, from = '') {
  await page.goto(`${url}/console/#/copy?from=${from}`);
  await page.reload();
}

/** Only what a preview shows is copied, and only a preview of what is chosen is shown. */
async function aPreviewIsOfOneChoice(page, url, other) {
  await begin(page, url, SOURCE);
  const emma = page.getByRole('checkbox', { name: 'Emma Counter' });
  const anna = page.getByRole('checkbox', { name: 'Anna Manager' });
  const preview = page.getByRole('heading', { name: 'Preview' });
  let answer;
  const isHeld = new Promise((held) => {
    page.route('**/local/copies', async (route) => {
      const release = new Promise((resolve) => { answer = resolve; });
      held();
      await release;
      await route.continue();
    }, { times: 1 });
  });
  await emma.check();
  await page.getByRole('button', { name: 'Preview' }).click();
  await isHeld;
  await anna.check();
  const late = page.waitForResponse('**/local/copies');
  answer();
  await (await late).finished();
  await emma.uncheck();
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview.waitFor();
  assert.equal(await page.locator('details.target').count(), 1);
  await page.locator('details.target', { hasText: 'Anna Manager' }).waitFor();

  // As soon as another choice is drawn, the preview of the one before is gone: before any frame is painted.
  const isStillThere = await page.evaluate(async (id) => {
    document.querySelector(`input[type="checkbox"][value="${id}"]`).click();
    await Promise.resolve();
    return [...document.querySelectorAll('button')].some((button) => button.textContent.startsWith('Copy onto'));
  }, EMMA);
  assert.ok(!isStillThere);
  await emma.uncheck();
  await page.getByRole('button', { name: 'Preview' }).click();
  await preview.waitFor();

  // The choice changes in the very moment of the click: what was shown is copied.
  const sent = page.waitForRequest((request) => request.url().endsWith('/local/copies'));
  await page.evaluate((id) => {
    document.querySelector(`input[type="checkbox"][value="${id}"]`).click();
    [...document.querySelectorAll('button')].find((button) => button.textContent.trim() === 'Copy onto 1').click();
  }, EMMA);
  assert.deepEqual((await sent).postDataJSON(), { _id: SOURCE, copyTo: [TARGETS['Anna Manager']] });
  await page.getByRole('heading', { name: 'Copied' }).waitFor();
  assert.match(bare(await page.locator('.note.good').innerText()), /From Paul Personal onto Anna Manager\./);

  // It has that content already now.
  await page.getByRole('button', { name: 'Another copy' }).click();
  await anna.check();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByText('Nothing would change').waitFor();
  assert.ok(await page.getByRole('button', { name: 'Copy', exact: true }).isDisabled());
  await page.locator('details.target', { hasText: 'Unchanged' }).waitFor();
  await keep(page, 'copy-nothing');

  // What goes from the shown to the offered is moved: nothing is added or removed.
  const [content] = await Promise.all([other.get(`/pbx/app/mobileconfig/${SOURCE}`)]);
  const colleagues = content.configs.find((section) => section.type === 'COLLEAGUES');
  colleagues.items.push(colleagues.others.shift());
  const before = (await other.get(`/pbx/app/mobileconfig/${EMMA}`)).configs;
  await other.post(`/pbx/app/mobileconfig/${EMMA}`, { configs: content.configs });
  await anna.uncheck();
  await emma.check();
  await page.getByRole('button', { name: 'Preview' }).click();
  const target = page.locator('details.target', { hasText: 'Emma Counter' });
  await target.waitFor();
  assert.equal((await target.locator('.badges').innerText()).trim(), '1 moved');
  await other.post(`/pbx/app/mobileconfig/${EMMA}`, { configs: before });
}

/** Whoever has no mobile config is shown as that, and cannot be chosen; a reason stands in the place of a preview. */
async function nobodyWithoutAConfigIsChosen(page, url) {
  await begin(page, url);
  await page.getByRole('radio', { name: 'Ida Newcomer' }).waitFor();
  assert.ok(await page.getByRole('radio', { name: /^Ida Newcomer.*No config$/ }).isDisabled());
  assert.ok(await page.getByRole('checkbox', { name: /^Ida Newcomer.*No config$/ }).isDisabled());
  await begin(page, url, IDA);
  await page.locator('.note.warn', { hasText: 'no mobile config to copy' }).waitFor();
  await page.getByRole('checkbox', { name: 'Emma Counter' }).check();
  const button = page.getByRole('button', { name: 'Preview' });
  assert.ok(await button.isDisabled());
  const reason = await button.getAttribute('aria-describedby');
  assert.match(await page.locator(`#${reason}`).innerText(), /no mobile config to copy/);
  await keep(page, 'copy-without-config');
}

/** Levels that somebody has, up to one's own. */
async function levelsAreThoseBelow(page, url) {
  await begin(page, url, SOURCE);
  await page.getByText('Level', { exact: true }).click();
  await page.getByLabel('Access level').waitFor();
  const options = await page.getByLabel('Access level').locator('option').allInnerTexts();
  assert.deepEqual(options, ['Choose a level', 'No login', 'Personal', 'Viewer', 'Manager']);
  assert.ok(await page.getByRole('button', { name: 'Preview' }).isDisabled());
}

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
  // An entry that one list loses and the other gains is moved.
  const [added, removed] = [expected('added'), expected('removed')];
  const across = added.filter((name) => removed.includes(name));
  const others = (names) => names.filter((name) => !across.includes(name));
  assert.ok(across.length, JSON.stringify(plan));
  assert.deepEqual((await marked('added')).sort(), others(added));
  assert.deepEqual((await marked('removed')).sort(), others(removed));
  assert.deepEqual([...new Set(await marked('moved'))].sort(), [...new Set([...expected('moved'), ...across])].sort());
  assert.deepEqual(await configs(ids), before);
  await isAccessible(page, 'preview of a copy');
  await keep(page, 'copy');
  await page.locator('details.target', { hasText: 'Emma Counter' }).scrollIntoViewIfNeeded();
  await page.getByRole('heading', { name: 'Preview' }).evaluate((heading) => heading.scrollIntoView({ block: 'start' }));
  await page.evaluate(() => window.scrollBy(0, -24));
  await forDocs(page, 'copy');

  await page.getByRole('button', { name: 'Copy onto 5' }).click();
  await page.getByText('5 mobile configs were changed, as one operation.').waitFor();
  assert.match(bare(await page.locator('.note.good').innerText()), /From Paul Personal onto Anna Manager, Emma Counter, Olivia Owner, Søren Driver and Viggo Viewer\./);
  for (const config of await configs(ids)) assert.deepEqual(config, source);
  await isAccessible(page, 'copied');
  await page.getByRole('button', { name: 'Undo', exact: true }).click();
  await page.getByRole('heading', { name: 'Undone' }).waitFor();
  assert.match(bare(await page.locator('.note.good').innerText()), /The copy from Paul Personal was taken back for Anna Manager, .* and Viggo Viewer\./);
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
  await dialog.getByText('Emma Counter').first().waitFor();
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
  await nobodyWithoutAConfigIsChosen(page, url);
  await levelsAreThoseBelow(page, url);
  await aPreviewIsOfOneChoice(page, url, other);
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
