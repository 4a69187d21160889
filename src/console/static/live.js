// Events of the server as they happen. A browser reconnects by itself after a broken line, and gives up after an error status: then it is
// tried again from here, later each time.
const listeners = new Set();
const states = new Set();
let source = null;
let timer = null;
let wait = 1_000;
let state = 'off';

function setState(next) {
  state = next;
  states.forEach((listener) => listener(state));
}

export const liveState = () => state;

export function onLiveState(listener) {
  states.add(listener);
  return () => states.delete(listener);
}

/** Calls `listener` with each event; gives what stops it. */
export function onLive(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function heard(event) {
  let data = {};
  try { data = JSON.parse(event.data); } catch { /* A name alone says that something has changed. */ }
  listeners.forEach((listener) => listener({ name: event.type, ...data }));
}

export function connect() {
  disconnect();
  source = new EventSource('/local/events');
  source.onopen = () => {
    const isAgain = state === 'waiting';
    wait = 1_000;
    setState('live');
    // What happened meanwhile is not told again.
    if (isAgain) listeners.forEach((listener) => listener({ name: 'reload' }));
  };
  source.onmessage = heard;
  for (const name of EVENTS) source.addEventListener(name, heard);
  source.onerror = () => {
    setState('waiting');
    if (source?.readyState !== EventSource.CLOSED) return;
    timer = setTimeout(() => connect(), wait);
    const next = Math.min(wait * 2, 30_000);
    disconnectSource();
    wait = next;
  };
}

const EVENTS = ['change', 'reload', 'sync', 'end'];

function disconnectSource() {
  source?.close();
  source = null;
}

export function disconnect() {
  clearTimeout(timer);
  disconnectSource();
  if (state !== 'waiting') setState('off');
}
