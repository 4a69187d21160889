// Who is signed in here, and what the level allows to be shown. The server decides; this only leaves out what it would refuse.
import { ApiError, onSignedOut, onStaleCsrf, request, setCsrf } from './api.js';
import { connect, disconnect, onLive } from './live.js';

export const LEVELS = ['NO_LOGIN', 'PERSONAL', 'VIEWER', 'MANAGER', 'OWNER', 'RESELLER', 'RESELLER_ADMIN', 'ADMIN'];

/** `kind`: server or hub. `data`: the session as the server tells it; null when nobody is signed in. */
export const session = { kind: 'server', data: null };
const listeners = new Set();

export function onSession(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function set(kind, data) {
  session.kind = kind ?? data?.kind ?? session.kind;
  session.data = data;
  setCsrf(data?.csrfToken);
  if (data && session.kind === 'server') connect(); else disconnect();
  listeners.forEach((listener) => listener());
}

/** Asks what kind of server this is, and whether a session is there already. */
export async function findSession() {
  const [about, found] = await Promise.all([
    request('GET', 'about.json', undefined, { isSignIn: true }),
    request('GET', '/local/session', undefined, { isSignIn: true }).catch((error) => {
      if (error instanceof ApiError && error.status === 401) return { data: null };
      throw error;
    }),
  ]);
  set(about.data.kind, found.data);
}

export async function signIn(body) {
  const { data } = await request('POST', '/local/session', body, { isSignIn: true });
  set(data.kind, data);
}

export async function signOut() {
  try {
    await request('DELETE', '/local/session', undefined, { isSignIn: true });
  } catch (error) {
    // A session that is over already cannot be ended.
    if (error.status !== 401) throw error;
  }
  set(null, null);
}

/** A new token for changes, after the server has refused the one from before. */
onStaleCsrf(async () => {
  const { data } = await request('GET', '/local/session');
  setCsrf(data.csrfToken);
});
onSignedOut(() => session.data && set(null, null));
onLive((event) => event.name === 'end' && session.data && set(null, null));

export const me = () => session.data?.employee ?? null;
export const isHub = () => session.kind === 'hub';

/** Whether the level of whoever is signed in is at least `level`. */
export const atLeast = (level) => LEVELS.indexOf(me()?.accessLevel) >= LEVELS.indexOf(level);

const HUB_LEVELS = ['read', 'propose', 'administer'];

/** The same of an operator of a hub. */
export const hubAtLeast = (level) => HUB_LEVELS.indexOf(session.data?.level) >= HUB_LEVELS.indexOf(level);
