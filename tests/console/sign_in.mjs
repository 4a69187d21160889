// Signing in, what is said when it fails, the second factor, and how much comes over the wire before anything is seen.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { isAccessible, keep, logIn, PASSWORD, play, settled, signIn } from './support.mjs';

const PAINT_MAX = 100 * 1_024;
const VIEWER = 'e00000000000000000000403';

/** The code of a moment, as an authenticator app computes it. */
function totp(key) {
  const bits = [...key.replace(/=+$/, '')].map((one) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(one).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000)));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const at = mac[19] & 15;
  return String((mac.readUInt32BE(at) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

async function weigh(open, url) {
  const { page, context, isClean, close } = await open({ url });
  const network = await context.newCDPSession(page);
  await network.send('Network.enable');
  let bytes = 0;
  const urls = [];
  network.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  network.on('Network.responseReceived', ({ response }) => urls.push(new URL(response.url).pathname));
  await page.goto(`${url}/console/`, { waitUntil: 'networkidle' });
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  const toSignIn = bytes;
  assert.ok(toSignIn > 5_000 && toSignIn < PAINT_MAX, `${toSignIn} bytes to the sign-in`);
  await signInHere(page);
  await page.waitForLoadState('networkidle');
  assert.ok(bytes < PAINT_MAX, `${bytes} bytes to the first list`);
  assert.ok(!urls.some((path) => /uPlot|lean-qr/.test(path)), `loaded although no page needs them: ${urls}`);
  await isClean();
  await close();
  return { toSignIn, toFirstList: bytes };
}

async function signInHere(page) {
  await page.getByLabel('User name').fill('manager@bakery.example.com');
  await page.getByLabel('Password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('link', { name: 'Emma Counter' }).waitFor();
}

async function refusals(open, url) {
  const { page, isClean, close } = await open({ url, allow: [/^401 POST \/local\/session$/] });
  await page.goto(`${url}/console/`);
  await keep(page, 'sign-in');
  await isAccessible(page, 'sign-in');
  await page.getByLabel('User name').fill('manager@bakery.example.com');
  await page.getByLabel('Password').fill('wrong');
  await page.keyboard.press('Enter');
  assert.match(await page.getByRole('alert').innerText(), /User name or password is wrong: check both/);
  await isAccessible(page, 'sign-in refused');
  await page.getByRole('button', { name: 'Forgotten your password?' }).click();
  await page.getByText('telecomx-local admin password --login manager@bakery.example.com').waitFor();
  await page.getByText('Add --db PATH if the database is not in the usual place.').waitFor();
  await page.getByLabel('Password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await page.locator('.frame').waitFor();
  // The session is in a cookie that no script reads.
  assert.equal(await page.evaluate(() => document.cookie), '');
  await page.reload();
  await page.getByRole('link', { name: 'Emma Counter' }).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await isClean();
  await close();
}

async function secondFactor(open, url) {
  const owner = await logIn(url, 'owner@bakery.example.com');
  await owner.post(`/employee/${VIEWER}`, { authenticatorValidation: true });
  const { page, isClean, close } = await open({ url, allow: [/^40[13] POST \/local\/session$/] });
  const begin = async () => {
    await page.goto(`${url}/console/`);
    await page.getByLabel('User name').fill('viewer@bakery.example.com');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
  };
  // The first time the key is presented, as text and as a QR code.
  await begin();
  await page.getByRole('img', { name: 'The key as a QR code' }).waitFor();
  const key = await page.locator('.note code').innerText();
  await isAccessible(page, 'second factor');
  await keep(page, 'second-factor');
  await page.getByLabel('Code from your authenticator app').fill('000000');
  await page.keyboard.press('Enter');
  await page.getByText('The code is wrong or too old').waitFor();
  await page.getByLabel('Code from your authenticator app').fill(totp(key));
  await page.keyboard.press('Enter');
  await page.locator('.frame').waitFor();
  await page.getByText('Viggo Viewer').first().waitFor();
  await isClean();
  await close();
}

async function languagesAndColours(open, url) {
  const { page, isClean, close } = await open({ url, locale: 'da-DK' });
  await page.goto(`${url}/console/`);
  await page.getByLabel('Brugernavn').fill('manager@bakery.example.com');
  await page.getByLabel('Adgangskode').fill(PASSWORD);
  await page.getByRole('button', { name: 'Log ind' }).click();
  await page.getByRole('heading', { name: 'Medarbejdere' }).waitFor();
  assert.equal(await page.locator('html').getAttribute('lang'), 'da');
  await page.getByLabel('Sprog').selectOption('en');
  await page.getByRole('heading', { name: 'Employees' }).waitFor();
  const back = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  const light = await back();
  await page.getByLabel('Colours').selectOption('dark');
  assert.notEqual(await back(), light);
  await page.reload();
  await settled(page);
  // Both choices stay.
  await page.getByRole('heading', { name: 'Employees' }).waitFor();
  assert.notEqual(await back(), light);
  await isClean();
  await close();
}

await play(async ({ url }, open) => {
  const bytes = await weigh(open, url);
  await refusals(open, url);
  await languagesAndColours(open, url);
  await secondFactor(open, url);
  return bytes;
});
