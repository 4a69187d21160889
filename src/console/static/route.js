// Addresses behind the `#`: `#/employees?customer=…`.
import { useListening, useState } from './lib.js';
import { withQuery } from './api.js';

const guards = new Set();

export function currentRoute() {
  const [path, query = ''] = location.hash.replace(/^#/, '').split('?');
  const parts = path.split('/').filter(Boolean).map((part) => { try { return decodeURIComponent(part); } catch { return part; } });
  return { name: parts[0] ?? '', parts: parts.slice(1), query: Object.fromEntries(new URLSearchParams(query)), hash: location.hash };
}

/** The address of a page. */
export const to = (path, values = {}) => withQuery(`#/${path.split('/').map(encodeURIComponent).join('/')}`, values);

export const go = (path, values) => { location.hash = to(path, values); };

/** Changes the arguments of this address without a new entry in the browser's history. */
export function setQuery(values) {
  const { name, parts, query } = currentRoute();
  history.replaceState(null, '', to([name, ...parts].join('/'), { ...query, ...values }));
  window.dispatchEvent(new HashChangeEvent('hashchange'));
}

/** Asks `guard` before the page is left: it gives false to stay. */
export function onLeave(guard) {
  guards.add(guard);
  return () => guards.delete(guard);
}

export function useRoute() {
  const [route, setRoute] = useState(currentRoute());
  useListening(() => {
    let shown = location.hash;
    const changed = () => {
      const next = currentRoute();
      const isLeaving = next.hash.split('?')[0] !== shown.split('?')[0];
      if (isLeaving && ![...guards].every((guard) => guard())) {
        history.replaceState(null, '', shown);
        return;
      }
      shown = location.hash;
      setRoute(next);
    };
    window.addEventListener('hashchange', changed);
    return () => window.removeEventListener('hashchange', changed);
  }, []);
  return route;
}
