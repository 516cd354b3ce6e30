// Which moment the map shows: now, a day in the past, two days against each other, two sides of a handle.

import { dayOf, endOf, isDay, shift } from './days.js';
import { baseOf } from './question_layers.js';
import { differencesFor } from './differences.js';
import { swipeFor } from './swipe.js';
import { sliderFor } from './time_slider.js';

const NOW = { mode: 'now' };

function side(text) {
  const [layer, day] = (text || '').split('@');
  return { layer: /^[a-z][a-z0-9_]*$/.test(layer || '') ? layer : '', day: isDay(day) ? day : '' };
}

/** What a link asks for; now when it makes no sense. */
function read(text) {
  const [mode, rest = ''] = (text || '').split(':');
  const parts = rest.split('/');
  if (mode === 'day' && isDay(rest)) return { mode, day: rest };
  if (mode === 'days' && isDay(parts[0]) && isDay(parts[1]) && parts[0] < parts[1]) return { mode, days: parts.slice(0, 2), split: parts[2] === 'split' };
  if (mode === 'swipe' && parts.length === 2) return { mode, sides: parts.map(side) };
  return NOW;
}

function write(state) {
  if (state.mode === 'day') return `day:${state.day}`;
  if (state.mode === 'days') return `days:${state.days.join('/')}${state.split ? '/split' : ''}`;
  if (state.mode === 'swipe') return `swipe:${state.sides.map(({ layer, day }) => `${layer}@${day}`).join('/')}`;
  return '';
}

