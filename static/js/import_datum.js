// The mapping page: a file's rows as they would lie by each way of reading its coordinates; the choice fills the select.
import { ground } from './import_ground.js';

for (const box of document.querySelectorAll(".datum")) show(box);

function show(box) {
  const select = document.getElementById(box.dataset.select);
  const readings = JSON.parse(box.querySelector("script").textContent);
  const radios = [...box.querySelectorAll("input[type=radio]")];
  const colours = [...box.querySelectorAll(".swatch")].map((one) => getComputedStyle(one).backgroundColor);
  const map = L.map(box.querySelector(".datum-map"),
    { attributionControl: false, preferCanvas: true, zoomAnimation: false, fadeAnimation: false });
  const drawn = readings.map((shape, place) => (shape?.geometries.length ? L.geoJSON(shape, style(colours[place], false))
    : extentOf(radios[place], colours[place])));
  drawn.forEach((one) => one?.addTo(map));

  const mark = () => {
    radios.forEach((radio, place) => {
      if (!drawn[place]) return;
      drawn[place].setStyle(style(colours[place], radio.checked).style);
      if (!radio.checked) return;
      drawn[place].bringToFront();
      const bounds = drawn[place].getBounds();
      if (bounds.isValid()) map.fitBounds(bounds, { padding: [40, 40], maxZoom: 17 });
    });
  };
  radios.forEach((radio) => radio.addEventListener("change", () => {
    select.value = radio.value;
    mark();
  }));
  select.addEventListener("change", () => {
    radios.forEach((radio) => { radio.checked = radio.value === select.value; });
    mark();
  });
  map.setView([31.69, 113.38], 12);
  mark();
  const root = new URL(document.querySelector("form#mapping").action).pathname.replace(/\/imports\/.*$/, "");
  ground(map, root, box.dataset.ground.split(" "));
}

/** Where the shapes have too many vertices to be shown: the box that they fill. */
function extentOf(radio, colour) {
  const [west, south, east, north] = (radio?.dataset.bounds || "").split(",").map(Number);
  if (north === undefined) return null;
  const box = L.rectangle([[south, west], [north, east]], style(colour, false).style);
  return Object.assign(L.featureGroup([box]), { setStyle: (look) => box.setStyle({ ...look, fillOpacity: 0.08 }) });
}

function style(colour, chosen) {
  const look = { color: colour, weight: chosen ? 3 : 1.5, fillColor: colour, fillOpacity: chosen ? 0.6 : 0.25 };
  return { style: look, pointToLayer: (feature, at) => L.circleMarker(at, { ...look, radius: chosen ? 7 : 5 }) };
}
