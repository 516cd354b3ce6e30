// Which ground lies under the data: the own map, or one that the settings offer. The choice is kept in the link.

import { moveGrid } from './datum.js';
import { isDark } from './theme.js';

const PANE = 'basemap';
const PICTURES = ['', '', 'image/png', 'image/jpeg', 'image/webp', 'image/avif']; // by the tile type of PMTiles; 1 is vector

/** Pictures out of a PMTiles archive. */
function pictureGrid(archive, type, options) {
  const grid = new window.L.GridLayer(options);
  grid.createTile = (coords, done) => {
    const image = document.createElement('img');
    image.alt = '';
    image.className = 'leaflet-tile';
    archive.getZxy(coords.z, coords.x, coords.y).then((found) => {
      if (!found) { done(null, image); return; } // no picture of this place
      image.onload = () => { URL.revokeObjectURL(image.src); done(null, image); };
      image.onerror = () => done(new Error('picture'), image);
      image.src = URL.createObjectURL(new Blob([found.data], { type: PICTURES[type] }));
    }, (error) => done(error, image));
    return image;
  };
  return grid;
}

async function archiveLayer(one, url, options) {
  const source = new window.protomapsL.PmtilesSource(url, false);
  const { tileType, maxZoom } = await source.p.getHeader();
  const range = { ...options, maxNativeZoom: Math.min(options.maxNativeZoom, maxZoom) };
  if (tileType !== 1) return pictureGrid(source.p, tileType, range);
  return window.protomapsL.leafletLayer({ ...options, maxNativeZoom: undefined, url: source.p, maxDataZoom: range.maxNativeZoom, flavor: isDark() ? 'dark' : 'light', attribution: '' });
}

async function layerOf(one, root) {
  const options = { pane: PANE, minNativeZoom: one.minZoom, maxNativeZoom: one.maxZoom, keepBuffer: 1 };
  const layer = one.kind === 'pmtiles'
    ? await archiveLayer(one, one.url || new URL(`${root}/basemaps/${one.id}.pmtiles`, window.location.href).href, options)
    // Keys of some services are bound to the site that shows the map: it is named, not the page.
    : window.L.tileLayer(one.url, { ...options, subdomains: one.subdomains, referrerPolicy: 'strict-origin', crossOrigin: false });
  return one.datum === 'GCJ-02' ? moveGrid(layer) : layer;
}

/** `offered` come from gisapp.basemaps; `ground` are the layers that make up the own map. */
export function basemapsFor({ map, tree, offered, ground, root }) {
  const box = document.getElementById('basemaps');
  if (!offered.length || !box) return { parts: () => [], follow: () => {}, onChange: () => {} };
  const credit = document.getElementById('map-credit');
  const button = document.getElementById('basemaps-button');
  const problem = box.querySelector('[data-problem]');
  const listeners = [];
  let [chosen, layer] = ['own', null];
  map.createPane(PANE).style.zIndex = 150; // under the data

  function failed(one) {
    if (chosen !== one.id) return;
    problem.hidden = false;
    button.classList.add('has-problem');
  }

  function name(one) {
    const link = credit.querySelector('a');
    credit.hidden = !one;
    link.textContent = one?.credit || '';
    if (one?.creditUrl) link.href = one.creditUrl;
    else link.removeAttribute('href');
    problem.hidden = true;
    button.classList.remove('has-problem');
  }

  async function show(one) {
    const made = await layerOf(one, root).catch(() => null);
    if (chosen !== one.id) return;
    if (!made) { failed(one); return; }
    layer = made.on('tileerror', () => failed(one)).addTo(map);
  }

  function choose(id) {
    const one = offered.find((other) => other.id === id);
    const next = one ? id : 'own';
    for (const input of box.querySelectorAll('input')) input.checked = input.value === next;
    if (next === chosen) return false;
    chosen = next;
    layer?.remove();
    layer = null;
    name(one);
    if (one) show(one);
    return true;
  }

  function tell() {
    for (const listener of listeners) listener();
  }

  /** By hand the own ground makes room, and comes back; a link says itself which layers are on. */
  function picked({ target }) {
    const before = chosen;
    if (!choose(target.value)) return;
    const shown = tree.shown();
    if (before === 'own') tree.show(shown.filter((id) => !ground.includes(id)));
    if (chosen === 'own') tree.show([...shown, ...ground]);
    tell();
  }

  function open(on) {
    box.hidden = !on;
    button.setAttribute('aria-expanded', String(on));
    if (on) box.querySelector('input:checked').focus();
  }

  const control = window.L.Control.extend({ options: { position: 'bottomright' }, onAdd() {
    const place = window.L.DomUtil.create('div', 'leaflet-bar leaflet-control');
    place.append(button);
    window.L.DomEvent.disableClickPropagation(place);
    return place;
  } });
  new control().addTo(map);
  button.hidden = false;
  button.addEventListener('click', () => open(box.hidden));
  box.addEventListener('change', picked);
  box.addEventListener('keydown', (event) => { if (event.key === 'Escape') { event.stopPropagation(); open(false); button.focus(); } });
  document.addEventListener('pointerdown', ({ target }) => { if (!box.hidden && !box.contains(target) && !button.contains(target)) open(false); });

  return {
    /** [name, text] pairs for the link. */
    parts: () => (chosen === 'own' ? [] : [['base', chosen]]),
    follow: (asked) => { if (choose(asked.get('base') || 'own')) tell(); },
    onChange: (listener) => listeners.push(listener),
  };
}
