import { createHash } from 'node:crypto'
import { type Document, isAlias, isMap, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { type Path, parsePolicy } from '../domain/parse-policy.ts'
import { canonicalPolicy, type LoadedPolicy, type Problem } from '../domain/policy.ts'

/** `locate` finds the value at a path of the document, or with `key` its key. */
export type ReadPolicy = {
  policy?: LoadedPolicy | undefined
  problems: Problem[]
  /** What the file holds, whether it is a policy or not; undefined when it cannot be read at all. */
  document?: unknown
  locate: (path: Path, key?: boolean) => Position
}
/** Both 1-based. */
export type Position = { line: number; column: number }

/** Reads one policy from YAML `text`. Every problem is reported, with the place of what it is about; `file` only names it. */
export function readPolicyText(file: string, text: string): ReadPolicy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const locate = (path: Path, key = false) => positionOf(document, lines, path, key)
  const problem = (at: Position, message: string): Problem => ({ severity: 'error', file, ...at, message })
  if (document.errors.length > 0)
    return { problems: document.errors.map(({ pos, message }) => problem(position(lines, pos[0]), message)), locate }
  const plain = toPlain(document)
  if (!plain.ok) return { problems: [problem(position(lines, 0), plain.message)], locate }
  const parsed = parsePolicy(plain.value)
  const read = { document: plain.value, locate }
  if (!parsed.ok)
    return { ...read, problems: parsed.problems.map(({ path, key, message }) => problem(locate(path, key), message)) }
  return { ...read, policy: { ...parsed.policy, file, version: versionOf(parsed.policy) }, problems: [] }
}

function versionOf(policy: Parameters<typeof canonicalPolicy>[0]): string {
  return createHash('sha256').update(canonicalPolicy(policy)).digest('hex')
}

/** Aliases are bounded: a few lines of them can stand for gigabytes. */
function toPlain(document: Document): { ok: true; value: unknown } | { ok: false; message: string } {
  try {
    return { ok: true, value: document.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) }
  }
}

/** Where the value (or the key) at `path` begins; for one that is missing, what should hold it. A map in a map is found by its key. */
function positionOf(document: Document, lines: LineCounter, path: Path, key: boolean): Position {
  let node: unknown = document.contents
  let offset = offsetOf(node) ?? 0
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = (node.items as Pair<Node, Node | null>[]).find(({ key }) => String(key) === String(step))
      if (!pair) break
      node = pair.value
      const byKey = isMap(node) || (key && depth === path.length - 1)
      offset = (byKey ? undefined : offsetOf(node)) ?? offsetOf(pair.key) ?? offset
    } else if (isSeq(node)) {
      node = node.items[Number(step)]
      offset = offsetOf(node) ?? offset
    } else break
  }
  return position(lines, offset)
}

function offsetOf(node: unknown): number | undefined {
  return (node as Node | null | undefined)?.range?.[0]
}

function position(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(1, line), column: Math.max(1, col) }
}
