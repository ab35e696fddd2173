/** A policy's body as text with a line for each thing that can change: what it says in its file, more or less, so that two of them can be compared. */
export function policyText(body: unknown): string[] {
  return linesOf(body, '')
}

function linesOf(value: unknown, indent: string): string[] {
  if (Array.isArray(value)) {
    if (value.every(isPair)) return linesOf(Object.fromEntries(value), indent)
    return value.flatMap((item) => itemLines(item, indent))
  }
  if (isRecord(value)) return Object.entries(value).flatMap(([key, inner]) => fieldLines(key, inner, indent))
  return [indent + scalar(value)]
}

function fieldLines(key: string, value: unknown, indent: string): string[] {
  if (value === undefined || value === null) return []
  if (typeof value !== 'object') return [`${indent}${key}: ${scalar(value)}`]
  return [`${indent}${key}:`, ...linesOf(value, `${indent}  `)]
}

function itemLines(item: unknown, indent: string): string[] {
  const [first = '', ...rest] = linesOf(item, `${indent}  `)
  return [`${indent}- ${first.trimStart()}`, ...rest]
}

function scalar(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isPair(item: unknown): item is [string, object] {
  return Array.isArray(item) && item.length === 2 && typeof item[0] === 'string' && isRecord(item[1])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
