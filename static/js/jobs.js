// The page of jobs renews itself every two seconds: what becomes of a job is told to those who do not see it, a server that
// does not answer to all, and what was folded out stays so.
const told = document.getElementById('jobs-status');
const away = document.getElementById('jobs-away');

const states = () => new Map([...document.querySelectorAll('#jobs .job')].map((job) => [job.id,
  `${job.querySelector('.card-title').textContent.trim()}: ${job.querySelector('.chip').textContent.trim()}`]));
const folds = () => [...document.querySelectorAll('#jobs .job')].flatMap((job) => [...job.querySelectorAll('details')]
  .map((fold) => ({ fold, name: `${job.id} ${fold.querySelector('summary').textContent}` })));

let known = states();
let open = [];

document.body.addEventListener('htmx:beforeSwap', () => {
  open = folds().filter(({ fold }) => fold.open).map(({ name }) => name);
});
document.body.addEventListener('htmx:afterSwap', () => {
  away.hidden = true;
  for (const { fold, name } of folds()) fold.open = open.includes(name);
  const now = states();
  const news = [...now].filter(([job, state]) => known.get(job) !== state).map(([, state]) => state);
  if (news.length) told.textContent = news.join('. ');
  known = now;
});
// On paper nothing can be folded out.
const folded = () => folds().map(({ fold }) => fold).filter((fold) => !fold.open && !fold.closest('.toolbar'));
let unfolded = [];
window.addEventListener('beforeprint', () => {
  unfolded = folded();
  for (const fold of unfolded) fold.open = true;
});
window.addEventListener('afterprint', () => {
  for (const fold of unfolded) fold.open = false;
});
for (const fault of ['sendError', 'timeout', 'responseError']) {
  document.body.addEventListener(`htmx:${fault}`, () => { away.hidden = false; });
}
