// The address after # holds what is seen: zoom, centre (lon,lat), layers that are on, the filter, the open feature.

function number(text, low, high) {
  const value = Number.parseFloat(text);
  return Number.isFinite(value) && value >= low && value <= high ? value : null;
}

/** What the address asks for; parts that are missing or senseless are null. */
export function readHash(hash = window.location.hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, ''));
  const [lon, lat] = (asked.get('at') || '').split(',');
  const at = [number(lon, -180, 180), number(lat, -90, 90)];
  const zoom = number(asked.get('z'), 0, 24);
  const open = (asked.get('open') || '').split('/');
  return {
    at: at.includes(null) || zoom === null ? null : at,
    zoom,
    layers: asked.has('layers') ? asked.get('layers').split(',').filter(Boolean) : null,
    where: (asked.get('where') || '').split(/;(?=[a-z0-9_.]+:)/).filter(Boolean).map((part) => {
      const colon = part.indexOf(':');
      return [part.slice(0, Math.max(colon, 0)), part.slice(colon + 1)];
    }),
    more: asked, // for those who keep their own part
    open: /^[a-z][a-z0-9_]*$/.test(open[0]) && /^[0-9a-f-]{36}$/i.test(open[1] || '') ? { layer: open[0], id: open[1] } : null,
  };
}

/** The address of a view, starting with #. */
export function writeHash({ zoom, lon, lat, layers, where = [], more = [], open }) {
  const parts = [`z=${zoom}`, `at=${lon.toFixed(5)},${lat.toFixed(5)}`, `layers=${layers.join(',')}`];
  if (where.length) {
    const text = where.map(([name, value]) => `${name}:${value}`).join(';');
    parts.push(`where=${encodeURIComponent(text).replace(/%(2C|3A|2F|3B)/g, decodeURIComponent)}`);
  }
  for (const [name, text] of more) parts.push(`${name}=${encodeURIComponent(text).replace(/%(2C|3A|2F|40)/g, decodeURIComponent)}`);
  if (open) parts.push(`open=${open.layer}/${open.id}`);
  return `#${parts.join('&')}`;
}

/** Keeps the address up to date (`keepers` bring parts of their own), and follows it when somebody edits it or goes back. */
export function keepHash(map, tree, panel, filter, keepers) {
  let written = '';

  function write() {
    if (written && window.location.hash !== written) return; // just edited: follow() is about to be called
    const { lng, lat } = map.getCenter().wrap();
    written = writeHash({ zoom: map.getZoom(), lon: lng, lat, layers: tree.shown(), where: filter.pairs(), more: keepers.flatMap((one) => one.parts()), open: panel.selected() });
    window.history.replaceState(null, '', written);
  }

  function follow() {
    if (window.location.hash === written) return;
    const asked = readHash();
    if (asked.layers) tree.show(asked.layers);
    filter.set(asked.where);
    for (const one of keepers) one.follow(asked.more);
    if (asked.at) map.setView([asked.at[1], asked.at[0]], asked.zoom);
    if (asked.open) panel.open(asked.open);
  }

  map.on('moveend', write);
  tree.onChange(write);
  panel.onChange(write);
  filter.onChange(write);
  for (const one of keepers) one.onChange(write);
  window.addEventListener('hashchange', follow);
  write();
}
