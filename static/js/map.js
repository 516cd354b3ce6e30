// The map page: wires the map that folium made to the layer tree, the panel, the link in the address and the notes.

import { askFor } from './ask.js';
import './answer_table.js';
import './photos.js';
import { basemapsFor } from './basemaps.js';
import { carryFor } from './carry.js';
import { drawFor } from './draw.js';
import { filterFor } from './filter.js';
import { fullScreenFor, paperFor } from './full_screen.js';
import { keepHash, readHash } from './view_hash.js';
import { listFor } from './list.js';
import { measureFor } from './measure.js';
import { panelFor } from './panel.js';
import { presenceFor } from './presence.js';
import { addQuestionLayers, countQuestionLayers } from './question_layers.js';
import { searchFor } from './search.js';
import { sheets } from './sheets.js';
import { sideTabs } from './side_tabs.js';
import { CollectionLayer, tileStack } from './stack.js';
import { timesFor } from './times.js';
import { treeFor } from './tree.js';

export { CollectionLayer, tileStack };

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

/** Fills in how many features each layer holds under the filter, and says so when they are demo data. */
async function showStock(root, filter) {
  const asked = filter.all().toString();
  const response = await fetch(`${root}/map/stock${asked && '?'}${asked}`);
  if (!response.ok || filter.all().toString() !== asked) return;
  const { counts, synthetic } = await response.json();
  for (const badge of document.querySelectorAll('.layer:not(:has([data-of])) [data-count]')) {
    badge.textContent = counts[badge.dataset.count] ?? '';
    badge.hidden = badge.textContent === '';
  }
  document.getElementById('note-synthetic').hidden = !synthetic;
  document.getElementById('note-empty').hidden = asked !== '' || Object.values(counts).some((count) => Number(count) !== 0);
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
export async function start({ map, stack, layers, options }) {
  const saved = readHash();
  const { words } = options;
  const [west, south, east, north] = options.home;
  map.attributionControl.setPrefix(false);

  addQuestionLayers({ stack, layers, make: CollectionLayer });
  const tree = treeFor(map, layers, saved.layers || options.shown);
  const shell = sheets(map);
  fullScreenFor({ map, shell });
  paperFor({ map });
  stack.on('thinned', showThinned(tree.titles));
  const tabs = sideTabs(map);
  const filter = filterFor({ root: options.root, tabs, stack, takes: options.filters, first: saved.where, words });
  const panel = panelFor({ map, tree, shell, filter, root: options.root, words });
  const list = listFor({ map, root: options.root, tabs, filter, tree, panel, words });
  searchFor({ map, root: options.root, tree, panel, words });

  presenceFor({ panel, root: options.root, words });
  const draw = drawFor({ map, stack, shell, tree, panel, list, root: options.root });

  const still = { animate: false }; // on its way there, tiles of another zoom would be fetched
  if (saved.at) map.setView([saved.at[1], saved.at[0]], saved.zoom, still);
  else map.fitBounds([[south, west], [north, east]], still);
  const times = timesFor({ map, stack, tree, filter, panel, tabs, missions: options.missions, root: options.root });
  await times.follow(saved.more);
  map.addLayer(stack); // only now: tiles of the view before would be fetched for nothing

  const basemaps = basemapsFor({ map, tree, offered: options.basemaps, ground: options.ground, root: options.root });
  basemaps.follow(saved.more);
  const ask = askFor({ map, stack, tree, panel, list, root: options.root, words });
  keepHash(map, tree, panel, filter, [times, basemaps, ask]);
  ask.show(saved.more.get('ask') || '', { fit: !saved.at });
  carryFor({ map, tree, filter, also: ask.further, words });
  countQuestionLayers({ tree, filter, root: options.root });
  stack.on('signedout', () => problemNote(words.signed_out));
  window.addEventListener('offline', () => problemNote(words.offline));
  window.addEventListener('online', () => { document.getElementById('note-problem').hidden = true; });
  nameControls(map, words);
  const measure = measureFor({ map, words });
  showStock(options.root, filter);
  filter.onChange(() => showStock(options.root, filter));
  if (saved.open) panel.open(saved.open);
  document.documentElement.dataset.mapReady = 'yes';
  window.gisapp = { map, stack, tree, panel, filter, list, draw, times, measure, basemaps, ask };
}
