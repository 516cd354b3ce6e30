// Charts of the statistics page, drawn on canvas: each is also a table below it, and the arrow keys go through its bars.

import { isDark, onTheme } from './theme.js';

const PALETTE = {
  light: ['#0f5f94', '#d9822b', '#2e8b57', '#8e44ad', '#c0392b', '#16a085', '#7f8c8d', '#b7950b', '#2c3e50', '#d35492', '#6c8ebf', '#82b366'],
  dark: ['#62b0e8', '#f0a860', '#7bd49b', '#c39bd3', '#ff9d94', '#76d7c4', '#aab7b8', '#f0c66b', '#9fb3c8', '#f1a7c8', '#8fb4e8', '#a9d18e'],
};
const NUMBER = new Intl.NumberFormat(document.documentElement.lang, { maximumFractionDigits: 2 });
const drawn = new Map();

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const told = (value) => (value === null || value === undefined || value === '-' ? '—' : NUMBER.format(value));

function axis(more) {
  return {
    axisLabel: { color: colour('--muted'), hideOverlap: true }, axisLine: { lineStyle: { color: colour('--line-strong') } },
    splitLine: { lineStyle: { color: colour('--line') } }, ...more,
  };
}

/** A tooltip drawn on the canvas: one of HTML would bring inline styles, which the policy refuses. */
function tooltip(more) {
  return { renderMode: 'richText', confine: true, backgroundColor: colour('--surface'), borderColor: colour('--line-strong'), textStyle: { color: colour('--text') }, ...more };
}

/** About how wide a text is drawn, px: a Chinese character is twice as wide as a Latin letter. */
const wide = (text) => [...text].reduce((sum, letter) => sum + (letter > '\u2e7f' ? 12 : 6.6), 0);

/** Whether each bar has a name that must be read; of months that follow each other some may go unnamed. */
function named(chart) {
  const dated = chart.labels.filter((label) => /^\d{4}(?!\d)/.test(label)).length > chart.labels.length / 2;
  return !dated && chart.series.every((one) => one.type === 'bar');
}

/** Names that do not fit below their bars stand beside them: the bars lie. Time runs from left to right always. */
function lies(chart, width) {
  const longest = Math.max(0, ...chart.labels.map(wide));
  return named(chart) && longest > (width - 60) / chart.labels.length - 8;
}

function lying(chart, width) {
  const many = chart.series.length > 1;
  return {
    ...bars(chart),
    grid: { left: 8, right: 24, top: many ? 40 : 8, bottom: 8, containLabel: true },
    xAxis: axis({ type: 'value', axisLabel: { color: colour('--muted'), formatter: told, hideOverlap: true } }),
    yAxis: axis({ type: 'category', inverse: true, data: chart.labels, axisTick: { show: false }, splitLine: { show: false }, axisLabel: { color: colour('--text'), interval: 0, width: Math.min(width < 600 ? 220 : 340, width * .4), overflow: width < 600 ? 'break' : 'truncate' } }),
  };
}

function bars(chart) {
  const many = chart.series.length > 1;
  return {
    legend: { show: many, type: 'scroll', top: 0, textStyle: { color: colour('--text') } },
    grid: { left: window.innerWidth < 500 ? 30 : 8, right: 16, top: many ? 40 : 16, bottom: 8, containLabel: true },
    tooltip: tooltip({ trigger: 'axis', axisPointer: { type: 'shadow' }, valueFormatter: told }),
    xAxis: axis({ type: 'category', data: chart.labels, axisLabel: { color: colour('--muted'), ...(named(chart) ? { interval: 0 } : { hideOverlap: true }) }, splitLine: { show: false } }),
    yAxis: axis({ type: 'value', axisLabel: { color: colour('--muted'), formatter: told } }),
    series: chart.series.map((one) => ({
      name: one.name, type: one.type, stack: one.stack || undefined, barMaxWidth: 48, smooth: false, symbol: 'circle', symbolSize: 4,
      itemStyle: { borderColor: colour('--line-strong'), borderWidth: one.type === 'bar' ? 1 : 0, ...(one.colour && { color: one.colour }) },
      data: one.values.map((value, place) => ({ value: value ?? '-', ...(one.colours?.[place] && { itemStyle: { color: one.colours[place] } }) })),
    })),
  };
}

