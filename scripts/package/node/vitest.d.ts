import type { TestAPI } from 'vitest';

import type { Options, Server, Workspace } from './index.js';

export interface TelecomxFixtures {
  /** The process: one for each test file. */
  telecomxServer: Server;
  /** A server with the seed that no other test uses. */
  telecomx: Workspace;
}

/** `test` whose servers begin with these options. */
export declare function telecomxTest(options?: Options): TestAPI<TelecomxFixtures>;

export declare const test: TestAPI<TelecomxFixtures>;
