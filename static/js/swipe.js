// The handle between two maps: left of it the second canvas, right of it the stack. Pointer, touch and keyboard move it.

import { twinOf } from './twin.js';

const STEP = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.1, PageUp: 0.1 };

export function swipeFor({ map, stack }) {
  const box = document.getElementById('swipe');
  const knob = box.querySelector('[role=slider]');
  const twin = twinOf(map, stack);
  const listeners = [];
  let at = 0.5;
  let on = false;

  function clip(element, left, right, top, bottom) {
    element.style.clipPath = `polygon(${left}px ${top}px, ${right}px ${top}px, ${right}px ${bottom}px, ${left}px ${bottom}px)`;
  }

  function place() {
    if (!on || !stack.getContainer()) return;
    const size = map.getSize();
    const [from, to] = [map.containerPointToLayerPoint([0, 0]), map.containerPointToLayerPoint(size)];
    const middle = from.x + Math.round(size.x * at);
    clip(twin.grid.getContainer(), from.x, middle, from.y, to.y);
    clip(stack.getContainer(), middle, to.x, from.y, to.y);
    box.style.left = `${Math.round(size.x * at)}px`;
    knob.setAttribute('aria-valuenow', String(Math.round(at * 100)));
  }

  function move(share) {
    at = Math.min(Math.max(share, 0.02), 0.98);
    place();
    for (const listener of listeners) listener();
  }

  function drag(event) {
    if (!box.classList.contains('is-held')) return;
    const area = map.getContainer().getBoundingClientRect();
    move((event.clientX - area.left) / area.width);
  }

  box.addEventListener('pointerdown', (event) => {
    event.preventDefault();
    knob.focus({ preventScroll: true });
    box.setPointerCapture(event.pointerId);
    box.classList.add('is-held');
  });
  box.addEventListener('pointermove', drag);
  for (const end of ['pointerup', 'pointercancel']) box.addEventListener(end, () => box.classList.remove('is-held'));
  knob.addEventListener('keydown', (event) => {
    const target = { Home: 0, End: 1 }[event.key];
    if (target === undefined && !STEP[event.key]) return;
    event.preventDefault();
    move(target ?? at + STEP[event.key]);
  });
  map.on('move zoomend viewreset resize', place);
  stack.on('add', place);

  return {
    /** Two sides, each { only(id), moment(id), title }; null puts the handle away. */
    show(left, right) {
      on = true;
      box.hidden = false;
      box.querySelector('[data-swipe=left]').textContent = left.title;
      box.querySelector('[data-swipe=right]').textContent = right.title;
      stack.limit(right.only);
      twin.show(left);
      place();
    },
    hide() {
      if (!on) return;
      on = false;
      box.hidden = true;
      twin.hide();
      stack.limit(() => true);
      if (stack.getContainer()) stack.getContainer().style.clipPath = '';
    },
    /** Whether a place of the map is on the left side. */
    isLeft: (latlng) => on && map.latLngToContainerPoint(latlng).x < map.getSize().x * at,
    at: () => at,
    put: move,
    onChange: (listener) => listeners.push(listener),
  };
}
