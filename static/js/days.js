// Days as YYYY-MM-DD; they begin and end by the clock of the office, wherever the browser is.

const DAY_MS = 86_400_000;

/** Whether the text is a day of the calendar. */
export function isDay(text) {
  if (!/^\d{4}-\d\d-\d\d$/.test(text || '')) return false;
  const moment = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(text);
}

/** The day so many days later. */
export function shift(day, days) {
  return new Date(Date.parse(`${day}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** How far the zone's clock is ahead of UTC at a moment, in ms. */
function offset(moment, zone) {
  const parts = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' })
    .formatToParts(moment).reduce((all, { type, value }) => ({ ...all, [type]: Number(value) }), {});
  return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.floor(moment / 1000) * 1000;
}

/** The moment when the zone's clock shows this, RFC 3339 in UTC. */
function moment(wall, zone) {
  return new Date(wall - offset(wall - offset(wall, zone), zone)).toISOString().replace('.000', '');
}

/** The first moment of a day. */
export function startOf(day, zone) {
  return moment(Date.parse(`${day}T00:00:00Z`), zone);
}

/** The last moment of a day. */
export function endOf(day, zone) {
  return moment(Date.parse(`${day}T23:59:59Z`), zone);
}

/** The day that an instant falls on. */
export function dayOf(instant, zone) {
  return new Date(Date.parse(instant) + offset(Date.parse(instant), zone)).toISOString().slice(0, 10);
}
