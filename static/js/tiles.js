// Vector tiles of one collection, fetched with patience.

import { decode } from './mvt.js';

const { TileCache, View } = window.protomapsL;

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
    if (response?.status === 200) return response.arrayBuffer();
    if (response && response.status < 429) return null;
    if (attempt === RETRIES) return null;
    await pause(400 * (attempt + 1));
  }
}

/** What protomaps-leaflet takes a cache's tiles from; a zoom that was left is not waited for. */
function sourceOf(addressOf, onSignedOut) {
  const running = new Map(); // controller → zoom
  return {
    async get({ z, x, y }, size) {
      for (const [controller, zoom] of running) if (zoom !== z) controller.abort();
      const address = addressOf(z, x, y);
      if (!address) return new Map();
      const controller = new AbortController();
      running.set(controller, z);
      try {
        const bytes = await fetchTile(address, controller.signal, onSignedOut);
        return bytes ? decode(bytes, size) : new Map();
      } finally {
        running.delete(controller);
      }
    },
  };
}

/**
 * A view of one collection's tiles. Reference layers use tiles of twice the size (a quarter of the requests);
 * mission layers use plain 256 px tiles, since the server decides by their zoom what is thinned out.
 */
export function collectionView(rule, { url, maxZoom, onSignedOut }) {
  const levelDiff = rule.reference ? 1 : 0;
  const makeCache = (query) => {
    const addressOf = (z, x, y) => {
      if (rule.reference && z < rule.detailZoom) return null;
      const address = url.replace('{layer}', rule.collection || rule.id).replace('{z}', z).replace('{y}', y).replace('{x}', x);
      return query ? `${address}?${query}` : address;
    };
    return new TileCache(sourceOf(addressOf, onSignedOut), 256 << levelDiff);
  };
  const view = new View(makeCache(''), maxZoom - levelDiff, levelDiff);
  /** Other tiles from now on; a cache of its own, since tiles of the question before may still be on their way. */
  view.ask = (query) => { view.query = query; view.tileCache = makeCache(query); };
  return view;
}
