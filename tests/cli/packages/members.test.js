// Every member of the fixture, against the program.
import { spawnSync } from 'node:child_process';

import { start, TelecomxError } from 'telecomx-local';
import { telecomxTest, test } from 'telecomx-local/vitest';
import { expect } from 'vitest';

const PATH = '/pbx/app/mobileconfig';
const EMMA = 'e00000000000000000000405';

async function status(telecomx, path = PATH, { method = 'GET', token } = {}) {
  const headers = { Authorization: `Bearer ${token ?? (await telecomx.token('OWNER'))}` };
  return (await fetch(telecomx.url + path, { method, headers })).status;
}

async function deleteEmma(telecomx) {
  expect(await status(telecomx, `/employee/${EMMA}`, { method: 'DELETE' })).toBeLessThan(300);
}

async function hasEmma(telecomx) {
  return (await status(telecomx, `/employee/${EMMA}`)) === 200;
}

test('a token is of a level or of an employee', async ({ telecomx }) => {
  const session = await telecomx.session('OWNER');
  expect(session).toMatchObject({ accessLevel: 'OWNER', customer: expect.any(String), employee: expect.any(String) });
  expect(await status(telecomx, PATH, { token: session.token })).toBe(200);
  expect((await telecomx.session({ employee: EMMA })).employee).toBe(EMMA);
  await expect(telecomx.token('BOSS')).rejects.toThrow(TelecomxError);
});

test('a reset goes back to the seed', async ({ telecomx }) => {
  await deleteEmma(telecomx);
  expect(await hasEmma(telecomx)).toBe(false);
  await telecomx.reset();
  expect(await hasEmma(telecomx)).toBe(true);
});

test('a snapshot is gone back to', async ({ telecomx }) => {
  await deleteEmma(telecomx);
  await telecomx.snapshot('without-emma');
  await telecomx.reset();
  await telecomx.restore('without-emma');
  expect(await hasEmma(telecomx)).toBe(false);
  await telecomx.reset();
  await telecomx.reset('without-emma');
  expect(await hasEmma(telecomx)).toBe(false);
  await expect(telecomx.restore('another')).rejects.toThrow('404');
});

test('faults are set, counted and removed', async ({ telecomx }) => {
  const fault = await telecomx.faults.add({ method: 'GET', path: PATH, then: { status: 503 } });
  expect(await status(telecomx)).toBe(503);
  expect(await fault.hits()).toBe(1);
  expect((await telecomx.faults.list()).map(({ id }) => id)).toEqual([fault.id]);
  await fault.remove();
  expect(await status(telecomx)).toBe(200);
  await telecomx.faults.add({ path: PATH, then: { tooMany: 7 } });
  expect(await status(telecomx)).toBe(429);
  await telecomx.faults.clear();
  expect(await telecomx.faults.list()).toEqual([]);
  await expect(telecomx.faults.add({ then: { nothing: 1 } })).rejects.toThrow(TelecomxError);
});

test('the clock is frozen, set, moved and run', async ({ telecomx }) => {
  const christmas = new Date('2026-12-24T18:00:00Z');
  await telecomx.clock.freeze();
  await telecomx.clock.set(christmas);
  await telecomx.clock.advance(60.5);
  expect(await telecomx.clock.now()).toEqual(new Date(christmas.getTime() + 60_500));
  expect(await telecomx.clock.isRunning()).toBe(false);
  await telecomx.clock.run();
  expect(await telecomx.clock.isRunning()).toBe(true);
});

test('what the client sent is shown and waited for', async ({ telecomx }) => {
  expect(await status(telecomx)).toBe(200);
  expect(await status(telecomx, '/employee/none')).toBeGreaterThanOrEqual(400);
  const found = await telecomx.waitFor({ path: PATH, status: 200 });
  expect(found.method).toBe('GET');
  expect((await telecomx.requests({ path: PATH })).map(({ path }) => path)).toEqual([PATH]);
  expect(await telecomx.requests({ method: 'GET', after: found.id })).toHaveLength(1);
  expect((await telecomx.har()).log.entries).toHaveLength(2);
  await telecomx.clearRequests();
  expect(await telecomx.requests()).toEqual([]);
  await expect(telecomx.waitFor({ path: PATH, timeout: 0.01 })).rejects.toThrow('0.01 seconds');
  expect(await telecomx.outbox()).toEqual([]);
});

test('workspaces do not see each other', async ({ telecomx, telecomxServer }) => {
  await deleteEmma(telecomx);
  const other = await telecomxServer.workspace();
  expect(await hasEmma(other)).toBe(true);
  await other.stop();
  await expect(other.requests()).rejects.toThrow(TelecomxError);
});

telecomxTest({ seed: 7 })('a seed repeats tokens', async ({ telecomx, telecomxServer }) => {
  const other = await start({ seed: 7 });
  const workspace = await other.workspace();
  expect(await other.token('OWNER')).toBe(await telecomxServer.token('OWNER'));
  expect(await workspace.token('OWNER')).toBe(await telecomx.token('OWNER'));
  await other.stop();
  await other.stop();
});

test('a program that does not start says why', async () => {
  await expect(start({ importFile: '/nowhere/missing.json' })).rejects.toThrow('missing.json');
  await expect(start({ binary: '/nowhere/missing' })).rejects.toThrow('is no program');
});

test('a process that is killed takes its program with it, and one that ends too', async () => {
  const begin = "import { start } from 'telecomx-local'; console.log((await start()).url);";
  for (const end of ["process.kill(process.pid, 'SIGKILL')", 'process.exit()', '']) {
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', `${begin} ${end}`], { encoding: 'utf8' });
    const url = run.stdout.trim();
    expect(url, run.stderr).toMatch(/^http:/);
    await expect.poll(() => fetch(url).then(() => 'there', () => 'gone'), { timeout: 10_000 }).toBe('gone');
  }
});
