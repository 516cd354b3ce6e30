// One stack of canvas tiles for all layers: right drawing order, no label over another, one redraw per change.

import { canvasFor } from './canvas.js';
import { dimmed, edgeRule, hitRule, hitsOf, rounded } from './hits.js';
import { labelFor } from './labels.js';
import * as symbols from './symbols.js';
import { isDark, onTheme } from './theme.js';
import { collectionView } from './tiles.js';

const isCell = (zoom, feature) => feature.props.count !== undefined;
const isFeature = (zoom, feature) => !isCell(zoom, feature);

/** The rule with the colours of the theme. */
function themed(rule, dark) {
  return dark && rule.dark ? { ...rule, ...rule.dark } : rule;
}

/** Filters that let the least important kind through first, so that a main road lies over a lane. */
function inRankOrder(rule) {
  const values = Object.keys(rule.ranks).sort((a, b) => rule.ranks[a] - rule.ranks[b]);
  if (!values.length) return [isFeature];
  const others = (zoom, feature) => isFeature(zoom, feature) && !(feature.props[rule.by] in rule.ranks);
  return [others, ...values.map((value) => (zoom, feature) => feature.props[rule.by] === value)];
}

/** Paint rules of one layer, sorted into the passes of `PASSES`. */
function passesOf(rule, onCell) {
  if (rule.hits) return hitPasses(rule);
  const make = (symbolizer, filter = isFeature, minzoom = 0) => ({ dataSource: rule.id, dataLayer: rule.content || rule.id, symbolizer, filter, minzoom });
  const cells = make(symbols.densityCell(rule, onCell), isCell);
  if (rule.shape === 'area') {
    const [fill, outline] = [make(symbols.areaFill(rule)), make(symbols.areaOutline(rule))];
    if (!rule.reference) return { mission: [cells, fill, outline] };
    if (rule.opacity >= 0.5) return { ground: [fill, { ...outline, minzoom: 16 }] };
    if (rule.opacity < 0.1) return { outlines: [outline] };
    const inside = rule.dash.length ? symbols.areaHatch(rule) : symbols.areaBand(rule);
    return { tints: [make(inside)], outlines: [outline] };
  }
  if (rule.shape === 'line') {
    const casing = make(symbols.lineCasing(rule));
    const strokes = inRankOrder(rule).map((filter) => make(symbols.line(rule), filter));
    return rule.reference ? { lines: [casing, ...strokes] }
      : { routes: [cells, casing, ...strokes, make(symbols.lineArrows(rule), isFeature, 16)] };
  }
  return rule.reference ? { points: [make(symbols.circle(rule))] } : { points: [cells, make(symbols.circle(rule))] };
}

/** What answers a question: over a bright edge, above everything else. */
function hitPasses(rule) {
  const flat = (one) => Object.values(passesOf({ ...one, hits: false }, () => {})).flat();
  return { hits: [...flat(edgeRule(rule)).filter(({ filter }) => filter !== isCell).map(rounded), ...flat(rule)] };
}

const PASSES = ['ground', 'lines', 'tints', 'outlines', 'routes', 'mission', 'points', 'hits'];

function paintRules(rules, onCell) {
  const passes = rules.map((rule) => passesOf(rule, onCell));
  return PASSES.flatMap((name) => passes.flatMap((pass) => pass[name] || []));
}

function labelRules(rules, theme) {
  return rules.filter((rule) => rule.label)
    .map((rule) => ({ dataSource: rule.id, dataLayer: rule.content || rule.id, minzoom: rule.label.minZoom, symbolizer: labelFor(rule, theme) }));
}

/** Gives a canvas its layers to draw: each has its `rule` and the `view` that its tiles come from. */
export function dress(grid, shown, dark, onCell) {
  const rules = shown.map((one) => themed(one.dim ? dimmed(one.rule) : one.rule, dark));
  grid.views = new Map(shown.map((one) => [one.rule.id, one.view]));
  grid.paintRules = paintRules(rules, onCell);
  grid.labelRules = labelRules(rules, grid.options.themes[dark ? 'dark' : 'light']);
  grid.pointsToAvoid = rules.filter((rule) => rule.shape === 'point').map(({ id, radius }) => ({ id, reach: radius + 1 }));
  grid.clearLayout();
  if (grid._map) grid.rerenderTiles();
}

