// A feature split by a line that is drawn over it, and several united in one.

import { refusal, send } from './send.js';
import { notice, requestOf, undoButton } from './undo.js';

function element(tag, values, ...inside) {
  const made = Object.assign(document.createElement(tag), values);
  made.append(...inside);
  return made;
}

export function partsFor({ body, panel, changed, begin, root, words }) {
  const say = (note) => body.querySelector('h2')?.after(note);

  /** The feature, with what was done to it and the way back. */
  async function show(layer, id, response, text, gone) {
    changed(layer);
    await panel.open({ layer, id });
    const done = () => { changed(layer); panel.open({ layer, id }); };
    say(notice(text, 'success', ...gone, undoButton({ root, layer, request: requestOf(response), words, done })));
  }

  function link({ id, properties }, layer) {
    const button = element('button', { type: 'button', className: 'button button-small button-quiet', textContent: properties.title || words.piece });
    button.addEventListener('click', () => panel.open({ layer, id }));
    return button;
  }

  async function cut({ layer, feature: id, version, title }, line) {
    const response = await send(root, 'POST', `/collections/${layer}/items/${id}/split`, { version, body: { line } });
    if (!response.ok) {
      if (response.status === 412) await panel.open({ layer, id });
      say(notice(await refusal(response, words.failed), 'error'));
      return;
    }
    const { features } = await response.json();
    const others = features.slice(1).map((one, at) => link({ ...one, properties: { title: `${title} · ${at + 2}` } }, layer));
    await show(layer, id, response, words.split_done.replace('{n}', features.length), others);
  }

  function split(card) {
    const seen = { ...card.dataset, title: card.querySelector('h2').textContent };
    begin({ layer: seen.layer, geometry: 'MultiLineString', slot: null, hint: words.split_hint, then: (line) => cut(seen, line) });
  }

  async function unite(layer, ids, after) {
    const response = await send(root, 'POST', `/collections/${layer}/merge`, { body: { ids } });
    if (!response.ok) { say(notice(await refusal(response, words.failed), 'error')); return; }
    after();
    await show(layer, ids[0].id, response, words.merge_done.replace('{n}', ids.length), []);
  }

  /** Asks which of the chosen features is to stay; the others become a part of it. */
  function merge(layer, chosen, after) {
    const form = element('form', { className: 'panel-form merge-form' });
    const options = chosen.map(({ id, title }, at) => element('label', { className: 'choice' },
      element('input', { type: 'radio', name: 'keep', value: id, checked: at === 0 }), element('span', { textContent: title })));
    const list = element('fieldset', { className: 'field' }, element('legend', { textContent: words.merge_keep }), ...options);
    const save = element('button', { type: 'submit', className: 'button button-primary', textContent: words.merge });
    const leave = element('button', { type: 'button', className: 'button', textContent: words.cancel });
    leave.addEventListener('click', () => panel.close());
    form.append(element('h2', { textContent: words.merge_title.replace('{n}', chosen.length), tabIndex: -1 }),
      element('p', { className: 'muted', textContent: words.merge_hint }), list, element('div', { className: 'form-actions' }, save, leave));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      save.disabled = true;
      const keep = new FormData(form).get('keep');
      const ids = [...chosen].sort((one, other) => (other.id === keep) - (one.id === keep)).map(({ id, version }) => ({ id, version }));
      unite(layer, ids, after).finally(() => { save.disabled = false; });
    });
    panel.close();
    panel.show(form);
    form.querySelector('h2').focus({ preventScroll: true });
  }

  body.addEventListener('click', (event) => {
    const card = event.target.closest('[data-feature]');
    if (card && event.target.closest('[data-act="split"]')) split(card);
  });
  return { merge };
}
