// The map page: wires the map that folium made to the layer tree, the panel, the link in the address and the notes.

import { keepHash, readHash } from './view_hash.js';
import { panelFor } from './panel.js';
import { sheets } from './sheets.js';
import { treeFor } from './tree.js';

export { CollectionLayer, tileStack } from './stack.js';

function showThinned(titles) {
  const note = document.getElementById('note-thinned');
  return ({ ids }) => {
    note.hidden = ids.length === 0;
    note.querySelector('[data-names]').textContent = ids.map((id) => titles[id] || id).join('、');
  };
}

function problemNote(text) {
  const note = document.getElementById('note-problem');
  note.textContent = text;
  note.hidden = false;
}

/** Fills in how many features each layer holds, and says so when they are demo data. */
async function showStock(root) {
  const response = await fetch(`${root}/map/stock`);
  if (!response.ok) return;
  const { counts, synthetic } = await response.json();
  for (const badge of document.querySelectorAll('[data-count]')) {
    badge.textContent = counts[badge.dataset.count] ?? '';
    badge.hidden = badge.textContent === '';
  }
  document.getElementById('note-synthetic').hidden = !synthetic;
}

function nameControls(map, words) {
  const label = (selector, text) => {
    const found = map.getContainer().querySelector(selector);
    if (found) { found.setAttribute('aria-label', text); found.title = text; }
  };
  label('.leaflet-control-zoom-in', words.zoom_in);
  label('.leaflet-control-zoom-out', words.zoom_out);
  label('.leaflet-control-locate a', words.locate);
}

/** Start the page. `layers` are Leaflet layers by collection id; `options` come from gisapp.maps.build. */
export function start({ map, stack, layers, options }) {
  const saved = readHash();
  const { words } = options;
  const [west, south, east, north] = options.home;
  map.attributionControl.setPrefix(false);

  const tree = treeFor(map, layers, saved.layers || options.shown);
  const shell = sheets(map);
  stack.on('thinned', showThinned(tree.titles));
  const panel = panelFor({ map, tree, shell, root: options.root, words });

  if (saved.at) map.setView([saved.at[1], saved.at[0]], saved.zoom);
  else map.fitBounds([[south, west], [north, east]]);
  map.addLayer(stack); // only now: tiles of the view before would be fetched for nothing

  keepHash(map, tree, panel);
  stack.on('signedout', () => problemNote(words.signed_out));
  window.addEventListener('offline', () => problemNote(words.offline));
  window.addEventListener('online', () => { document.getElementById('note-problem').hidden = true; });
  nameControls(map, words);
  showStock(options.root);
  if (saved.open) panel.open(saved.open);
  document.documentElement.dataset.mapReady = 'yes';
  window.gisapp = { map, stack, tree, panel };
}
