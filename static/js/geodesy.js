// Lengths and areas on the ellipsoid of WGS 84. Points are [lon, lat] in degrees; metres and square metres come back.

const A = 6378137;
const F = 1 / 298.257223563;
const B = A * (1 - F);
const E2 = F * (2 - F);
const E = Math.sqrt(E2);
const radians = (degrees) => (degrees * Math.PI) / 180;
/** Longitudes differ by the shorter way round. */
const turn = (degrees) => ((degrees + 540) % 360) - 180;

/** Sine of the latitude on the sphere of the same area: areas there are areas of the ellipsoid. */
const q = (sine) => (1 - E2) * (sine / (1 - E2 * sine * sine) + Math.atanh(E * sine) / E);
const POLE = q(1);
const authalic = (lat) => Math.asin(Math.min(Math.max(q(Math.sin(radians(lat))) / POLE, -1), 1));
const RADIUS2 = (A * A * POLE) / 2;

/** Length of the geodesic between two points (Vincenty), better than a millimetre unless they lie at opposite ends of the earth. */
export function distance([lon1, lat1], [lon2, lat2]) {
  const L = radians(turn(lon2 - lon1));
  const [u1, u2] = [lat1, lat2].map((lat) => Math.atan((1 - F) * Math.tan(radians(lat))));
  const [s1, c1, s2, c2] = [Math.sin(u1), Math.cos(u1), Math.sin(u2), Math.cos(u2)];
  let lambda = L;
  for (let round = 0; round < 100; round += 1) {
    const [sinL, cosL] = [Math.sin(lambda), Math.cos(lambda)];
    const sinS = Math.hypot(c2 * sinL, c1 * s2 - s1 * c2 * cosL);
    if (sinS === 0) return 0;
    const cosS = s1 * s2 + c1 * c2 * cosL;
    const sigma = Math.atan2(sinS, cosS);
    const sinA = (c1 * c2 * sinL) / sinS;
    const cos2A = 1 - sinA * sinA;
    const cosM = cos2A ? cosS - (2 * s1 * s2) / cos2A : 0;
    const C = (F / 16) * cos2A * (4 + F * (4 - 3 * cos2A));
    const next = L + (1 - C) * F * sinA * (sigma + C * sinS * (cosM + C * cosS * (2 * cosM * cosM - 1)));
    if (Math.abs(next - lambda) < 1e-12) return along(cos2A, sigma, sinS, cosS, cosM);
    lambda = next;
  }
  return NaN;
}

function along(cos2A, sigma, sinS, cosS, cosM) {
  const u = (cos2A * (A * A - B * B)) / (B * B);
  const k1 = 1 + (u / 16384) * (4096 + u * (-768 + u * (320 - 175 * u)));
  const k2 = (u / 1024) * (256 + u * (-128 + u * (74 - 47 * u)));
  const bend = k2 * sinS * (cosM + (k2 / 4) * (cosS * (2 * cosM * cosM - 1)
    - (k2 / 6) * cosM * (4 * sinS * sinS - 3) * (4 * cosM * cosM - 3)));
  return B * k1 * (sigma - bend);
}

/** Length of a way through all points. */
export function length(points) {
  return points.slice(1).reduce((sum, point, at) => sum + distance(points[at], point), 0);
}

/** Area inside the ring that the points make, closed by itself; their direction does not matter. */
export function area(points) {
  const excess = points.reduce((sum, [lon, lat], at) => {
    const [lon2, lat2] = points[(at + 1) % points.length];
    const [t1, t2] = [lat, lat2].map((one) => Math.tan(authalic(one) / 2));
    const tan = Math.tan(radians(turn(lon2 - lon)) / 2);
    return sum + 2 * Math.atan2(tan * (t1 + t2), 1 + t1 * t2);
  }, 0);
  return Math.abs(excess) * RADIUS2;
}

/** Whether two sides of the ring cross: then its area means nothing. */
export function crosses(points) {
  const side = ([ax, ay], [bx, by], [cx, cy]) => Math.sign((bx - ax) * (cy - ay) - (by - ay) * (cx - ax));
  const count = points.length;
  for (let one = 0; one < count; one += 1) {
    for (let other = one + 2; other < count; other += 1) {
      if ((other + 1) % count === one) continue;
      const [a, b, c, d] = [points[one], points[(one + 1) % count], points[other], points[(other + 1) % count]];
      if (side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0) return true;
    }
  }
  return false;
}
