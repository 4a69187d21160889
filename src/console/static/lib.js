// What the pages are made of: preact, its hooks and htm, which the scripts before this module put on the window.
const { h, render, Fragment } = window.preact;

export const html = window.htm.bind(h);
export { render, Fragment };
export const { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useReducer } = window.preactHooks;

/**
 * An effect that begins to listen. It runs as soon as the page is drawn: `useEffect` waits for the next frame, and what happens in between,
 * on a busy machine for a long time, would be missed.
 */
export const useListening = useLayoutEffect;
