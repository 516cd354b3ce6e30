// Reads vector tiles (MVT 2.1). A tile of ten thousand features is read in a few milliseconds: rings are flat lists of
// numbers, and features that carry the same values share one object of them.

const MOVE = 1;
const LINE = 2;

/** A varint as a number; exact below 2^53. */
function varint(reader) {
  let [value, scale, byte] = [0, 1, 0];
  do {
    byte = reader.bytes[reader.at];
    reader.at += 1;
    value += (byte & 127) * scale;
    scale *= 128;
  } while (byte & 128);
  return value;
}

function signed(value) {
  return value % 2 ? -(value + 1) / 2 : value / 2;
}

/** A varint whose negative numbers fill ten bytes. */
function int64(reader) {
  let [value, shift, byte] = [0n, 0n, 0];
  do {
    byte = reader.bytes[reader.at];
    reader.at += 1;
    value |= BigInt(byte & 127) << shift;
    shift += 7n;
  } while (byte & 128);
  return Number(BigInt.asIntN(64, value));
}

/** Calls `visit[field]()` for each field up to `end`; what nobody visits is left out. */
function fields(reader, end, visit) {
  while (reader.at < end) {
    const key = varint(reader);
    const read = visit[key >>> 3];
    if (read) read();
    else if ((key & 7) === 0) varint(reader);
    else if ((key & 7) === 1) reader.at += 8;
    else if ((key & 7) === 5) reader.at += 4;
    else reader.at += varint(reader);
  }
}

/** The end of a field that says its length first. */
function endOf(reader) {
  const length = varint(reader);
  return reader.at + length;
}

const utf8 = new TextDecoder();

function text(reader) {
  const [end, from] = [endOf(reader), reader.at];
  reader.at = end;
  return utf8.decode(reader.bytes.subarray(from, end));
}

function value(reader) {
  let found = null;
  const view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset);
  const fixed = (read, size) => { found = view[read](reader.at, true); reader.at += size; };
  fields(reader, endOf(reader), {
    1: () => { found = text(reader); },
    2: () => fixed('getFloat32', 4),
    3: () => fixed('getFloat64', 8),
    4: () => { found = int64(reader); },
    5: () => { found = varint(reader); },
    6: () => { found = signed(varint(reader)); },
    7: () => { found = Boolean(varint(reader)); },
  });
  return found;
}

/** Rings as [x, y, x, y, …] in px with the box around them; areas are closed. Null where nothing is drawn. */
function outlines(reader, scale) {
  const end = endOf(reader);
  const { bytes } = reader;
  const geom = [];
  let [ring, command, left, x, y] = [null, 0, 0, 0, 0];
  let [minX, minY, maxX, maxY] = [Infinity, Infinity, -Infinity, -Infinity];
  let at = reader.at;
  const next = () => { // the hot one: reads 32 bits without a call to others
    let [number, shift, byte] = [0, 0, 0];
    do { byte = bytes[at]; at += 1; number |= (byte & 127) << shift; shift += 7; } while (byte & 128);
    return number;
  };
  while (at < end) {
    if (left === 0) {
      const head = next();
      [command, left] = [head & 7, head >>> 3];
    }
    left -= 1;
    if (command === MOVE || command === LINE) {
      const [dx, dy] = [next(), next()];
      x += (dx >>> 1) ^ -(dx & 1);
      y += (dy >>> 1) ^ -(dy & 1);
      const [px, py] = [x * scale, y * scale];
      if (command === MOVE) { ring = [px, py]; geom.push(ring); } else if (ring) ring.push(px, py);
      if (px < minX) minX = px;
      if (px > maxX) maxX = px;
      if (py < minY) minY = py;
      if (py > maxY) maxY = py;
    } else if (ring) ring.push(ring[0], ring[1]);
  }
  reader.at = end;
  return geom.length ? { geom, bbox: { minX, minY, maxX, maxY } } : null;
}

/** Objects of values by their tags. */
function propsReader(keys, values) {
  const kept = new Map();
  const make = (tags) => {
    const props = {};
    for (let at = 0; at + 1 < tags.length; at += 2) props[keys[tags[at]]] = values[tags[at + 1]];
    return Object.freeze(props);
  };
  return (tags) => {
    if (tags.length > 4) return make(tags); // its own name is among them
    const key = tags.join();
    if (!kept.has(key)) kept.set(key, make(tags));
    return kept.get(key);
  };
}

function featureOf(reader, end, scale) {
  const tags = [];
  let [geomType, found] = [0, null];
  fields(reader, end, {
    2: () => { for (const last = endOf(reader); reader.at < last;) tags.push(varint(reader)); },
    3: () => { geomType = varint(reader); },
    4: () => { found = outlines(reader, scale); },
  });
  return found && { geomType, tags, ...found };
}

function layerOf(reader, end, size) {
  const [keys, values, places] = [[], [], []];
  let [name, extent] = ['', 4096];
  fields(reader, end, {
    1: () => { name = text(reader); },
    2: () => { const last = endOf(reader); places.push([reader.at, last]); reader.at = last; },
    3: () => keys.push(text(reader)),
    4: () => values.push(value(reader)),
    5: () => { extent = varint(reader); },
  });
  const propsOf = propsReader(keys, values);
  const features = [];
  for (const [from, last] of places) {
    reader.at = from;
    const feature = featureOf(reader, last, size / extent);
    if (feature) features.push({ geomType: feature.geomType, geom: feature.geom, bbox: feature.bbox, props: propsOf(feature.tags) });
  }
  reader.at = end;
  return [name, features];
}

/** Features by layer, coordinates in px of a tile that is `size` px wide. */
export function decode(buffer, size) {
  const reader = { bytes: new Uint8Array(buffer), at: 0 };
  const layers = new Map();
  fields(reader, reader.bytes.length, {
    3: () => {
      const end = endOf(reader);
      const [name, features] = layerOf(reader, end, size);
      layers.set(name, [...layers.get(name) || [], ...features]);
    },
  });
  return layers;
}