/** Outlines at their place, the fuller the redder; a degree of longitude is shorter than one of latitude. */
function cells(chart, box) {
  const points = chart.cells.flatMap((cell) => cell.ring);
  const span = (place) => [Math.min(...points.map((one) => one[place])), Math.max(...points.map((one) => one[place]))];
  const [[west, east], [south, north]] = [span(0), span(1)];
  const squeeze = Math.cos(((south + north) / 2) * (Math.PI / 180));
  const scale = Math.min((box.width - 120) / ((east - west) * squeeze || 1), (box.height - 40) / (north - south || 1));
  const [width, height] = [(east - west) * squeeze * scale, (north - south) * scale];
  const most = Math.max(1, ...chart.cells.map((cell) => cell.value ?? 0));
  return {
    grid: { left: (box.width - 80 - width) / 2, top: (box.height - height) / 2, width, height },
    tooltip: tooltip({ formatter: ({ data }) => `${data.name}: ${told(data.value[2])}` }),
    visualMap: { min: 0, max: most, dimension: 2, right: 0, top: 'middle', calculable: false, itemHeight: 120, inRange: { color: isDark() ? ['#3a3320', '#f0a860', '#ff6b5e'] : ['#fdf0d5', '#f0a04b', '#b3201b'] }, textStyle: { color: colour('--text') }, formatter: told, text: [told(most), '0'] },
    xAxis: { type: 'value', min: west, max: east, show: false },
    yAxis: { type: 'value', min: south, max: north, show: false },
    series: [{
      type: 'custom', coordinateSystem: 'cartesian2d', encode: { x: 0, y: 1 },
      data: chart.cells.map((cell) => ({ name: cell.name, value: [cell.ring[0][0], cell.ring[0][1], cell.value ?? 0] })),
      renderItem: ({ dataIndex }, api) => ({
        type: 'polygon', shape: { points: chart.cells[dataIndex].ring.map((point) => api.coord(point)) },
        style: { fill: api.visual('color'), stroke: colour('--surface'), lineWidth: 1 },
      }),
    }],
  };
}

function draw(place) {
  const chart = JSON.parse(place.dataset.chart);
  drawn.get(place)?.dispose();
  const { width } = place.getBoundingClientRect();
  const flat = chart.kind !== 'cells' && lies(chart, width);
  place.style.height = flat ? `${Math.max(160, 60 + chart.labels.length * (width < 600 ? 34 : 30))}px` : '';
  const made = window.echarts.init(place, null, { renderer: 'canvas' });
  const option = chart.kind === 'cells' ? cells(chart, place.getBoundingClientRect()) : flat ? lying(chart, width) : bars(chart);
  made.setOption({ animation: false, backgroundColor: 'transparent', color: PALETTE[isDark() ? 'dark' : 'light'], textStyle: { fontFamily: getComputedStyle(document.body).fontFamily }, ...option });
  drawn.set(place, made);
}

function walk(place, event) {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const chart = JSON.parse(place.dataset.chart);
  const count = (chart.cells || chart.labels).length;
  const at = (Number(place.dataset.at ?? (step > 0 ? -1 : 0)) + step + count) % count;
  place.dataset.at = at;
  drawn.get(place).dispatchAction({ type: 'showTip', seriesIndex: 0, dataIndex: at });
}

function drawAll() {
  for (const [place, made] of drawn) {
    if (!place.isConnected) { made.dispose(); drawn.delete(place); }
  }
  for (const place of document.querySelectorAll('[data-chart]')) {
    if (!drawn.has(place)) {
      place.addEventListener('keydown', (event) => walk(place, event));
      place.addEventListener('blur', () => drawn.get(place)?.dispatchAction({ type: 'hideTip' }));
    }
    draw(place);
  }
  document.documentElement.dataset.charts = 'drawn';
}

let waiting = 0;
window.addEventListener('resize', () => { clearTimeout(waiting); waiting = setTimeout(drawAll, 150); });
document.body.addEventListener('htmx:afterSettle', drawAll);
onTheme(drawAll);
drawAll();
