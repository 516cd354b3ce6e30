// The table of an answer: ticking rows, and the input for the field that is changed in all of them.

const table = (node) => node.closest('#answer');

function count(answer) {
  const place = answer.querySelector('[data-ticked]');
  const picks = [...answer.querySelectorAll('input[name=pick]')];
  const ticked = picks.filter((one) => one.checked).length;
  if (place) place.textContent = ticked;
  const all = answer.querySelector('[data-tick-all]');
  if (all) { all.checked = ticked > 0 && ticked === picks.length; all.indeterminate = ticked > 0 && ticked < picks.length; }
}

function show(select) {
  for (const one of select.form.querySelectorAll('[data-value-of]')) one.hidden = one.dataset.valueOf !== select.value;
}

document.addEventListener('change', ({ target }) => {
  if (target.matches('[data-tick-all]')) {
    for (const one of table(target).querySelectorAll('input[name=pick]')) one.checked = target.checked;
  }
  if (target.matches('[data-tick-all], input[name=pick]')) {
    const own = table(target).querySelector('[data-ask-batch] input[name=whole][value=""]');
    if (own) own.checked = true;
    count(table(target));
  }
  if (target.matches('[data-batch-field]')) show(target);
});
