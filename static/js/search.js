// The search box of the bar: a combo box over what the server finds.

const PAUSE = 220; // ms without typing before the server is asked
const CROSS = { color: '#c1121f', weight: 3, fillColor: '#ffe14d', fillOpacity: 0.7, radius: 9, interactive: false };

export function searchFor({ map, root, tree, panel, words }) {
  const box = document.getElementById('search-text');
  const list = document.getElementById('search-list');
  const mark = window.L.layerGroup().addTo(map);
  let waiting = null;
  let running = null;
  let active = -1;

  const options = () => [...list.querySelectorAll('.found')];

  function show(open) {
    list.hidden = !open;
    box.setAttribute('aria-expanded', String(open));
    if (!open) activate(-1);
  }

  function activate(place) {
    active = place;
    options().forEach((option, at) => option.setAttribute('aria-selected', String(at === place)));
    const option = options()[place];
    if (option) box.setAttribute('aria-activedescendant', option.id);
    else box.removeAttribute('aria-activedescendant');
    option?.scrollIntoView({ block: 'nearest' });
  }

  function note(text) {
    const line = document.createElement('li');
    line.className = 'found-note';
    line.setAttribute('role', 'option');
    line.setAttribute('aria-disabled', 'true');
    line.textContent = text;
    list.replaceChildren(line);
    show(true);
  }

  async function find() {
    running?.abort();
    const text = box.value.trim();
    if (!text) return show(false);
    running = new AbortController();
    box.setAttribute('aria-busy', 'true');
    try {
      const asked = new URLSearchParams({ q: text, lon: map.getCenter().wrap().lng.toFixed(4) });
      const response = await fetch(`${root}/search?${asked}`, { signal: running.signal, headers: { 'HX-Request': 'true', Accept: 'text/html' } });
      if (!response.ok) note(response.status === 401 ? words.signed_out : words.failed);
      else {
        list.innerHTML = await response.text();
        show(true);
        activate(-1);
      }
    } catch (error) {
      if (error.name === 'AbortError') return undefined;
      note(words.offline);
    }
    box.removeAttribute('aria-busy');
    return undefined;
  }

  function later() {
    window.clearTimeout(waiting);
    waiting = window.setTimeout(find, PAUSE);
  }

  function goTo({ lon, lat }) {
    mark.addLayer(window.L.circleMarker([lat, lon], CROSS));
    map.setView([lat, lon], Math.max(map.getZoom(), 17));
  }

  function choose(option) {
    show(false);
    mark.clearLayers();
    const { layer, id, bbox, lon, lat } = option.dataset;
    if (lon) return goTo({ lon: Number(lon), lat: Number(lat) });
    box.value = option.querySelector('.name').textContent;
    tree.turnOn(layer);
    if (bbox) {
      const [west, south, east, north] = bbox.split(',').map(Number);
      map.fitBounds([[south, west], [north, east]], { maxZoom: 18, padding: [30, 30] });
    }
    return panel.open({ layer, id });
  }

  function key(event) {
    const all = options();
    if (event.key === 'Escape') {
      if (!list.hidden) { event.stopPropagation(); show(false); }
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      if (list.hidden && all.length) show(true);
      const step = event.key === 'ArrowDown' ? 1 : -1;
      if (all.length) activate(active < 0 && step < 0 ? all.length - 1 : (active + step + all.length) % all.length);
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (all[active]) choose(all[active]);
      else { window.clearTimeout(waiting); find().then(() => { if (options().length === 1) choose(options()[0]); }); }
    }
  }

  box.addEventListener('input', () => { if (!box.value) mark.clearLayers(); later(); });
  box.addEventListener('keydown', key);
  box.addEventListener('focus', () => { if (options().length && box.value.trim()) show(true); });
  box.form.addEventListener('submit', (event) => event.preventDefault());
  box.form.addEventListener('focusout', (event) => { if (!box.form.contains(event.relatedTarget)) show(false); });
  list.addEventListener('pointerdown', (event) => event.preventDefault()); // the box keeps the focus
  list.addEventListener('click', (event) => {
    const option = event.target.closest('.found');
    if (option) choose(option);
  });
}
