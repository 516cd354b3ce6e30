// What is done to the open feature by one click: another state, deletion, and the way back from both.

import { refusal, send } from './send.js';
import { backButton, notice, requestOf, undoButton } from './undo.js';

export function actsFor({ body, panel, changed, root, words }) {
  const card = () => body.querySelector('[data-feature]');

  function tell(text, action) {
    const note = document.createElement('p');
    note.className = 'alert alert-info';
    note.setAttribute('role', 'status');
    note.append(text);
    if (action) note.append(' ', action);
    return note;
  }

  function wayBack(path, version, layer, id) {
    return backButton({
      root, path: `${path}/restore`, body: { version }, words, done() { changed(layer); panel.open({ layer, id }); },
    });
  }

  async function refused(response, layer, id) {
    const text = await refusal(response, words.failed);
    if (response.status === 412) await panel.open({ layer, id });
    body.querySelector('h2')?.after(tell(text));
  }

  async function remove({ layer, feature: id, version }) {
    if (!window.confirm(words.confirm_delete)) return;
    const path = `/collections/${layer}/items/${id}`;
    const response = await send(root, 'DELETE', path, { version });
    if (!response.ok) { await refused(response, layer, id); return; }
    changed(layer);
    panel.close();
    panel.show(tell(words.deleted, wayBack(path, Number(version), layer, id)));
  }

  async function put({ layer, feature: id, version }, status) {
    const response = await send(root, 'PATCH', `/collections/${layer}/items/${id}`, { version, body: { properties: { status } } });
    if (!response.ok) { await refused(response, layer, id); return; }
    changed(layer);
    await panel.open({ layer, id });
    body.querySelector('h2')?.after(notice(words.state_done, 'success', undo(layer, id, requestOf(response))));
  }

  function undo(layer, id, request) {
    return undoButton({ root, layer, request, words, done: () => { changed(layer); panel.open({ layer, id }); } });
  }

  /** Takes back what a form has just saved; a new record is gone then. */
  async function takeBack(button, { layer, feature: id, version }) {
    button.disabled = true;
    const response = await send(root, 'POST', `/collections/${layer}/undo`, { body: { request: button.dataset.request } });
    if (!response.ok) { button.replaceWith(await refusal(response, words.failed)); return; }
    changed(layer);
    if (version === '1') panel.close();
    else panel.open({ layer, id });
  }

  body.addEventListener('click', (event) => {
    const undoing = event.target.closest('[data-act="undo"]');
    if (undoing && card()) takeBack(undoing, { ...card().dataset });
    const button = event.target.closest('[data-act="delete"], [data-act="state"]');
    if (!button || !card()) return;
    const seen = { ...card().dataset };
    if (button.dataset.act === 'delete') remove(seen);
    else put(seen, button.dataset.state);
  });
}
