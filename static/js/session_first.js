// Before a form of a page is sent: is the session still there? Where it ended, the page stays with all that was typed,
// one signs in beside it and sends again; the token of the new session goes into the form first.

const MOST_MS = 8000;
const TWICE_MS = 3000;
const told = document.getElementById('session-ended');

async function session(root) {
  const answer = await fetch(`${root}/session`, { headers: { Accept: 'application/json' }, signal: AbortSignal.timeout(MOST_MS) });
  if (answer.status === 401) return null;
  return answer.ok ? answer.json() : {};
}

function tell(form) {
  form.querySelector('[data-session-ended]')?.remove();
  form.prepend(told.content.cloneNode(true));
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
  let found = {};
  try {
    found = await session(told.dataset.root);
  } catch { /* the sending itself will tell */ }
  if (!found) return tell(form);
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
