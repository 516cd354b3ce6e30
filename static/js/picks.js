// Several features of one layer chosen: ticked in the list, clicked with Shift on the map, or all within an area;
// then given a state in one go, or merged.

import { refusal, send } from './send.js';
import { notice, requestOf, undoButton } from './undo.js';

const MOST = 500; // as many as the server takes at once
const MARK = { className: 'pick-mark', color: '#0f5f94', weight: 4, radius: 11, fillColor: '#ffffff', fillOpacity: 0.5, interactive: false, pmIgnore: true };

const corners = (part) => (typeof part[0] === 'number' ? [part] : part.flatMap(corners));

/** The middle of a feature's bounds, lon and lat; none while it lies nowhere. */
function middle(shape) {
  if (!shape) return null;
  const all = corners(shape.coordinates);
  return [0, 1].map((at) => (Math.min(...all.map((one) => one[at])) + Math.max(...all.map((one) => one[at]))) / 2);
}

function isInside([x, y], ring) {
  let inside = false;
  for (let at = 0, before = ring.length - 1; at < ring.length; before = at, at += 1) {
    const [[x1, y1], [x2, y2]] = [ring[at], ring[before]];
    if ((y1 > y) !== (y2 > y) && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}

export function picksFor({ map, panel, list, tree, changed, begin, merge, root, words }) {
  const { L } = window;
  const bar = document.getElementById('pick-bar');
  const rows = document.getElementById('list-body');
  const state = bar.querySelector('select');
  const marks = L.layerGroup().addTo(map);
  const chosen = new Map(); // id → { id, title, version, point }
  const known = new Map(); // layer → what can be done to it
  let [layer, last] = [null, null];

  async function ask(of) {
    if (!known.has(of)) {
      const response = await fetch(`${root}/map/picks/${of}`, { headers: { Accept: 'application/json' } });
      if (!response.ok) return null;
      known.set(of, await response.json());
    }
    return known.get(of);
  }

  async function offer() {
    const of = layer;
    const found = await ask(of);
    if (!found || of !== layer) return;
    const { title, states, merge: mergeable } = found;
    bar.querySelector('[data-title]').textContent = title;
    if (state.dataset.layer !== layer) {
      state.replaceChildren(new Option(words.choose_state, ''), ...states.map((one) => new Option(one.title, one.id)));
      state.dataset.layer = layer;
    }
    bar.querySelector('[data-pick-states]').hidden = states.length === 0;
    bar.querySelector('[data-pick-act="merge"]').hidden = !mergeable;
  }

  function tick() {
    const boxes = [...rows.querySelectorAll('[data-pick]')];
    for (const box of boxes) box.checked = box.dataset.layer === layer && chosen.has(box.dataset.pick);
    const all = rows.querySelector('[data-pick-all]');
    if (all) all.checked = boxes.length > 0 && boxes.every((box) => box.checked);
  }

  function show() {
    marks.clearLayers();
    for (const { point } of chosen.values()) if (point) marks.addLayer(L.circleMarker([point[1], point[0]], MARK));
    bar.hidden = chosen.size === 0;
    bar.querySelector('[data-number]').textContent = words.picked.replace('{n}', chosen.size);
    bar.querySelector('[data-pick-act="merge"]').disabled = chosen.size < 2 || chosen.size > 50;
    tick();
    if (chosen.size) offer();
  }

  function clear() {
    chosen.clear();
    show();
  }

  /** The features take part, or no longer; those of another layer make the others go. */
  function put(of, features, wanted) {
    if (of !== layer) chosen.clear();
    layer = of;
    for (const one of features) {
      if (wanted && chosen.size < MOST) chosen.set(one.id, one);
      else chosen.delete(one.id);
    }
    show();
  }

  function ofRow(box) {
    const row = box.parentElement.querySelector('[data-row]');
    const point = row.dataset.point?.split(',').map(Number);
    return { id: box.dataset.pick, title: row.querySelector('.name').textContent, version: Number(box.dataset.version), point };
  }

  function picked(event) {
    const box = event.target.closest('[data-pick], [data-pick-all]');
    if (!box) return;
    const boxes = [...rows.querySelectorAll('[data-pick]')];
    let some = [box];
    const start = boxes.findIndex((one) => one.dataset.pick === last);
    if (box.dataset.pickAll !== undefined) some = boxes;
    else if (event.shiftKey && start >= 0) {
      const [from, to] = [start, boxes.indexOf(box)].sort((a, b) => a - b);
      some = boxes.slice(from, to + 1);
    }
    last = box.dataset.pick;
    if (boxes.length) put(boxes[0].dataset.layer, some.map(ofRow), box.checked);
  }

  async function fetchOne(of, id) {
    const response = await fetch(`${root}/collections/${of}/items/${id}?f=json`);
    if (!response.ok) return null;
    const { geometry, properties } = await response.json();
    return { id, version: properties.version, point: middle(geometry) };
  }

  async function toggle(of, id, title) {
    if (of === layer && chosen.has(id)) { put(of, [{ id }], false); return; }
    const one = await fetchOne(of, id);
    if (one) put(of, [{ ...one, title: title || one.id }], true);
  }

  async function atClick({ latlng, originalEvent }) {
    if (!originalEvent?.shiftKey || map.getContainer().classList.contains('is-marking')) return;
    const { lng, lat } = latlng.wrap();
    const among = chosen.size ? [layer] : tree.shown();
    const asked = new URLSearchParams({ f: 'json', lon: lng.toFixed(7), lat: lat.toFixed(7), zoom: map.getZoom(), layers: among.join(',') });
    const response = await fetch(`${root}/identify?${asked}`);
    const [hit] = response.ok ? (await response.json()).hits : [];
    if (hit) toggle(hit.layer, hit.id, hit.title);
  }

  async function within(of, shape) {
    const [ring] = shape.coordinates;
    const [lons, lats] = [0, 1].map((at) => ring.map((one) => one[at]));
    const asked = list.asked(of);
    for (const [name, value] of Object.entries({ f: 'json', limit: 1000, bbox: [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)].join(',') })) asked.set(name, value);
    const response = await fetch(`${root}/collections/${of}/items?${asked}`);
    if (!response.ok) { panel.show(notice(await refusal(response, words.failed), 'error')); return; }
    const { features } = await response.json();
    const name = (await ask(of))?.name_field;
    const found = features.map(({ id, geometry, properties }) => ({ id, title: properties[name] || id, version: properties.version, point: middle(geometry) }));
    put(of, found.filter(({ point }) => point && isInside(point, ring)), true);
    if (!chosen.size) panel.show(notice(words.none_inside, 'info'));
  }

  function byArea() {
    const of = chosen.size ? layer : document.getElementById('list-layer').value;
    begin({ layer: of, geometry: 'MultiPolygon', slot: null, hint: words.area_hint, then: (shape) => within(of, shape) });
  }

  // ------------------------------------------------------------------ many states at once
  function line({ id, zh, en }, of) {
    const item = document.createElement('li');
    const open = document.createElement('button');
    Object.assign(open, { type: 'button', className: 'button button-small button-quiet', textContent: chosen.get(id)?.title || id });
    open.addEventListener('click', () => panel.open({ layer: of, id }));
    item.append(open, ' ', document.documentElement.lang.startsWith('zh') ? zh : en);
    return item;
  }

  function told(of, { done, refused, results }, response) {
    const card = document.createElement('section');
    const heading = Object.assign(document.createElement('h2'), { textContent: words.batch_done.replace('{n}', done).replace('{m}', refused), tabIndex: -1 });
    const after = () => { clear(); changed(of); panel.close(); };
    const back = done ? [undoButton({ root, layer: of, request: requestOf(response), words, done: after })] : [];
    card.append(heading, notice(refused ? words.batch_some : words.batch_all, refused ? 'warning' : 'success', ...back));
    const why = document.createElement('ul');
    why.className = 'batch-refused';
    why.append(...results.filter((one) => one.outcome === 'refused').map((one) => line(one, of)));
    if (refused) card.append(why);
    panel.close();
    panel.show(card);
    heading.focus({ preventScroll: true });
  }

  async function setState() {
    if (!state.value) { state.focus(); return; }
    const ids = [...chosen.values()].map(({ id, version }) => ({ id, version }));
    const response = await send(root, 'POST', `/collections/${layer}/batch`, { body: { ids, properties: { status: state.value } } });
    if (!response.ok) { panel.show(notice(await refusal(response, words.failed), 'error')); return; }
    const answer = await response.json();
    for (const { id, outcome, version } of answer.results) if (outcome === 'done') chosen.get(id).version = version;
    changed(layer);
    told(layer, answer, response);
  }

  const acts = { clear, area: byArea, state: setState, merge: () => merge(layer, [...chosen.values()], clear) };
  rows.addEventListener('click', picked);
  document.addEventListener('click', (event) => {
    const act = event.target.closest('[data-pick-act]')?.dataset.pickAct;
    if (act) acts[act]();
    const card = event.target.closest('[data-act="pick"]')?.closest('[data-feature]');
    if (card) toggle(card.dataset.layer, card.dataset.feature, card.querySelector('h2').textContent);
  });
  new MutationObserver(tick).observe(rows, { childList: true, subtree: true });
  map.on('click', atClick);
  return { chosen: () => [...chosen.keys()], clear };
}
