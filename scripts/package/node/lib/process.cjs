// The process of the program: where it is found, how it starts, and that it ends with the one that started it.
'use strict';

const { spawn } = require('node:child_process');
const { randomUUID } = require('node:crypto');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const { TelecomxError } = require('./http.cjs');

const NAME = 'telecomx-local';
const LISTENING = 'telecomx-local listening on ';
const CONTROLS = 'telecomx-local controls on ';
const START_MS = 30_000;
const STOP_MS = 10_000;
const LOG_BYTES = 4000;

// Waits until its standard input ends, which the system sees to however the one at the other end is ended, and then stops
// the program.
const GUARD = 'trap "" INT HUP TERM; read -r _; kill -TERM "$0" 2> /dev/null';

/** The program: the one given, that of TELECOMX_LOCAL_BINARY, or the one in this package. */
function binary(given) {
  const program = path.resolve(given || process.env.TELECOMX_LOCAL_BINARY || path.join(__dirname, '..', 'bin', NAME));
  try {
    fs.accessSync(program, fs.constants.X_OK);
  } catch (cause) {
    throw new TelecomxError(`${program} is no program: give the path of ${NAME}`, { cause });
  }
  return program;
}

/** The environment without the program's settings, which are for another server than that of the tests. */
function environment() {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('TELECOMX_LOCAL_')));
}

/** Where the program logs: a file without a name, not a pipe, which would stop it when it is full and nobody reads. */
function logFile() {
  const file = path.join(os.tmpdir(), `${NAME}-${randomUUID()}.log`);
  const log = fs.openSync(file, 'wx+', 0o600);
  fs.unlinkSync(file);
  return log;
}

/** A running program with controls. */
class Process {
  #program;
  #guard;
  #log = logFile();
  #ended;
  #stopAtExit = () => this.#program.kill();

  /** Starts it, and waits until it says where it listens. */
  static async start(program, options) {
    const started = new Process();
    const command = ['serve', '--ephemeral', '--listen', '127.0.0.1:0', '--control', ...options];
    // A session of its own: Ctrl-C in the terminal is for the tests, which then stop the program.
    const child = spawn(program, command, {
      stdio: ['ignore', 'pipe', started.#log],
      env: environment(),
      detached: true,
    });
    started.#program = child;
    started.#ended = once(child, 'exit');
    started.#ended.catch(() => {});
    if (child.pid !== undefined) started.#startGuard();
    try {
      [started.url, started.controlUrl] = await started.#addresses();
    } catch (error) {
      await started.stop();
      throw error;
    }
    // None of this keeps the process of the tests from ending.
    child.unref();
    child.stdout.unref();
    return started;
  }

  get pid() {
    return this.#program.pid;
  }

  /** Stops the program and waits for its end; may be called again. */
  async stop() {
    this.#closeLog();
    process.removeListener('exit', this.#stopAtExit);
    // The guard first: afterwards the number of the process may be somebody else's.
    this.#guard?.kill('SIGKILL');
    const child = this.#program;
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    child.kill();
    const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await this.#ended.finally(() => clearTimeout(late));
  }

  #startGuard() {
    process.once('exit', this.#stopAtExit);
    const guard = spawn('sh', ['-c', GUARD, String(this.#program.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    guard.on('error', () => {});
    guard.stdin.on('error', () => {});
    guard.unref();
    guard.stdin.unref();
    this.#guard = guard;
    this.#program.once('exit', () => guard.kill('SIGKILL'));
  }

  /** The end of the log, behind what failed. */
  #logged() {
    const { size } = fs.fstatSync(this.#log);
    const end = Buffer.alloc(Math.min(size, LOG_BYTES));
    fs.readSync(this.#log, end, 0, end.length, size - end.length);
    return end.length ? `:\n${end.toString().trim()}` : '';
  }

  #closeLog() {
    if (this.#log !== undefined) fs.closeSync(this.#log);
    this.#log = undefined;
  }

  /** The two addresses, from the first two lines that the program prints. */
  #addresses() {
    const child = this.#program;
    return new Promise((resolve, reject) => {
      let text = '';
      const done = () => {
        clearTimeout(late);
        child.stdout.removeAllListeners('data').resume();
        child.removeListener('error', failsToStart).removeListener('close', ends);
      };
      const fail = (what) => {
        done();
        reject(new TelecomxError(`${NAME} ${what}${this.#logged()}`));
      };
      const failsToStart = (error) => fail(`does not start (${error.message})`);
      const ends = (code, signal) => fail(`ended with ${code ?? signal}`);
      const late = setTimeout(() => fail(`did not start within ${START_MS / 1000} seconds`), START_MS);
      child.once('error', failsToStart).once('close', ends);
      child.stdout.setEncoding('utf8').on('data', (chunk) => {
        const lines = (text += chunk).split('\n');
        if (lines.length < 3) return;
        if (!lines[0].startsWith(LISTENING) || !lines[1].startsWith(CONTROLS)) {
          return fail(`has no controls, or others: it began with "${lines[0]}", "${lines[1]}"`);
        }
        done();
        resolve([lines[0].slice(LISTENING.length), lines[1].slice(CONTROLS.length)]);
      });
    });
  }
}

module.exports = { Process, binary };
