// Measuring on the map: a way or an area, by pointer, touch or keyboard. Nothing of it is stored.

import { area, crosses, length } from './geodesy.js';

const LINE = { color: '#7a1fa2', weight: 3, interactive: false, pmIgnore: true };
const AREA = { ...LINE, fillColor: '#b25fd6', fillOpacity: 0.22 };
const RUBBER = { ...LINE, weight: 2, dashArray: '4 6' };
const HECTARE = 10_000;
const MU = 2000 / 3; // m² of a 亩

const point = () => window.L.divIcon({ className: 'measure-point', iconSize: [16, 16], iconAnchor: [8, 8] });
const pairOf = ({ lng, lat }) => [lng, lat];

/** Texts of numbers in the page's language, metric. */
function sayer(words) {
  const lang = document.documentElement.lang;
  const number = (value, digits) => new Intl.NumberFormat(lang, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
  return {
    metres: (value) => (value < 1000 ? `${number(value, 1)} m` : `${number(value / 1000, 3)} km`),
    square: (value) => (value < 1e6 ? `${number(value, 1)} m²` : `${number(value / 1e6, 4)} km²`),
    fields: (value) => `${number(value / HECTARE, 3)} ${words.hectare} · ${number(value / MU, 2)} ${words.mu}`,
  };
}

export function measureFor({ map, words: { measure: title } }) {
  const { L } = window;
  const bar = document.getElementById('measure-bar');
  const words = JSON.parse(bar.dataset.words);
  const say = sayer(words);
  const group = L.layerGroup();
  const plane = L.polygon([], AREA);
  const way = L.polyline([], LINE);
  const rubber = L.polyline([], RUBBER);
  const shown = (name) => bar.querySelector(`[data-measure="${name}"]`);
  let [mode, points, done, pointer] = ['distance', [], false, null];

  const button = L.DomUtil.create('a', 'measure-button');
  const control = L.Control.extend({ options: { position: 'bottomright' }, onAdd() {
    const box = L.DomUtil.create('div', 'leaflet-bar leaflet-control');
    box.append(button);
    L.DomEvent.disableClickPropagation(box);
    return box;
  } });
  Object.assign(button, { href: '#', role: 'button', title });
  button.setAttribute('aria-label', title);
  button.setAttribute('aria-controls', bar.id);
  button.append(document.getElementById('icon-measure').content.cloneNode(true));
  new control().addTo(map);

  const isOn = () => !bar.hidden;
  const isMarking = () => map.getContainer().classList.contains('is-marking');
  const places = () => points.map((one) => one.getLatLng());

  function result(value, more, problem = '') {
    shown('value').textContent = value;
    shown('more').textContent = more;
    shown('problem').textContent = problem;
    shown('problem').hidden = !problem;
  }

  function tell(all) {
    const pairs = all.map(pairOf);
    if (mode === 'distance') {
      const last = pairs.length > 2 ? `${words.last_leg} ${say.metres(length(pairs.slice(-2)))}` : '';
      result(pairs.length > 1 ? say.metres(length(pairs)) : '–', last);
      return;
    }
    if (pairs.length < 3) { result('–', ''); return; }
    const around = `${words.outline} ${say.metres(length([...pairs, pairs[0]]))}`;
    const wrong = crosses(pairs);
    result(wrong ? '–' : say.square(area(pairs)), wrong ? around : `${say.fields(area(pairs))} · ${around}`, wrong ? words.crosses : '');
  }

  function show() {
    const fixed = places();
    const all = pointer && !done && fixed.length ? [...fixed, pointer] : fixed;
    const closed = mode === 'area' && fixed.length > 2;
    plane.setLatLngs(closed ? fixed : []);
    way.setLatLngs(closed ? [] : fixed);
    const last = fixed[fixed.length - 1];
    rubber.setLatLngs(all === fixed ? [] : [last, pointer, ...(mode === 'area' && fixed.length > 1 ? [fixed[0]] : [])]);
    shown('undo').disabled = shown('clear').disabled = points.length === 0;
    shown('hint').textContent = isMarking() ? words.marking : done ? words.again : words[mode];
    for (const one of bar.querySelectorAll('[data-measure-mode]')) one.setAttribute('aria-pressed', String(one.dataset.measureMode === mode));
    tell(all);
  }

  function clear() {
    for (const one of points) one.remove();
    [points, done, pointer] = [[], false, null];
    show();
  }

  function add(latlng) {
    if (done) clear();
    const marker = L.marker(latlng, { icon: point(), draggable: true, keyboard: false, pmIgnore: true, zIndexOffset: 900 });
    marker.on('drag', show);
    marker.on('click', () => { if (marker === points[0] || marker === points.at(-1)) finish(); }); // so does a double click end here
    marker.addTo(group);
    points.push(marker);
    show();
  }

  function undo() {
    points.pop()?.remove();
    done = false;
    show();
  }

  function finish() {
    done = points.length > 1;
    pointer = null;
    show();
  }

  function clicked({ latlng, originalEvent }) {
    if (isMarking()) { show(); return; }
    if (originalEvent.detail > 1 && points.length && !done) finish(); // the second half of a double click
    else add(latlng);
  }

  function moved({ latlng, originalEvent }) {
    if (done || !points.length || originalEvent.pointerType === 'touch') return;
    pointer = latlng.equals(points.at(-1).getLatLng()) ? null : latlng;
    show();
  }

  function pressed(event) {
    if (!isOn() || event.target !== map.getContainer()) return;
    const act = { Enter: () => (event.shiftKey ? finish() : add(map.getCenter())), Backspace: undo, Delete: undo }[event.key];
    if (!act || isMarking()) return;
    event.preventDefault();
    pointer = null;
    act();
  }

  function set(on) {
    if (on === isOn()) return;
    bar.hidden = !on;
    button.classList.toggle('is-on', on);
    button.setAttribute('aria-pressed', String(on));
    map.getContainer().classList.toggle('is-measuring', on);
    map.doubleClickZoom[on ? 'disable' : 'enable']();
    const tie = on ? 'on' : 'off';
    map[tie]('click', clicked)[tie]('mousemove', moved);
    if (on) { group.addTo(map); for (const one of [plane, way, rubber]) group.addLayer(one); }
    else group.remove();
    clear();
    if (on) map.getContainer().focus({ preventScroll: true });
    else button.focus({ preventScroll: true });
  }

  const acts = { undo, clear, close: () => set(false) };
  bar.addEventListener('click', (event) => {
    const one = event.target.closest('button');
    if (one?.dataset.measureMode) { mode = one.dataset.measureMode; show(); }
    acts[one?.dataset.measure]?.();
  });
  button.setAttribute('aria-pressed', 'false');
  L.DomEvent.on(button, 'click', (event) => { L.DomEvent.preventDefault(event); set(!isOn()); });
  button.addEventListener('keydown', (event) => { if (event.key === ' ') { event.preventDefault(); set(!isOn()); } });
  map.getContainer().addEventListener('keydown', pressed);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && isOn() && !isMarking()) set(false); });
  map.on('pm:drawstart', () => set(false)); // a click is a corner of one thing only
  return { isOn, value: () => ({ mode, points: places().map(pairOf) }) };
}
