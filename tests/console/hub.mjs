// The centre: an enrolled server and its hub. The plot, a proof, a proposal; the fleet, rows, and an enrolment code that is used afterwards.
import assert from 'node:assert/strict';
import { api, forDocs, isAccessible, keep, play, settled, signIn, signInToHub } from './support.mjs';

await play(async ({ url, hub, token, origin }, open) => {
  const server = await open({ url });
  await signIn(server.page, url, 'admin@platform.example.com');
  await server.to('centre');
  await server.page.getByRole('button', { name: 'Exchange now' }).click();
  await server.page.getByText('Exchanged.').waitFor();
  await server.page.locator('.figure.good', { hasText: 'Consistent' }).waitFor();
  await server.page.getByRole('button', { name: 'Prove equality' }).click();
  await server.page.getByText(/Both sides are equal: [\d,]+ rows were compared\./).waitFor();
  // The first samples come with time.
  await server.page.locator('.plot canvas').waitFor({ timeout: 60_000 });

  const fleet = await open({ url: hub, allow: [/^401 POST \/local\/session$/] });
  await fleet.page.goto(`${hub}/console/`);
  await fleet.page.getByLabel('Operator’s token').fill('0'.repeat(64));
  await fleet.page.keyboard.press('Enter');
  await fleet.page.getByText('The hub knows no such token').waitFor();
  await signInToHub(fleet.page, hub, token);
  await fleet.page.getByRole('link', { name: 'Bakery, Main Street' }).waitFor();
  await isAccessible(fleet.page, 'fleet');
  await keep(fleet.page, 'fleet');
  await forDocs(fleet.page, 'fleet');
  await fleet.page.getByLabel('State').selectOption('unreachable');
  await fleet.page.getByText('Nothing was found').waitFor();
  await fleet.page.getByLabel('State').selectOption('');

  // One server: its rows, tags, and a task that it answers.
  await fleet.page.getByRole('link', { name: 'Bakery, Main Street' }).click();
  await settled(fleet.page);
  await fleet.page.getByLabel('Tags').fill('pilot north');
  await fleet.page.getByRole('button', { name: 'Save' }).click();
  await fleet.page.getByText('The tags are saved.').waitFor();
  await fleet.page.getByLabel('Table').first().selectOption('employee');
  const emma = fleet.page.locator('details.target', { hasText: 'Emma Counter' });
  await emma.locator('summary').click();
  assert.match(await emma.locator('pre').innerText(), /"emailAddress": "emma@bakery\.example\.com"/);
  await fleet.page.getByLabel('Task').selectOption('verify');
  await fleet.page.getByRole('button', { name: 'Propose' }).click();
  await fleet.page.getByText('Filed: the server answers').waitFor();
  await fleet.page.getByLabel('What').selectOption('patch');
  await fleet.page.getByLabel('Id', { exact: true }).fill('a00000000000000000000401');
  await fleet.page.getByLabel('Properties to change, as JSON').fill('{ "name": "Orders by phone" }');
  await fleet.page.getByRole('button', { name: 'Propose' }).click();
  await fleet.page.getByText('Not answered yet').first().waitFor();
  await server.page.getByRole('button', { name: 'Exchange now' }).click();
  await server.page.locator('td', { hasText: 'Applied' }).first().waitFor();
  await server.page.getByRole('button', { name: 'Exchange now' }).click();
  await fleet.page.getByRole('cell', { name: 'Applied' }).nth(1).waitFor();
  await isAccessible(fleet.page, 'one server of the fleet');
  await keep(fleet.page, 'origin');
  await isAccessible(server.page, 'centre');
  await keep(server.page, 'centre');
  await server.page.evaluate(() => window.scrollTo(0, 0));
  await forDocs(server.page, 'centre');
  await server.isClean();

  // A code as text and as a QR code that is not blank.
  await fleet.to('codes');
  await fleet.page.getByLabel('Name of the server').fill('Florist');
  await fleet.page.getByRole('button', { name: 'Make a code' }).click();
  const canvas = fleet.page.getByRole('img', { name: 'The code as a QR code' });
  await canvas.waitFor();
  await fleet.page.waitForFunction(() => document.querySelector('canvas.qr').width < 200);
  const dark = await canvas.evaluate((element) => {
    const { data } = element.getContext('2d').getImageData(0, 0, element.width, element.height);
    return data.filter((value, at) => at % 4 === 0 && value < 128).length / (data.length / 4);
  });
  assert.ok(dark > 0.2 && dark < 0.8, `${dark} of the code is dark`);
  const code = await fleet.page.locator('#enrolment-code').innerText();
  await isAccessible(fleet.page, 'enrolment codes');
  await fleet.page.locator('#enrolment-code').evaluate((element) => { element.dataset.code = element.textContent; });
  await keep(fleet.page, 'codes');
  await fleet.to('hubaudit');
  await fleet.page.getByRole('cell', { name: 'make-code' }).first().waitFor();
  await isAccessible(fleet.page, 'audit trail of the hub');
  await keep(fleet.page, 'hub-audit');
  await fleet.isClean();
  await fleet.page.getByRole('button', { name: 'Sign out' }).click();
  await fleet.page.getByLabel('Operator’s token').waitFor();
  return { code };
});
