// Marking: draw a shape or open a feature's own, fill the form beside it, save; the shape fills the form's inputs.

import { actsFor } from './acts.js';
import { copierFor } from './copy.js';
import { doubtsFor } from './doubts.js';
import { DIGITS, draftFor, looks, pin, snapping } from './draft.js';
import { neighboursFor } from './neighbours.js';
import { numbersFor } from './numbers.js';
import { partsFor } from './parts.js';
import { picksFor } from './picks.js';

const TOOL = { Point: 'Marker', MultiPoint: 'Marker', MultiLineString: 'Line', MultiPolygon: 'Polygon' };
const OF_SHAPE = { point: 'Point', line: 'MultiLineString', area: 'MultiPolygon' };

/** The inputs of one geometry of the form: two numbers, or GeoJSON text. */
function slotOf(form, id) {
  const place = form.querySelector(`[data-place="${id}"]`);
  const text = form.querySelector(`[data-geometry="${id}"]`);
  const numbers = place ? [...place.querySelectorAll('input')] : [];
  return {
    element: place || text,
    read() {
      if (place) {
        const [lon, lat] = numbers.map((one) => (one.value.trim() === '' ? NaN : Number(one.value)));
        return Math.abs(lon) <= 180 && Math.abs(lat) <= 90 ? { type: 'Point', coordinates: [lon, lat] } : null;
      }
      try {
        const given = JSON.parse(text.value);
        return given?.geometry || (given?.coordinates ? given : null);
      } catch { return null; }
    },
    write(shape) {
      if (place) numbers.forEach((one, at) => { one.value = shape ? String(Number(shape.coordinates[at].toFixed(9))) : ''; });
      else text.value = shape ? JSON.stringify(shape) : '';
    },
  };
}

