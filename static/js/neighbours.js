// What a new shape snaps to: the outlines around, fetched while something is drawn, never seen themselves.

const NEAREST_ZOOM = 16;
const MOST = 300;
const HIDDEN = { opacity: 0, fillOpacity: 0, interactive: false };

/** Call `of(layerIds)` to keep the features in view at hand, `of([])` to let them go. */
export function neighboursFor({ map, root }) {
  const { L } = window;
  const group = L.layerGroup().addTo(map);
  let [wanted, running] = [[], null];

  async function fetchLayer(id, signal) {
    const asked = new URLSearchParams({ f: 'json', limit: MOST, bbox: map.getBounds().toBBoxString() });
    const response = await fetch(`${root}/collections/${id}/items?${asked}`, { signal });
    return response.ok ? (await response.json()).features.filter((one) => one.geometry) : [];
  }

  async function load() {
    running?.abort();
    if (!wanted.length || map.getZoom() < NEAREST_ZOOM) { group.clearLayers(); return; }
    running = new AbortController();
    try {
      const found = await Promise.all(wanted.map((id) => fetchLayer(id, running.signal)));
      group.clearLayers();
      const point = (_, latlng) => L.circleMarker(latlng, { ...HIDDEN, radius: 1 });
      for (const feature of found.flat()) group.addLayer(L.geoJSON(feature, { style: HIDDEN, pointToLayer: point }));
    } catch { /* no neighbours: drawing goes on without snapping */ }
  }

  map.on('moveend', load);
  return { of(ids) { wanted = ids; load(); }, count: () => group.getLayers().length };
}
