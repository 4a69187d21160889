/** An access level of the platform. */
export type Level = 'PERSONAL' | 'VIEWER' | 'MANAGER' | 'OWNER' | 'RESELLER' | 'RESELLER_ADMIN' | 'ADMIN';

export interface Session {
  token: string;
  employee: string;
  customer: string;
  accessLevel: Level;
}

export interface Options {
  /** Begin with this document rather than the demo world. */
  importFile?: string;
  /** Ids, tokens and times repeat from run to run. */
  seed?: number;
  /** Refuse requests that the documentation does not allow. */
  strict?: boolean;
  /** Another program than that of the package; so does the environment variable TELECOMX_LOCAL_BINARY. */
  binary?: string;
}

/** What happens to a request that a rule hits. */
export interface Consequence {
  status?: number;
  code?: string;
  message?: string;
  delayMs?: number | { uniform: [number, number] } | { logNormal: { median: number; sigma: number } };
  reset?: true | 'after';
  truncate?: true;
  malformed?: true;
  tooMany?: number;
  expired?: true;
}

export interface FaultRule {
  method?: string;
  /** One of the server's URLs, with `*` for the rest. */
  path?: string;
  /** An employee's id. */
  caller?: string;
  header?: { name: string; value: string };
  share?: number;
  next?: number;
  then: Consequence;
}

export declare class Fault {
  readonly id: number;
  /** How many requests it has hit. */
  hits(): Promise<number>;
  remove(): Promise<void>;
}

export declare class Faults {
  add(rule: FaultRule): Promise<Fault>;
  list(): Promise<Array<FaultRule & { id: number; hits: number }>>;
  clear(): Promise<void>;
}

export declare class Clock {
  now(): Promise<Date>;
  isRunning(): Promise<boolean>;
  freeze(): Promise<void>;
  /** A date, or `2026-12-24T18:00:00Z`. */
  set(to: Date | string): Promise<void>;
  advance(seconds: number): Promise<void>;
  run(): Promise<void>;
}

export interface RequestFilter {
  method?: string;
  path?: string;
  status?: number;
  caller?: string;
  problems?: boolean;
  after?: number;
  limit?: number;
}

/** A request of the journal. */
export interface RecordedRequest {
  id: number;
  at: string;
  method: string;
  path: string;
  query: Record<string, unknown>;
  headers: Record<string, string>;
  body: unknown;
  status: number;
  answer: unknown;
  ms: number;
  caller: string | null;
  /** X-Request-Id. */
  request: string;
  /** The id of the fault that it met. */
  fault: number | null;
  problems: Array<{ what: string; page: string }>;
}

export declare class Controls {
  /** Where the client under test sends its requests. */
  readonly url: string;
  readonly controlUrl: string;
  readonly faults: Faults;
  readonly clock: Clock;
  /** A bearer token without a password: of an employee of this access level (default MANAGER), or of this employee. */
  token(whose?: Level | { employee: string }): Promise<string>;
  /** As `token`, with whose it is. */
  session(whose?: Level | { employee: string }): Promise<Session>;
  /** Back to the seed, or to a snapshot: data, clock, faults and journal. */
  reset(snapshot?: string): Promise<void>;
  /** Saves the data under a name. */
  snapshot(name: string): Promise<void>;
  /** Back to the data of a snapshot; the clock stays. */
  restore(name: string): Promise<void>;
  /** The last requests with their answers, oldest first. */
  requests(filter?: RequestFilter): Promise<RecordedRequest[]>;
  /** Waits until there is such a request, and gives it; after `timeout` seconds (default 5) without one, TelecomxError. */
  waitFor(filter?: RequestFilter & { timeout?: number }): Promise<RecordedRequest>;
  clearRequests(): Promise<void>;
  /** The requests as an HTTP archive. */
  har(): Promise<unknown>;
  /** What would have gone out: mails, SMS, app actions. */
  outbox(): Promise<Array<Record<string, unknown>>>;
}

/** A server of its own, with the seed of the one that it was asked of, in the same process. */
export declare class Workspace extends Controls {
  readonly name: string;
  /** Drops it. */
  stop(): Promise<void>;
}

/** A running program. */
export declare class Server extends Controls {
  readonly pid: number;
  /** A server of its own for one test. */
  workspace(): Promise<Workspace>;
  /** Stops the program; may be called again. */
  stop(): Promise<void>;
}

/** What the program, or one of its controls, refused. */
export declare class TelecomxError extends Error {}

/** The path of the program. */
export declare function binary(given?: string): string;

/** Starts the program with the demo world, or with a document; it ends with this process at the latest. */
export declare function start(options?: Options): Promise<Server>;
