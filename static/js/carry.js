// The buttons that take what the map shows elsewhere: to paper, to a file. Layers, filter, day and view go along.

import { carriedLayers } from './question_layers.js';

const DIGITS = 6;

/** Ties the links with `data-carry`; one with `data-save` is fetched and saved, and says why when it cannot be. */
export function carryFor({ map, tree, filter, also, words }) {
  function shown() {
    const asked = filter.carried();
    const box = map.getBounds();
    const within = (degrees, most) => Math.min(Math.max(degrees, -most), most).toFixed(DIGITS);
    carriedLayers(tree.shown(), asked, also());
    asked.set('bbox', [within(box.getWest(), 180), within(box.getSouth(), 90), within(box.getEast(), 180), within(box.getNorth(), 90)].join(','));
    return asked;
  }

  function address(link) {
    return `${link.getAttribute('href').split('?')[0]}?${shown()}`;
  }

  function problem(text) {
    const note = document.getElementById('note-problem');
    note.textContent = text;
    note.hidden = !text;
  }

  async function save(link) {
    if (link.hasAttribute('aria-busy')) return;
    link.setAttribute('aria-busy', 'true');
    problem('');
    try {
      const response = await fetch(address(link), { headers: { Accept: 'application/json, text/html;q=0.5' } });
      if (response.ok) hand(await response.blob(), nameIn(response.headers.get('Content-Disposition')));
      else problem((await response.json().catch(() => ({}))).detail || words.failed);
    } catch {
      problem(words.failed);
    }
    link.removeAttribute('aria-busy');
  }

  for (const link of document.querySelectorAll('[data-carry]')) {
    if (link.hasAttribute('data-save')) {
      link.addEventListener('click', (event) => { event.preventDefault(); save(link); });
      continue;
    }
    // Before the click already, so that a new tab and the menu of the right button carry the same.
    for (const kind of ['pointerdown', 'focus', 'click']) link.addEventListener(kind, () => { link.href = address(link); });
  }
}

function nameIn(disposition) {
  const found = /filename\*=UTF-8''([^;]+)/.exec(disposition || '');
  return found ? decodeURIComponent(found[1]) : 'map.html';
}

function hand(blob, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
