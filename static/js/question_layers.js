// Saved questions that stand among the layers: drawn as their layer is, from tiles of their own.

const boxes = [...document.querySelectorAll('input[data-layer][data-of]')];
const known = new Map(boxes.map((box) => [box.dataset.layer, box.dataset]));

/** The layer that an entry of the tree is about: a question's, else the layer itself. */
export const baseOf = (id) => known.get(id)?.of || id;

/** What the question behind an entry of the tree asks, as parameters by name; null for a whole layer. */
export const furtherOf = (id) => (known.has(id) ? JSON.parse(known.get(id).further) : null);

/** Puts the questions on the stack; `make` is the kind of Leaflet layer that the stack's entries are. */
export function addQuestionLayers({ stack, layers, make }) {
  for (const [id, { of }] of known) layers[id] = new make(stack, { ...stack.ruleOf(of), id, collection: id, content: of });
}

/** Tells how many features answer, under the filter, once a question is switched on. */
export function countQuestionLayers({ tree, filter, root }) {
  async function count(id) {
    const badge = document.querySelector(`[data-count="${id}"]`);
    const asked = new URLSearchParams([...filter.query(id), ['f', 'json'], ['limit', 1]]).toString();
    if (badge.dataset.asked === asked) return;
    badge.dataset.asked = asked;
    const response = await fetch(`${root}/collections/${id}/items?${asked}`, { headers: { Accept: 'application/geo+json' } });
    if (badge.dataset.asked !== asked) return;
    badge.textContent = response.ok ? (await response.json()).numberMatched : '';
    badge.hidden = !response.ok;
  }
  const all = () => tree.shown().filter((id) => known.has(id)).forEach(count);
  tree.onChange(all);
  filter.onChange(all);
  all();
}

/** The filter and the layers for a sheet or file, with what is asked on the map of single layers (`also`). */
export function carriedLayers(shown, asked, also = {}) {
  for (const [of, { as_of: day, ...rest }] of Object.entries(also)) {
    // A sheet shows one day: that of the question, unless the map looks at another.
    if (day && !asked.has('as_of')) asked.set('as_of', day);
    asked.set(`${of}.and`, JSON.stringify([rest]));
  }
  asked.set('layers', shown.join(','));
}
