import type { Options, Workspace } from './index.js';

/** Gives each test of the file a server of its own, all in one process: what it returns is that of the test that runs. */
export declare function useTelecomx(options?: Options): Workspace;
