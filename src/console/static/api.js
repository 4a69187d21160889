// The server: every call of the pages goes through `call`, and every failure comes out as an ApiError that says a sentence.
import { currentLanguage, t, tOr } from './i18n.js';

export class ApiError extends Error {
  constructor(status, code, message, { inner = [], check, retryAfter, key, isOfServer = false } = {}) {
    super(message);
    Object.assign(this, { status, code, inner, check, retryAfter, key, isOfServer });
  }
}

let csrf = null;
const signedOut = new Set();

/** Calls `listener` when the session has ended while a page was open. */
export const onSignedOut = (listener) => signedOut.add(listener);
let renewCsrf = null;
/** Calls `renew` when the server refuses the token for changes; the change is sent once more then. */
export const onStaleCsrf = (renew) => { renewCsrf = renew; };
export const setCsrf = (token) => { csrf = token ?? null; };

/** Appends what has a value as a query string. */
export function withQuery(path, values) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== null && value !== '' && value !== false) query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Sends a request; gives `{ data, etag, status }`. Throws an ApiError for everything that is not a success. */
export async function request(method, path, body, { ifMatch, signal, isSignIn, isAgain } = {}) {
  const headers = { Accept: 'application/json' };
  const hasBody = !['GET', 'HEAD', 'DELETE'].includes(method);
  if (method !== 'GET') headers['Content-Type'] = 'application/json';
  if (csrf) headers['X-CSRF-Token'] = csrf;
  if (ifMatch) headers['If-Match'] = ifMatch;
  let answer;
  try {
    answer = await fetch(path, {
      method, headers, signal, credentials: 'same-origin', cache: 'no-store',
      body: hasBody ? JSON.stringify(body ?? {}) : undefined,
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', t('error.unreachable'));
  }
  const data = parse(await answer.text());
  if (answer.ok) return { data, etag: answer.headers.get('ETag'), status: answer.status };
  const error = errorOf(answer, data);
  if (error.code === 'csrf' && !isSignIn && !isAgain && renewCsrf) {
    await renewCsrf();
    return request(method, path, body, { ifMatch, signal, isAgain: true });
  }
  if (answer.status === 401 && !isSignIn) signedOut.forEach((listener) => listener());
  throw error;
}

function parse(text) {
  try { return text ? JSON.parse(text) : null; } catch { return text; }
}

function errorOf(answer, data) {
  const given = data?.error ?? {};
  const retryAfter = Number(answer.headers.get('Retry-After')) || null;
  const key = given.key && { key: given.key, totp: given.totp ?? given.key };
  const details = { inner: given.inner, check: given.check, retryAfter, key, isOfServer: Boolean(given.message) };
  return new ApiError(answer.status, given.code, given.message ?? t('error.status', { status: answer.status }), details);
}

export const get = async (path, values, options) => (await request('GET', values ? withQuery(path, values) : path, undefined, options)).data;
export const post = async (path, body, options) => (await request('POST', path, body, options)).data;

/** The sentence of this page's language for an error that the server names; null where there is none, and in English, which the server's is. */
function translated({ status, code, check }) {
  if (currentLanguage() === 'en') return null;
  return tOr(`error.of.${status}.${code}.${check}`, null) ?? tOr(`error.of.${status}.${code}`, null);
}

/** What went wrong, and what to do. `lang` is the language of the first where it is not that of the page. */
export function wordsOf(error) {
  if (!(error instanceof ApiError)) return { what: t('error.page', { message: String(error?.message ?? error) }), then: '' };
  const own = translated(error);
  const said = own ?? (error.code === 'multiple' && error.inner.length
    ? error.inner.slice(0, 5).map((one) => one.message).join('. ')
    : error.message);
  const isForeign = !own && error.isOfServer && currentLanguage() !== 'en';
  return { what: /[.!?]$/.test(said) ? said : `${said}.`, lang: isForeign ? 'en' : undefined, then: whatToDo(error) };
}

/** What went wrong and what to do, as one text for a person. */
export function sentence(error) {
  const { what, then } = wordsOf(error);
  return then ? `${what} ${then}` : what;
}

function whatToDo({ status, retryAfter }) {
  if (status === 429) return t('error.do.429', { seconds: retryAfter ?? 60 });
  if (status === 503) return t('error.do.503');
  return [401, 403, 404, 408, 412, 413, 507].includes(status) ? t(`error.do.${status}`) : '';
}

/** Every row of a list that comes in pages; stops at `most`. */
export async function all(path, values, name, most = 20_000) {
  const rows = [];
  for (;;) {
    const page = await get(path, { ...values, limit: 500, offset: rows.length });
    rows.push(...page[name]);
    if (!page[name].length || rows.length >= page.total || rows.length >= most) return rows;
  }
}
