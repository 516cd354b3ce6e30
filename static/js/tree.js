// The layer tree of the side bar: check boxes that switch the map's layers.

/** Ties the check boxes to the layers; `first` are the ids switched on at the start. */
export function treeFor(map, layers, first) {
  const boxes = new Map([...document.querySelectorAll('input[data-layer]')].map((box) => [box.dataset.layer, box]));
  const titles = {};
  const listeners = [];

  for (const [id, box] of boxes) {
    titles[id] = box.closest('.layer-line').querySelector('.layer-title').textContent.trim();
    box.addEventListener('change', () => { apply(id); tell(); });
  }

  for (const button of document.querySelectorAll('.legend-button')) {
    button.addEventListener('click', () => {
      const open = button.getAttribute('aria-expanded') !== 'true';
      button.setAttribute('aria-expanded', String(open));
      document.getElementById(button.getAttribute('aria-controls')).hidden = !open;
    });
  }

  function apply(id) {
    const [box, layer] = [boxes.get(id), layers[id]];
    box.closest('[data-layer-row]').classList.toggle('is-off', !box.checked);
    if (!layer || box.checked === map.hasLayer(layer)) return;
    if (box.checked) map.addLayer(layer);
    else map.removeLayer(layer);
  }

  function tell() {
    for (const listener of listeners) listener();
  }

  function show(ids) {
    for (const [id, box] of boxes) {
      box.checked = ids.includes(id);
      apply(id);
    }
    tell();
  }

  show(first);
  return {
    titles,
    show,
    /** Switch one more layer on. */
    turnOn(id) { if (boxes.has(id) && !boxes.get(id).checked) { boxes.get(id).checked = true; apply(id); tell(); } },
    shown: () => [...boxes].filter(([, box]) => box.checked).map(([id]) => id),
    onChange: (listener) => listeners.push(listener),
  };
}
