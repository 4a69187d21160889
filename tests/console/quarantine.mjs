// A row that the hub cannot take: it is shown on both sides, sent again, and given up.
import assert from 'node:assert/strict';
import { isAccessible, keep, play, settled, signIn, signInToHub } from './support.mjs';

await play(async ({ url, hub, token, row }, open) => {
  const server = await open({ url });
  await signIn(server.page, url, 'admin@platform.example.com');
  await server.to('centre');
  const exchange = () => server.page.getByRole('button', { name: 'Exchange now' }).click();
  await exchange();
  const shown = server.page.getByRole('row', { name: row });
  await shown.getByText('Mobile config').waitFor();
  await shown.getByText('1 try').waitFor();
  await isAccessible(server.page, 'centre with a quarantine');
  await keep(server.page, 'quarantine');

  const fleet = await open({ url: hub });
  await signInToHub(fleet.page, hub, token);
  await fleet.page.getByRole('link', { name: 'Bakery, Main Street' }).click();
  await settled(fleet.page);
  await fleet.page.getByRole('table', { name: 'Quarantine' }).getByText(row).waitFor();
  await isAccessible(fleet.page, 'quarantine on the hub');
  await keep(fleet.page, 'hub-quarantine');
  await fleet.isClean();

  await shown.getByRole('button', { name: 'Try again' }).click();
  await server.page.getByText('It is sent again.').waitFor();
  await exchange();
  await shown.getByText('2 tries').waitFor();
  await shown.getByRole('button', { name: 'Give up' }).click();
  await server.page.getByText('Given up.').waitFor();
  assert.match(await shown.innerText(), /Mobile config/);
  await server.isClean();
});
