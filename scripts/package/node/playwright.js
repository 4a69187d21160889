// For playwright: `test` with the fixture `telecomx`.
import { test as base } from '@playwright/test';

import { start } from './index.js';

export { expect } from '@playwright/test';

export const test = base.extend({
  telecomxOptions: [{}, { option: true, scope: 'worker' }],
  telecomxServer: [
    async ({ telecomxOptions }, use) => {
      const server = await start(telecomxOptions);
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],
  telecomx: async ({ telecomxServer }, use) => {
    const workspace = await telecomxServer.workspace();
    await use(workspace);
    await workspace.stop();
  },
});
