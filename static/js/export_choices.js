// The page of a hand-over: with a receiver the format, system and encoding are its own, shown and not to be chosen.
const receiver = document.getElementById('receiver');
const formats = document.getElementById('formats');
const kept = document.getElementById('receiver-format');
const before = {};

function show() {
  const { format, crs, encoding, personal } = receiver.selectedOptions[0].dataset;
  const chosen = receiver.value !== '';
  formats.disabled = chosen;
  kept.disabled = !chosen;
  kept.value = format ?? '';
  const radio = document.getElementById(`f-${chosen ? format : before.format}`);
  if (radio) radio.checked = true;
  settle('crs', chosen, crs);
  settle('encoding', chosen, encoding === 'GBK' ? '' : encoding);
  for (const one of document.querySelectorAll('[data-with-receiver]')) one.hidden = !chosen;
  const reason = document.getElementById('personal-reason');
  if (reason && !reason.required) {
    reason.disabled = chosen && personal !== 'yes';
    reason.closest('.field').hidden = reason.disabled;
  }
}

function settle(id, chosen, value) {
  const select = document.getElementById(id);
  select.value = chosen ? value : before[id];
  select.disabled = chosen;
}

function remember() {
  if (receiver.value !== '') return;
  before.format = formats.querySelector('input:checked')?.value;
  before.crs = document.getElementById('crs').value;
  before.encoding = document.getElementById('encoding').value;
}

if (receiver) {
  const form = document.getElementById('hand-over');
  form.addEventListener('change', (event) => { if (event.target !== receiver) remember(); });
  receiver.addEventListener('change', show);
  // A page that comes back from the browser's memory still shows the receiver that was chosen.
  window.addEventListener('pageshow', () => { remember(); show(); });
}