export function drawFor({ map, stack, shell, tree, panel, list, root }) {
  const bar = document.getElementById('draw-bar');
  const body = document.getElementById('panel-body');
  if (!bar) return null;
  const words = JSON.parse(bar.dataset.words);
  const draft = draftFor(map);
  const neighbours = neighboursFor({ map, root });
  const doubts = doubtsFor({ map, bar, root, words });
  let target = null; // { layer, geometry, slot } of what is drawn or edited
  let [pending, undone, redoing, moving, said] = [null, [], false, false, ''];
  const say = (text) => { said = text; refreshBar(); };
  const numbers = numbersFor({ map, bar, root, words, say, give });
  const copier = copierFor({ map, tree, root, words, say, give });

  const form = () => body.querySelector('[data-feature-form]');
  const drawing = () => map.pm.globalDrawModeEnabled();
  const tool = () => map.pm.Draw[TOOL[target.geometry]];
  const button = (act) => bar.querySelector(`[data-draw-act="${act}"]`);

  function refreshBar() {
    const busy = drawing() || Boolean(form()) || numbers.isOpen() || copier.isOn();
    const vertices = drawing() && target.geometry !== 'Point' ? tool()._layer?.getLatLngs().length || 0 : 0;
    const can = draft.can();
    const path = drawing() && TOOL[target.geometry] !== 'Marker';
    bar.hidden = !target || !busy;
    map.getContainer().classList.toggle('is-marking', busy);
    button('undo').disabled = drawing() ? !vertices : !can.undo;
    button('redo').disabled = drawing() ? !undone.length : !can.redo;
    button('finish').hidden = !path;
    button('finish').disabled = vertices < (target?.geometry === 'MultiPolygon' ? 3 : 2);
    button('move').hidden = drawing() || !draft.shape() || TOOL[target?.geometry] === 'Marker';
    button('move').setAttribute('aria-pressed', String(moving));
    button('copy').hidden = Boolean(target?.then) || Boolean(form() && !target?.slot);
    button('copy').setAttribute('aria-pressed', String(copier.isOn()));
    button('form').hidden = !drawing() || Boolean(form()) || Boolean(target?.then);
    button('cancel').hidden = Boolean(form()) && !drawing() && !copier.isOn();
    bar.querySelector('[data-hint]').textContent = said || target?.hint || (drawing() ? words[TOOL[target.geometry]] : words.edit);
  }

  // ------------------------------------------------------------------ drawing
  function begin(next) {
    stop();
    copier.stop();
    target = next;
    said = '';
    numbers.retarget(next);
    undone = [];
    if (!form()) draft.clear();
    tree.turnOn(next.layer);
    neighbours.of([...new Set([next.layer, ...['buildings', 'roads'].filter((id) => tree.shown().includes(id))])]);
    map.pm.enableDraw(TOOL[next.geometry], { ...snapping, ...looks, continueDrawing: false, tooltips: !shell.isPhone(), markerStyle: { icon: pin() } });
    if (shell.isPhone() && !form()) {
      document.querySelector('[data-close-side]')?.click();
      shell.setPanel(false); // what it holds stays
    }
    refreshBar();
  }

  function stop() {
    if (drawing()) map.pm.disableDraw();
  }

  function drawn({ layer }) {
    const shape = layer.toGeoJSON(DIGITS).geometry;
    layer.remove();
    if (target.then) { after(target.then, shape); return; }
    if (form()) { draft.put(shape); refreshBar(); return; }
    pending = shape;
    openForm();
  }

  /** A shape that came another way than by clicks: typed, or copied. */
  function give(shape) {
    stop();
    if (target.then) { after(target.then, shape); return; }
    if (form()) {
      draft.put(shape);
      map.fitBounds(draft.bounds(), { maxZoom: Math.max(map.getZoom(), 18) });
      refreshBar();
      return;
    }
    pending = shape;
    openForm();
  }

  function copy() {
    if (copier.isOn()) { copier.stop(); say(''); return; }
    stop();
    copier.start({ ...target, id: form()?.dataset.id });
    say(words.copy_hint);
  }

  /** A shape that is not for a form. */
  function after(then, shape) {
    window.setTimeout(() => { finish(); then(shape); });
  }

  function openForm() {
    window.htmx.ajax('GET', `${root}/forms/${target.layer}`, { source: body, target: body, swap: 'innerHTML' });
  }

  function undo() {
    if (!drawing()) { draft.undo(); return; }
    const vertices = tool()._layer.getLatLngs();
    undone.push(vertices[vertices.length - 1]);
    if (vertices.length > 1) tool()._removeLastVertex();
    else { map.pm.disableDraw(); const kept = undone; begin(target); undone = kept; }
    refreshBar();
  }

  function redo() {
    if (!drawing()) { draft.redo(); return; }
    const latlng = undone.pop();
    redoing = true;
    tool()._hintMarker.setLatLng(latlng);
    tool()._hintMarker._snapped = true; // where it was, not where the pointer is
    tool()._createVertex({ latlng });
    tool()._hintMarker._snapped = false;
    redoing = false;
    refreshBar();
  }

  function leave() {
    const back = form()?.dataset.version ? { layer: form().dataset.featureForm, id: form().dataset.id } : null;
    finish();
    if (back) panel.open(back);
    else if (panel.selected()) shell.setPanel(true);
    else panel.close();
  }

  function finish() {
    stop();
    copier.stop();
    numbers.close();
    [target, pending, moving, said] = [null, null, false, ''];
    draft.clear();
    doubts.clear();
    neighbours.of([]);
    refreshBar();
  }

  // ------------------------------------------------------------------ the form beside it
  const slotsOf = (element) => element.dataset.slots.trim().split(/\s+/).map((part) => part.split(':'));

  function firstSlot(element) {
    const slots = slotsOf(element);
    if (target?.layer === element.dataset.featureForm && target.slot) return slots.find(([id]) => id === target.slot);
    if (pending) return slots.find(([, geometry]) => TOOL[geometry] === TOOL[target.geometry]) || slots[0];
    const filled = slots.filter(([id]) => slotOf(element, id).read());
    return [...filled, ...slots].find(([id]) => id === 'geom' && (filled.length === 0 || slotOf(element, id).read())) || filled[0];
  }

  /** The stored shape when it is too long to be in the form. */
  async function stored(element) {
    if (!element.dataset.version) return null;
    const response = await fetch(`${root}/collections/${element.dataset.featureForm}/items/${element.dataset.id}?f=json`);
    return response.ok ? (await response.json()).geometry : null;
  }

  async function take(element) {
    const [slot, geometry] = firstSlot(element);
    target = { layer: element.dataset.featureForm, geometry, slot };
    numbers.retarget(target);
    if (pending) slotOf(element, slot).write(pending);
    const shape = slotOf(element, slot).read() || (slot === 'geom' ? await stored(element) : null);
    pending = null;
    if (form() !== element) return;
    draft.load(shape);
    if (shape && !element.dataset.version) doubts.check(target.layer, shape);
    if (shape && !map.getBounds().contains(draft.bounds())) map.fitBounds(draft.bounds(), { maxZoom: Math.max(map.getZoom(), 17) });
    neighbours.of([...new Set([target.layer, ...['buildings', 'roads'].filter((id) => tree.shown().includes(id))])]);
    refreshBar();
  }

  function offerDrawing(element) {
    for (const [id, geometry] of slotsOf(element)) {
      const draw = document.createElement('button');
      draw.type = 'button';
      draw.className = 'button button-small';
      draw.textContent = words.on_map;
      draw.addEventListener('click', () => begin({ layer: element.dataset.featureForm, geometry, slot: id }));
      slotOf(element, id).element.after(draw);
    }
  }

  function afterSwap() {
    const element = form();
    if (!element) { if (!drawing()) finish(); return; }
    stop();
    copier.stop();
    offerDrawing(element);
    doubts.show(element);
    element.querySelector('.alert, h2')?.scrollIntoView({ block: 'nearest' });
    body.querySelector('h2')?.focus({ preventScroll: true });
    take(element);
  }

  function write(byHand) {
    const element = form();
    if (byHand && element && target?.slot) {
      slotOf(element, target.slot).write(draft.shape());
      said = '';
      doubts.check(target.layer, draft.shape(), element.dataset.version && element.dataset.id);
    }
    refreshBar();
  }

  function typed(event) {
    const element = form();
    const place = event.target.closest('[data-place], [data-geometry]');
    if (!element || !place) return;
    const slot = place.dataset.place || place.dataset.geometry;
    const shape = slotOf(element, slot).read();
    if (!shape) return;
    if (target.slot !== slot) { target = { ...target, slot, geometry: slotsOf(element).find(([id]) => id === slot)[1] }; draft.load(shape); } else draft.put(shape);
    if (!map.getBounds().contains(draft.bounds())) map.fitBounds(draft.bounds(), { maxZoom: Math.max(map.getZoom(), 17) });
  }

  function changed(layer) {
    if (!layer) return;
    stack.refresh(layer);
    list?.load();
  }

  document.addEventListener('click', (event) => {
    const add = event.target.closest('a[data-draw]');
    if (!add || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    document.getElementById('mark-menu').open = false;
    if (form()) panel.close();
    begin({ layer: add.dataset.draw, geometry: OF_SHAPE[add.dataset.shape], slot: null });
  });
  const acts = { undo, redo, cancel: () => (target?.then ? finish() : form() ? (stop(), copier.stop(), say('')) : leave()), form: () => { stop(); openForm(); },
    copy, numbers: () => (numbers.isOpen() ? numbers.close() : numbers.open(target)), finish: () => tool()._finishShape(), move: () => { moving = !moving; draft.move(moving); refreshBar(); } };
  bar.addEventListener('click', (event) => acts[event.target.closest('[data-draw-act]')?.dataset.drawAct]?.());
  document.addEventListener('keydown', (event) => {
    if (!drawing() && !form()) return;
    if (event.key === 'Escape' && drawing()) acts.cancel();
    if (event.target.matches?.('input, textarea, select') || !(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z') return;
    event.preventDefault();
    if (!button(event.shiftKey ? 'redo' : 'undo').disabled) acts[event.shiftKey ? 'redo' : 'undo']();
  });
  map.on('pm:create', drawn);
  map.on('pm:drawstart', ({ workingLayer }) => {
    workingLayer.on('pm:vertexadded pm:vertexremoved', ({ type }) => { if (type === 'pm:vertexadded' && !redoing) undone = []; refreshBar(); });
  });
  draft.onChange(write);
  body.addEventListener('change', typed);
  body.addEventListener('htmx:afterSwap', afterSwap);
  body.addEventListener('feature-changed', ({ detail }) => changed(detail?.layer || body.querySelector('[data-layer]')?.dataset.layer));
  body.addEventListener('click', (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (event.target.closest('[data-act="leave-form"]')) { event.preventDefault(); leave(); }
    if (!link) return;
    event.preventDefault(); // the part after # is the view's
    document.getElementById(link.getAttribute('href').slice(1))?.focus();
  });
  panel.onChange(() => { if (!form() && !drawing() && !copier.isOn() && target) finish(); });
  actsFor({ body, panel, changed, root, words });
  const { merge } = partsFor({ body, panel, changed, begin, root, words });
  const picks = picksFor({ map, panel, list, tree, changed, begin, merge, root, words: { ...words, ...JSON.parse(document.getElementById('pick-bar').dataset.words) } });
  return { draft, neighbours, begin, picks };
}
