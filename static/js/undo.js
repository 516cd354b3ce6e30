// The way back from what was just done: the server undoes everything that one request did.

import { refusal, send } from './send.js';

/** A button that goes back by a POST of `body` to `path`; `done` is called after it worked. */
export function backButton({ root, path, body, words, done }) {
  const button = document.createElement('button');
  button.type = 'button';
  button.className = 'button button-small';
  button.textContent = words.undo;
  button.addEventListener('click', async () => {
    button.disabled = true;
    const response = await send(root, 'POST', path, { body });
    if (response.ok) done();
    else button.replaceWith(await refusal(response, words.failed));
  });
  return button;
}

/** A button that undoes the request behind an answer. */
export function undoButton({ root, layer, request, words, done }) {
  return backButton({ root, path: `/collections/${layer}/undo`, body: { request }, words, done });
}

/** What an answer's request is called. */
export const requestOf = (response) => response.headers.get('X-Request-Id');

/** A line that tells what happened, with things behind it. */
export function notice(text, kind, ...behind) {
  const note = document.createElement('p');
  note.className = `alert alert-${kind}`;
  note.setAttribute('role', 'status');
  note.append(text);
  for (const one of behind) note.append(' ', one);
  return note;
}