export function timesFor({ map, stack, tree, filter, panel, tabs, missions, root }) {
  const place = document.getElementById('side-times');
  const form = document.getElementById('times-form');
  const note = document.getElementById('note-times');
  const problem = document.getElementById('times-problem');
  const words = JSON.parse(place.dataset.words);
  const { zone } = place.dataset;
  const swipe = swipeFor({ map, stack });
  const differences = differencesFor({ map, root, tree, panel, filter, layers: missions, words });
  const slider = sliderFor({ root, stack, tree, filter, zone, words });
  const listeners = [];
  let state = NOW;
  let known = null; // { today, since, titles } once the server has told

  const input = (id) => document.getElementById(`times-${id}`);
  const today = () => known?.today || dayOf(new Date().toISOString(), zone);

  function tell() {
    for (const listener of listeners) listener();
  }

  async function learn() {
    if (known) return;
    const response = await fetch(`${root}/map/times`).catch(() => null);
    if (response?.ok) known = await response.json();
    for (const one of place.querySelectorAll('input[type=date]')) one.max = today();
  }

  // ------------------------------------------------------------------ what is asked of a layer on a day
  /** The ground stays as it is for days before it was first recorded: a map without ground tells nothing. */
  function pairs(layer, day) {
    if (!day || day >= today()) return [];
    const moment = endOf(day, zone);
    const since = known?.since[layer];
    if (!missions.includes(layer) && (!since || since > moment)) return [];
    return [['as_of', moment]];
  }

  const question = (day) => (layer) => new URLSearchParams(pairs(layer, day)).toString();
  const onlyOf = (layer) => (layer ? (id) => id === layer || !missions.includes(id) : () => true);

  /** Left and right as { layer, day }; the right one is the map itself. */
  function sides() {
    if (state.mode === 'day') return [null, { layer: '', day: state.day }];
    if (state.mode === 'days') return [state.split ? { layer: '', day: state.days[0] } : null, { layer: '', day: state.days[1] }];
    if (state.mode === 'swipe') return state.sides;
    return [null, { layer: '', day: '' }];
  }

  function titleOf({ layer, day }) {
    const what = layer ? tree.titles[layer] : '';
    return [what, day || (what ? '' : words.now)].filter(Boolean).join(' · ');
  }

  // ------------------------------------------------------------------ showing it
  function sentence() {
    if (state.mode === 'day') {
      const begun = Object.entries(known?.since || {}).filter(([id, at]) => at && missions.includes(id)).map(([, at]) => dayOf(at, zone)).sort()[0];
      const before = begun && state.day < begun ? ` ${words.none_before.replace('{day}', begun)}` : '';
      return words.as_of.replace('{day}', state.day) + before;
    }
    if (state.mode === 'days') return words.two_days.replace('{from}', state.days[0]).replace('{to}', state.days[1]);
    const [left, right] = state.sides.map((one) => titleOf({ ...one, day: one.day || words.now, layer: one.layer }));
    return words.swipe.replace('{left}', left).replace('{right}', right);
  }

  function banner() {
    note.hidden = state.mode === 'now';
    if (note.hidden) return;
    note.querySelector('[data-says]').textContent = sentence();
    for (const button of note.querySelectorAll('[data-day-step]')) button.hidden = state.mode !== 'day';
    note.querySelector('[data-day-step="1"]').disabled = state.mode === 'day' && state.day >= today();
  }

  function fill() {
    form.elements.mode.value = state.mode;
    for (const part of form.querySelectorAll('[data-part-of]')) part.hidden = part.dataset.partOf !== state.mode;
    problem.hidden = true;
    if (state.mode === 'day') input('day').value = state.day;
    if (state.mode === 'days') [input('first').value, input('last').value, input('split').checked] = [...state.days, state.split];
    if (state.mode === 'swipe') {
      state.sides.forEach(({ layer, day }, at) => {
        const name = ['left', 'right'][at];
        [input(`${name}-layer`).value, input(`${name}-day`).value] = [layer, day];
      });
    }
  }

  function apply() {
    const [left, right] = sides();
    for (const layer of Object.keys(tree.titles)) stack.ask(layer, 'moment', question(right.day)(baseOf(layer)));
    for (const one of [left, right]) if (one?.layer) tree.turnOn(one.layer);
    if (left) swipe.show(...[left, right].map((one) => ({ only: onlyOf(one.layer), moment: question(one.day), title: titleOf(one) })));
    else swipe.hide();
    const at = (latlng) => (latlng && swipe.isLeft(latlng) ? left : right);
    document.getElementById('map-shell').classList.toggle('is-past', state.mode !== 'now');
    filter.look({
      of: (layer) => pairs(layer, right.day),
      all: (latlng) => Object.keys(tree.titles).flatMap((layer) => pairs(layer, at(latlng).day).map(([name, value]) => [`${layer}.${name}`, value])),
      carried: () => (right.day && right.day < today() ? [['as_of', endOf(right.day, zone)]] : []),
      shows: (latlng) => onlyOf(at(latlng).layer),
    });
    differences.show(state.mode !== 'days' ? null : { from: endOf(state.days[0], zone), to: endOf(state.days[1], zone), titles: known?.titles || {}, zone });
    banner();
    fill();
  }

  async function set(next) {
    const form = document.querySelector('#panel-body [data-feature-form]');
    if (write(next) === write(state) || (form && next.mode !== 'now' && !window.confirm(words.leave))) { fill(); return; }
    state = next;
    if (state.mode !== 'now') await learn();
    if (state !== next) return; // chosen otherwise meanwhile
    apply();
    const open = panel.selected();
    if (open) panel.open(open); // the same feature at the other moment
    else panel.close(); // a form that was being filled in belongs to the present
    tell();
  }

  // ------------------------------------------------------------------ the form
  function chosen(mode) {
    const yesterday = shift(today(), -1);
    if (mode === 'day') return { mode, day: isDay(input('day').value) ? input('day').value : yesterday };
    if (mode === 'days') {
      const days = ['first', 'last'].map((name, at) => (isDay(input(name).value) ? input(name).value : [yesterday, today()][at]));
      return { mode, days, split: input('split').checked };
    }
    if (mode === 'swipe') return { mode, sides: ['left', 'right'].map((name) => side(`${input(`${name}-layer`).value}@${input(`${name}-day`).value}`)) };
    return NOW;
  }

  async function changed(event) {
    if (event.target.closest('.times-slide') || event.target.id === 'times-in-view') return;
    await learn();
    const { mode } = form.elements;
    if (event.target.name === 'mode' && mode.value === 'swipe' && !input('left-day').value && !input('left-layer').value) {
      input('left-day').value = shift(today(), -1); // two sides alike would show nothing
    }
    const next = chosen(mode.value);
    if (next.mode === 'days' && next.days[0] >= next.days[1]) {
      problem.textContent = words.pick_order;
      problem.hidden = false;
      return;
    }
    set(next);
  }

  form.addEventListener('change', changed);
  form.addEventListener('submit', (event) => event.preventDefault());
  note.addEventListener('click', (event) => {
    const button = event.target.closest('button');
    if (!button) return;
    if (button.dataset.dayStep) set({ mode: 'day', day: shift(state.day, Number(button.dataset.dayStep)) });
    else set(NOW);
  });
  tabs.onOpen((name) => { if (name === 'times') learn(); });
  slider.onChange(tell);
  swipe.onChange(tell);

  return {
    /** [name, text] pairs for the link. */
    parts: () => [['time', write(state)], ['split', sides()[0] ? swipe.at().toFixed(2) : ''], ['slide', slider.text()]].filter(([, text]) => text),
    /** Follow a link: `asked` is what it holds under the same names. */
    async follow(asked) {
      const share = Number.parseFloat(asked.get('split'));
      if (share > 0 && share < 1) swipe.put(share);
      slider.follow(asked.get('slide'));
      await set(read(asked.get('time')));
    },
    onChange: (listener) => listeners.push(listener),
  };
}
