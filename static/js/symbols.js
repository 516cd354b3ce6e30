// How features are drawn on a tile's canvas. Rules come from gisapp.style.paint; nothing here knows a layer by name.
// A symbol is an object with draw(context, features, zoom); units are CSS px. Features that look alike go into one
// path, since a canvas spends most of its time between paths.

import { drawCells, drawPoints, pointScale, stampOf } from './points.js';

const POINT = 1;
const MOST = 128; // features at a time: longer paths take longer than several, and no look may lie over all others

/** Colour of a feature: by its state or code where the layer has such colours, else the layer's own. */
export function colourOf(rule, feature) {
  const value = rule.by && feature.props[rule.by];
  return (value !== undefined && value !== null && rule.colours[value]) || rule.colour;
}

function grouped(features, keyOf) {
  const groups = new Map();
  for (const feature of features) {
    const key = keyOf(feature);
    if (groups.has(key)) groups.get(key).push(feature);
    else groups.set(key, [feature]);
  }
  return groups.values();
}

/** Calls `draw(feature)` after the outlines of features with the same key, `feature` among them, have become the path. */
function inGroups(context, features, keyOf, draw, outline = trace) {
  for (let from = 0; from < features.length; from += MOST) {
    for (const group of grouped(features.slice(from, from + MOST), keyOf)) {
      context.beginPath();
      for (const feature of group) outline(context, feature.geom);
      draw(group[0]);
    }
  }
}

function trace(context, rings) {
  for (const ring of rings) {
    context.moveTo(ring[0], ring[1]);
    for (let at = 2; at < ring.length; at += 2) context.lineTo(ring[at], ring[at + 1]);
  }
}

/** Leaves out what lies outside the canvas: a line comes with what it is a tile's width beyond the edge. */
function traceLine(context, ring, { minX, minY, maxX, maxY }) {
  let open = false;
  for (let at = 2; at < ring.length; at += 2) {
    const [ax, ay, bx, by] = [ring[at - 2], ring[at - 1], ring[at], ring[at + 1]];
    if ((ax < minX && bx < minX) || (ax > maxX && bx > maxX) || (ay < minY && by < minY) || (ay > maxY && by > maxY)) {
      open = false;
    } else {
      if (!open) context.moveTo(ax, ay);
      context.lineTo(bx, by);
      open = true;
    }
  }
}

/** The canvas in the coordinates of the features, with room for half a broad line. */
function canvasBox(context, room = 16) {
  const { a: ratio, e: left, f: top } = context.getTransform();
  const { width, height } = context.canvas;
  return { minX: -left / ratio - room, minY: -top / ratio - room, maxX: (width - left) / ratio + room, maxY: (height - top) / ratio + room };
}

const one = () => '';
const shapes = (features) => features.filter((feature) => feature.geomType !== POINT);

/** Grows with the zoom like things on the ground, but never below a hair or above `most` px. */
export function groundWidth(width, zoom, most = 22) {
  return Math.min(Math.max(width * 1.55 ** (zoom - 15.5), 0.5), most);
}

export function areaFill(rule) {
  return {
    draw(context, features, zoom) {
      context.globalAlpha = rule.opacity;
      // Holes wind the other way round: where areas overlap there is no hole.
      inGroups(context, shapes(features), (feature) => colourOf(rule, feature), (feature) => { context.fillStyle = colourOf(rule, feature); context.fill('nonzero'); });
      const points = features.filter((feature) => feature.geomType === POINT);
      if (points.length) circle(rule).draw(context, points, zoom);
    },
  };
}

export function areaOutline(rule) {
  const tinted = rule.reference && rule.by && rule.opacity < 0.5;
  return {
    draw(context, features, zoom) {
      context.globalAlpha = rule.reference ? 0.85 : 1;
      context.lineWidth = rule.width * Math.min(Math.max(0.45 + (zoom - 12) * 0.14, 0.35), 1);
      context.setLineDash(rule.dash);
      const colour = tinted ? (feature) => colourOf(rule, feature) : () => rule.stroke;
      inGroups(context, shapes(features), colour, (feature) => { context.strokeStyle = colour(feature); context.stroke(); });
    },
  };
}

/** A soft band along the inner side of an outline: says which side is meant without tinting a whole town. */
export function areaBand(rule, width = 9) {
  return {
    draw(context, features) {
      for (const feature of shapes(features)) {
        context.save();
        context.beginPath();
        trace(context, feature.geom);
        context.clip('evenodd');
        context.globalAlpha = 0.3;
        context.strokeStyle = colourOf(rule, feature);
        context.lineWidth = width;
        context.stroke();
        context.restore();
      }
    },
  };
}

/** Slanted strokes inside an area, for what must not be mistaken for a building or a block. */
export function areaHatch(rule) {
  const step = 8; // divides 256: the pattern meets at tile borders
  const ratio = window.devicePixelRatio || 1;
  const cell = document.createElement('canvas');
  cell.width = cell.height = Math.round(step * ratio);
  const pen = cell.getContext('2d');
  pen.scale(cell.width / step, cell.width / step);
  pen.strokeStyle = rule.colour;
  pen.lineWidth = 1;
  pen.beginPath();
  for (const start of [-step, 0, step]) { pen.moveTo(start, step); pen.lineTo(start + step, 0); }
  pen.stroke();
  return {
    draw(context, features) {
      const pattern = context.createPattern(cell, 'repeat');
      pattern.setTransform(new DOMMatrix().scale(step / cell.width));
      context.globalAlpha = 0.38;
      context.fillStyle = pattern;
      inGroups(context, shapes(features), one, () => context.fill('nonzero'));
    },
  };
}

