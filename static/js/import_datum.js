// The mapping page: a file's rows as they would lie by each way of reading its coordinates; the choice fills the select.
import { ground, smallMap } from './import_ground.js';

const NEAR = 17;
const DOTS_TO = 16;

for (const box of document.querySelectorAll(".datum")) show(box);

function show(box) {
  const select = document.getElementById(box.dataset.select);
  const readings = JSON.parse(box.querySelector("script").textContent);
  const radios = [...box.querySelectorAll("input[type=radio]")];
  const colours = [...box.querySelectorAll(".swatch")].map((one) => getComputedStyle(one).backgroundColor);
  const map = smallMap(box.querySelector(".datum-map"));
  const drawn = readings.map((shape, place) => (shape?.geometries.length ? rowsOf(shape, colours[place], titleOf(radios[place]))
    : extentOf(radios[place], colours[place])));
  const links = L.layerGroup().addTo(map);
  drawn.forEach((one) => one?.addTo(map));
  map.on("zoomend", () => { // near by they would hide what they stand for
    for (const { dots } of drawn.filter((one) => one?.dots)) map[map.getZoom() < DOTS_TO ? "addLayer" : "removeLayer"](dots);
  });

  let row = -1; // none: all of them
  const chosen = () => radios.findIndex((radio) => radio.checked);
  const view = () => {
    const target = drawn[chosen()]?.rows?.[row] ?? drawn[chosen()];
    if (target?.getBounds().isValid()) map.fitBounds(target.getBounds(), { padding: [40, 40], maxZoom: NEAR });
  };
  const mark = () => {
    drawn.forEach((one, place) => one?.look(place === chosen()));
    drawn[chosen()]?.bringToFront();
    drawn[chosen()]?.dots?.bringToFront();
    link(links, drawn, chosen());
    view();
  };
  radios.forEach((radio) => radio.addEventListener("change", () => {
    select.value = radio.value;
    mark();
  }));
  select.addEventListener("change", () => {
    radios.forEach((radio) => { radio.checked = radio.value === select.value; });
    mark();
  });
  row = steps(box, drawn, chosen, (wanted) => { row = wanted; view(); });
  map.setView([31.69, 113.38], 12);
  mark();
  const root = new URL(document.querySelector("form#mapping").action).pathname.replace(/\/imports\/.*$/, "");
  ground(map, root, box.dataset.ground.split(" "));
}

/** The buttons from row to row, near enough to see what each lies on; gives the row to begin with. */
function steps(box, drawn, chosen, go) {
  const [bar, told] = [box.querySelector("[data-rows]"), box.querySelector("[data-row-of]")];
  const count = () => drawn[chosen()]?.rows?.length ?? 0;
  let at = middle((drawn[chosen()] ?? drawn.find((one) => one?.rows))?.rows ?? []);
  bar.hidden = !drawn.some((one) => one?.rows);
  bar.addEventListener("click", (event) => {
    const near = event.target.closest("[data-next-row]");
    if (!near && !event.target.closest("[data-all-rows]")) return;
    if (near) at = (at + 1) % Math.max(count(), 1);
    told.textContent = near ? `${at + 1} / ${count()}` : "";
    go(near ? at : -1);
  });
  return at;
}

/** The row that lies most in the midst: what is looked at first should not be the one that strayed. */
function middle(rows) {
  const centres = rows.map((one) => one.getBounds().getCenter());
  const mid = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const [lat, lng] = [mid(centres.map((one) => one.lat)), mid(centres.map((one) => one.lng))];
  const far = centres.map((one) => Math.hypot(one.lat - lat, one.lng - lng));
  return far.indexOf(Math.min(...far));
}

function titleOf(radio) {
  return radio?.closest("label").textContent.trim() ?? "";
}

/** A reading's rows: their shapes, and a dot for each, because a building is less than a pixel when a city is shown. */
function rowsOf(collection, colour, title) {
  const rows = collection.geometries.map((geometry) => L.geoJSON(geometry, {
    style: style(colour, false), pointToLayer: (feature, at) => L.circleMarker(at, style(colour, false)),
  }));
  const dots = L.featureGroup(rows.map((one) => L.circleMarker(one.getBounds().getCenter(), style(colour, false))));
  const said = document.createElement("span");
  said.textContent = title;
  const group = L.featureGroup(rows).bindTooltip(said, { sticky: true });
  const look = (isChosen) => [group, dots].forEach((one) => one.setStyle(style(colour, isChosen)));
  return Object.assign(group, { rows, dots, look });
}

/** Where the shapes have too many vertices to be shown: the box that they fill. */
function extentOf(radio, colour) {
  const [west, south, east, north] = (radio?.dataset.bounds || "").split(",").map(Number);
  if (north === undefined) return null;
  const box = L.rectangle([[south, west], [north, east]], style(colour, false));
  return Object.assign(L.featureGroup([box]),
    { look: (isChosen) => box.setStyle({ ...style(colour, isChosen), fillOpacity: 0.08 }) });
}

/** From each row of the chosen reading a line to where the others have it: the shift itself. */
function link(links, drawn, chosen) {
  links.clearLayers();
  const from = drawn[chosen]?.rows;
  if (!from) return;
  for (const other of drawn.filter((one) => one?.rows && one.rows !== from && one.rows.length === from.length)) {
    from.forEach((row, place) => {
      const ends = [row, other.rows[place]].map((one) => one.getBounds().getCenter());
      links.addLayer(L.polyline(ends, { color: other.rows[place].getLayers()[0].options.color, weight: 1, dashArray: "4 4", interactive: false }));
    });
  }
}

function style(colour, chosen) {
  return { color: colour, weight: chosen ? 3 : 1.5, fillColor: colour, fillOpacity: chosen ? 0.5 : 0.2, radius: chosen ? 5 : 3 };
}
