// A second canvas over the first, for a swipe: the same layers, another moment or other layers.

import { canvasFor } from './canvas.js';
import { dress } from './stack.js';

export function twinOf(map, stack) {
  const { themes, minZoom, maxZoom } = stack.options;
  const grid = canvasFor({ themes, minZoom, maxZoom });
  const kept = new Map(); // views that the stack itself has no use for
  let side = { only: () => true, moment: () => '' };

  function follow({ parts, dark, onCell }) {
    const shown = parts.filter((one) => side.only(one.rule.id)).map((one) => {
      const asked = side.moment(one.rule.id);
      const view = stack.viewFor(one, 'moment', asked, kept.get(one.rule.id)?.of === one ? kept.get(one.rule.id) : null);
      if (view !== one.view) kept.set(one.rule.id, { of: one, asked: view.query, view });
      return { rule: one.rule, view };
    });
    dress(grid, shown, dark, onCell);
  }

  return {
    grid,
    /** Show this side: `only(id)` says which layers, `moment(id)` what is added to the question of a layer. */
    show(next) { side = next; stack.on('dressed', follow); map.addLayer(grid); stack.later(); },
    hide() { stack.off('dressed', follow); grid.remove(); kept.clear(); },
  };
}
