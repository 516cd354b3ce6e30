// What somebody unfolded stays so when the page around it is drawn anew: parts are known by their `data-fold`.

let open = [];

document.addEventListener('htmx:beforeSwap', ({ detail: { target } }) => {
  open = [...target.querySelectorAll('details[data-fold][open]')].map((one) => one.dataset.fold);
});

document.addEventListener('htmx:afterSettle', () => {
  for (const name of open.splice(0)) document.querySelector(`details[data-fold="${name}"]`)?.setAttribute('open', '');
});
