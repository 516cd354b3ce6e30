// A grid of canvas tiles under one canvas of names. A tile is drawn once, when all its layers have come: with the names
// in the tiles, each name that reaches over an edge would have its neighbour drawn again.

import { namesOver } from './names.js';

const MARGIN = 16; // px beyond a tile's edge from where symbols reach into it

/** A task of its own for each tile, so that a click or a pan comes in between. */
function pause() {
  return new Promise((resolve) => { setTimeout(resolve, 0); });
}

/** Draws the rules, pass by pass, over the prepared tiles of the layers; `corner` is the canvas' in px of the zoom. */
export function paintTile(context, rules, tiles, zoom, corner) {
  context.miterLimit = 2;
  for (const { dataSource, dataLayer, minzoom, filter, symbolizer } of rules) {
    const tile = tiles.get(dataSource);
    const features = minzoom > zoom ? null : tile?.data.get(dataLayer);
    if (!features) continue;
    const [dx, dy] = [tile.origin.x - corner.x, tile.origin.y - corner.y];
    const here = ({ minX, minY, maxX, maxY }) => maxX + dx > -MARGIN && minX + dx < 256 + MARGIN && maxY + dy > -MARGIN && minY + dy < 256 + MARGIN;
    const seen = features.filter((feature) => here(feature.bbox) && filter(zoom, feature));
    if (!seen.length) continue;
    context.save();
    context.translate(dx, dy);
    symbolizer.draw(context, seen, zoom);
    context.restore();
  }
}

/** The layers' tiles behind a tile of the grid. Asked again when a zoom there and back had them given up. */
async function tilesOf(views, coords, isStale) {
  const tiles = new Map();
  let [missing, again] = [[...views], true];
  while (again && missing.length && !isStale()) {
    again = false;
    const found = await Promise.allSettled(missing.map(([, view]) => view.getDisplayTile(coords)));
    const left = [];
    found.forEach(({ status, value, reason }, at) => {
      if (status === 'fulfilled') tiles.set(missing[at][0], value);
      else if (reason.name === 'AbortError') { left.push(missing[at]); again = true; } else console.error(reason);
    });
    missing = left;
  }
  return tiles;
}

/** An empty grid; `options` are those of the stack. Fires `painted` when no tile is left to draw. */
export function canvasFor(options) {
  const grid = window.protomapsL.leafletLayer({ ...options, url: undefined, sources: {}, attribution: '', keepBuffer: 1, updateWhenZooming: false });
  const works = new WeakMap(); // canvas → { turn, done, tiles }
  let open = 0;

  function paint(element, coords, work) {
    element.width = grid.tileSize;
    element.height = grid.tileSize;
    const context = element.getContext('2d');
    context.setTransform(grid.tileSize / 256, 0, 0, grid.tileSize / 256, 0, 0);
    paintTile(context, grid.paintRules, work.tiles, coords.z, { x: 256 * coords.x, y: 256 * coords.y });
    work.painted = true;
    work.done?.();
    work.done = null;
  }

  async function draw(coords, element, key, work) {
    work.turn += 1;
    const { turn } = work;
    const isStale = () => element.key !== key || work.turn !== turn || coords.z !== grid._tileZoom || !grid._map;
    const tiles = await tilesOf(grid.views, coords, isStale);
    await pause();
    if (isStale()) return;
    work.tiles = tiles;
    paint(element, coords, work);
  }

  grid.renderTile = async (coords, element, key, done) => {
    if (!works.has(element)) works.set(element, { turn: 0, open: 0 });
    const work = works.get(element);
    if (done) work.done = done;
    open += 1;
    work.open += 1;
    try {
      await draw(coords, element, key, work);
    } finally {
      open -= 1;
      work.open -= 1;
      if (!open) grid.fire('painted');
    }
  };

  const current = () => Object.values(grid._tiles || {}).filter(({ coords }) => coords.z === grid._tileZoom);

  function redraw({ coords, el }) {
    grid.renderTile(grid._wrapCoords(coords), el, el.key);
  }

  /** Tiles that were left when the zoom changed, and that are wanted again. */
  function takeUp() {
    for (const tile of current()) {
      const work = works.get(tile.el);
      if (work && !work.open && !work.painted) redraw(tile);
    }
  }

  grid.rerenderTiles = () => current().forEach(redraw);
  grid.isPainting = () => open > 0;
  /** What the tiles in view were drawn from: maps of prepared tiles by layer. */
  grid.drawnTiles = () => current().map(({ el }) => works.get(el)?.tiles).filter(Boolean);
  grid.on('add', () => grid._map.on('moveend', takeUp));
  grid.on('remove', () => grid._map.off('moveend', takeUp));
  const names = namesOver(grid);
  grid.clearLayout = names.forget;
  grid.isNaming = names.isWaiting;
  return grid;
}
