// What differs between two days: counts, a list and the map, tied to each other.

const MOST = 200; // of each layer at a time
const KINDS = ['added', 'changed', 'removed'];
const COLOURS = { added: '#1a7f37', changed: '#1769c2', removed: '#c1121f' };
const MARKS = { added: '+', changed: '~', removed: '−' };

function look(kind, strong) {
  return { color: COLOURS[kind], weight: strong ? 5 : 3, fillColor: COLOURS[kind], fillOpacity: strong ? 0.6 : 0.35, radius: strong ? 10 : 7, dashArray: kind === 'removed' ? '5 4' : null, bubblingMouseEvents: false };
}

function make(tag, className, ...content) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...content);
  return element;
}

function dot(kind) {
  const mark = make('span', `change-mark change-${kind}`, MARKS[kind]);
  mark.setAttribute('aria-hidden', 'true');
  return mark;
}

export function differencesFor({ map, root, tree, panel, filter, layers, words }) {
  const body = document.getElementById('times-body');
  const inView = document.getElementById('times-in-view');
  const drawn = window.L.featureGroup();
  const shapes = new Map(); // `layer/id` → what is drawn of it
  const hidden = new Set(); // kinds that are switched off
  let asked = null; // { from, to, titles }
  let found = new Map(); // layer → { counts, features, next }
  let running = null;
  let loaded = '';

  function address(layer) {
    const question = filter.narrowed(layer);
    question.set('from', asked.from);
    question.set('to', asked.to);
    question.set('limit', String(MOST));
    if (inView.checked) question.set('bbox', map.getBounds().toBBoxString());
    return `${root}/collections/${layer}/changes?${question}`;
  }

  async function fetchPage(url) {
    const response = await fetch(url, { signal: running.signal, headers: { Accept: 'application/geo+json' } });
    if (!response.ok) throw new Error(String(response.status));
    const page = await response.json();
    return { counts: page.counts, features: page.features, next: page.links.find((one) => one.rel === 'next')?.href };
  }

  /** The filter tells of every change, also of what makes no difference here. */
  function reload() {
    if (asked && layers.map(address).join() !== loaded) load();
  }

  async function load() {
    if (!asked) return;
    loaded = layers.map(address).join();
    running?.abort();
    running = new AbortController();
    const { signal } = running;
    body.setAttribute('aria-busy', 'true');
    try {
      const pages = await Promise.all(layers.map((layer) => fetchPage(address(layer))));
      found = new Map(layers.map((layer, at) => [layer, pages[at]]));
      show();
    } catch (error) {
      if (error.name !== 'AbortError') body.replaceChildren(make('p', 'alert alert-error', words.failed));
    }
    if (!signal.aborted) body.removeAttribute('aria-busy');
  }

  async function more(layer, button) {
    button.disabled = true;
    try {
      const page = await fetchPage(found.get(layer).next);
      found.set(layer, { ...page, features: [...found.get(layer).features, ...page.features] });
      const row = body.querySelectorAll('[data-row]').length;
      show();
      body.querySelectorAll('[data-row]')[row]?.focus();
    } catch { button.disabled = false; }
  }

  // ------------------------------------------------------------------ counts
  function total(kind) {
    return [...found.values()].reduce((sum, page) => sum + page.counts[kind], 0);
  }

  function kindButton(kind) {
    const button = make('button', 'change-kind', dot(kind), make('span', '', words[kind]), make('strong', '', String(total(kind))));
    button.type = 'button';
    button.dataset.kind = kind;
    button.setAttribute('aria-pressed', String(!hidden.has(kind)));
    button.addEventListener('click', () => {
      if (!hidden.delete(kind)) hidden.add(kind);
      show();
      body.querySelector(`[data-kind=${kind}]`).focus();
    });
    return button;
  }

  function countsTable() {
    const table = make('table', 'table change-table');
    const heads = KINDS.map((kind) => make('th', 'number', words[kind]));
    for (const head of heads) head.scope = 'col';
    table.append(make('thead', '', make('tr', '', make('th', '', words.layer), ...heads)));
    const rows = layers.map((layer) => {
      const title = make('th', '', tree.titles[layer]);
      title.scope = 'row';
      return make('tr', '', title, ...KINDS.map((kind) => {
        const cell = make('td', 'number', String(found.get(layer).counts[kind]));
        cell.dataset.changes = `${layer}.${kind}`;
        return cell;
      }));
    });
    table.append(make('tbody', '', ...rows));
    return make('div', 'table-wrap', table);
  }

  // ------------------------------------------------------------------ the list
  function facts(layer, feature) {
    const { titles } = asked;
    const changed = (feature.changed || []).map((name) => (name === 'geometry' ? words.place : titles[layer]?.fields[name] || words.place));
    const { changed_at: at, changed_by: by } = feature.properties;
    // As everywhere: 2026-11-23 00:36, which is how Swedes write it.
    const when = at ? new Date(at).toLocaleString('sv-SE', { timeZone: asked.zone, dateStyle: 'short', timeStyle: 'short' }) : '';
    return [tree.titles[layer], changed.join('、'), when, by].filter(Boolean).join(' · ');
  }

  function row(layer, feature) {
    const kind = feature.properties.change;
    const name = feature.properties[asked.titles[layer]?.name] || tree.titles[layer];
    const button = make('button', 'list-row', make('span', 'name', dot(kind), ` ${name}`), make('span', `chip change-chip change-${kind}`, words[kind]), make('span', 'what', facts(layer, feature)));
    button.type = 'button';
    button.dataset.row = `${layer}/${feature.id}`;
    button.addEventListener('click', () => choose(layer, feature.id));
    for (const event of ['pointerenter', 'focus']) button.addEventListener(event, () => strengthen(`${layer}/${feature.id}`));
    for (const event of ['pointerleave', 'blur']) button.addEventListener(event, () => strengthen(null));
    return make('li', '', button);
  }

  function moreButton(layer) {
    const button = make('button', 'button', `${words.more}: ${tree.titles[layer]}`);
    button.type = 'button';
    button.addEventListener('click', () => more(layer, button));
    return make('li', 'list-more', button);
  }

  // ------------------------------------------------------------------ the map
  function strengthen(key) {
    for (const [one, parts] of shapes) {
      for (const part of parts) part.setStyle?.(look(part.kind, one === key));
      if (one === key) parts[0]?.bringToFront?.();
    }
    for (const button of body.querySelectorAll('[data-row]')) button.classList.toggle('is-near', button.dataset.row === key);
  }

  function draw(layer, feature) {
    const kind = feature.properties.change;
    const key = `${layer}/${feature.id}`;
    if (!feature.geometry) return;
    const shape = window.L.geoJSON(feature, { style: () => look(kind), pointToLayer: (_, latlng) => window.L.circleMarker(latlng, look(kind)) });
    shape.kind = kind;
    shape.on('mouseover', () => { strengthen(key); body.querySelector('.is-near')?.scrollIntoView({ block: 'nearest' }); });
    shape.on('mouseout', () => strengthen(null));
    shape.on('click', () => choose(layer, feature.id));
    shapes.set(key, [shape]);
    drawn.addLayer(shape);
  }

  function choose(layer, id) {
    const bounds = shapes.get(`${layer}/${id}`)?.[0].getBounds();
    if (bounds?.isValid() && (!map.getBounds().contains(bounds) || map.getZoom() < 15)) map.fitBounds(bounds, { maxZoom: Math.max(map.getZoom(), 17) });
    panel.history({ layer, id });
  }

  function show() {
    drawn.clearLayers();
    shapes.clear();
    const listed = make('ul', 'list-rows');
    for (const [layer, page] of found) {
      for (const feature of page.features) {
        if (hidden.has(feature.properties.change)) continue;
        draw(layer, feature);
        listed.append(row(layer, feature));
      }
      if (page.next) listed.append(moreButton(layer));
    }
    const kinds = make('div', 'change-kinds', ...KINDS.map(kindButton));
    const nothing = KINDS.every((kind) => total(kind) === 0);
    body.replaceChildren(kinds, nothing ? make('p', 'empty', words.no_changes) : countsTable(), listed);
  }

  inView.addEventListener('change', load);
  map.on('moveend', () => { if (asked && inView.checked) load(); });
  filter.onChange(reload);

  return {
    /** Compare `from` and `to` (RFC 3339); null takes everything away. `titles` names fields by layer, `zone` is of the clock. */
    show(question) {
      if (JSON.stringify([question?.from, question?.to]) === JSON.stringify([asked?.from, asked?.to])) return;
      asked = question;
      if (!asked) { running?.abort(); drawn.remove(); body.replaceChildren(); body.removeAttribute('aria-busy'); return; }
      drawn.addTo(map);
      load();
    },
  };
}
