// How one feature is drawn on a tile's canvas. Rules come from gisapp.style.paint; nothing here knows a layer by name.
// A symbol is an object with draw(context, rings, zoom, feature), as protomaps-leaflet wants it; units are CSS px.

const TWO_PI = 2 * Math.PI;
const POINT = 1;

/** Colour of a feature: by its state or code where the layer has such colours, else the layer's own. */
export function colourOf(rule, feature) {
  const value = rule.by && feature.props[rule.by];
  return (value !== undefined && value !== null && rule.colours[value]) || rule.colour;
}

function trace(context, rings) {
  context.beginPath();
  for (const ring of rings) {
    ring.forEach((point, place) => (place ? context.lineTo(point.x, point.y) : context.moveTo(point.x, point.y)));
  }
}

/** Grows with the zoom like things on the ground, but never below a hair or above `most` px. */
export function groundWidth(width, zoom, most = 22) {
  return Math.min(Math.max(width * 1.55 ** (zoom - 15.5), 0.5), most);
}

/** Share of the full size that a point has at a zoom. */
export function pointScale(zoom) {
  return Math.min(Math.max(0.4 + (zoom - 12) * 0.15, 0.4), 1.15);
}

export function areaFill(rule) {
  return {
    draw(context, rings, zoom, feature) {
      if (feature.geomType === POINT) return drawCircle(context, rings, zoom, rule, colourOf(rule, feature));
      context.globalAlpha = rule.opacity;
      context.fillStyle = colourOf(rule, feature);
      trace(context, rings);
      return context.fill('evenodd');
    },
  };
}

export function areaOutline(rule) {
  const tinted = rule.reference && rule.by;
  return {
    draw(context, rings, zoom, feature) {
      if (feature.geomType === POINT) return;
      context.globalAlpha = rule.reference ? 0.85 : 1;
      context.strokeStyle = tinted && rule.opacity < 0.5 ? colourOf(rule, feature) : rule.stroke;
      context.lineWidth = rule.width * Math.min(Math.max(0.45 + (zoom - 12) * 0.14, 0.35), 1);
      context.setLineDash(rule.dash);
      trace(context, rings);
      context.stroke();
      context.setLineDash([]);
    },
  };
}

/** A soft band along the inner side of an outline: says which side is meant without tinting a whole town. */
export function areaBand(rule, width = 9) {
  return {
    draw(context, rings, zoom, feature) {
      if (feature.geomType === POINT) return;
      context.save();
      trace(context, rings);
      context.clip('evenodd');
      context.globalAlpha = 0.3;
      context.strokeStyle = colourOf(rule, feature);
      context.lineWidth = width;
      context.stroke();
      context.restore();
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
    draw(context, rings) {
      const pattern = context.createPattern(cell, 'repeat');
      pattern.setTransform(new DOMMatrix().scale(step / cell.width));
      context.globalAlpha = 0.38;
      context.fillStyle = pattern;
      trace(context, rings);
      context.fill('evenodd');
    },
  };
}

function lineWidth(rule, zoom, feature) {
  if (!rule.reference) return rule.width * Math.min(Math.max(0.55 + (zoom - 11) * 0.09, 0.5), 1.3);
  const rank = rule.ranks[feature.props[rule.by]];
  return groundWidth(rule.width * (rank === undefined ? 1 : rank), zoom);
}

export function lineCasing(rule) {
  return {
    draw(context, rings, zoom, feature) {
      const width = lineWidth(rule, zoom, feature);
      if (width < 1.2) return;
      context.globalAlpha = 1;
      context.strokeStyle = rule.stroke;
      context.lineWidth = width + (width < 4 ? 1.2 : 2);
      context.lineCap = rule.reference ? 'butt' : 'round';
      context.lineJoin = 'round';
      trace(context, rings);
      context.stroke();
    },
  };
}

export function line(rule) {
  return {
    draw(context, rings, zoom, feature) {
      context.globalAlpha = rule.reference ? 1 : rule.opacity;
      context.strokeStyle = colourOf(rule, feature);
      context.lineWidth = lineWidth(rule, zoom, feature);
      context.lineCap = 'round';
      context.lineJoin = 'round';
      context.setLineDash(rule.dash);
      trace(context, rings);
      context.stroke();
      context.setLineDash([]);
    },
  };
}

/**
 * Chevrons in the direction in which the line was drawn. Where they stand depends on the place alone, so that
 * routes along the same road share them.
 */
export function lineArrows(rule) {
  return {
    draw(context, rings, zoom, feature) {
      const size = lineWidth(rule, zoom, feature) * 1.1;
      context.globalAlpha = 1;
      context.strokeStyle = '#ffffff';
      context.lineWidth = 1.5;
      context.lineCap = 'round';
      context.beginPath();
      for (const ring of rings) arrowsAlong(context, ring, size);
      context.stroke();
    },
  };
}

const LONG = 56;
const SHORT = 9;

function arrowsAlong(context, ring, size) {
  for (let place = 1; place < ring.length; place += 1) {
    const [from, to] = [ring[place - 1], ring[place]];
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = Math.hypot(dx, dy);
    const [x, y] = [(from.x + to.x) / 2, (from.y + to.y) / 2];
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

const stamps = new Map(); // a point drawn once for every colour and size: copying it is far cheaper than filling arcs

function stampOf(radius, halo, ring, colour, ratio) {
  const key = `${radius}|${halo}|${ring}|${colour}|${ratio}`;
  const kept = stamps.get(key);
  if (kept) return kept;
  const side = Math.ceil(2 * (radius + halo + 1) * ratio);
  const canvas = new OffscreenCanvas(side, side);
  const pen = canvas.getContext('2d');
  const middle = side / 2;
  for (const [reach, fill] of halo ? [[radius + halo, ring], [radius, colour]] : [[radius, colour]]) {
    pen.beginPath();
    pen.arc(middle, middle, reach * ratio, 0, TWO_PI);
    pen.fillStyle = fill;
    pen.fill();
  }
  const stamp = { image: canvas.transferToImageBitmap(), size: side / ratio }; // a canvas would be copied at every use
  stamps.set(key, stamp);
  return stamp;
}

function drawCircle(context, rings, zoom, rule, colour) {
  const ratio = window.devicePixelRatio;
  const halo = zoom < 14 ? 0 : zoom < 15 ? 0.9 : 1.4; // further out, rings would cover more than the points
  const { image, size } = stampOf(rule.radius * pointScale(zoom), halo, rule.shape === 'point' ? rule.stroke : '#ffffff', colour, ratio);
  context.globalAlpha = 1;
  for (const [centre] of rings) {
    // On whole device pixels: between them the copy would be blurred.
    context.drawImage(image, Math.round((centre.x - size / 2) * ratio) / ratio, Math.round((centre.y - size / 2) * ratio) / ratio, size, size);
  }
}

export function circle(rule) {
  return { draw: (context, rings, zoom, feature) => drawCircle(context, rings, zoom, rule, colourOf(rule, feature)) };
}

/** A cell of a thinned picture: the more features it stands for, the stronger the colour. */
export function densityCell(rule, onDrawn) {
  return {
    draw(context, rings, zoom, feature) {
      onDrawn(rule.id, zoom);
      context.globalAlpha = Math.min(0.28 + 0.2 * Math.log10(Math.max(feature.props.count, 1)), 0.9);
      context.fillStyle = rule.colour;
      trace(context, rings);
      context.fill();
    },
  };
}
