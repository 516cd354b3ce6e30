// Photos of a feature: the large view over the strip, several files sent one after another, one removed.
// The strip is looked for when something is done in it, because panels come and go.

import { refusal } from './send.js';

const PARALLEL = 2;
const RETRIES = [0, 1500, 4000]; // ms before each try: a phone on the street loses its connection
let sending = 0;

const stripOf = (node) => node.closest('[data-photos]');
const wordsOf = (strip) => JSON.parse(strip.dataset.words);

/** An id of the client's own, so that a photo sent twice is stored once. Also where there is no HTTPS. */
function freshId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

// --- the large view

function show(strip, number, focus = false) {
  const links = [...strip.querySelectorAll('[data-photo]')];
  const dialog = strip.querySelector('dialog');
  const place = (number + links.length) % links.length;
  const link = links[place];
  const image = dialog.querySelector('img');
  image.src = link.href;
  image.alt = link.querySelector('img').alt;
  dialog.dataset.number = String(place);
  dialog.querySelector('[data-place]').textContent = `${place + 1} / ${links.length}`;
  for (const button of dialog.querySelectorAll('.photo-step')) button.hidden = links.length < 2;
  const about = link.closest('li').querySelector('.photo-about');
  dialog.querySelector('.photo-view-about').replaceChildren(...Array.from(about.cloneNode(true).childNodes));
  if (!dialog.open) dialog.showModal();
  if (focus) dialog.querySelector('[data-photo-act="close"]').focus();
}

function step(dialog, by) {
  show(stripOf(dialog), Number(dialog.dataset.number) + by);
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('[data-photo]');
  if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey && stripOf(link)?.querySelector('dialog')) {
    event.preventDefault();
    const strip = stripOf(link);
    show(strip, [...strip.querySelectorAll('[data-photo]')].indexOf(link), true);
    strip.querySelector('dialog').addEventListener('close', () => link.focus({ preventScroll: true }), { once: true });
    return;
  }
  const dialog = event.target.closest('.photo-view');
  if (!dialog) return;
  const act = event.target.closest('[data-photo-act]')?.dataset.photoAct;
  if (act === 'back') step(dialog, -1);
  else if (act === 'forth') step(dialog, 1);
  else if (act === 'close' || event.target === dialog) dialog.close();
});

// Before the map's own listeners: Escape closes the large view and leaves the panel open.
document.addEventListener('keydown', (event) => {
  const dialog = event.target.closest?.('.photo-view') || document.querySelector('.photo-view[open]');
  if (!dialog) return;
  const typing = event.target.matches('input, textarea');
  if (event.key === 'ArrowLeft' && !typing) step(dialog, -1);
  else if (event.key === 'ArrowRight' && !typing) step(dialog, 1);
  else if (event.key !== 'Escape') return;
  event.stopImmediatePropagation();
}, true);

// --- the strip anew

function swap(strip, text) {
  const fresh = new DOMParser().parseFromString(text, 'text/html').querySelector('[data-photos]');
  if (!fresh || !strip.isConnected) return null;
  strip.replaceWith(fresh);
  return fresh;
}

async function reload(strip) {
  const response = await fetch(strip.dataset.photos, { headers: { 'X-Requested-With': 'fetch' } });
  return response.ok ? swap(strip, await response.text()) : null;
}

// --- sending

async function token(root) {
  const response = await fetch(`${root}/session`, { headers: { Accept: 'application/json' } });
  return response.ok ? (await response.json()).csrf_token : '';
}

/** One try at one file: the status, and what the answer says. 0 where no answer came. */
function post(url, form, csrf, onProgress) {
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', url);
    request.setRequestHeader('Accept', 'application/json');
    request.setRequestHeader('X-CSRFToken', csrf);
    request.upload.addEventListener('progress', (event) => { if (event.lengthComputable) onProgress(event.loaded / event.total); });
    request.addEventListener('loadend', () => resolve({ status: request.status, text: request.responseText }));
    request.send(form);
  });
}

const said = (answer, words) => refusal({ json: async () => JSON.parse(answer.text) }, words.failed);

/** A line that tells how far one file is. */
function lineFor(list, file) {
  const line = document.createElement('li');
  const name = document.createElement('span');
  const bar = document.createElement('progress');
  const text = document.createElement('span');
  name.className = 'photo-name';
  name.textContent = file.name;
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute('aria-label', file.name);
  text.className = 'photo-said';
  line.append(name, bar, text);
  list.append(line);
  return { line, bar, text };
}

async function sendOne(strip, form, file, told) {
  const words = wordsOf(strip);
  const body = new FormData();
  body.append('id', freshId());
  body.append('caption', form.elements.caption.value);
  body.append('file', file, file.name);
  told.text.textContent = words.sending;
  let answer = { status: 0, text: '' };
  for (const wait of RETRIES) {
    await new Promise((resolve) => { setTimeout(resolve, wait); });
    answer = await post(form.dataset.send, body, await token(strip.dataset.root).catch(() => ''), (part) => {
      told.bar.value = part;
      if (part === 1) told.text.textContent = words.looking;
    });
    if (answer.status !== 0 && answer.status !== 503) break; // the same id again makes no second photo
  }
  const good = answer.status === 200 || answer.status === 201;
  told.bar.hidden = true;
  told.text.textContent = good ? words.done : answer.status ? await said(answer, words) : words.offline;
  told.line.className = good ? 'is-good' : 'is-bad';
  return good;
}

async function sendAll(form, files) {
  const strip = stripOf(form);
  const list = form.querySelector('.photo-progress');
  const waiting = files.map((file) => [file, lineFor(list, file)]);
  let added = 0;
  const lane = async () => {
    for (let next = waiting.shift(); next; next = waiting.shift()) if (await sendOne(strip, form, ...next)) added += 1;
  };
  sending += 1;
  form.classList.add('is-sending');
  await Promise.all(Array.from({ length: PARALLEL }, lane));
  sending -= 1;
  form.classList.remove('is-sending');
  if (!added) return;
  const bad = [...list.querySelectorAll('.is-bad')];
  const fresh = await reload(strip);
  if (!fresh) return;
  fresh.querySelector('.photo-progress')?.append(...bad); // what did not enter stays told
  fresh.querySelector('h3').focus({ preventScroll: true });
}

document.addEventListener('change', (event) => {
  const form = event.target.matches?.('.photo-form input[type="file"]') && event.target.form;
  if (!form) return;
  const files = [...event.target.files];
  event.target.value = '';
  if (files.length) sendAll(form, files);
});

window.addEventListener('beforeunload', (event) => { if (sending) event.preventDefault(); });

// --- removing, and bringing back

document.addEventListener('submit', async (event) => {
  if (!event.target.matches('.photo-view form, .photos .photo-gone form')) return;
  event.preventDefault();
  const form = event.target;
  const strip = stripOf(form);
  const body = new FormData(form);
  body.set('csrf_token', await token(strip.dataset.root).catch(() => ''));
  const response = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'text/html', 'X-Requested-With': 'fetch' } }).catch(() => null);
  if (response?.ok) {
    const text = await response.text();
    strip.querySelector('dialog')?.close();
    swap(strip, text)?.querySelector('h3').focus({ preventScroll: true });
    return;
  }
  const note = document.createElement('p');
  note.className = 'alert alert-error';
  note.setAttribute('role', 'alert');
  note.textContent = response ? await refusal(response, wordsOf(strip).failed) : wordsOf(strip).offline;
  form.after(note);
});
