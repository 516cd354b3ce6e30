// GCJ-02, the datum of many Chinese tile services, and a tile layer that is drawn where it belongs on WGS 84.

const A = 6378245; // the ellipsoid that the offset is defined on
const EE = 0.00669342162296594323;
const { PI, sin, cos, sqrt, abs } = Math;

/** Outside of this box there is no offset. */
const isInside = ({ lng, lat }) => lng > 72.004 && lng < 137.8347 && lat > 0.8293 && lat < 55.8271;
const wave = (value, parts) => (parts.reduce((sum, [size, length]) => sum + size * sin(value * PI * length), 0) * 2) / 3;

function bend(x, y) {
  const short = wave(x, [[20, 6], [20, 2]]);
  const lat = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + short + wave(y, [[20, 1], [40, 1 / 3], [160, 1 / 12], [320, 1 / 30]]);
  const lng = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + short + wave(x, [[20, 1], [40, 1 / 3], [150, 1 / 12], [300, 1 / 30]]);
  return [lng, lat];
}

/** A place in WGS 84 told in GCJ-02; both { lng, lat } in degrees. */
export function toGcj({ lng, lat }) {
  if (!isInside({ lng, lat })) return { lng, lat };
  const [dLng, dLat] = bend(lng - 105, lat - 35);
  const phi = (lat / 180) * PI;
  const magic = 1 - EE * sin(phi) ** 2;
  return {
    lng: lng + (dLng * 180) / ((A / sqrt(magic)) * cos(phi) * PI),
    lat: lat + (dLat * 180) / (((A * (1 - EE)) / (magic * sqrt(magic))) * PI),
  };
}

/** The place in WGS 84 of one told in GCJ-02, better than a millimetre: there is no formula back, so it is approached. */
export function fromGcj(told) {
  let [lng, lat] = [told.lng, told.lat];
  for (let round = 0; round < 4; round += 1) {
    const there = toGcj({ lng, lat });
    [lng, lat] = [lng + told.lng - there.lng, lat + told.lat - there.lat];
  }
  return { lng, lat };
}

const MARGIN = 8; // px: the offset at the edge of the view is not quite that of its middle

/**
 * Makes a Leaflet grid of GCJ-02 tiles lie where they belong. Each tile is put where the middles of its edges are in
 * WGS 84 (neighbours share them, so no gap opens); within a tile the offset changes by less than half a pixel.
 */
export function moveGrid(grid) {
  const { Bounds } = window.L;
  const kind = Object.getPrototypeOf(grid);
  const edge = (x, y, z) => {
    const size = grid.getTileSize();
    const told = grid._map.unproject([x * size.x, y * size.y], z);
    return grid._map.project(fromGcj(told), z);
  };
  const box = ({ x, y, z }) => {
    const low = { x: edge(x, y + 0.5, z).x, y: edge(x + 0.5, y, z).y };
    const high = { x: edge(x + 1, y + 0.5, z).x, y: edge(x + 0.5, y + 1, z).y };
    return new Bounds([[low.x, low.y], [high.x, high.y]].map(([px, py]) => window.L.point(px, py).subtract(grid._level.origin).round()));
  };
  grid._getTiledPixelBounds = (centre) => {
    const seen = kind._getTiledPixelBounds.call(grid, window.L.latLng(toGcj(centre)));
    return new Bounds(seen.min.subtract([MARGIN, MARGIN]), seen.max.add([MARGIN, MARGIN]));
  };
  grid._getTilePos = (coords) => box(coords).min;
  grid._addTile = (coords, container) => {
    kind._addTile.call(grid, coords, container);
    const size = box(coords).getSize();
    const { el } = grid._tiles[grid._tileCoordsToKey(coords)];
    el.style.width = `${size.x}px`;
    el.style.height = `${size.y}px`;
  };
  return grid;
}
