// Drawing by numbers: coordinates in any system of the menu, or legs by bearing and distance with their closure.

import { refusal, send } from './send.js';

export function numbersFor({ map, bar, root, words, say, give }) {
  const place = bar.querySelector('[data-numbers]');
  let target = null;

  const form = () => place.querySelector('form');

  function ways() {
    const way = new FormData(form()).get('way');
    for (const part of form().querySelectorAll('[data-way]')) part.hidden = part.dataset.way !== way;
    return way;
  }

  function tell(text) {
    const told = form().querySelector('[data-told]');
    told.textContent = text;
    told.hidden = !text;
  }

  function closing({ closed, error_m: error, length_m: length, ratio }) {
    const text = closed ? words.closure : words.open_end;
    return text.replace('{length}', length.toFixed(2)).replace('{error}', error.toFixed(3)).replace('{ratio}', ratio ? `1:${ratio}` : '–');
  }

  async function make(event) {
    event.preventDefault();
    const values = new FormData(form());
    const way = ways();
    const body = { kind: target.geometry, crs: values.get('crs') };
    if (way === 'points') body.points = values.get('points');
    else Object.assign(body, { start: values.get('start'), legs: values.get('legs'), adjust: values.has('adjust') });
    const response = await send(root, 'POST', `/map/construct/${target.layer}`, { body });
    if (!response.ok) { tell(await refusal(response, words.failed)); return; }
    const { geometry, closure } = await response.json();
    close(); // or it would lie over what it drew; what was typed is kept
    give(geometry);
    say(closure ? closing(closure) : words.drawn);
  }

  function close() {
    target = null;
    place.hidden = true;
    bar.querySelector('[data-draw-act="numbers"]').setAttribute('aria-expanded', 'false');
  }

  async function open(next) {
    target = next;
    const { lng, lat } = map.getCenter().wrap();
    if (!form()) {
      const response = await fetch(`${root}/map/construct/${next.layer}?lon=${lng.toFixed(5)}`, { headers: { Accept: 'text/html' } });
      if (!response.ok || !target) return;
      place.innerHTML = await response.text();
      form().addEventListener('submit', make);
      form().addEventListener('change', ways);
      form().querySelector('[data-numbers-close]').addEventListener('click', () => { close(); bar.querySelector('[data-draw-act="numbers"]').focus(); });
    }
    if (!form().elements.start.value) form().elements.start.value = `${lng.toFixed(7)}, ${lat.toFixed(7)}`;
    tell('');
    place.hidden = false;
    bar.querySelector('[data-draw-act="numbers"]').setAttribute('aria-expanded', 'true');
    form().querySelector(`[name=${ways()}]`).focus();
  }

  return { open, close, isOpen: () => Boolean(target), retarget(next) { if (target) target = next; } };
}
