import type { ErrorLine } from './service-process.ts'

const MOST_COMPLAINTS = 10

/** What processes logged as errors, most often first, each once. */
export function complaintsOf(errors: ErrorLine[]): string[] {
  const counts = new Map<string, number>()
  for (const { service, text } of errors) {
    const what = `${service}: ${messageOf(text)}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
  }
  const most = [...counts].sort(([, a], [, b]) => b - a).slice(0, MOST_COMPLAINTS)
  return most.map(([what, count]) => `${count} × ${what}`)
}

/** Of a line of the log, what does not differ from one upload to the next. */
function messageOf(text: string): string {
  try {
    const { msg, err } = JSON.parse(text) as { msg: string; err?: { message: string } }
    return err && err.message !== msg ? `${msg}: ${err.message}` : msg
  } catch {
    return text
  }
}
