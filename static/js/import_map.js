// The small map of a check: rows of the file coloured by verdict, over the records that the layer has.
import { boxOf, ground, smallMap } from './import_ground.js';

const place = document.getElementById("import-map");
const words = JSON.parse(document.getElementById("import-map-words").textContent);
const note = document.getElementById("import-map-note");
const { root, layer, kind } = place.dataset;
const number = place.dataset.import;
const [west, south, east, north] = place.dataset.extent.split(",").map(Number);
const MOST_PRESENT = 1000;
const CROWD = 500;
let asked = 0;
let radius = 6;

const colours = {};
for (const name of [...Object.keys(words.kinds), "present"]) {
  const swatch = document.querySelector(`.verdict-legend .verdict-${name}`);
  colours[name] = swatch ? getComputedStyle(swatch).backgroundColor : "#444";
}

const map = smallMap(place);
map.fitBounds([[south, west], [north, east]], { padding: [20, 20], maxZoom: 18 });
const present = L.geoJSON(null, options(() => "present")).addTo(map);
const rows = L.geoJSON(null, {
  ...options((feature) => feature.properties.kind),
  onEachFeature(feature, drawn) {
    const { row, line, title, kind: verdict } = feature.properties;
    const said = document.createElement("span");
    said.textContent = `${words.row} ${row} · ${words.kinds[verdict]}${title ? ` · ${title}` : ""}`;
    drawn.bindTooltip(said);
    drawn.on("click", () => document.getElementById(`row-${line}`)?.scrollIntoView({ block: "center" }));
  },
}).addTo(map);

function options(kindOf) {
  const style = (feature) => {
    const name = kindOf(feature);
    return { color: colours[name], weight: name === "present" || radius < 6 ? 1 : 2, fillColor: colours[name],
             fillOpacity: name === "present" ? 0.25 : 0.45 };
  };
  return { style, pointToLayer: (feature, at) => L.circleMarker(at, { ...style(feature), radius }) };
}

async function draw() {
  const turn = ++asked;
  const bbox = boxOf(map);
  const verdicts = kind ? `&kind=${encodeURIComponent(kind)}` : "";
  const [found, there] = await Promise.all([
    load(`${root}/imports/${number}/shapes?bbox=${bbox}${verdicts}`),
    load(`${root}/collections/${layer}/items?f=json&limit=${MOST_PRESENT}&bbox=${bbox}`),
  ]);
  if (turn !== asked) return;
  radius = (found?.features.length ?? 0) + (there?.features.length ?? 0) > CROWD ? 3 : 6;
  if (there) present.clearLayers().addData(there);
  if (found) {
    rows.clearLayers().addData(found);
    note.textContent = found.all ? "" : words.some;
  } else note.textContent = words.failed;
  rows.bringToFront();
  place.dataset.drawn = String(rows.getLayers().length);
}

async function load(address) {
  const answer = await fetch(address, { headers: { Accept: "application/geo+json, application/json" } }).catch(() => null);
  return answer?.ok ? answer.json() : null;
}

map.on("moveend", draw);
draw();
ground(map, root, place.dataset.ground.split(" "));
