// The shape being marked: its vertices can be pulled, the whole can be moved, every step can be taken back.

const STYLE = { color: '#c1121f', weight: 3, fillColor: '#ffe14d', fillOpacity: 0.35 };
const SNAP = 15; // px
/** Decimals of degrees: a centimetre, as the server writes them. */
export const DIGITS = 7;

export const pin = () => window.L.divIcon({ className: 'draft-pin', iconSize: [26, 26], iconAnchor: [13, 13] });

/** Snapping and looks, for drawing and for pulling alike. */
export const snapping = { snappable: true, snapDistance: SNAP, snapSegment: true, allowSelfIntersection: true };
export const looks = { pathOptions: STYLE, templineStyle: STYLE, hintlineStyle: { ...STYLE, dashArray: [5, 5] } };

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function joined(parts) {
  if (parts.length === 1) return parts[0];
  return { type: 'MultiPoint', coordinates: parts.map((part) => part.coordinates) };
}

export function draftFor(map) {
  const { L } = window;
  const group = L.featureGroup().addTo(map);
  const listeners = [];
  let [past, now, future, moving] = [[], null, [], false];

  function tell(byHand) {
    for (const listener of listeners) listener(byHand);
  }

  function pulled() {
    const shape = joined(group.getLayers().map((layer) => layer.toGeoJSON(DIGITS).geometry));
    if (same(shape, now)) return;
    past.push(now);
    [now, future] = [shape, []];
    tell(true);
  }

  function handles(layer) {
    layer.pm.disable();
    layer.pm.disableLayerDrag();
    if (moving && !layer.getLatLng) layer.pm.enableLayerDrag();
    else layer.pm.enable(snapping);
  }

  function show() {
    group.eachLayer((layer) => { layer.pm.disable(); layer.pm.disableLayerDrag(); });
    group.clearLayers();
    if (!now) return;
    const drawn = L.geoJSON(now, { style: { ...STYLE, pmIgnore: false }, pointToLayer: (_, latlng) => L.marker(latlng, { icon: pin(), keyboard: false }) });
    const flat = (layer) => (layer.getLayers ? layer.getLayers().flatMap(flat) : [layer]);
    for (const layer of flat(drawn)) {
      group.addLayer(layer);
      layer.on('pm:edit pm:dragend', pulled);
      handles(layer);
    }
  }

  function step(from, to) {
    if (!from.length) return;
    to.push(now);
    now = from.pop();
    show();
    tell(true);
  }

  // Handles are for the pointer only: the form's coordinates are the way by keyboard and by voice.
  map.on('layeradd', ({ layer: { _icon: icon } }) => {
    if (!icon?.classList.contains('marker-icon')) return;
    for (const name of ['role', 'tabindex']) icon.removeAttribute(name);
    icon.setAttribute('aria-hidden', 'true');
  });

  return {
    shape: () => now,
    bounds: () => group.getBounds(),
    /** Begin with a shape; what is shown already keeps its steps. */
    load(shape) {
      if (same(shape, now)) return;
      [past, now, future] = [[], shape, []];
      show();
      tell(false);
    },
    /** Another shape by hand (drawn anew, or typed): one step more. */
    put(shape) {
      if (same(shape, now)) return;
      past.push(now);
      [now, future] = [shape, []];
      show();
      tell(true);
    },
    clear() {
      [past, now, future, moving] = [[], null, [], false];
      show();
      tell(false);
    },
    undo: () => step(past, future),
    redo: () => step(future, past),
    can: () => ({ undo: past.length > 0, redo: future.length > 0 }),
    move(whole) { moving = whole; group.eachLayer(handles); },
    onChange: (listener) => listeners.push(listener),
  };
}
