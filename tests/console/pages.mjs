// Every page that no other scenario keeps: without findings, without errors, at every width.
import { fits, forDocs, isAccessible, keep, keepsWords, play, signIn } from './support.mjs';

const PAGES = [
  ['customers', 'customers'], ['employees', 'employees?customer=c00000000000000000000004'], ['employee', 'employee/e00000000000000000000404'],
  ['queues', 'queues?customer=c00000000000000000000004'], ['queue', 'queue/a00000000000000000000401'], ['configs', 'configs?customer=c00000000000000000000004'],
  ['copy-begin', 'copy?customer=c00000000000000000000004'], ['centre-alone', 'centre'], ['machine', 'machine'], ['missing', 'nowhere'],
];

await play(async ({ url }, open) => {
  const { page, to, isClean, close } = await open({ url });
  await signIn(page, url, 'admin@platform.example.com');
  for (const [name, hash] of PAGES) {
    await to(hash);
    await isAccessible(page, name);
    await keep(page, name);
    if (name === 'employees') await forDocs(page, name);
    await isClean();
  }
  // On a phone the menu opens and closes, also by keyboard.
  await page.setViewportSize({ width: 360, height: 740 });
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByRole('link', { name: 'Machine' }).waitFor();
  await isAccessible(page, 'menu on a phone');
  await page.keyboard.press('Escape');
  await page.getByRole('link', { name: 'Machine' }).waitFor({ state: 'hidden' });
  await to('employees?customer=c00000000000000000000004');
  await isAccessible(page, 'employees on a phone');
  // The words of the other language are longer.
  await page.getByRole('button', { name: 'Menu' }).click();
  await page.getByLabel('Language').selectOption('da');
  await page.getByRole('link', { name: 'Medarbejdere' }).waitFor();
  await page.keyboard.press('Escape');
  for (const [name, hash] of [...PAGES, ['audit', 'audit'], ['config', 'config/e00000000000000000000404']]) {
    await to(hash);
    await fits(page, `${name} in Danish`);
    await keepsWords(page, `${name} in Danish`);
  }
  await isClean();
  await close();
});
