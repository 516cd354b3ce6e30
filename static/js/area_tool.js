// Where a question is asked, chosen on the map: the view, a shape drawn by its corners, the surroundings of a point.

const LINE = { color: '#7a4fc9', weight: 2, dashArray: '6 5', fillOpacity: 0.08, interactive: false, pmIgnore: true };
const CORNER = { color: '#ffffff', weight: 2, fillColor: '#7a4fc9', fillOpacity: 1, radius: 5, interactive: false, pmIgnore: true };
const MOST_CORNERS = 200;

const digits = ({ lng, lat }) => `${lng.toFixed(6)},${lat.toFixed(6)}`;

/** Ties the buttons of the dock to the map; `chosen` hears of the area as /ask takes it: kind:numbers. */
export function areaTool({ map, dock, chosen }) {
  const { L } = window;
  const bar = dock.querySelector('[data-where]');
  const hint = bar.querySelector('[data-hint]');
  const finish = bar.querySelector('[data-where-act=finish]');
  const metres = bar.querySelector('input');
  const sketch = L.layerGroup().addTo(map);
  let mode = null;
  let corners = [];

  function press() {
    for (const button of bar.querySelectorAll('[aria-pressed]')) button.setAttribute('aria-pressed', String(button.dataset.whereAct === mode));
    hint.textContent = mode ? bar.dataset[mode] : '';
    hint.hidden = !mode;
    finish.hidden = mode !== 'shape';
    finish.disabled = corners.length < 3;
  }

  function draw() {
    sketch.clearLayers();
    if (corners.length > 1) sketch.addLayer(L.polygon(corners, LINE));
    for (const corner of corners) sketch.addLayer(L.circleMarker(corner, CORNER));
    press();
  }

  function stop() {
    if (!mode) return;
    map.getContainer().classList.remove('is-marking');
    map.doubleClickZoom.enable();
    [mode, corners] = [null, []];
    draw();
  }

  function start(name) {
    stop();
    mode = name;
    map.getContainer().classList.add('is-marking'); // a click is no question about what lies there
    map.doubleClickZoom.disable();
    draw();
    map.getContainer().focus({ preventScroll: true });
  }

  function done() {
    if (corners.length < 3) return;
    const text = `shape:${corners.map(digits).join(',')}`;
    stop();
    chosen(text);
  }

  function put(latlng) {
    const place = latlng.wrap();
    if (mode === 'circle') {
      const text = `circle:${digits(place)},${Math.min(Math.max(Number(metres.value) || 0, 1), 50000)}`;
      stop();
      chosen(text);
    } else if (mode === 'shape' && corners.length < MOST_CORNERS) {
      corners.push(place);
      draw();
    }
  }

  const acts = {
    view: () => { stop(); const box = map.getBounds(); chosen(`box:${digits(box.getSouthWest())},${digits(box.getNorthEast())}`); },
    everywhere: () => { stop(); chosen(''); },
    shape: () => (mode === 'shape' ? stop() : start('shape')),
    circle: () => (mode === 'circle' ? stop() : start('circle')),
    finish: done,
  };
  bar.addEventListener('click', (event) => {
    const act = event.target.closest('[data-where-act]')?.dataset.whereAct;
    if (act) acts[act]();
  });
  map.on('click', ({ latlng }) => { if (mode) put(latlng); });
  map.on('dblclick', () => { if (mode === 'shape') { corners.pop(); done(); } });
  map.getContainer().addEventListener('keydown', (event) => {
    if (!mode) return;
    if (event.key === 'Escape') stop();
    else if (event.key === 'Enter') { event.stopPropagation(); put(map.getCenter()); }
    else if (event.key === 'Backspace') { corners.pop(); draw(); }
  }, true);
  return { stop };
}
