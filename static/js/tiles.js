// Vector tiles of one collection, fetched with patience and decoded by protomaps-leaflet.

const { PmtilesSource, TileCache, View } = window.protomapsL;

const EMPTY = undefined;
const RETRIES = 2;

function pause(milliseconds) {
  return new Promise((resolve) => { setTimeout(resolve, milliseconds); });
}

/** Bytes of a tile, or nothing when it is empty. Tries again when the server is busy or out of reach. */
async function fetchTile(url, signal, onSignedOut) {
  for (let attempt = 0; ; attempt += 1) {
    let response;
    try {
      response = await fetch(url, { signal, headers: { Accept: 'application/vnd.mapbox-vector-tile' } });
    } catch (error) {
      if (error.name === 'AbortError' || attempt === RETRIES) throw error;
    }
    if (response?.status === 401) onSignedOut();
    if (response?.status === 200) return { data: await response.arrayBuffer() };
    if (response && response.status < 429) return EMPTY;
    if (attempt === RETRIES) return EMPTY;
    await pause(400 * (attempt + 1));
  }
}

/**
 * A view of one collection's tiles. Reference layers use tiles of twice the size (a quarter of the requests);
 * mission layers use plain 256 px tiles, since the server decides by their zoom what is thinned out.
 */
export function collectionView(rule, { url, maxZoom, onSignedOut }) {
  const levelDiff = rule.reference ? 1 : 0;
  const archive = {
    query: '',
    getZxy(z, x, y, signal) {
      if (rule.reference && z < rule.detailZoom) return Promise.resolve(EMPTY);
      const address = url.replace('{layer}', rule.id).replace('{z}', z).replace('{y}', y).replace('{x}', x);
      return fetchTile(archive.query ? `${address}?${archive.query}` : address, signal, onSignedOut);
    },
  };
  const makeCache = () => new TileCache(new PmtilesSource(archive, true), 256 << levelDiff);
  const view = new View(makeCache(), maxZoom - levelDiff, levelDiff);
  /** Other tiles from now on; a cache of its own, since tiles of the question before may still be on their way. */
  view.ask = (query) => { archive.query = query; view.query = query; view.tileCache = makeCache(); };
  return view;
}
