// A change that both this server and the platform have made: both sides are shown, and one click settles it.
import assert from 'node:assert/strict';
import { forDocs, isAccessible, keep, play, signIn } from './support.mjs';

await play(async ({ url, username, password }, open) => {
  const { page, to, isClean, close } = await open({ url });
  await signIn(page, url, username, password);
  await to('centre');
  const conflict = page.locator('article', { hasText: 'Change an employee' });
  await conflict.waitFor();
  const text = await conflict.innerText();
  for (const side of ['Shop manager', 'Mine', 'Theirs']) assert.ok(text.includes(side), text);
  await isAccessible(page, 'conflict');
  await keep(page, 'conflict');
  await forDocs(page, 'conflict');
  await conflict.getByRole('button', { name: 'Keep ours' }).click();
  await page.getByText('No change was made on both sides.').waitFor();
  await isClean();
  await close();
});
