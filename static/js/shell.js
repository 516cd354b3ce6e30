// What every page needs: the theme, menus that close, and links that keep the view in the hash.

import './session_first.js';
import './theme.js';

for (const link of document.querySelectorAll('a[data-keep-hash]')) {
  link.addEventListener('click', () => { link.hash = window.location.hash; });
}

// Whoever has to sign in first comes back to the same view: the browser keeps the hash, the form's target has it not.
const next = document.querySelector('main input[name="next"]');
if (next && !next.value.includes('#')) next.value += window.location.hash;

const menus = [...document.querySelectorAll('details[data-menu]')];

document.addEventListener('click', (event) => {
  for (const menu of menus) {
    if (menu.open && !menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  for (const menu of menus.filter((one) => one.open)) {
    menu.open = false;
    menu.querySelector('summary').focus();
  }
});
