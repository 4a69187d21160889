import type {
  PlaywrightTestArgs,
  PlaywrightTestOptions,
  PlaywrightWorkerArgs,
  PlaywrightWorkerOptions,
  TestType,
} from '@playwright/test';

import type { Options, Server, Workspace } from './index.js';

export { expect } from '@playwright/test';

export interface TelecomxWorkerFixtures {
  /** How the process starts: `test.use({ telecomxOptions: { seed: 1 } })`. */
  telecomxOptions: Options;
  /** The process: one for each worker. */
  telecomxServer: Server;
}

export interface TelecomxFixtures {
  /** A server with the seed that no other test uses. */
  telecomx: Workspace;
}

export declare const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & TelecomxFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & TelecomxWorkerFixtures
>;
