// For jest, which has no fixtures: what its tests call `telecomx` is the server of the test that runs.
'use strict';

const { TelecomxError, start } = require('./lib/controls.cjs');

// Jest itself gives up after five seconds, which a busy machine may need.
const START_MS = 30_000;

/** Gives each test of the file a server of its own, all in one process. */
function useTelecomx(options) {
  let server;
  let workspace;
  beforeAll(async () => {
    server = await start(options);
  }, START_MS);
  beforeEach(async () => {
    workspace = await server.workspace();
  });
  afterEach(async () => {
    await workspace?.stop();
    workspace = undefined;
  });
  afterAll(async () => {
    await server?.stop();
  });
  return new Proxy(
    {},
    {
      get(_, name) {
        if (!workspace) throw new TelecomxError(`telecomx.${String(name)} is there in tests and in beforeEach only`);
        const value = workspace[name];
        return typeof value === 'function' ? value.bind(workspace) : value;
      },
    },
  );
}

module.exports = { useTelecomx };
