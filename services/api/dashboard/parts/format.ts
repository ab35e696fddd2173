const UNITS: [Intl.RelativeTimeFormatUnit, number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1000],
]

/** `3 min. ago`, `in 2 days`, `now`; both in milliseconds since the epoch. */
export function relativeTime(atMs: number, nowMs: number, locale = 'en'): string {
  const distance = atMs - nowMs
  const [unit, size] = UNITS.find(([, milliseconds]) => Math.abs(distance) >= milliseconds) ?? ['second', 1000]
  return new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'short' }).format(Math.trunc(distance / size), unit)
}

/** `1:05` or `1:02:07`. */
export function clockText(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / 1000))
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const [hours = 0, ...rest] = parts
  const text = rest.map((part) => String(part).padStart(2, '0')).join(':')
  return hours > 0 ? `${hours}:${text}` : text.replace(/^0/, '')
}

/** `812 B`, `41 kB`, `2.4 MB`. */
export function byteText(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}

/** `12,345`, grouped as in English. */
export function countText(count: number): string {
  return count.toLocaleString('en')
}
