const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'medium' });
const day = new Intl.DateTimeFormat(undefined, { weekday: 'long', day: 'numeric', month: 'long' });
const dayWithYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'long', year: 'numeric' });
const relativeDay = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });

export const timeOfDay = (ms) => time.format(ms);
export const dateAndTime = (ms) => full.format(ms);

/** A day's name, as near days are called: today, yesterday, Monday 3 May. */
export function dayName(ms, now = Date.now()) {
  const ago = daysBetween(ms, now);
  if (ago < 2) return capitalized(relativeDay.format(-ago, 'day'));
  return new Date(ms).getFullYear() === new Date(now).getFullYear() ? day.format(ms) : dayWithYear.format(ms);
}

/** When something was, as short as a list needs: the time today, the day before that. */
export function shortWhen(ms, now = Date.now()) {
  return daysBetween(ms, now) === 0 ? timeOfDay(ms) : dayName(ms, now);
}

function daysBetween(ms, now) {
  const midnight = (at) => new Date(at).setHours(0, 0, 0, 0);
  // Rounded, since days on which the clocks change are not 24 hours long.
  return Math.round((midnight(now) - midnight(ms)) / 86_400_000);
}

const capitalized = (words) => words.charAt(0).toLocaleUpperCase() + words.slice(1);
