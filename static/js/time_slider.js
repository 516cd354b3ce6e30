// The slider over a layer's date: a stretch of days that narrows the map, moved by hand, by steps or by itself.

import { dayOf, endOf, shift, startOf } from './days.js';

const PACE_MS = 900;

function endOfBar(bars, at, unit) {
  if (at + 1 < bars.length) return shift(bars[at + 1][0], -1);
  const [year, month, day] = bars[at][0].split('-').map(Number);
  const next = { day: [0, 0, 1], week: [0, 0, 7], month: [0, 1, 0], quarter: [0, 3, 0], year: [1, 0, 0] }[unit];
  return shift(new Date(Date.UTC(year + next[0], month - 1 + next[1], day + next[2])).toISOString().slice(0, 10), -1);
}

export function sliderFor({ root, stack, tree, filter, zone, words }) {
  const bar = document.getElementById('time-bar');
  const [layerBox, unitBox] = ['slide-layer', 'slide-unit'].map((id) => document.getElementById(id));
  const fieldBoxes = [...document.querySelectorAll('[data-slide-field]')];
  const [first, last] = ['first', 'last'].map((name) => bar.querySelector(`input[data-slide=${name}]`));
  const picture = bar.querySelector('svg.time-bars');
  const listeners = [];
  let shown = null; // { layer, field, unit, bars }
  let timer = null;
  let waiting = null;
  let mine = false; // this module is changing the filter itself

  const fieldBox = () => fieldBoxes.find((one) => one.dataset.slideField === layerBox.value);
  const button = (act) => bar.querySelector(`button[data-slide=${act}]`);
  const names = () => shown.field.split('-').map((name) => `${shown.layer}.${name}`);

  function tell() {
    for (const listener of listeners) listener();
  }

  function offerFields() {
    for (const box of fieldBoxes) box.hidden = box !== fieldBox();
  }

  // ------------------------------------------------------------------ the filter
  function ask(days) {
    const [one, other] = names();
    const others = filter.pairs().filter(([name]) => !names().includes(name));
    const ends = days && shown.instant ? [startOf(days[0], zone), endOf(days[1], zone)] : days;
    const own = !days ? [] : other ? [[one, `../${days[1]}`], [other, `${days[0]}/..`]] : [[one, ends.join('/')]];
    mine = true;
    filter.set([...others, ...own]);
    mine = false;
  }

  /** The stretch that the filter holds, as places of bars; null when it asks nothing of this date. */
  function asked() {
    const [one, other] = names().map((name) => filter.pairs().find(([known]) => known === name)?.[1].split('/'));
    if (!one || (names().length > 1 && !other)) return null;
    const [from, to] = (other ? [other[0], one[1]] : one).map((end) => (end.includes('T') ? dayOf(end, zone) : end));
    const { bars } = shown;
    const low = from === '..' ? 0 : bars.findIndex(([day], at) => endOfBar(bars, at, shown.unit) >= from);
    const high = to === '..' ? bars.length - 1 : bars.findLastIndex(([day]) => day <= to);
    return low < 0 || high < low ? null : [low, high];
  }

  // ------------------------------------------------------------------ what is seen
  function drawBars() {
    const most = Math.max(...shown.bars.map(([, count]) => count), 1);
    picture.setAttribute('viewBox', `0 0 ${shown.bars.length} 100`);
    picture.replaceChildren(...shown.bars.map(([, count], at) => {
      const rect = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
      const height = count ? Math.max((count / most) * 100, 4) : 0;
      for (const [name, value] of Object.entries({ x: at + 0.08, y: 100 - height, width: 0.84, height })) rect.setAttribute(name, value);
      return rect;
    }));
  }

  function label(at) {
    const day = shown.bars[at][0];
    if (shown.unit === 'year') return day.slice(0, 4);
    if (shown.unit === 'month') return day.slice(0, 7);
    return shown.unit === 'quarter' ? `${day.slice(0, 4)} Q${Math.ceil(Number(day.slice(5, 7)) / 3)}` : day;
  }

  function refresh() {
    const chosen = asked();
    const [low, high] = chosen || [0, shown.bars.length - 1];
    [first.value, last.value] = [low, high];
    first.setAttribute('aria-valuetext', label(low));
    last.setAttribute('aria-valuetext', label(high));
    // The handle that can still move lies on top when both are at one place.
    bar.classList.toggle('is-low-end', low > (shown.bars.length - 1) / 2);
    [...picture.children].forEach((rect, at) => rect.classList.toggle('is-in', at >= low && at <= high));
    const from = shown.bars[low][0];
    const to = endOfBar(shown.bars, high, shown.unit);
    bar.querySelector('[data-slide-window]').textContent = low === high && shown.unit !== 'day' ? label(low) : from === to ? from : `${from} – ${to}`;
    button('all').disabled = !chosen;
    count(chosen);
  }

  /** Of one date the bars tell; of two the map's own count does, since what lay there for long is in many bars. */
  function count(chosen) {
    const place = bar.querySelector('[data-slide-count]');
    const [low, high] = chosen || [0, shown.bars.length - 1];
    const one = !shown.field.includes('-') || low === high;
    const number = shown.bars.slice(low, high + 1).reduce((sum, [, found]) => sum + found, 0);
    place.textContent = one ? words.found.replace('{number}', number) : '';
  }

  function put(low, high) {
    ask([shown.bars[low][0], endOfBar(shown.bars, high, shown.unit)]);
    refresh();
  }

  function step(way) {
    const chosen = asked();
    const size = shown.bars.length;
    if (!chosen) { put(way > 0 ? 0 : size - 1, way > 0 ? 0 : size - 1); return true; }
    const [low, high] = chosen;
    const width = high - low + 1;
    const start = low + way * width;
    if (start < 0 || start >= size) return false;
    put(start, Math.min(start + width - 1, size - 1));
    return true;
  }

  // ------------------------------------------------------------------ by itself
  function pause() {
    window.clearTimeout(timer);
    timer = null;
    bar.classList.remove('is-playing');
    button('play').setAttribute('aria-pressed', 'false');
  }

  /** The next step follows when this one is drawn, and not before it could be seen. */
  function run() {
    const begun = Date.now();
    if (!step(1)) { pause(); return; }
    const look = () => {
      const drawn = !stack.isFetching(shown.layer) || Date.now() - begun > 5 * PACE_MS;
      timer = drawn && Date.now() - begun >= PACE_MS ? window.setTimeout(run, 0) : window.setTimeout(look, 100);
    };
    timer = window.setTimeout(look, 100);
  }

  function play() {
    if (timer) { pause(); return; }
    bar.classList.add('is-playing');
    button('play').setAttribute('aria-pressed', 'true');
    run();
  }

  // ------------------------------------------------------------------ opening
  async function open({ layer, field, unit }) {
    pause();
    const question = filter.query(layer);
    for (const name of field.split('-')) question.delete(name);
    question.set('field', field);
    question.set('unit', unit);
    const response = await fetch(`${root}/map/times/${layer}?${question}`);
    if (!response.ok) return;
    const answer = await response.json();
    const option = fieldBoxes.find((one) => one.dataset.slideField === layer).querySelector(`option[value="${field}"]`);
    shown = { layer, field, unit: answer.unit, bars: answer.bars, instant: 'instant' in option.dataset };
    bar.hidden = false;
    tree.turnOn(layer);
    const none = !answer.bars.length;
    bar.querySelector('[data-slide-title]').textContent = `${tree.titles[layer]} · ${option.textContent}`;
    bar.classList.toggle('is-empty', none);
    if (none) {
      bar.querySelector('[data-slide-window]').textContent = '';
      bar.querySelector('[data-slide-count]').textContent = words.no_dates;
    } else {
      for (const thumb of [first, last]) thumb.max = String(answer.bars.length - 1);
      drawBars();
      refresh();
    }
    tell();
  }

  function close() {
    pause();
    if (!shown) return;
    ask(null);
    shown = null;
    bar.hidden = true;
    tell();
  }

  function read(text) {
    const [layer, field, unit] = (text || '').split('/');
    const known = fieldBoxes.find((one) => one.dataset.slideField === layer)?.querySelector(`option[value="${CSS.escape(field || '')}"]`);
    return known && [...unitBox.options].some((one) => one.value === unit) ? { layer, field, unit } : null;
  }

  function drag(event) {
    pause();
    let [low, high] = [Number(first.value), Number(last.value)];
    if (low > high) [low, high] = event.target === first ? [high, high] : [low, low];
    [first.value, last.value] = [low, high];
    window.clearTimeout(waiting);
    waiting = window.setTimeout(() => put(low, high), 120); // a thumb on its way is not worth the tiles
  }

  layerBox.addEventListener('change', offerFields);
  document.getElementById('slide-open').addEventListener('click', () => open({ layer: layerBox.value, field: fieldBox().value, unit: unitBox.value }));
  for (const thumb of [first, last]) thumb.addEventListener('input', drag);
  const acts = { close, play, back: () => { pause(); step(-1); }, forth: () => { pause(); step(1); }, all: () => { pause(); ask(null); refresh(); } };
  bar.addEventListener('click', (event) => acts[event.target.closest('button[data-slide]')?.dataset.slide]?.());
  filter.onChange(() => { if (shown?.bars.length && !mine) refresh(); });
  offerFields();

  return {
    /** `layer/field/unit` for the link; empty while the slider is put away. */
    text: () => (shown ? `${shown.layer}/${shown.field}/${shown.unit}` : ''),
    /** Follow a link. */
    follow(text) {
      const wanted = read(text);
      if (!wanted) { if (shown) { pause(); shown = null; bar.hidden = true; } return; }
      [layerBox.value, unitBox.value] = [wanted.layer, wanted.unit];
      offerFields();
      fieldBox().value = wanted.field;
      open(wanted);
    },
    onChange: (listener) => listeners.push(listener),
  };
}
