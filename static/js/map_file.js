// The map in a file (gisapp/map_file.py): draws the features of the page's JSON and lists them in a legend.
// A plain script, because a page opened from disk may not load modules. Text only ever becomes text nodes.

window.mapFile = (() => {
  const WORDS = {
    zh: { layers: '图层与图例', question: '查询条件', made: '生成', by: '导出人', synthetic: '模拟数据', made_up: '模拟数据，地点与案件均为虚构。',
      missing: '过密未收入', other: 'EN', label: 'English', yes: '是', no: '否', close: '关闭', features: '个要素', menu: '图例',
      zoom_in: '放大', zoom_out: '缩小', map: '地图', dark: '深色', light: '浅色' },
    en: { layers: 'Layers and legend', question: 'Question', made: 'Made', by: 'saved by', synthetic: 'Synthetic', made_up: 'Synthetic data: fictional places and cases.',
      missing: 'Too dense, left out', other: '中', label: '中文', yes: 'Yes', no: 'No', close: 'Close', features: 'features', menu: 'Legend',
      zoom_in: 'Zoom in', zoom_out: 'Zoom out', map: 'Map', dark: 'Dark', light: 'Light' },
  };
  const data = JSON.parse(document.getElementById('data').textContent);
  let language = data.language;
  let map = null;
  // As the system is, until somebody chooses; paper is white.
  const system = window.matchMedia('(prefers-color-scheme: dark)');
  let chosen = null;
  const isDark = () => (chosen ?? system.matches) && !printing;
  let printing = false;
  const word = (name) => WORDS[language][name];
  const title = (words) => words[language];

  function make(tag, attributes = {}, ...children) {
    const one = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== false && value !== null) one.setAttribute(name, value === true ? '' : value);
    }
    one.append(...children);
    return one;
  }

  function drawn(tag, attributes, ...children) {
    const one = document.createElementNS('http://www.w3.org/2000/svg', tag);
    for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
    one.append(...children);
    return one;
  }

  function swatch(rules, colour) {
    const line = { fill: 'none', stroke: colour, 'stroke-width': 3 };
    const under = rules.shape === 'line' ? [drawn('path', { d: 'M1 10C6 10 8 4 19 4', ...line, stroke: rules.stroke, 'stroke-width': 5 })] : [];
    const shape = rules.shape === 'point' ? drawn('circle', { cx: 10, cy: 7, r: 5, fill: colour, stroke: '#fff' })
      : rules.shape === 'line' ? drawn('path', { d: 'M1 10C6 10 8 4 19 4', ...line })
        : drawn('rect', { x: 2, y: 2, width: 16, height: 10, fill: colour, 'fill-opacity': Math.max(rules.opacity, 0.1), stroke: rules.opacity < 0.5 ? rules.stroke : '#8795a1' });
    return drawn('svg', { viewBox: '0 0 20 14', width: 20, height: 14, 'aria-hidden': 'true' }, ...under, shape);
  }

  // ------------------------------------------------------------------ the map
  const valueOf = (layer, feature) => feature.properties[layer.rules.by];
  const rulesOf = ({ rules }) => (isDark() ? { ...rules, ...rules.dark } : rules);
  const colourOf = (layer, feature) => rulesOf(layer).colours[valueOf(layer, feature)] || rulesOf(layer).colour;
  const stateOf = new Map(data.layers.map((layer) => [layer, { shown: true, group: null }]));

  function styleOf(layer, feature) {
    const rules = rulesOf(layer);
    const colour = colourOf(layer, feature);
    if (rules.shape === 'line') {
      return { color: colour, weight: Math.max(rules.width * (rules.reference ? 0.7 * (rules.ranks[valueOf(layer, feature)] || 1) : 1), 1), opacity: 1, fill: false, dashArray: rules.dash.join(' ') || null };
    }
    const faint = rules.reference && rules.opacity < 0.5;
    return { color: faint ? (rules.by ? colour : rules.stroke) : rules.reference ? rules.stroke : shade(colour), weight: faint ? rules.width : 0.8,
      fillColor: colour, fill: !faint || rules.opacity >= 0.1, fillOpacity: faint ? 0.08 : rules.opacity, dashArray: faint ? rules.dash.join(' ') || null : null };
  }

  function shade(colour) {
    return `#${[1, 3, 5].map((at) => Math.round(parseInt(colour.slice(at, at + 2), 16) * 0.6).toString(16).padStart(2, '0')).join('')}`;
  }

  const SPECK = 6; // px: an area of a mission that is smaller is drawn as a dot, or nobody would find it
  const isArea = (layer) => layer.rules.shape === 'area' && !layer.rules.reference;

  function dot(layer, feature, at, radius) {
    return window.L.circleMarker(at, { radius, color: '#ffffff', weight: 1.2, fillColor: colourOf(layer, feature), fillOpacity: 1 });
  }

  /** [[south, west], [north, east]] of a feature, reckoned once. */
  function boxOf(feature) {
    if (!feature.box) {
      const points = feature.geometry.coordinates.flat(Infinity);
      const of = (start, pick) => points.reduce((best, one, place) => (place % 2 === start ? pick(best, one) : best), points[start]);
      feature.box = [[of(1, Math.min), of(0, Math.min)], [of(1, Math.max), of(0, Math.max)]];
    }
    return feature.box;
  }

  function shapeOf(layer, feature) {
    if (isArea(layer) && feature.geometry.type !== 'Point') {
      const [low, high] = boxOf(feature).map((corner) => map.latLngToLayerPoint(corner));
      if (Math.max(Math.abs(high.x - low.x), Math.abs(high.y - low.y)) < SPECK) return dot(layer, feature, map.layerPointToLatLng([(low.x + high.x) / 2, (low.y + high.y) / 2]), 3.6);
    }
    return window.L.GeoJSON.geometryToLayer(feature, {
      ...styleOf(layer, feature), interactive: !layer.rules.reference,
      pointToLayer: (one, at) => dot(layer, one, at, Math.max(layer.rules.radius, 4)),
    });
  }

  function groupOf(layer) {
    return window.L.featureGroup([...namesOf(layer), ...layer.features.filter((feature) => feature.geometry).map((feature) => {
      const shape = shapeOf(layer, feature);
      if (!layer.rules.reference) shape.on('click', (event) => open(layer, feature, event.latlng));
      return shape;
    })]);
  }

  /** Names of territories, in their middle: on one map there are few. */
  function namesOf(layer) {
    const { rules } = layer;
    if (!rules.reference || rules.shape !== 'area' || rules.opacity >= 0.1 || !rules.label || layer.features.length > 60) return [];
    return layer.features.filter((one) => one.geometry && one.properties[layer.name]).map((one) => {
      const [[south, west], [north, east]] = boxOf(one);
      return window.L.tooltip({ permanent: true, direction: 'center', className: 'place', interactive: false })
        .setLatLng([(south + north) / 2, (west + east) / 2]).setContent(make('span', {}, String(one.properties[layer.name])));
    });
  }

  /** All layers again, bottom first: on one canvas the order of drawing is the order on the map. */
  function draw() {
    for (const state of stateOf.values()) state.group?.remove();
    for (const [layer, state] of stateOf) {
      if (!state.shown) continue;
      state.group ||= groupOf(layer);
      state.group.addTo(map);
    }
  }

  /** At another scale other areas are specks. */
  function redraw() {
    for (const [layer, state] of stateOf) {
      if (!isArea(layer) || !state.group) continue;
      state.group.remove();
      state.group = null;
    }
    draw();
  }

  function textOf(field, value) {
    if (value === null || value === undefined || value === '' || (Array.isArray(value) && !value.length)) return '';
    if (field.codes) {
      const known = data.codes[field.codes] || {};
      return [].concat(value).map((one) => (known[one] ? title(known[one]) : String(one))).join(language === 'zh' ? '、' : ', ');
    }
    if (field.type === 'boolean') return value ? word('yes') : word('no');
    if (field.type === 'datetime') return new Date(value).toLocaleString('sv-SE', { timeZone: data.zone, dateStyle: 'short', timeStyle: 'short' }); // 2026-11-23 00:36
    const shown = field.type === 'number' && field.decimals !== null ? Number(value).toFixed(field.decimals) : String(value);
    return field.unit ? `${shown} ${field.unit}` : shown;
  }

  function open(layer, feature, at) {
    const rows = make('dl');
    for (const field of layer.fields) {
      const text = typeof feature.properties[field.id] === 'object' && !Array.isArray(feature.properties[field.id]) ? '' : textOf(field, feature.properties[field.id]);
      if (text && field.id !== layer.name) rows.append(make('dt', {}, title(field.title)), make('dd', {}, text));
    }
    const name = feature.properties[layer.name] || title(layer.title);
    const popup = window.L.popup({ minWidth: 240, maxWidth: 330, maxHeight: 360 }).setLatLng(at)
      .setContent(make('div', { class: 'card' }, make('p', { class: 'kind' }, title(layer.title)), make('h2', {}, String(name)), rows)).openOn(map);
    const box = popup.getElement().querySelector('.leaflet-popup-content');
    if (box.scrollHeight > box.clientHeight) box.tabIndex = 0; // or the keyboard could not scroll it
  }

  // ------------------------------------------------------------------ the words around it
  function head() {
    const other = language === 'zh' ? 'en' : 'zh';
    const button = make('button', { type: 'button', id: 'language', 'aria-label': word('label'), lang: other }, word('other'));
    button.addEventListener('click', () => { language = other; say(); document.getElementById('language').focus(); });
    const menu = make('button', { type: 'button', id: 'menu', 'aria-controls': 'side', 'aria-expanded': 'false' }, word('menu'));
    menu.addEventListener('click', () => {
      const now = document.body.classList.toggle('open');
      menu.setAttribute('aria-expanded', String(now));
    });
    const theme = make('button', { type: 'button', id: 'theme' }, word(isDark() ? 'light' : 'dark'));
    theme.addEventListener('click', () => { chosen = !isDark(); dress(); document.getElementById('theme').focus(); });
    const notes = [data.synthetic && make('strong', { class: 'synthetic' }, word('synthetic')),
      make('span', { class: 'made' }, `${word('made')} ${data.made} · ${word('by')} ${data.by}`)].filter(Boolean);
    document.getElementById('head').replaceChildren(make('h1', {}, title(data.title)), ...notes, menu, theme, button);
  }

  function legendOf(layer) {
    const counts = new Map();
    for (const feature of layer.features) counts.set(valueOf(layer, feature), (counts.get(valueOf(layer, feature)) || 0) + 1);
    const entries = layer.legend.filter((entry) => counts.has(entry.value));
    return make('ul', {}, ...entries.map((entry) => make('li', {}, swatch(rulesOf(layer), entry.colour),
      make('span', {}, title(entry.title)), make('b', {}, layer.rules.reference ? '' : String(counts.get(entry.value))))));
  }

  function side() {
    const place = document.getElementById('side');
    const boxes = [...stateOf].reverse().sort(([a], [b]) => a.rules.reference - b.rules.reference).map(([layer, state]) => {
      const box = make('input', { type: 'checkbox', checked: state.shown, 'data-layer': layer.rules.id });
      box.addEventListener('change', () => { state.shown = box.checked; draw(); });
      const count = make('b', {}, layer.rules.reference ? '' : String(layer.features.length));
      const plain = !layer.legend.length || layer.rules.reference;
      return make('li', {}, make('label', {}, box, plain ? swatch(rulesOf(layer), rulesOf(layer).colour) : '', make('span', {}, title(layer.title)), count),
        ...(plain ? [] : [legendOf(layer)]));
    });
    const asked = data.question[language].map((sentence) => make('p', {}, sentence));
    const missing = data.missing[language] ? [make('p', { class: 'missing' }, `${word('missing')}: ${data.missing[language]}`)] : [];
    place.setAttribute('aria-label', word('layers'));
    place.replaceChildren(make('h2', {}, word('question')), ...asked, make('h2', {}, word('layers')), make('ul', { class: 'layers' }, ...boxes), ...missing,
      ...(data.synthetic ? [make('p', { class: 'missing' }, word('made_up'))] : []));
  }

  function say() {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    document.title = title(data.title);
    map.closePopup();
    for (const [name, selector] of [['zoom_in', '.leaflet-control-zoom-in'], ['zoom_out', '.leaflet-control-zoom-out']]) {
      const button = document.querySelector(selector);
      button.title = word(name);
      button.setAttribute('aria-label', word(name));
    }
    map.getContainer().setAttribute('aria-label', word('map'));
    head();
    side();
  }

  /** In the colours of the theme: page, legend and map. */
  function dress() {
    document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
    for (const state of stateOf.values()) { state.group?.remove(); state.group = null; }
    head();
    side();
    draw();
  }

  return {
    start(made) {
      map = made;
      map.getContainer().setAttribute('role', 'region');
      window.L.control.scale({ imperial: false }).addTo(map);
      say();
      dress();
      map.on('zoomend', redraw);
      system.addEventListener('change', dress);
      for (const [name, now] of [['beforeprint', true], ['afterprint', false]]) window.addEventListener(name, () => { printing = now; dress(); });
      document.documentElement.dataset.ready = 'yes';
    },
  };
})();
