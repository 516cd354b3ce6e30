// Names on the map: along lines, in the middle of areas, under points. Text colours follow the theme.

const { LineLabelSymbolizer, TextSymbolizer, LineLabelPlacement } = window.protomapsL;

const FAMILY = 'system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "Noto Sans SC", sans-serif';

/** A label symbol for one layer's rule, or null when the layer is not named on the map. */
export function labelFor(rule, theme) {
  if (!rule.label) return null;
  const look = {
    labelProps: ['label'], fill: theme.label, stroke: theme.halo, font: (zoom) => fontOf(rule, zoom),
    maxLineChars: 24,
  };
  if (rule.label.along) {
    return new LineLabelSymbolizer({ ...look, width: 3.2, position: LineLabelPlacement.Center, repeatDistance: 320 });
  }
  const text = new TextSymbolizer({ ...look, width: 1.6, letterSpacing: 0 });
  return rule.shape === 'area' ? inTheMiddle(text, rule) : underPoint(text, rule);
}

function fontOf(rule, zoom) {
  const outline = rule.shape === 'area' && rule.opacity < 0.1;
  const size = outline ? 12 + Math.min(Math.max(zoom - 13, 0), 2) : 11;
  return `${outline ? 600 : 400} ${size}px ${FAMILY}`;
}

/** Where a ring's centre of gravity lies, with the box of the ring; px. */
function centreOf(ring) {
  let [area, x, y] = [0, 0, 0];
  const box = { minX: Infinity, maxX: -Infinity, minY: Infinity, maxY: -Infinity };
  for (let place = 0, before = ring.length - 1; place < ring.length; before = place, place += 1) {
    const [a, b] = [ring[before], ring[place]];
    const cross = (a.x - ring[0].x) * (b.y - ring[0].y) - (b.x - ring[0].x) * (a.y - ring[0].y);
    area += cross;
    x += (a.x + b.x - 2 * ring[0].x) * cross;
    y += (a.y + b.y - 2 * ring[0].y) * cross;
    box.minX = Math.min(box.minX, b.x); box.maxX = Math.max(box.maxX, b.x);
    box.minY = Math.min(box.minY, b.y); box.maxY = Math.max(box.maxY, b.y);
  }
  if (Math.abs(area) < 1) return null;
  const centre = ring[0].clone();
  centre.x += x / (3 * area);
  centre.y += y / (3 * area);
  return { centre, box, area: Math.abs(area) / 2 };
}

/** Places a text on the largest ring, when it fits, and not again within the same part of the town. */
function inTheMiddle(text, rule) {
  return {
    place(layout, rings, feature) {
      if (feature.geomType === 1) return undefined;
      const found = rings.map(centreOf).filter(Boolean).sort((a, b) => b.area - a.area)[0];
      if (!found) return undefined;
      const placed = text.place(layout, [[found.centre]], feature);
      if (!placed) return undefined;
      const [label] = placed;
      const { minX, maxX, minY, maxY } = label.bboxes[0];
      if (maxX - minX > found.box.maxX - found.box.minX || maxY - minY > found.box.maxY - found.box.minY) return undefined;
      return [centred(label, found.centre, rule, layout.zoom, feature)];
    },
  };
}

function centred(label, centre, rule, zoom, feature) {
  const { minX, maxX, minY, maxY } = label.bboxes[0];
  const [width, height] = [maxX - minX, maxY - minY];
  const descent = maxY - centre.y;
  return {
    anchor: centre,
    bboxes: [{ minX: centre.x - width / 2 - 4, maxX: centre.x + width / 2 + 4,
      minY: centre.y - height / 2 - 4, maxY: centre.y + height / 2 + 4 }],
    draw: (context) => {
      context.translate(-width / 2, height / 2 - descent);
      label.draw(context);
    },
    deduplicationKey: `${rule.id}:${feature.props.label}`,
    deduplicationDistance: rule.opacity < 0.1 ? Math.max(240, 170 * 2 ** (zoom - 14)) : 420,
  };
}

function underPoint(text, rule) {
  return {
    place(layout, rings, feature) {
      const placed = text.place(layout, rings, feature);
      if (!placed) return undefined;
      const anchor = rings[0][0];
      const { minX, maxX, minY, maxY } = placed[0].bboxes[0];
      const [width, height, gap] = [maxX - minX, maxY - minY, rule.radius + 5];
      return [{
        anchor,
        bboxes: [{ minX: anchor.x - width / 2, maxX: anchor.x + width / 2, minY: anchor.y + gap - 2, maxY: anchor.y + gap + height }],
        draw: (context) => {
          context.translate(-width / 2, gap + height - 2);
          placed[0].draw(context);
        },
      }];
    },
  };
}
