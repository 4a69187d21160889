// The controls of a running program, as objects. The calls are described in docs/control.md.
'use strict';

const { performance } = require('node:perf_hooks');

const { TelecomxError, call } = require('./http.cjs');
const { Process, binary } = require('./process.cjs');

const WAIT_SECONDS = 5;
const WAIT_MAX_SECONDS = 60;

/** A fault that is set. */
class Fault {
  #faults;

  constructor(faults, id) {
    this.#faults = faults;
    this.id = id;
  }

  /** How many requests it has hit. */
  async hits() {
    const found = (await this.#faults.list()).find((fault) => fault.id === this.id);
    if (!found) throw new TelecomxError(`the fault ${this.id} is not set any more`);
    return found.hits;
  }

  async remove() {
    await call('DELETE', `${this.#faults.url}/${this.id}`);
  }
}

/** What goes wrong on purpose. */
class Faults {
  constructor(controlUrl) {
    this.url = `${controlUrl}/_ctl/faults`;
  }

  async add(rule) {
    return new Fault(this, (await call('POST', this.url, { body: rule })).id);
  }

  async list() {
    return items(await call('GET', this.url), 'faults');
  }

  async clear() {
    await call('DELETE', this.url);
  }
}

/** The time of the server. */
class Clock {
  #url;

  constructor(controlUrl) {
    this.#url = `${controlUrl}/_ctl/clock`;
  }

  async now() {
    return new Date((await call('GET', this.#url)).now);
  }

  async isRunning() {
    return (await call('GET', this.#url)).running;
  }

  async freeze() {
    await call('POST', this.#url, { body: { freeze: true } });
  }

  async set(to) {
    await call('POST', this.#url, { body: { set: typeof to === 'string' ? to : to.toISOString() } });
  }

  async advance(seconds) {
    await call('POST', this.#url, { body: { advanceMs: Math.round(seconds * 1000) } });
  }

  async run() {
    await call('POST', this.#url, { body: { run: true } });
  }
}

/** What a server and a workspace have in common. */
class Controls {
  constructor(url, controlUrl) {
    this.url = url;
    this.controlUrl = controlUrl;
    this.faults = new Faults(controlUrl);
    this.clock = new Clock(controlUrl);
  }

  async token(whose) {
    return (await this.session(whose)).token;
  }

  async session(whose = 'MANAGER') {
    return this.call('POST', 'tokens', { body: typeof whose === 'string' ? { level: whose } : whose });
  }

  async reset(snapshot) {
    await this.call('POST', 'reset', { body: snapshot === undefined ? {} : { snapshot } });
  }

  async snapshot(name) {
    await this.call('PUT', `snapshots/${encodeURIComponent(name)}`);
  }

  async restore(name) {
    await this.call('POST', `snapshots/${encodeURIComponent(name)}`);
  }

  async requests(filter = {}) {
    return items(await this.call('GET', 'requests', { query: filter }), 'requests');
  }

  async waitFor({ timeout = WAIT_SECONDS, ...filter } = {}) {
    const deadline = performance.now() + timeout * 1000;
    let found;
    for (let left = timeout; !found; left = (deadline - performance.now()) / 1000) {
      // One call waits for so long at most.
      const query = { ...filter, wait: Math.min(Math.max(left, 0), WAIT_MAX_SECONDS) };
      const answer = await this.call('GET', 'requests', { query, timeoutMs: (WAIT_MAX_SECONDS + 30) * 1000 });
      [found] = items(answer, 'requests');
      if (left <= WAIT_MAX_SECONDS) break;
    }
    if (!found) throw new TelecomxError(`no request with ${JSON.stringify(filter)} came within ${timeout} seconds`);
    return found;
  }

  async clearRequests() {
    await this.call('DELETE', 'requests');
  }

  async har() {
    return this.call('GET', 'requests', { query: { format: 'har' } });
  }

  async outbox() {
    return items(await this.call('GET', 'outbox'), 'outbox');
  }

  /** One of the controls, by what follows `/_ctl/`. */
  async call(method, path, options) {
    return call(method, `${this.controlUrl}/_ctl/${path}`, options);
  }
}

/** A server of its own, with the seed of the one that it was asked of, in the same process. */
class Workspace extends Controls {
  #server;

  constructor(server, { name, url, controlUrl }) {
    super(url, controlUrl);
    this.name = name;
    this.#server = server;
  }

  /** Drops it. */
  async stop() {
    await this.#server.call('DELETE', `workspaces/${encodeURIComponent(this.name)}`);
  }
}

/** A running program. */
class Server extends Controls {
  #process;
  #seed;

  constructor(process, seed) {
    super(process.url, process.controlUrl);
    this.#process = process;
    this.#seed = seed;
  }

  get pid() {
    return this.#process.pid;
  }

  /** A server of its own for one test. */
  async workspace() {
    const body = this.#seed === undefined ? {} : { seed: this.#seed };
    return new Workspace(this, await this.call('POST', 'workspaces', { body }));
  }

  /** Stops the program; may be called again. */
  async stop() {
    await this.#process.stop();
  }
}

/** Starts the program; it ends with this process at the latest. */
async function start({ importFile, seed, strict = false, binary: given } = {}) {
  const options = importFile === undefined ? ['--demo'] : ['--import', importFile];
  if (seed !== undefined) options.push('--seed', String(seed));
  if (strict) options.push('--strict');
  return new Server(await Process.start(binary(given), options), seed);
}

function items(answer, name) {
  return Array.isArray(answer) ? answer : answer[name];
}

module.exports = { Clock, Controls, Fault, Faults, Server, TelecomxError, Workspace, binary, start };
