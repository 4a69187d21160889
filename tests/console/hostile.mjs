// Stored text with markup, right-to-left marks and a megabyte of letters is shown as text, and does nothing.
import assert from 'node:assert/strict';
import { fits, isAccessible, keep, play, settled, signIn, signInToHub } from './support.mjs';

const PAGES = ['customers', 'employees?customer=c00000000000000000000004', 'employee/e00000000000000000000404', 'queues?customer=c00000000000000000000004', 'queue/a00000000000000000000401',
  'configs?customer=c00000000000000000000004', 'config/e00000000000000000000404', 'copy?customer=c00000000000000000000004&from=e00000000000000000000404', 'audit', 'centre', 'machine'];

/** Nothing of what is stored has become an element, an event or a script. */
async function isHarmless(page, name) {
  const found = await page.evaluate(() => ({
    ran: window.ran ?? null,
    elements: document.querySelectorAll('script:not([src]), iframe, object, embed, img:not([src="icon.svg"]), [onerror], [onload], b, marquee, #injected').length,
    links: [...document.links].filter((link) => link.protocol === 'javascript:').length,
  }));
  assert.deepEqual(found, { ran: null, elements: 0, links: 0 }, name);
}

/** The hub has it all as rows, and a server that is named so. */
async function onTheHub(open, hub, token, text) {
  const { page, to, isClean, close } = await open({ url: hub, width: 360, height: 740 });
  await signInToHub(page, hub, token);
  await page.getByRole('link', { name: text }).click();
  await settled(page);
  for (const table of ['employee', 'queue', 'mobile_config', 'pbx_object', 'customer']) {
    const read = page.waitForResponse((response) => response.url().includes(`/rows?table=${table}`));
    await page.getByLabel('Table').first().selectOption(table);
    const { rows } = await (await read).json();
    const row = page.locator('details.target', { hasText: rows[0].id });
    await row.locator('summary').click();
    await row.locator('pre').waitFor();
    await isHarmless(page, table);
    await fits(page, table);
  }
  for (const hash of ['fleet', 'codes', 'hubaudit']) {
    await to(hash);
    await isHarmless(page, hash);
    await fits(page, hash);
  }
  await isClean();
  await close();
}

await play(async ({ url, text, hub, token }, open) => {
  for (const [width, height] of [[1280, 800], [360, 740]]) {
    const { page, to, isClean, close } = await open({ url, width, height });
    await signIn(page, url, 'admin@platform.example.com');
    for (const hash of PAGES) {
      await to(hash);
      await isHarmless(page, hash);
      await fits(page, `${hash} at ${width} px`);
      if (['centre', 'machine'].includes(hash)) continue;
      // What was stored is there, letter by letter.
      const shown = await page.evaluate(() => document.body.textContent);
      if (hash !== 'audit') assert.ok(shown.includes(text), `${hash}: the text is not shown`);
    }
    if (width > 1_000) {
      await to('employees?customer=c00000000000000000000004');
      await isAccessible(page, 'hostile employees');
      await keep(page, 'hostile', { isHostile: true });
    }
    // Both sides of a copy, and of an entry of the trail.
    await to('copy?customer=c00000000000000000000004&from=e00000000000000000000404');
    await page.getByText('Everybody', { exact: true }).click();
    await page.getByRole('button', { name: 'Preview' }).click();
    await page.locator('details.target > summary').first().click();
    await page.locator('details.target .compared').first().waitFor();
    await isHarmless(page, 'preview');
    await fits(page, 'preview');
    await to('audit');
    for (const place of [0, 1]) {
      await page.locator('.event > summary').nth(place).click();
      await page.locator('.event').nth(place).locator('.facts').waitFor();
    }
    await isHarmless(page, 'entries of the trail');
    await fits(page, 'entries of the trail');
    await isClean();
    await close();
  }

  // Names of a megabyte, which this server does not store: the page cuts them off.
  const { page, to, isClean, close } = await open({ url });
  await signIn(page, url, 'manager@bakery.example.com');
  const long = `\u202e${text}${'W'.repeat(1_000_000)}`;
  await page.route('**/employee?*', (route) => route.fulfill({ json: { offset: 0, limit: 50, total: 1, employees: [{ _id: 'e00000000000000000000404', customer: 'c00000000000000000000004', name: long, title: long, department: long, emailAddress: long, accessLevel: 'PERSONAL', state: 'ENABLED' }] } }));
  await to('employees?filter=x');
  await page.getByText(/\(1,000,\d+ characters\)/).first().waitFor();
  await fits(page, 'a name of a megabyte');
  assert.ok(await page.evaluate(() => document.body.textContent.length) < 20_000);
  await isHarmless(page, 'a name of a megabyte');
  await isClean();
  await close();
  await onTheHub(open, hub, token, text);
});
