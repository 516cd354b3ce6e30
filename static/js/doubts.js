// What speaks against a shape, on the map: where it crosses itself or breaks a rule, what lies near, a repair, what
// somebody else stored meanwhile.

import { send } from './send.js';

const PAUSE = 500; // ms after the last step before the server is asked
const MOST = 4; // sentences under the bar
const FAULT = { className: 'fault-mark', color: '#a8231c', weight: 4, radius: 14, fill: false, interactive: false, pmIgnore: true };
const NEAR = { className: 'near-mark', color: '#b35c00', weight: 3, radius: 12, fill: false, interactive: false, pmIgnore: true };
const STORED = { className: 'stored-mark', color: '#1769c2', weight: 3, dashArray: [6, 5], fillOpacity: 0.12, interactive: false, pmIgnore: true };
const REPAIR = { color: '#14713d', weight: 3, dashArray: [7, 5], fillOpacity: 0.15, interactive: false, pmIgnore: true };

const language = () => (document.documentElement.lang.startsWith('zh') ? 'zh' : 'en');

export function doubtsFor({ map, bar, root, words }) {
  const { L } = window;
  const [said, checked] = [L.layerGroup().addTo(map), L.layerGroup().addTo(map)];
  const list = bar.querySelector('[data-doubts]');
  let [timer, asked] = [null, 0];

  function ring(group, [lon, lat], style) {
    group.addLayer(L.circleMarker([lat, lon], style));
  }

  /** Marks of a form that was sent back. */
  function show(form) {
    said.clearLayers();
    const near = [...form.querySelectorAll('[data-near]')].map((one) => one.dataset.near.split(',').map(Number));
    if (form.dataset.repair) said.addLayer(L.geoJSON(JSON.parse(form.dataset.repair), { style: REPAIR }));
    for (const shape of JSON.parse(form.dataset.stored || '[]')) said.addLayer(L.geoJSON(shape, { style: STORED, pointToLayer: (_, at) => L.circleMarker(at, { ...STORED, radius: 11 }) }));
    for (const place of near) ring(said, place, NEAR);
    const fault = form.dataset.fault?.split(',').map(Number);
    if (fault) ring(said, fault, FAULT);
    const [first] = fault ? [fault] : near;
    if (first) map.panInside([first[1], first[0]], { padding: [60, 60] });
  }

  function tell({ geometry, rules, duplicates }) {
    checked.clearLayers();
    const faults = [geometry, ...rules].filter(Boolean);
    for (const { point } of faults) if (point) ring(checked, point.coordinates, FAULT);
    for (const { point } of duplicates) ring(checked, point.coordinates, NEAR);
    const near = duplicates.slice(0, 2).map((one) => `${words.near} ${one.title || ''} ${one.distance_m.toFixed(1)} m`);
    const lines = [...faults.map((one) => one[language()]), ...near];
    list.replaceChildren(...lines.slice(0, MOST).map((line) => Object.assign(document.createElement('li'), { textContent: line })));
    list.hidden = lines.length === 0;
  }

  function clear() {
    window.clearTimeout(timer);
    asked += 1;
    said.clearLayers();
    tell({ rules: [], duplicates: [] });
  }

  async function ask(layer, geometry, id) {
    asked += 1;
    const mine = asked;
    const body = { type: 'Feature', geometry, ...(id && { id }) };
    try {
      const response = await send(root, 'POST', `/collections/${layer}/check`, { body });
      if (response.ok && mine === asked) tell(await response.json());
    } catch { /* no check: saving tells */ }
  }

  return {
    show,
    clear,
    /** Ask what the server thinks of a shape that is not saved; `id` is the stored feature that it would change. */
    check(layer, geometry, id) {
      window.clearTimeout(timer);
      if (geometry) timer = window.setTimeout(() => ask(layer, geometry, id), PAUSE);
      else clear();
    },
  };
}
