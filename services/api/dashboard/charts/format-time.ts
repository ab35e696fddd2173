const TIME: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }
const DAY: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short' }
const DAY_SECONDS = 86_400

/** A label of a time axis, by the reader's own clock: `14:30`, or `24 Nov` where a day begins. */
export function tickText(at: Date, unit: 'time' | 'day', locale = 'en-GB'): string {
  return new Intl.DateTimeFormat(locale, unit === 'day' ? DAY : TIME).format(at)
}

/** The span of time that a bar stands for: `24 Nov, 14:30 – 15:00`. */
export function spanText(from: Date, seconds: number, locale = 'en-GB'): string {
  const format = new Intl.DateTimeFormat(locale, seconds >= DAY_SECONDS ? DAY : { ...DAY, ...TIME })
  return format.formatRange(from, new Date(from.getTime() + seconds * 1000 - (seconds >= DAY_SECONDS ? 1 : 0)))
}
