// Light, dark, or as the system: kept in a cookie, so that the server writes it into the page and nothing flashes.

const YEAR_S = 365 * 86_400;
const root = document.documentElement;
const system = window.matchMedia('(prefers-color-scheme: dark)');
const listeners = [];

export const isDark = () => (root.dataset.theme ? root.dataset.theme === 'dark' : system.matches);

/** Called whenever what is shown turns light or dark. */
export const onTheme = (listener) => listeners.push(listener);

function tell() {
  for (const listener of listeners) listener();
}

function choose(name) {
  const before = isDark();
  if (name === 'system') delete root.dataset.theme;
  else root.dataset.theme = name;
  const secure = window.location.protocol === 'https:' ? '; Secure' : '';
  document.cookie = `theme=${name}; Path=/; SameSite=Lax; Max-Age=${name === 'system' ? 0 : YEAR_S}${secure}`;
  if (isDark() !== before) tell();
}

system.addEventListener('change', () => { if (!root.dataset.theme) tell(); });
for (const input of document.querySelectorAll('input[name=theme]')) input.addEventListener('change', () => choose(input.value));
