// The shape of something that is there already: a click on it, and the new one has the same.

const DIMENSION = { Point: 0, MultiPoint: 0, MultiLineString: 1, MultiPolygon: 2 };

export function copierFor({ map, tree, root, words, say, give }) {
  let target = null;

  async function take({ latlng }) {
    const { lng, lat } = latlng.wrap();
    const asked = new URLSearchParams({ f: 'json', lon: lng.toFixed(7), lat: lat.toFixed(7), zoom: map.getZoom(), layers: tree.shown().join(',') });
    const response = await fetch(`${root}/identify?${asked}`);
    const { hits } = response.ok ? await response.json() : { hits: [] };
    const hit = hits.find((one) => one.dimension === DIMENSION[target?.geometry] && one.id !== target.id);
    if (!target) return;
    if (!hit) { say(words.copy_none); return; }
    const found = await fetch(`${root}/collections/${hit.layer}/items/${hit.id}?f=json`);
    const { geometry } = found.ok ? await found.json() : {};
    if (!target || !geometry) return;
    stop();
    give(geometry);
    say(words.copied.replace('{name}', hit.title || tree.titles[hit.layer]));
  }

  function start(next) {
    target = next;
    map.on('click', take);
  }

  function stop() {
    target = null;
    map.off('click', take);
  }

  return { start, stop, isOn: () => Boolean(target) };
}