/** The stack as a Leaflet layer with show(id), hide(id), refresh(id); fires `thinned` with the ids shown as counts. */
export function tileStack({ url, themes, minZoom, maxZoom }) {
  const grid = canvasFor({ themes, minZoom, maxZoom });
  const known = new Map();
  const thinned = new Set();
  let only = () => true;
  let waiting = null;

  function noteThinned() {
    grid.fire('thinned', { ids: [...thinned] });
  }

  function onCell(id, zoom) {
    if (thinned.has(id) || zoom !== grid._map?.getZoom()) return;
    thinned.add(id);
    noteThinned();
  }

  const parts = () => [...known.values()].filter((one) => one.shown);
  const questionOf = (asked) => [...asked.values()].filter(Boolean).join('&');

  function restyle() {
    thinned.clear();
    noteThinned();
    dress(grid, parts().filter((one) => only(one.rule.content || one.rule.id)), isDark(), onCell);
    grid.fire('dressed', { parts: parts(), dark: isDark(), onCell });
  }

  /** Several layers switched in one go are drawn once. */
  function later() {
    if (waiting === null) waiting = window.setTimeout(() => { waiting = null; restyle(); }, 0);
  }

  grid.add = (rule) => {
    const view = collectionView(rule, { url, maxZoom, onSignedOut: () => grid.fire('signedout') });
    known.set(rule.id, { rule, view, shown: false, asked: new Map() });
  };
  grid.ids = () => [...known.values()].filter(({ rule }) => !rule.hits).map(({ rule }) => rule.id);
  grid.ruleOf = (id) => known.get(id).rule;
  grid.show = (id) => { known.get(id).shown = true; later(); };
  grid.hide = (id) => { known.get(id).shown = false; later(); };
  grid.refresh = (id) => {
    for (const { rule, view } of known.values()) if ((rule.content || rule.id) === id) view.tileCache.cache.clear();
    later();
  };
  /** Ask for other tiles of a layer: `query` is what `who` (the filter, the date) adds to their address. */
  grid.ask = (id, who, query) => {
    const one = known.get(id);
    if (!one || (one.asked.get(who) || '') === query) return;
    one.asked.set(who, query);
    one.view.ask(questionOf(one.asked));
    if (one.shown) later();
    grid.ask(hitsOf(id), who, query);
  };
  /**
   * Make what answers a question stand out from a layer, or from none: `query` is what the question adds to the address
   * of its tiles, `rest` to those of the layer.
   */
  grid.highlight = (id, query = '', rest = '') => {
    for (const [key, one] of known) if (one.rule.hits) known.delete(key);
    for (const [key, one] of known) {
      one.dim = key === id;
      grid.ask(key, 'question', key === id ? rest : '');
    }
    if (id) {
      const { rule, asked } = known.get(id);
      const hits = hitRule(rule);
      grid.add(hits);
      known.get(hits.id).shown = true;
      for (const [who, text] of asked) if (who !== 'question') grid.ask(hits.id, who, text);
      grid.ask(hits.id, 'question', query);
    }
    later();
  };
  /** Draw only the layers that the test lets through. */
  grid.limit = (test) => { only = test; later(); };
  grid.later = later;
  grid.isFetching = (id) => waiting !== null || known.get(id).view.tileCache.inflight.size > 0;
  /** Whether tiles or names are still to be drawn. */
  grid.isBusy = () => waiting !== null || grid.isPainting() || grid.isNaming();
  /** A view of a layer's tiles for another canvas: the stack's own where nothing else is asked, so that no tile is fetched twice. */
  grid.viewFor = (one, who, query, kept) => {
    const asked = questionOf(new Map([...one.asked, [who, query]]));
    if (asked === questionOf(one.asked)) return one.view;
    if (kept?.asked === asked) return kept.view;
    const view = collectionView(one.rule, { url, maxZoom, onSignedOut: () => grid.fire('signedout') });
    view.ask(asked);
    return view;
  };
  grid.on('add', () => grid._map.on('zoomstart', () => { thinned.clear(); noteThinned(); }));
  onTheme(restyle);
  return grid;
}

/** One layer of the stack, switched on and off like any Leaflet layer. Made by folium, one for each collection. */
export const CollectionLayer = window.L.Layer.extend({
  initialize(stack, rule) {
    this.stack = stack;
    this.id = rule.id;
    stack.add(rule);
  },
  onAdd() { this.stack.show(this.id); },
  onRemove() { this.stack.hide(this.id); },
});