function lineWidth(rule, zoom, feature) {
  if (!rule.reference) return rule.width * Math.min(Math.max(0.55 + (zoom - 11) * 0.09, 0.5), 1.3);
  const rank = rule.ranks[feature.props[rule.by]];
  return groundWidth(rule.width * (rank === undefined ? 1 : rank), zoom);
}

/** Strokes lines of the same key by the `draw` for them; only what the canvas shows of them. */
function strokeLines(context, features, keyOf, draw) {
  const box = canvasBox(context);
  inGroups(context, features, keyOf, draw, (_, rings) => { for (const ring of rings) traceLine(context, ring, box); });
}

const CROWD = 500; // lines of a tile; where there are more no casing is seen, and thin lines tell more than broad ones

export function lineCasing(rule) {
  return {
    draw(context, features, zoom) {
      const wide = features.filter((feature) => lineWidth(rule, zoom, feature) >= 1.2);
      if (wide.length > CROWD) return;
      context.globalAlpha = 1;
      context.strokeStyle = rule.stroke;
      context.lineCap = rule.reference ? 'butt' : 'round';
      context.lineJoin = 'round';
      strokeLines(context, wide, (feature) => lineWidth(rule, zoom, feature), (feature) => {
        const width = lineWidth(rule, zoom, feature);
        context.lineWidth = width + (width < 4 ? 1.2 : 2);
        context.stroke();
      });
    },
  };
}

export function line(rule) {
  return {
    draw(context, features, zoom) {
      const crowded = features.length > CROWD;
      const widthOf = (feature) => (crowded ? Math.max(1, Math.floor(lineWidth(rule, zoom, feature) * CROWD / features.length)) : lineWidth(rule, zoom, feature));
      context.globalAlpha = rule.reference ? 1 : rule.opacity;
      context.lineCap = crowded ? 'butt' : 'round';
      context.lineJoin = crowded ? 'bevel' : 'round';
      context.setLineDash(rule.dash);
      strokeLines(context, features, (feature) => `${colourOf(rule, feature)}|${lineWidth(rule, zoom, feature)}`, (feature) => {
        context.strokeStyle = colourOf(rule, feature);
        context.lineWidth = widthOf(feature);
        context.stroke();
      });
    },
  };
}

/**
 * Chevrons in the direction in which the line was drawn. Where they stand depends on the place alone, so that
 * routes along the same road share them.
 */
export function lineArrows(rule) {
  return {
    draw(context, features, zoom) {
      context.globalAlpha = 1;
      context.strokeStyle = '#ffffff';
      context.lineWidth = 1.5;
      context.lineCap = 'round';
      context.beginPath();
      for (const feature of features) {
        for (const ring of feature.geom) arrowsAlong(context, ring, lineWidth(rule, zoom, feature) * 1.1);
      }
      context.stroke();
    },
  };
}

const LONG = 56;
const SHORT = 9;

function arrowsAlong(context, ring, size) {
  for (let at = 2; at < ring.length; at += 2) {
    const [dx, dy] = [ring[at] - ring[at - 2], ring[at + 1] - ring[at - 1]];
    const length = Math.hypot(dx, dy);
    const [x, y] = [ring[at] - dx / 2, ring[at + 1] - dy / 2];
    const chosen = length >= LONG || (length >= SHORT && Math.abs(Math.round(x) * 7 + Math.round(y) * 13) % 6 === 0);
    if (chosen) chevron(context, x, y, dx / length, dy / length, size);
  }
}

function chevron(context, x, y, ux, uy, size) {
  const half = size / 2;
  context.moveTo(x - ux * half - uy * half, y - uy * half + ux * half);
  context.lineTo(x + ux * half, y + uy * half);
  context.lineTo(x - ux * half + uy * half, y - uy * half - ux * half);
}

export function circle(rule) {
  const ring = rule.shape === 'point' ? rule.stroke : '#ffffff';
  return {
    draw(context, features, zoom) {
      const radius = rule.radius * pointScale(zoom);
      const halo = zoom < 14 ? 0 : zoom < 15 ? 0.9 : 1.4; // further out, rings would cover more than the points
      drawPoints(context, features, (feature, ratio) => stampOf(radius, halo, ring, colourOf(rule, feature), ratio));
    },
  };
}

/** Cells of a thinned picture: the more features one stands for, the stronger the colour. */
export function densityCell(rule, onDrawn) {
  const share = ({ props }) => Math.min(0.28 + 0.2 * Math.log10(Math.max(props.count, 1)), 0.9);
  return {
    draw(context, features, zoom) {
      onDrawn(rule.id, zoom);
      drawCells(context, features, rule.colour, share);
    },
  };
}
