// For vitest: `test` with the fixture `telecomx`.
import { test as base } from 'vitest';

import { start } from './index.js';

/** `test` whose servers begin with these options. */
export function telecomxTest(options) {
  return base.extend({
    // Vitest reads the fixtures that are needed from the first argument's pattern.
    telecomxServer: [
      async ({}, use) => {
        const server = await start(options);
        await use(server);
        await server.stop();
      },
      { scope: 'file' },
    ],
    telecomx: async ({ telecomxServer }, use) => {
      const workspace = await telecomxServer.workspace();
      await use(workspace);
      await workspace.stop();
    },
  });
}

export const test = telecomxTest();
