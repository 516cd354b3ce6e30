// What lies under a click: the server is asked, htmx puts its answer into the panel, the feature is outlined.

const OUTLINE = { color: '#c1121f', weight: 3, fillColor: '#ffe14d', fillOpacity: 0.55, interactive: false };
const RING = { color: '#c1121f', weight: 3, fill: false, radius: 13, interactive: false };
const SMALL = 16; // px: what is smaller than this gets a ring around it
const HALO = { color: '#ffffff', weight: 7, opacity: 0.9, fill: false, interactive: false };

function pointMark(feature, latlng) {
  return window.L.circleMarker(latlng, { ...OUTLINE, radius: 10 });
}

/** Parts of a feature's geometry that can be drawn; a feature may have none yet. */
function drawable(feature, mark) {
  if (feature.geometry) return feature;
  return mark ? { type: 'Feature', properties: {}, geometry: mark } : null;
}

export function panelFor({ map, tree, shell, filter, root, words }) {
  const body = document.getElementById('panel-body');
  const outline = window.L.layerGroup().addTo(map);
  const ring = window.L.layerGroup().addTo(map);
  const listeners = [];
  let selected = null;
  let bounds = null; // of the selected feature, once it is drawn

  function tell() {
    for (const listener of listeners) listener();
  }

  function ask(url) {
    body.setAttribute('aria-busy', 'true');
    return window.htmx.ajax('GET', url, { source: body, target: body, swap: 'innerHTML' });
  }

  async function draw({ layer, id, mark, asOf }) {
    const asked = new URLSearchParams({ f: 'json', ...(asOf && { as_of: asOf }) });
    const response = await fetch(`${root}/collections/${layer}/items/${id}?${asked}`, { headers: { Accept: 'application/geo+json' } });
    if (!response.ok) return;
    const feature = drawable(await response.json(), mark);
    if (!feature || selected?.id !== id) return; // closed, or another one chosen, meanwhile
    const line = window.L.geoJSON(feature, { style: OUTLINE, pointToLayer: pointMark });
    bounds = line.getBounds();
    outline.clearLayers();
    outline.addLayer(window.L.geoJSON(feature, { style: HALO, pointToLayer: () => window.L.layerGroup() }));
    outline.addLayer(line);
    ringIfSmall();
    keepInSight();
  }

  /** A ring around a selection that is too small on this scale to be found by its outline. */
  function ringIfSmall() {
    ring.clearLayers();
    if (!bounds?.isValid() || bounds.getSouthWest().equals(bounds.getNorthEast())) return;
    const size = map.latLngToLayerPoint(bounds.getSouthEast()).subtract(map.latLngToLayerPoint(bounds.getNorthWest()));
    if (Math.max(size.x, size.y) < SMALL) ring.addLayer(window.L.circleMarker(bounds.getCenter(), RING));
  }

  /** Moves the map when the panel or its sheet hides the selection. */
  function keepInSight() {
    if (!bounds.isValid()) return;
    const options = { paddingTopLeft: [30, 30], paddingBottomRight: [60, 30 + shell.covered()] };
    if (map.getBoundsZoom(bounds) < map.getZoom()) return;
    map.panInside(bounds.getCenter(), options);
  }

  function select(next) {
    selected = next;
    bounds = null;
    outline.clearLayers();
    ring.clearLayers();
    if (next && !next.gone) draw(next);
    tell();
  }

  function close() {
    shell.setPanel(false);
    select(null);
    body.replaceChildren();
  }

  function afterSwap() {
    body.removeAttribute('aria-busy');
    body.scrollTop = 0;
    shell.setPanel(true);
    const card = body.querySelector('[data-feature]');
    if (!card) return select(null);
    const mark = card.dataset.mark ? JSON.parse(card.dataset.mark) : null;
    body.querySelector('h2')?.focus({ preventScroll: true });
    return select({ layer: card.dataset.layer, id: card.dataset.feature, mark, asOf: card.dataset.asOf, gone: 'gone' in card.dataset });
  }

  function failed(text, form) {
    body.removeAttribute('aria-busy');
    const note = document.createElement('div');
    note.className = 'alert alert-error';
    note.setAttribute('role', 'alert');
    note.append(text);
    if (form) keep(form, note);
    else body.replaceChildren(note);
    shell.setPanel(true);
  }

  /** A form that could not be sent keeps what was typed, with the reason above it. */
  function keep(form, note) {
    form.querySelector('#problem')?.remove();
    note.id = 'problem';
    note.append(` ${words.typed_is_kept}`);
    form.prepend(note);
    body.scrollTop = 0;
  }

  const typed = (event) => event.detail.elt?.closest?.('[data-feature-form]');

  /** The session ended while a form was filled in: signing in elsewhere and saving again is enough. */
  function signInBeside(form) {
    failed(words.signed_out_typing, form);
    const link = Object.assign(document.createElement('a'), { href: `${root}/sign-in`, target: '_blank', rel: 'noopener', className: 'button button-small', textContent: words.sign_in });
    const line = document.createElement('p');
    line.append(link);
    form.querySelector('#problem').append(line);
    form.dataset.renew = '';
  }

  /** The token of the form is of the session that ended: fetch one of the new session first. */
  async function renew(event) {
    const form = typed(event);
    if (!form || !('renew' in form.dataset)) return;
    event.preventDefault();
    try {
      const response = await fetch(`${root}/session`, { headers: { Accept: 'application/json' } });
      if (response.ok) form.elements.csrf_token.value = (await response.json()).csrf_token;
    } catch { /* sending tells */ }
    event.detail.issueRequest(true);
  }

  function identify({ latlng, originalEvent }) {
    if (map.getContainer().matches('.is-marking, .is-measuring')) return; // this click draws or measures
    if (originalEvent?.shiftKey && document.getElementById('pick-bar')) return; // this click chooses
    const { lng, lat } = latlng.wrap();
    const asked = new URLSearchParams({ lon: lng.toFixed(7), lat: lat.toFixed(7), zoom: map.getZoom(), layers: tree.shown().filter(filter.shows(latlng)).join(',') });
    for (const [name, value] of filter.all(latlng)) asked.set(name, value);
    ask(`${root}/identify?${asked}`);
  }

  function zoomTo() {
    if (!bounds?.isValid()) return;
    map.fitBounds(bounds, { maxZoom: 18, paddingTopLeft: [40, 40], paddingBottomRight: [40, 40 + shell.covered()] });
  }

  async function copyLink(button) {
    try {
      await navigator.clipboard.writeText(window.location.href);
      button.querySelector('span').textContent = words.link_copied;
    } catch {
      window.prompt(words.copy_link, window.location.href);
    }
  }

  /** A session that ended: sign in and come back to this very view. */
  function signIn(event) {
    const target = event.detail.xhr.getResponseHeader('HX-Redirect');
    if (!target) return;
    event.preventDefault();
    const form = typed(event);
    if (form) return void signInBeside(form);
    window.location.assign(target + window.location.hash);
  }

  map.on('click', identify);
  map.on('zoomend', ringIfSmall);
  map.getContainer().addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target === map.getContainer()) identify({ latlng: map.getCenter() });
  });
  body.addEventListener('htmx:beforeOnLoad', signIn);
  body.addEventListener('htmx:afterSwap', afterSwap);
  body.addEventListener('htmx:confirm', renew);
  body.addEventListener('htmx:responseError', (event) => failed({ 401: words.signed_out, 404: words.not_there }[event.detail.xhr.status] || words.failed, typed(event)));
  body.addEventListener('htmx:sendError', (event) => failed(words.offline, typed(event)));
  document.querySelector('[data-close-panel]').addEventListener('click', close);
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && selected && !map.getContainer().matches('.is-marking, .is-measuring')) close(); });
  body.addEventListener('click', (event) => {
    const button = event.target.closest('[data-act]');
    if (button?.dataset.act === 'zoom') zoomTo();
    if (button?.dataset.act === 'link') copyLink(button);
    if (button?.dataset.act === 'close') close();
  });

  return {
    open: ({ layer, id }) => ask(`${root}/panel/${layer}/${id}?${new URLSearchParams(filter.moment(layer))}`.replace(/\?$/, '')),
    /** The versions of a feature, also of one that is gone. */
    history: ({ layer, id }) => ask(`${root}/panel/${layer}/${id}/history`),
    close,
    /** Something else in the panel than a feature. */
    show(node) { body.replaceChildren(node); shell.setPanel(true); },
    selected: () => selected && { layer: selected.layer, id: selected.id },
    onChange: (listener) => listeners.push(listener),
  };
}
