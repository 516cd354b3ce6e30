// The list beside the map: the same question, sorted and paged; hover and click are tied both ways.

import { baseOf, furtherOf } from './question_layers.js';

const HOVER = { color: '#c1121f', weight: 3, fill: false, interactive: false };
const NEAR = 14; // px: how close the pointer comes to a point of the list

function numbers(text) {
  return (text || '').split(',').map(Number);
}

export function listFor({ map, root, tabs, filter, tree, panel, words }) {
  const body = document.getElementById('list-body');
  const [chosen, inView] = ['list-layer', 'list-in-view'].map((id) => document.getElementById(id));
  const mark = window.L.layerGroup().addTo(map);
  let sort = '';
  let running = null;
  let near = null;

  const open = () => tabs.current() === 'list';
  const rowOf = (id) => body.querySelector(`[data-row="${id}"]`);

  function address() {
    const asked = filter.query(chosen.value);
    if (sort) asked.set('sortby', sort);
    if (inView.checked) asked.set('bbox', map.getBounds().toBBoxString());
    return `${root}/list/${chosen.value}?${asked}`;
  }

  async function fetchRows(url) {
    running?.abort();
    running = new AbortController();
    const response = await fetch(url, { signal: running.signal, headers: { 'HX-Request': 'true', Accept: 'text/html' } });
    if (!response.ok) throw new Error(response.status === 401 ? words.signed_out : words.failed);
    return response.text();
  }

  function failed(error) {
    if (error.name === 'AbortError') return;
    const note = document.createElement('p');
    note.className = 'alert alert-error';
    note.textContent = error instanceof TypeError ? words.offline : error.message;
    body.replaceChildren(note);
    body.removeAttribute('aria-busy');
  }

  async function load() {
    if (!open()) return;
    body.setAttribute('aria-busy', 'true');
    try {
      body.innerHTML = await fetchRows(address());
      body.removeAttribute('aria-busy');
      body.scrollTop = 0;
      showSelected();
    } catch (error) { failed(error); }
  }

  async function more(button) {
    button.disabled = true;
    try {
      const last = button.closest('li');
      const before = last.previousElementSibling;
      last.outerHTML = await fetchRows(button.dataset.more);
      before?.nextElementSibling?.querySelector('button')?.focus();
    } catch (error) { failed(error); }
  }

  // ------------------------------------------------------------------ from the list to the map
  function boundsOf(row) {
    if (!row.dataset.bbox) return null;
    const [west, south, east, north] = numbers(row.dataset.bbox);
    return window.L.latLngBounds([south, west], [north, east]);
  }

  function point(row) {
    const [lon, lat] = numbers(row.dataset.point);
    return window.L.latLng(lat, lon);
  }

  function highlight(row) {
    mark.clearLayers();
    if (!row?.dataset.bbox) return;
    const bounds = boundsOf(row);
    const size = map.latLngToLayerPoint(bounds.getSouthEast()).subtract(map.latLngToLayerPoint(bounds.getNorthWest()));
    const small = Math.max(size.x, size.y) < 26;
    mark.addLayer(small ? window.L.circleMarker(point(row), { ...HOVER, radius: 13 }) : window.L.rectangle(bounds, HOVER));
  }

  function choose(row) {
    tree.turnOn(chosen.value);
    const bounds = boundsOf(row);
    if (bounds && !map.getBounds().contains(bounds)) map.fitBounds(bounds, { maxZoom: Math.max(map.getZoom(), 17) });
    panel.open({ layer: row.dataset.layer, id: row.dataset.row });
  }

  // ------------------------------------------------------------------ from the map to the list
  function showSelected() {
    const selected = panel.selected();
    for (const row of body.querySelectorAll('[data-row]')) {
      const current = row.dataset.row === selected?.id;
      if (current) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
      if (current) row.scrollIntoView({ block: 'nearest' });
    }
  }

  function under(latlng) {
    const pointer = map.latLngToLayerPoint(latlng);
    let [best, least] = [null, Infinity];
    for (const row of body.querySelectorAll('[data-point]')) {
      const bounds = boundsOf(row);
      const inside = bounds.getNorth() > bounds.getSouth() && bounds.contains(latlng);
      const distance = map.latLngToLayerPoint(point(row)).distanceTo(pointer);
      if ((inside || distance <= NEAR) && distance < least) [best, least] = [row, distance];
    }
    return best;
  }

  function hover({ latlng }) {
    if (!open()) return;
    const row = under(latlng);
    if (row === near) return;
    near?.classList.remove('is-near');
    near = row;
    near?.classList.add('is-near');
    near?.scrollIntoView({ block: 'nearest' });
    highlight(near);
  }

  // Before the click already, so that a new tab carries the same question.
  const numbersLink = document.querySelector('[data-statistics]');
  for (const kind of ['pointerdown', 'focus', 'click']) {
    numbersLink.addEventListener(kind, () => {
      const asked = filter.query(chosen.value);
      asked.set('layer', baseOf(chosen.value));
      const further = furtherOf(chosen.value);
      if (further) asked.set('and', JSON.stringify(further));
      if (inView.checked) asked.set('bbox', map.getBounds().toBBoxString());
      numbersLink.href = `${root}/statistics?${asked}`;
    });
  }

  // A question begins with what the list shows: layer, filter, day and the view where it counts.
  const askLink = document.querySelector('[data-ask-here]');
  for (const kind of ['pointerdown', 'focus', 'click']) {
    askLink.addEventListener(kind, () => {
      const asked = filter.query(chosen.value);
      asked.set('layer', baseOf(chosen.value));
      for (const [name, value] of Object.entries(furtherOf(chosen.value) || {})) if (!asked.has(name)) asked.set(name, value);
      const [west, south, east, north] = map.getBounds().toBBoxString().split(',').map((one) => Number(one).toFixed(6));
      if (inView.checked) asked.set('within', `box:${west},${south},${east},${north}`);
      askLink.href = `${root}/ask?${asked}`;
    });
  }

  body.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (button?.dataset.more) more(button);
    else if (button?.dataset.row) choose(button);
  });
  body.addEventListener('change', (event) => {
    if (event.target.matches('[data-sort]')) { sort = event.target.value; load(); }
  });
  body.addEventListener('pointerover', (event) => highlight(event.target.closest('[data-row]')));
  body.addEventListener('focusin', (event) => highlight(event.target.closest('[data-row]')));
  for (const event of ['pointerleave', 'focusout']) body.addEventListener(event, () => mark.clearLayers());
  chosen.addEventListener('change', () => { sort = ''; load(); });
  inView.addEventListener('change', load);
  tabs.onOpen(() => { mark.clearLayers(); load(); });
  filter.onChange(load);
  panel.onChange(showSelected);
  map.on('mousemove', hover);
  map.on('mouseout', () => { near?.classList.remove('is-near'); near = null; mark.clearLayers(); });
  map.on('moveend', () => { if (inView.checked) load(); });

  return { load, rowOf, asked: filter.query };
}
