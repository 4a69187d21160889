// What the pages are made of: preact, its hooks and htm, which the scripts before this module put on the window.
const { h, render, Fragment } = window.preact;

export const html = window.htm.bind(h);
export { render, Fragment };
export const { useState, useEffect, useLayoutEffect, useRef, useMemo, useCallback, useReducer } = window.preactHooks;
