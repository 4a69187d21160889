// Compiled, not run: the types fit what the documentation shows, and refuse what it does not have.
import { start, type Options } from 'telecomx-local';
import { useTelecomx } from 'telecomx-local/jest';
import { expect, test as playwrightTest } from 'telecomx-local/playwright';
import { telecomxTest, test } from 'telecomx-local/vitest';

const options: Options = { seed: 1, importFile: 'world.json' };
const server = await start(options);
const workspace = await server.workspace();
const url: string = workspace.url;
const hits: number = await (await workspace.faults.add({ then: { delayMs: { uniform: [1, 2] } } })).hits();
const jestUrl: string = useTelecomx({ strict: true }).url;

test('vitest', async ({ telecomx, telecomxServer }) => {
  const token: string = await telecomx.token('OWNER');
  const pid: number = telecomxServer.pid;
  return void [token, pid, url, hits, jestUrl];
});

telecomxTest({ strict: true })('vitest with options', async ({ telecomx }) => {
  const now: Date = await telecomx.clock.now();
  return void now;
});

playwrightTest.use({ telecomxOptions: { seed: 2 } });
playwrightTest('playwright', async ({ telecomx, request }) => {
  await request.get(telecomx.url);
  expect((await telecomx.requests())[0]?.status).toBe(200);
});

// @ts-expect-error there is no such level
await workspace.token('BOSS');
// @ts-expect-error a rule says what happens
await workspace.faults.add({ path: '/employee/*' });
await server.stop();
