// What lies under the small maps of an import: districts, roads and, near by, buildings, so that a place is known by sight.
import { isDark } from './theme.js';

const MOST = 2000;
const BUILDINGS_FROM = 16;

/** A map without tiles: it stops at any zoom, and its buttons are named in the reader's language. */
export function smallMap(place) {
  const map = L.map(place, { attributionControl: false, preferCanvas: true, zoomAnimation: false, fadeAnimation: false,
    zoomControl: false, zoomSnap: 0.25 });
  const { zoomIn, zoomOut } = place.dataset;
  L.control.zoom({ zoomInTitle: zoomIn, zoomOutTitle: zoomOut }).addTo(map);
  return map;
}

/** Draw the ground under what the map shows, again after every move. `layers` are those of it that the office has. */
export function ground(map, root, layers) {
  const pane = map.createPane('ground');
  pane.style.zIndex = 350; // under Leaflet's overlays
  const renderer = L.canvas({ pane: 'ground', padding: 0.2 });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const flat = (style) => L.geoJSON(null, { pane: 'ground', renderer, interactive: false, style }).addTo(map);
  const buildings = flat({ stroke: false, fillColor: colour(isDark() ? '--line' : '--line-strong'), fillOpacity: 0.55 });
  const roads = flat({ color: colour(isDark() ? '--line-strong' : '--surface'), weight: isDark() ? 1.5 : 3 });
  const districts = flat({ color: colour('--muted'), weight: 1, fill: false });

  let turn = 0;
  const draw = async () => {
    const mine = ++turn;
    const near = map.getZoom() >= BUILDINGS_FROM;
    const wanted = (layer) => layers.includes(layer) && (near || layer !== 'buildings') && load(root, layer, map);
    const [ways, houses] = await Promise.all([wanted('roads'), wanted('buildings')]);
    if (mine !== turn) return;
    buildings.clearLayers();
    roads.clearLayers();
    if (houses) buildings.addData(houses);
    if (ways) roads.addData(ways);
    districts.bringToFront();
  };
  map.on('moveend', draw);
  if (layers.includes('districts')) load(root, 'districts').then((found) => found && districts.addData(found));
  return draw();
}

async function load(root, layer, map) {
  const within = map ? `&bbox=${boxOf(map)}` : '';
  const answer = await fetch(`${root}/collections/${layer}/items?f=json&limit=${MOST}&properties=version${within}`).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

/** The map's view as west,south,east,north in degrees, within the world. */
export function boxOf(map) {
  const box = map.getBounds();
  return [Math.max(box.getWest(), -180), Math.max(box.getSouth(), -90), Math.min(box.getEast(), 180),
    Math.min(box.getNorth(), 90)].map((one) => one.toFixed(7)).join(',');
}
