// Who else is at the open feature: told every few seconds, shown under its heading.

import { send } from './send.js';

export function presenceFor({ panel, root, words }) {
  const body = document.getElementById('panel-body');
  let [at, timer] = [null, null];

  function target() {
    const card = body.querySelector('[data-feature]:not([data-as-of], [data-gone]), [data-feature-form][data-version]');
    const editing = card?.matches('form');
    if (!card || (!editing && !panel.selected())) return null; // the panel is being closed
    return { path: `/presence/${editing ? card.dataset.featureForm : card.dataset.layer}/${editing ? card.dataset.id : card.dataset.feature}`, act: editing ? 'edit' : 'view' };
  }

  function show(others) {
    body.querySelector('.presence')?.remove();
    if (!others.length) return;
    const line = document.createElement('p');
    line.className = 'presence';
    line.setAttribute('role', 'status');
    for (const one of others) {
      const chip = document.createElement('span');
      chip.className = one.act === 'edit' ? 'chip chip-warn' : 'chip';
      chip.textContent = `${one.username} ${one.act === 'edit' ? words.edits : words.views}`;
      line.append(chip);
    }
    body.querySelector('h2')?.after(line);
  }

  async function beat() {
    const here = at;
    window.clearTimeout(timer);
    if (!here || document.hidden) return;
    try {
      const response = await send(root, 'POST', here.path, { body: { act: here.act } });
      if (!response.ok || here !== at) return;
      const { others, beat_s: seconds } = await response.json();
      show(others);
      timer = window.setTimeout(beat, seconds * 1000);
    } catch { if (here === at) timer = window.setTimeout(beat, 10_000); }
  }

  function changed() {
    const next = target();
    if (next?.path === at?.path && next?.act === at?.act) { if (next) beat(); return; }
    if (at && at.path !== next?.path) send(root, 'POST', at.path, { body: { act: 'leave' } }).catch(() => {});
    at = next;
    if (at) beat();
    else window.clearTimeout(timer);
  }

  panel.onChange(changed);
  body.addEventListener('htmx:afterSwap', changed);
  document.addEventListener('visibilitychange', beat);
}
