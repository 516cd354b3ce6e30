// The filter: one set of questions that narrows tiles, counts, list and clicks alike, and is part of the link.

import { baseOf } from './question_layers.js';

const PERIOD = /^(\d{4}-\d\d-\d\d(?:T[\d:]{8}Z)?|\.\.)\/(\d{4}-\d\d-\d\d(?:T[\d:]{8}Z)?|\.\.)$/;

function isPeriod(text) {
  const match = PERIOD.exec(text);
  if (!match) return false;
  const days = match.slice(1).filter((day) => day !== '..');
  return days.length > 0 && days.every((day) => !Number.isNaN(Date.parse(day))) && (days.length < 2 || days[0] <= days[1]);
}

function isSensible(name, value) {
  if (name.endsWith('.filter')) return value.length > 0 && value.length <= 8000; // CQL2; the server reads it
  return name === 'datetime' ? isPeriod(value) : isPeriod(value) || /^[\w.,-]{1,400}$/.test(value);
}

/** `takes` names the parameters of each layer; `first` are [name, value] pairs from the link. */
export function filterFor({ root, tabs, stack, takes, first, words }) {
  const known = new Set(Object.values(takes).flat());
  const asked = new Map();
  const listeners = [];
  let moment = { of: () => [], all: () => [], carried: () => [], shows: () => () => true }; // [name, value] pairs that times.js adds: of one layer, of all
  const place = document.getElementById('side-filter');
  const note = document.getElementById('note-filter');
  const badge = document.getElementById('filter-count');

  /** What the filter asks of one layer, in the words of its own address. */
  function narrowed(layer) {
    const [own, of] = [new URLSearchParams(), baseOf(layer)];
    for (const [name, value] of asked) {
      if ((takes[of] || []).includes(name)) own.set(name.replace(`${of}.`, ''), value);
    }
    return own;
  }

  /** The same with the moment that the page looks at. */
  function query(layer) {
    return new URLSearchParams([...narrowed(layer), ...moment.of(baseOf(layer))]);
  }

  function put(pairs) {
    asked.clear();
    for (const [name, value] of pairs) {
      if (known.has(name) && isSensible(name, value)) asked.set(name, value);
    }
  }

  function apply() {
    for (const layer of stack.ids()) stack.ask(layer, 'filter', narrowed(layer).toString());
    badge.hidden = note.hidden = asked.size === 0;
    badge.textContent = asked.size || '';
    note.querySelector('[data-number]').textContent = asked.size;
  }

  function tell() {
    apply();
    for (const listener of listeners) listener();
  }

  // ------------------------------------------------------------------ the form, fetched when it is first opened
  const form = () => place.querySelector('form');

  function streetsOf(district) {
    const street = form().elements.street_code;
    for (const option of street.options) {
      option.hidden = option.disabled = Boolean(district && option.value && option.dataset.parent !== district);
    }
    if (street.selectedOptions[0]?.disabled) street.value = '';
  }

  function showTicked() {
    for (const part of form().querySelectorAll('[data-part]')) {
      const ticked = part.querySelectorAll('input:checked').length;
      const count = part.querySelector('[data-ticked]');
      count.hidden = ticked === 0;
      count.textContent = ticked;
    }
  }

  function fill() {
    if (!form()) return;
    form().reset();
    const [from, to] = (asked.get('datetime') || '../..').split('/');
    form().querySelector('#filter-from').value = from === '..' ? '' : from;
    form().querySelector('#filter-to').value = to === '..' ? '' : to;
    for (const name of ['district_code', 'street_code']) form().elements[name].value = asked.get(name) || '';
    for (const box of form().querySelectorAll('input[type=checkbox]')) {
      box.checked = (asked.get(box.name) || '').split(',').includes(box.value);
      if (box.checked) box.closest('details').open = true;
    }
    streetsOf(form().elements.district_code.value);
    showTicked();
  }

  function readForm() {
    streetsOf(form().elements.district_code.value);
    const pairs = ['district_code', 'street_code'].map((name) => [name, form().elements[name].value]);
    let [from, to] = ['from', 'to'].map((end) => form().querySelector(`#filter-${end}`).value);
    if (from && to && from > to) [from, to] = [to, from];
    pairs.push(['datetime', `${from || '..'}/${to || '..'}`]);
    const ticked = new Map();
    for (const box of form().querySelectorAll('input[type=checkbox]:checked')) {
      ticked.set(box.name, [...(ticked.get(box.name) || []), box.value]);
    }
    // Names that the form does not show but the link has asked for stay as they are.
    const shown = new Set([...form().elements].map((one) => one.name).concat('datetime'));
    const kept = [...asked].filter(([name]) => !shown.has(name));
    put([...kept, ...pairs, ...[...ticked].map(([name, values]) => [name, values.join(',')])]);
    showTicked();
    tell();
  }

  async function load() {
    if (form() || place.hasAttribute('aria-busy')) return;
    place.setAttribute('aria-busy', 'true');
    try {
      const response = await fetch(`${root}/map/filter`, { headers: { Accept: 'text/html' } });
      if (!response.ok) throw new Error(String(response.status));
      place.innerHTML = await response.text();
      form().addEventListener('change', readForm);
      form().querySelector('[data-clear-here]').addEventListener('click', () => set([]));
      form().addEventListener('submit', (event) => event.preventDefault());
      fill();
    } catch {
      place.textContent = words.failed;
    }
    place.removeAttribute('aria-busy');
  }

  function set(pairs) {
    put(pairs);
    fill();
    tell();
  }

  tabs.onOpen((name) => { if (name === 'filter') load(); });
  for (const button of document.querySelectorAll('[data-clear-filter]')) button.addEventListener('click', () => set([]));
  put(first);
  apply();
  return {
    query,
    narrowed,
    set,
    /** Look at another moment; the tiles are told by whoever chose it. */
    look: (at) => { moment = at; for (const listener of listeners) listener(); },
    pairs: () => [...asked],
    /** The moment alone, of one layer; `shows(latlng)` tells which layers are seen at a place. */
    moment: (layer) => moment.of(layer),
    shows: (latlng) => moment.shows(latlng),
    /** Everything that is asked, for addresses that are about several layers; where a handle parts the map, of that side. */
    all: (latlng) => new URLSearchParams([...asked, ...moment.all(latlng)]),
    /** The filter and the day, for a sheet or file of all layers at once. */
    carried: () => new URLSearchParams([...asked, ...moment.carried()]),
    onChange: (listener) => listeners.push(listener),
  };
}
