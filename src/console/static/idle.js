// Whether somebody is at the page. What a page asks for by itself counts as use of the session: nobody's page must not keep it open for ever.
const IDLE_MS = 10 * 60_000;
const listeners = new Set();
let last = Date.now();

export const isIdle = () => Date.now() - last > IDLE_MS;

/** Calls `listener` when somebody comes back. */
export function onReturn(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function touched() {
  const wasIdle = isIdle();
  last = Date.now();
  if (wasIdle) listeners.forEach((listener) => listener());
}

for (const name of ['pointerdown', 'pointermove', 'keydown', 'wheel']) window.addEventListener(name, touched, { capture: true, passive: true });
