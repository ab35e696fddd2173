import { createHash } from 'node:crypto'
import { type Document, isAlias, isMap, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml'
import { type Path, parsePolicy } from '../domain/parse-policy.ts'
import { canonicalPolicy, type LoadedPolicy, type Problem } from '../domain/policy.ts'

export type ReadPolicy = { policy?: LoadedPolicy | undefined; problems: Problem[]; locate: (path: Path) => Position }
type Position = { line: number; column: number }

/** Reads one policy from YAML `text`. Every problem is reported, with the place of what it is about; `file` only names it. */
export function readPolicyText(file: string, text: string): ReadPolicy {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, prettyErrors: false })
  const locate = (path: Path) => positionOf(document, lines, path)
  const problem = (at: Position, message: string): Problem => ({ severity: 'error', file, ...at, message })
  if (document.errors.length > 0)
    return {
      problems: document.errors.map(({ pos, message }) => problem(position(lines, pos[0]), message)),
      locate,
    }
  const parsed = parsePolicy(toPlain(document))
  if (!parsed.ok) return { problems: parsed.problems.map(({ path, message }) => problem(locate(path), message)), locate }
  return { policy: { ...parsed.policy, file, version: versionOf(parsed.policy) }, problems: [], locate }
}

function versionOf(policy: Parameters<typeof canonicalPolicy>[0]): string {
  return createHash('sha256').update(canonicalPolicy(policy)).digest('hex')
}

function toPlain(document: Document): unknown {
  return document.toJS({ maxAliasCount: 100 })
}

/** Where the value at `path` begins; for a key that should not be there, the key; for a value that is missing, what should hold it. */
function positionOf(document: Document, lines: LineCounter, path: Path): Position {
  let node: unknown = document.contents
  let offset = offsetOf(node) ?? 0
  for (const step of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = (node.items as Pair<Node, Node | null>[]).find(({ key }) => String(key) === String(step))
      if (!pair) break
      offset = offsetOf(pair.value) ?? offsetOf(pair.key) ?? offset
      node = pair.value
      if (isMap(node)) offset = offsetOf(pair.key) ?? offset
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
