// Points and cells of counts by the ten thousand: copied pixel by pixel into one sheet a tile, since a canvas takes
// twenty times as long for each of them.

const TWO_PI = 2 * Math.PI;
const OPAQUE = 255;

const stamps = new Map(); // a point as pixels, for every colour and size

function pixelsOf(radius, halo, ring, colour, ratio) {
  const side = Math.ceil(2 * (radius + halo + 1) * ratio);
  const pen = new OffscreenCanvas(side, side).getContext('2d', { willReadFrequently: true });
  for (const [reach, fill] of halo ? [[radius + halo, ring], [radius, colour]] : [[radius, colour]]) {
    pen.beginPath();
    pen.arc(side / 2, side / 2, reach * ratio, 0, TWO_PI);
    pen.fillStyle = fill;
    pen.fill();
  }
  return { side, words: new Uint32Array(pen.getImageData(0, 0, side, side).data.buffer) };
}

/** A point of a radius in px within a ring, in pixels of the device. */
export function stampOf(radius, halo, ring, colour, ratio) {
  const key = `${radius}|${halo}|${ring}|${colour}|${ratio}`;
  if (!stamps.has(key)) stamps.set(key, pixelsOf(radius, halo, ring, colour, ratio));
  return stamps.get(key);
}

/** Share of the full size that a point has at a zoom. */
export function pointScale(zoom) {
  return Math.min(Math.max(0.4 + (zoom - 12) * 0.15, 0.4), 1.15);
}

let sheet = null; // one is enough: it is drawn before the next tile begins

function emptySheet({ width, height }) {
  if (sheet?.image.width !== width || sheet.image.height !== height) {
    const canvas = new OffscreenCanvas(width, height);
    const image = new ImageData(width, height);
    sheet = { canvas, pen: canvas.getContext('2d'), image, words: new Uint32Array(image.data.buffer) };
  }
  sheet.words.fill(0);
  return sheet;
}

function put(context, { canvas, pen, image }) {
  pen.putImageData(image, 0, 0);
  context.save();
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.globalAlpha = 1;
  context.drawImage(canvas, 0, 0);
  context.restore();
}

/** One pixel over another, neither multiplied by its alpha: the words are ABGR. */
function over(above, below) {
  const [a, b] = [above >>> 24, below >>> 24];
  const rest = (b * (OPAQUE - a)) / OPAQUE;
  const alpha = a + rest;
  const mix = (shift) => Math.round((((above >>> shift) & 255) * a + ((below >>> shift) & 255) * rest) / alpha) << shift;
  return ((Math.round(alpha) << 24) | mix(16) | mix(8) | mix(0)) >>> 0;
}

function stampAt({ image: { width, height }, words }, stamp, left, top) {
  const [first, last] = [Math.max(0, -left), Math.min(stamp.side, width - left)];
  for (let y = Math.max(0, -top), end = Math.min(stamp.side, height - top); y < end; y += 1) {
    const [from, to] = [y * stamp.side, (top + y) * width + left];
    for (let x = first; x < last; x += 1) {
      const word = stamp.words[from + x];
      if (word >>> 24 === OPAQUE) words[to + x] = word;
      else if (word >>> 24) words[to + x] = words[to + x] ? over(word, words[to + x]) : word;
    }
  }
}

/** Draws each point of the features, on whole pixels of the device: between them it would be blurred. */
export function drawPoints(context, features, stampFor) {
  const { a: ratio, e: left, f: top } = context.getTransform();
  const target = emptySheet(context.canvas);
  for (const feature of features) {
    const stamp = stampFor(feature, ratio);
    for (const [x, y] of feature.geom) {
      stampAt(target, stamp, Math.round(x * ratio + left - stamp.side / 2), Math.round(y * ratio + top - stamp.side / 2));
    }
  }
  put(context, target);
}

/** Fills the box of each feature with the opacity that `shareOf` gives it. */
export function drawCells(context, features, colour, shareOf) {
  const { a: ratio, e: left, f: top } = context.getTransform();
  const target = emptySheet(context.canvas);
  const { width, height } = target.image;
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
  for (const feature of features) {
    const { minX, minY, maxX, maxY } = feature.bbox;
    const word = ((Math.round(shareOf(feature) * OPAQUE) << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    const [from, to] = [Math.max(0, Math.round(minX * ratio + left)), Math.min(width, Math.round(maxX * ratio + left))];
    const bottom = Math.min(height, Math.round(maxY * ratio + top));
    for (let y = Math.max(0, Math.round(minY * ratio + top)); y < bottom && to > from; y += 1) target.words.fill(word, y * width + from, y * width + to);
  }
  put(context, target);
}
