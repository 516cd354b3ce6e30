// The names over a grid of tiles: one canvas, written when the tiles have been drawn, moved along with them.

const PADDING = 0.1; // of the view, on each side: names are there before a pan has ended
const MOST_IN_TILE = 1000; // points of a tile that names keep off; in a crowd no name would find room
const CELL = 64;

/** Points by the cell they lie in, to tell whether a box covers one. */
function obstacles() {
  const cells = new Map();
  const known = new Set();
  const cellsOf = ({ minX, minY, maxX, maxY }) => {
    const keys = [];
    for (let x = Math.floor(minX / CELL); x <= Math.floor(maxX / CELL); x += 1) {
      for (let y = Math.floor(minY / CELL); y <= Math.floor(maxY / CELL); y += 1) keys.push(`${x}:${y}`);
    }
    return keys;
  };
  const meets = (one, other) => one.minX < other.maxX && one.maxX > other.minX && one.minY < other.maxY && one.maxY > other.minY;
  return {
    add(key, boxes) {
      if (known.has(key)) return;
      known.add(key);
      for (const box of boxes) for (const cell of cellsOf(box)) cells.set(cell, [...cells.get(cell) || [], box]);
    },
    covers: (box) => cellsOf(box).some((cell) => (cells.get(cell) || []).some((other) => meets(box, other))),
  };
}

function keyOf({ dataTile: { z, x, y } }, id) {
  return `${x}:${y}:${z}:${id}`;
}

export function namesOver(grid) {
  const { L, protomapsL: { Labeler } } = window;
  const scratch = document.createElement('canvas').getContext('2d');
  const canvas = L.DomUtil.create('canvas', 'map-names leaflet-zoom-animated');
  let layout = null; // { zoom, labeler, points }
  let written = null; // { corner, zoom } of what the canvas shows
  let waiting = null;

  function begin(zoom) {
    const points = obstacles();
    const keepOff = (symbolizer) => ({ place: (...asked) => symbolizer.place(...asked)?.filter(({ bboxes }) => !bboxes.some(points.covers)) });
    const rules = grid.labelRules.map((rule) => ({ ...rule, symbolizer: keepOff(rule.symbolizer) }));
    layout = { zoom, points, labeler: new Labeler(zoom, scratch, rules, Infinity) };
  }

  /** What the library places: the features that have a name, their points as it knows them. */
  function named(tile) {
    const Point = tile.origin.constructor;
    const points = (ring) => Array.from({ length: ring.length / 2 }, (_, at) => new Point(ring[2 * at], ring[2 * at + 1]));
    const wanted = (features) => features.filter((one) => one.props.label).map((one) => ({ ...one, geom: one.geom.map(points) }));
    return { ...tile, data: new Map([...tile.data].map(([name, features]) => [name, wanted(features)])) };
  }

  /** The prepared tiles in view by layer, none twice though several tiles of the grid may share one. */
  function tilesByLayer() {
    const found = new Map();
    const seen = new Set();
    for (const tiles of grid.drawnTiles()) {
      for (const [id, tile] of tiles) {
        if (seen.has(keyOf(tile, id))) continue;
        seen.add(keyOf(tile, id));
        found.set(id, [...found.get(id) || [], tile]);
      }
    }
    return found;
  }

  function avoidPoints(tiles) {
    for (const { id, reach } of grid.pointsToAvoid || []) {
      for (const tile of tiles.get(id) || []) {
        const features = [...tile.data.values()].flat();
        if (features.length > MOST_IN_TILE || layout.zoom < 14) continue;
        const box = ([x, y]) => ({ minX: x + tile.origin.x - reach, maxX: x + tile.origin.x + reach, minY: y + tile.origin.y - reach, maxY: y + tile.origin.y + reach });
        layout.points.add(keyOf(tile, id), features.filter((one) => one.props.count === undefined).flatMap((one) => one.geom.map(box)));
      }
    }
  }

  function write(map) {
    const size = map.getSize();
    const ratio = grid.devicePixelRatio;
    const corner = map.containerPointToLayerPoint(size.multiplyBy(-PADDING)).round();
    const [width, height] = [size.x, size.y].map((side) => Math.ceil(side * (1 + 2 * PADDING)));
    const world = 256 * 2 ** layout.zoom;
    const from = map.getPixelOrigin().add(corner);
    from.x -= Math.floor((from.x + width / 2) / world) * world; // tiles know one world only
    Object.assign(canvas, { width: width * ratio, height: height * ratio });
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    const context = canvas.getContext('2d');
    context.scale(ratio, ratio);
    context.miterLimit = 2;
    for (const label of layout.labeler.index.searchBbox({ minX: from.x, minY: from.y, maxX: from.x + width, maxY: from.y + height }, Infinity)) {
      context.save();
      context.translate(label.anchor.x - from.x, label.anchor.y - from.y);
      label.draw(context);
      context.restore();
    }
    written = { corner: map.layerPointToLatLng(corner), zoom: layout.zoom };
    place();
  }

  function renew() {
    waiting = null;
    const map = grid._map;
    if (!map || grid.isPainting() || map.getZoom() !== grid._tileZoom) return; // `painted` will come
    if (layout?.zoom !== grid._tileZoom) begin(grid._tileZoom);
    const tiles = tilesByLayer();
    avoidPoints(tiles);
    const fresh = ([id, some]) => [id, some.filter((tile) => !layout.labeler.index.has(keyOf(tile, id))).map(named)];
    layout.labeler.add(new Map([...tiles].map(fresh)));
    write(map);
  }

  function later() {
    if (waiting === null) waiting = window.setTimeout(renew, 0);
  }

  /** Keeps the canvas where its names belong; while a zoom is shown, where they will belong. */
  function place(coming) {
    if (!written) return;
    const map = grid._map;
    const position = coming?.center ? map._latLngToNewLayerPoint(written.corner, coming.zoom, coming.center) : map.latLngToLayerPoint(written.corner);
    L.DomUtil.setTransform(canvas, position, map.getZoomScale(coming?.center ? coming.zoom : map.getZoom(), written.zoom));
  }

  const events = { moveend: later, resize: later, zoom: place, viewreset: place, zoomanim: place };
  grid.on('painted', later);
  grid.on('add', () => {
    grid.getContainer().append(canvas);
    grid._map.on(events);
  });
  grid.on('remove', () => grid._map.off(events));

  return {
    /** Start anew: other layers, other colours. */
    forget() { layout = null; },
    isWaiting: () => waiting !== null,
  };
}
