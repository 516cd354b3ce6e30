// A question on the map: its hits stand out, its table lies below the map, and both are tied to each other.

import { areaTool } from './area_tool.js';
import { refusal } from './send.js';

const HOVER = { color: '#c1121f', weight: 3, fill: false, interactive: false };
const AREA = { color: '#7a4fc9', weight: 2, dashArray: '6 5', fillOpacity: 0.06, interactive: false, pmIgnore: true };

/** The place of a row: its bounds, and the point to ring when they are too small to see. */
function placeOf(row) {
  if (!row?.dataset.bbox) return null;
  const [west, south, east, north] = row.dataset.bbox.split(',').map(Number);
  const [lon, lat] = row.dataset.point.split(',').map(Number);
  return { bounds: window.L.latLngBounds([south, west], [north, east]), point: window.L.latLng(lat, lon) };
}

export function askFor({ map, stack, tree, panel, list, root, words }) {
  const dock = document.getElementById('answer-dock');
  const place = document.getElementById('answer-place');
  const fold = dock.querySelector('[data-fold]');
  const mark = window.L.layerGroup().addTo(map);
  const listeners = [];
  const area = window.L.layerGroup().addTo(map);
  const tool = areaTool({ map, dock, chosen: (within) => load(withOther('within', within)) });
  let text = ''; // the question, as /ask takes it
  let layer = null;
  let running = null;

  const answer = () => place.querySelector('#answer');
  const rowOf = (id) => place.querySelector(`[data-row="${id}"]`);

  function tell() {
    for (const listener of listeners) listener();
  }

  function fitMap() {
    map.invalidateSize({ animate: false });
  }

  function setFolded(folded) {
    dock.classList.toggle('is-folded', folded);
    fold.setAttribute('aria-expanded', String(!folded));
    fitMap();
  }

  function stop() {
    running?.abort();
    [text, layer] = ['', null];
    stack.highlight(null);
    tool.stop();
    for (const group of [mark, area]) group.clearLayers();
    place.replaceChildren();
    dock.hidden = true;
    fitMap();
    tell();
  }

  function failed(sentence) {
    const note = document.createElement('p');
    note.className = 'alert alert-error';
    note.setAttribute('role', 'alert');
    note.textContent = sentence;
    place.replaceChildren(note);
  }

  async function fetchAnswer(query) {
    running?.abort();
    running = new AbortController();
    const response = await fetch(`${root}/ask/answer?${query}`, { signal: running.signal, headers: { 'HX-Request': 'true', Accept: 'text/html' } });
    if (response.ok) return response.text();
    throw new Error(response.status === 401 ? words.signed_out : await refusal(response, words.failed));
  }

  function withOther(name, value) {
    const asked = new URLSearchParams(text);
    asked.set(name, value);
    return asked;
  }

  async function showFile(id) {
    const response = await fetch(`${root}/ask/area/${id}`, { headers: { Accept: 'application/geo+json' } });
    if (response.ok) area.addLayer(window.L.geoJSON(await response.json(), { style: AREA, interactive: false, pmIgnore: true }));
  }

  function showArea(outline) {
    area.clearLayers();
    if (!outline) return;
    const { ring, centre, metres, area: id } = JSON.parse(outline);
    if (id) { showFile(id); return; }
    const place = ([lon, lat]) => [lat, lon];
    area.addLayer(ring ? window.L.polygon(ring.map(place), AREA) : window.L.circle(place(centre), { ...AREA, radius: metres }));
  }

  function follow() {
    const found = answer();
    if (!found) return;
    layer = found.dataset.layer;
    if (text !== found.dataset.question) { text = found.dataset.question; tell(); }
    showArea(found.dataset.outline);
    tree.turnOn(layer);
    const further = JSON.parse(found.dataset.further);
    const also = (asked) => (Object.keys(asked).length ? new URLSearchParams({ and: JSON.stringify(asked) }).toString() : '');
    stack.highlight(layer, also(further), also(further.as_of ? { as_of: further.as_of } : {}));
    window.htmx.process(found);
    showSelected();
  }

  async function load(query, { fit = false } = {}) {
    place.setAttribute('aria-busy', 'true');
    try {
      place.innerHTML = await fetchAnswer(query);
      follow();
      const bounds = answer()?.dataset.bounds?.split(',').map(Number);
      if (fit && bounds) map.fitBounds([[bounds[1], bounds[0]], [bounds[3], bounds[2]]], { maxZoom: 17, padding: [24, 24] });
    } catch (error) {
      if (error.name !== 'AbortError') failed(error instanceof TypeError ? words.offline : error.message);
    }
    place.removeAttribute('aria-busy');
  }

  /** Show the answer to `asked`; with `fit` the map moves to where it lies. */
  function show(asked, options) {
    if (!asked) {
      if (text) stop();
      return Promise.resolve();
    }
    text = asked;
    dock.hidden = false;
    setFolded(window.matchMedia('(max-width: 720px)').matches);
    tell();
    return load(text, options);
  }

  // ------------------------------------------------------------------ from the table to the map
  function highlight(row) {
    mark.clearLayers();
    const at = placeOf(row);
    if (!at) return;
    const size = map.latLngToLayerPoint(at.bounds.getSouthEast()).subtract(map.latLngToLayerPoint(at.bounds.getNorthWest()));
    const small = Math.max(size.x, size.y) < 26;
    mark.addLayer(small ? window.L.circleMarker(at.point, { ...HOVER, radius: 13 }) : window.L.rectangle(at.bounds, HOVER));
  }

  function find(link) {
    const [of, id] = new URLSearchParams(new URL(link.href).hash.slice(1)).get('open').split('/');
    const at = placeOf(link.closest('[data-row]'));
    if (at && (!map.getBounds().contains(at.bounds) || map.getZoom() < 15)) map.fitBounds(at.bounds, { maxZoom: Math.max(map.getZoom(), 17) });
    panel.open({ layer: of, id });
  }

  // ------------------------------------------------------------------ from the map to the table
  function showSelected() {
    const selected = panel.selected();
    for (const row of place.querySelectorAll('[data-row]')) {
      const current = row.dataset.row === selected?.id;
      row.classList.toggle('is-current', current);
      row.querySelector('[data-find]').toggleAttribute('aria-current', current);
      if (current) row.scrollIntoView({ block: 'nearest' });
    }
  }

  function selectedChanged() {
    const selected = panel.selected();
    if (!text || dock.hidden) return;
    if (selected && selected.layer === layer && !rowOf(selected.id)) load(withOther('find', selected.id));
    else showSelected();
  }

  place.addEventListener('click', (event) => {
    const link = event.target.closest('a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if ('find' in link.dataset) { event.preventDefault(); find(link); }
    if ('answer' in link.dataset) {
      event.preventDefault();
      load(new URL(link.href).search.slice(1));
    }
  });
  place.addEventListener('pointerover', (event) => highlight(event.target.closest('[data-row]')));
  place.addEventListener('focusin', (event) => highlight(event.target.closest('[data-row]')));
  for (const event of ['pointerleave', 'focusout']) place.addEventListener(event, () => mark.clearLayers());
  place.addEventListener('htmx:afterSettle', () => {
    place.scrollTop = 0;
    if (!answer() || !('changed' in answer().dataset)) { follow(); return; }
    stack.refresh(layer);
    follow();
    list.load();
    const selected = panel.selected();
    if (selected?.layer === layer) panel.open(selected);
  });
  place.addEventListener('htmx:responseError', () => failed(words.failed));
  place.addEventListener('htmx:sendError', () => failed(words.offline));
  fold.addEventListener('click', () => setFolded(!dock.classList.contains('is-folded')));
  dock.querySelector('[data-stop]').addEventListener('click', stop);
  panel.onChange(selectedChanged);

  return {
    show,
    stop,
    asked: () => text,
    /** What is asked, as parameters by name, by layer. */
    further: () => (text && answer() ? { [layer]: JSON.parse(answer().dataset.further) } : {}),
    parts: () => (text ? [['ask', text]] : []),
    follow: (more) => { const asked = more.get('ask') || ''; if (asked !== text) show(asked); },
    onChange: (listener) => listeners.push(listener),
  };
}
