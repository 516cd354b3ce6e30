// Before a form of a page is sent: does the server answer, and is the session still there? Where not, the page stays with
// all that was typed, and one sends again; the token of a session that began beside it goes into the form first.

const MOST_MS = 8000;
const TWICE_MS = 3000;
const AWAY = [502, 503, 504];
const told = document.getElementById('session-ended');
const unheard = document.getElementById('server-away');

async function session(root) {
  const answer = await fetch(`${root}/session`, { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(MOST_MS) });
  if (answer.status === 401) return { words: told };
  if (AWAY.includes(answer.status)) return { words: unheard };
  return answer.ok ? answer.json() : {};
}

function tell(form, words) {
  form.querySelector('[data-session-ended]')?.remove();
  form.prepend(words.content.cloneNode(true));
  const note = form.querySelector('[data-session-ended]');
  note.scrollIntoView({ block: 'center' });
  note.focus({ preventScroll: true });
}

/** The button is seen to work, and a second click sends nothing twice. */
function sent(form, submitter) {
  submitter?.setAttribute('aria-busy', 'true');
  for (const note of form.querySelectorAll('[data-when-sent]')) note.hidden = false;
  form.dataset.sent = '';
  setTimeout(() => delete form.dataset.sent, TWICE_MS);
}

async function prove(form, submitter) {
  // Who is only slow is sent to: the sending itself will tell.
  const found = await session(told.dataset.root).catch((fault) => (fault.name === 'TypeError' ? { words: unheard } : {}));
  if (found.words) return tell(form, found.words);
  form.querySelector('[data-session-ended]')?.remove();
  if (found.csrf_token && form.elements.csrf_token) form.elements.csrf_token.value = found.csrf_token;
  form.dataset.proved = '';
  form.requestSubmit(submitter);
  return undefined;
}

// On the window, so that the scripts which send a form themselves have said so before.
if (told) {
  window.addEventListener('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute('method') !== 'post' || form.matches('[hx-post], [action$="/sign-out"]')) return;
    if ('proved' in form.dataset) {
      delete form.dataset.proved;
      sent(form, event.submitter);
      return;
    }
    event.preventDefault();
    if ('proving' in form.dataset || 'sent' in form.dataset) return;
    form.dataset.proving = '';
    prove(form, event.submitter).finally(() => delete form.dataset.proving);
  });
  window.addEventListener('pageshow', () => {
    for (const button of document.querySelectorAll('form [aria-busy]')) button.removeAttribute('aria-busy');
    for (const note of document.querySelectorAll('[data-when-sent]')) note.hidden = true;
  });
}
