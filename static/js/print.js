// The print page: the preview follows the form, and says what cannot be printed.

const form = document.getElementById('print');
const place = document.getElementById('preview');
const picture = place.querySelector('img');
const problem = place.querySelector('[role=alert]');
let latest = 0;

function say(text) {
  problem.textContent = text;
  problem.hidden = !text;
  picture.hidden = Boolean(text);
}

async function refresh() {
  const turn = latest += 1;
  const asked = new URLSearchParams(new FormData(form));
  asked.set('dpi', '96');
  place.setAttribute('aria-busy', 'true');
  try {
    const address = form.querySelector('[formaction$=".png"]').formAction;
    const response = await fetch(`${address}?${asked}`, { headers: { Accept: 'application/json, image/png' } });
    if (turn !== latest) return;
    if (response.ok) {
      URL.revokeObjectURL(picture.src);
      picture.src = URL.createObjectURL(await response.blob());
      say('');
    } else {
      const told = await response.json().catch(() => ({}));
      say(told.detail || place.dataset.failed);
    }
  } catch {
    if (turn === latest) say(place.dataset.failed);
  }
  if (turn === latest) place.removeAttribute('aria-busy');
}

form.addEventListener('change', refresh);
form.addEventListener('submit', (event) => {
  if (!event.submitter?.hasAttribute('data-preview')) return;
  event.preventDefault();
  refresh();
});
picture.addEventListener('load', () => place.removeAttribute('aria-busy'));
picture.addEventListener('error', refresh, { once: true });
if (!picture.complete) place.setAttribute('aria-busy', 'true');
else if (picture.naturalWidth === 0) refresh();
