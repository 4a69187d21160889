// Light or dark: as the system has it, or as was chosen in this browser.
const KEY = 'console.theme';
export const THEMES = ['auto', 'light', 'dark'];

export function currentTheme() {
  try { return THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : 'auto'; } catch { return 'auto'; }
}

export function applyTheme(theme = currentTheme()) {
  if (theme === 'auto') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event('themechange'));
}

export function chooseTheme(theme) {
  try { localStorage.setItem(KEY, theme); } catch { /* It is for this visit then. */ }
  applyTheme(theme);
}
